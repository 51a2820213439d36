"""What the tests of every venue that pays funding share: the answers of the simulator to an ask, and their rows."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from expectations.contract import datasets
from expectations.interval import Interval
from flows.source import Gathered
from flows.sources import sources
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, ask_of, days_back, feed_of

FUNDING = datasets()["funding_rates"]
NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)


def paid(
    wire: Wire, source: str, count: int, *, asset: str = "BTC", last: date = LAST
) -> tuple[Gathered, pl.DataFrame]:
    """The answers to an ask for so many days, and the payments of those days, each as often as the answers have it."""
    ask = ask_of(source, "funding_rates", asset, days_back(count, last), last, now=wire.simulator.now)
    gathered = drive(feed_of(sources()[source], "funding_rates"), ask, wire.fetch)
    frames = [normalize(FUNDING, source, Gathered(ask, (answer,), None)) for answer in gathered.answers]
    rows = pl.concat(frames).filter(pl.col("date") >= ask.days.start, pl.col("date") < ask.days.end)
    return gathered, rows


def due(days: Interval, every: int, first: int = 0) -> list[datetime]:
    """The instants of the payments of some days: every so many hours, from this hour of the first day on."""
    start = days.starts_at + timedelta(hours=first)
    return [start + timedelta(hours=every * number) for number in range(len(days) * 24 // every)]


def blocking_rules(rows: pl.DataFrame) -> list[str]:
    """The declared blocking checks that some payments break."""
    warnings = {check.name for check in FUNDING.checks if check.severity == "warning"}
    return [rule for rule in broken_rules(rows) if rule not in warnings]


def broken_rules(rows: pl.DataFrame) -> list[str]:
    """The declared checks that some payments break."""
    named = rows.with_columns(series=pl.col("asset"), source=pl.col("venue"))
    return [check.name for check in FUNDING.checks if named.filter(check.failing()).height]
