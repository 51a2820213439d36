"""How a page of candles reads, for the loaders that know nothing of tidemark."""

from pathlib import Path

FIELDS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "trades",
    "taker_base",
    "taker_quote",
    "unused",
)
NUMBERS = ("open", "high", "low", "close", "volume", "quote_volume")


def asset_of(path: Path) -> str:
    """Whose candles a file holds; they do not say it themselves."""
    return path.stem.partition("-")[2]
