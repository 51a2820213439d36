"""One provider per file; the folder is the list."""

import importlib
import pkgutil
from functools import cache

from flows.source import Source


@cache
def sources() -> dict[str, Source]:
    """Every provider by name."""
    return {
        module.name: importlib.import_module(f"{__name__}.{module.name}").SOURCE
        for module in pkgutil.iter_modules(__path__)
    }
