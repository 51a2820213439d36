"""What is only believed about each provider, and what settles it: one file per source; the folder is the list."""

import importlib
import pkgutil
from functools import cache

from flows.invariant import Invariant


@cache
def invariants() -> dict[str, tuple[Invariant, ...]]:
    """The invariants of every source that has some, by source name."""
    return {
        module.name: importlib.import_module(f"{__name__}.{module.name}").INVARIANTS
        for module in pkgutil.iter_modules(__path__)
    }
