"""A headless browser for tests of pages."""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

__all__ = ["LEFT_OPEN", "WITH_CHROMIUM", "Page", "browser", "expect", "opened"]

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
IN_CI = bool(os.environ.get("CI"))

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
# Playwright closes its event loop and sockets only with its driver.
LEFT_OPEN = pytest.mark.filterwarnings("ignore::ResourceWarning")
WITH_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None and not IN_CI, reason="no Chromium on this machine; CI installs one"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    assert CHROMIUM is not None, "CI must have installed Chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@contextmanager
def opened(page: Path, **looks: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page from disk in a browser; with it, every error that the page reports and every request that it sends."""
    told: list[str] = []
    with browser() as started:
        tab = started.new_page(**looks)
        tab.on("console", lambda message: told.append(message.text))
        tab.on("pageerror", lambda error: told.append(str(error)))
        tab.on("request", lambda asked: None if asked.url == page.as_uri() else told.append(asked.url))
        tab.goto(page.as_uri())
        yield tab, told
