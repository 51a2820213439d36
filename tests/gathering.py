"""What a source's answers hold, for tests of one provider."""

from datetime import UTC, datetime

import polars as pl

from expectations.contract import datasets
from expectations.interval import milliseconds
from flows.source import Gathered
from flows.steps.normalize import Normalized, normalize, normalize_by_day


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """An hour (UTC) in milliseconds since 1970."""
    return milliseconds(datetime(year, month, day, hour, tzinfo=UTC))


def rows_of(source: str, dataset: str, gathered: Gathered) -> pl.DataFrame:
    """The rows of the wanted days, each as often as the answers hold it."""
    assert gathered.error is None
    days = gathered.ask.days
    frames = [normalize(datasets()[dataset], source, Gathered(gathered.ask, (one,), None)) for one in gathered.answers]
    return pl.concat(frames).filter(pl.col("date") >= days.start, pl.col("date") < days.end)


def days_of(source: str, dataset: str, gathered: Gathered) -> Normalized:
    """The rows of the wanted days that can be read, each once, and the wanted days that cannot be read."""
    assert gathered.error is None
    rows, refused, _ = normalize_by_day(datasets()[dataset], source, gathered)
    wanted = gathered.ask.days
    mine = rows.filter(pl.col("date") >= wanted.start, pl.col("date") < wanted.end)
    return Normalized(mine, {day: reason for day, reason in refused.items() if day in wanted})


def broken_rules(dataset: str, rows: pl.DataFrame) -> set[str]:
    """The declared checks that the rows of one series break."""
    labelled = rows.with_columns(series=pl.lit("one"), source=pl.lit("one"))
    return {check.name for check in datasets()[dataset].checks if labelled.filter(check.failing()).height}
