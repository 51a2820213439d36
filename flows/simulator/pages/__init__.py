"""The providers, one per file; the folder is the list. Each module offers `PAGES`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from flows.simulator.page import Page


@cache
def pages_by_host() -> Mapping[str, Page]:
    """Every page of this folder, by the names of its hosts."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    pages: list[Page] = [page for module in modules for page in module.PAGES]
    return {host: page for page in pages for host in page.hosts}
