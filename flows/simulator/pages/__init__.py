"""The providers, one per file; the folder is the list. Each module offers `PAGES`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from flows.simulator.wire import Page


@cache
def pages_by_host() -> Mapping[str, Page]:
    """Find every page in this folder, by the host names that it serves."""
    found: dict[str, Page] = {}
    for module in pkgutil.iter_modules(__path__):
        pages: tuple[Page, ...] = importlib.import_module(f"{__name__}.{module.name}").PAGES
        found.update((host, page) for page in pages for host in page.hosts)
    return found
