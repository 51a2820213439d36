"""Which source a mart prefers, as declared in `preferences.toml`."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def preferences() -> dict[str, tuple[str, ...]]:
    """Dataset name to its sources in order of preference."""
    text = (files("expectations") / "preferences.toml").read_text(encoding="utf-8")
    return {dataset: tuple(entry["order"]) for dataset, entry in tomllib.loads(text).items()}
