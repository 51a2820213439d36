"""Plan: which series-days are wanted, and the batches that ask for them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import cast

import polars as pl

from expectations.contract import polars_schema
from expectations.errors import BadRequest
from expectations.interval import ONE_DAY, Interval
from flows.source import Ask, Feed, Gathered, Source, bound_by
from warehouse.build.database import SERIES
from warehouse.store.ledger import DAY_KEY, EXPECTED, SEEN_ONCE, SETTLED, Books

# Small asks are judged and published together as far as this; a batch of one ask may be longer.
DAYS_PER_BATCH = 92


class Mode(StrEnum):
    """What a backfill does with days that are already there."""

    missing = "missing"
    refetch = "refetch"
    replay = "replay"


@dataclass(frozen=True, eq=False)
class Batch:
    """What is judged and published together: one dataset of one source over a span of days.

    Attributes:
        source: Whom to ask.
        feed: For what.
        asks: One or more for each series.
        wanted: series, date, expected, due_at, perishes_at of every wanted day, and what the ledger has: state, reason,
            observed_at.
        archived: What is read instead of asking, where the run reads again what the archive has.
    """

    source: Source
    feed: Feed
    asks: tuple[Ask, ...]
    wanted: pl.DataFrame
    archived: tuple[Gathered, ...] = ()

    @property
    def name(self) -> str:
        """How the batch is called in messages."""
        days = date_of(self.wanted)
        return f"{self.feed.dataset.name} from {self.source.name}, {min(days)} to {max(days)}"

    @property
    def requests_by_host(self) -> Mapping[str, int]:
        """How many requests it takes, by the host that is asked."""
        hosts: Counter[str] = Counter()
        for ask in self.asks:
            hosts.update(self.feed.requests(ask))
        return hosts

    @property
    def requests_by_limit(self) -> Mapping[str, int]:
        """How many requests it takes of each limit that binds them: a host's, or an endpoint's."""
        first = self.feed.endpoint(self.asks[0])
        bound: Counter[str] = Counter()
        for host, requests in self.requests_by_host.items():
            place = first if first.startswith(f"{host}/") else host
            for limit in bound_by(self.source.limits, place):
                bound[limit] += requests
        return bound

    @property
    def requests(self) -> int:
        """How many requests it takes."""
        return sum(self.requests_by_host.values())

    @property
    def perishes_at(self) -> datetime | None:
        """When the first of its days that are not there can no longer be had."""
        lacking = self.wanted.filter(~is_settled())["perishes_at"]
        return cast("datetime | None", lacking.min())


def feeds(sources: Iterable[Source]) -> Iterator[tuple[Source, Feed]]:
    """Every feed of some sources."""
    return ((source, feed) for source in sources for feed in source.feeds)


def expected_days(sources: Iterable[Source], days: Interval) -> pl.DataFrame:
    """Every series-day of an interval: dataset, source, series, date, expected, due_at, perishes_at."""
    frames = [
        series.release.days(days)
        .filter(pl.col("date") >= valid.start, pl.col("date") < valid.end)
        .select(
            pl.lit(feed.dataset.name).alias("dataset"),
            pl.lit(source.name).alias("source"),
            pl.lit(series.name).alias("series"),
            "date",
            "expected",
            "due_at",
            perishes_at=_perishes_at(feed),
        )
        for source, feed in feeds(sources)
        for series in feed.series
        if (valid := series.valid(days)) is not None
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=EXPECTED)


def validity(sources: Iterable[Source]) -> pl.DataFrame:
    """The dated validity of every series: dataset, source, series, valid_from, valid_to (unknown while it lasts)."""
    rows = [
        (feed.dataset.name, source.name, series.name, series.since, series.until)
        for source, feed in feeds(sources)
        for series in feed.series
    ]
    return pl.DataFrame(rows, schema=polars_schema(SERIES), orient="row")


def _perishes_at(feed: Feed) -> pl.Expr:
    instant = EXPECTED["perishes_at"]
    if feed.lasts is None:
        return pl.lit(None, instant)
    return pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + ONE_DAY + feed.lasts


def is_settled() -> pl.Expr:
    """Whether a day of a plan is loaded or verified empty."""
    return pl.col("state").is_in(SETTLED).fill_null(value=False)


def due_days(sources: Iterable[Source], days: Interval, books: Books, now: datetime) -> pl.DataFrame:
    """The series-days of an interval that are out, with what the ledger says of them.

    `to_be_had` is false of a day that the provider no longer keeps: to ask for it again would only show it missing.
    """
    recorded = books.days.select(*DAY_KEY, "state", "reason", "observed_at")
    due = expected_days(sources, days).filter(pl.col("due_at") <= now).join(recorded, on=DAY_KEY, how="left")
    return due.with_columns(to_be_had=(pl.col("perishes_at") > now).fill_null(value=True))


def backfill_days(due: pl.DataFrame, mode: Mode) -> pl.DataFrame:
    """What a backfill wants: what can be had, or what the ledger lacks of it, or all days that may be archived.

    A day of which one answer had only some of the hours is lacking, until a second answer has no more of them.
    """
    if mode is Mode.replay:
        return due
    wanted = due.filter("to_be_had")
    seen_once = pl.col("reason").str.starts_with(SEEN_ONCE).fill_null(value=False)
    return wanted.filter(~is_settled() | seen_once) if mode is Mode.missing else wanted


def daily_days(due: pl.DataFrame, sources: Iterable[Source]) -> pl.DataFrame:
    """What the daily job wants: what is not settled, and what may have been restated since it was last observed.

    A day inside its feed's restating window is asked for again whenever a newer day of its series has fallen due since.
    Of a whole history so is every day, whatever its age: one answer holds them all, and is compared over all of them
    whenever it is asked for.
    """
    lacking = backfill_days(due, Mode.missing)
    one_series = ["dataset", "source", "series"]
    windows = pl.DataFrame(
        [
            (feed.dataset.name, source.name, series.name, feed.window(series), feed.whole_history)
            for source, feed in feeds(sources)
            for series in feed.series
        ],
        schema={**dict.fromkeys(one_series, pl.String), "window": pl.Duration("us"), "whole": pl.Boolean},
        orient="row",
    )
    newest = (
        due.filter(pl.col("expected"))
        .group_by(one_series)
        .agg(newest_date=pl.col("date").max(), newest_due_at=pl.col("due_at").max())
    )
    asked = lacking.select(one_series).unique().with_columns(asked=pl.lit(value=True))
    has_grown = pl.col("observed_at") < pl.col("newest_due_at")
    in_window = pl.col("date") > pl.col("newest_date") - pl.col("window")
    again = (
        due.filter(is_settled(), "to_be_had")
        .join(windows, on=one_series)
        .join(newest, on=one_series)
        .join(asked, on=one_series, how="left")
        .filter((has_grown & in_window) | (pl.col("whole") & pl.col("asked").is_not_null()))
        .select(due.columns)
    )
    return pl.concat([lacking, again]).unique(DAY_KEY, maintain_order=True)


def choose(
    sources: Mapping[str, Source],
    *,
    names: Iterable[str] = (),
    datasets: Iterable[str] = (),
    series: Iterable[str] = (),
) -> list[Source]:
    """The sources, with only the feeds and series that were named; nothing named means all.

    Raises:
        BadRequest: A name that nobody knows; the message lists those that exist.
    """
    wanted = {"source": set(names), "dataset": set(datasets), "series": set(series)}
    every = list(feeds(sources.values()))
    known = {
        "source": set(sources),
        "dataset": {feed.dataset.name for _, feed in every},
        "series": {one.name for _, feed in every for one in feed.series},
    }
    for what, asked in wanted.items():
        unknown = sorted(asked - known[what])
        if unknown:
            raise BadRequest(f"unknown {what} {unknown[0]!r}: there are {', '.join(sorted(known[what]))}")
    chosen = []
    for source in sources.values():
        if wanted["source"] and source.name not in wanted["source"]:
            continue
        kept = [
            _only(feed, wanted["series"])
            for feed in source.feeds
            if not wanted["dataset"] or feed.dataset.name in wanted["dataset"]
        ]
        kept = [feed for feed in kept if feed.series]
        if kept:
            chosen.append(replace(source, feeds=tuple(kept)))
    if not chosen:
        raise BadRequest("nothing is supplied by that combination of sources, datasets and series")
    return chosen


def _only(feed: Feed, names: set[str]) -> Feed:
    if not names:
        return feed
    return replace(feed, series=tuple(one for one in feed.series if one.name in names))


def batches(sources: Iterable[Source], wanted: pl.DataFrame, now: datetime) -> list[Batch]:
    """Wanted series-days as batches: what perishes first comes first, else each feed's spans in order of time."""
    made: list[Batch] = []
    grouped = wanted.partition_by("dataset", "source", as_dict=True)
    for source, feed in feeds(sources):
        days = grouped.get((feed.dataset.name, source.name))
        if days is None or days.is_empty():
            continue
        per_series = days.sort("date").partition_by("series", as_dict=True)
        first = min(date_of(days))
        width = max(DAYS_PER_BATCH // feed.days_per_ask, 1) * feed.days_per_ask
        spans: dict[int, list[Ask]] = {}
        for series in feed.series:
            mine = per_series.get((series.name,))
            if mine is None:
                continue
            for interval in _stretches(date_of(mine), feed, now):
                span = (interval.start - first).days // width
                spans.setdefault(span, []).append(Ask(series, interval, now))
        for span in sorted(spans):
            asks = tuple(spans[span])
            bounds = pl.DataFrame(
                [(ask.series.name, ask.days.start, ask.days.end) for ask in asks],
                schema={"series": pl.String, "start": pl.Date, "end": pl.Date},
                orient="row",
            )
            covered = days.join(bounds, on="series").filter(
                pl.col("date") >= pl.col("start"), pl.col("date") < pl.col("end")
            )
            made.append(Batch(source, feed, asks, covered.select(days.columns)))
    for_ever = datetime.max.replace(tzinfo=UTC)
    return sorted(made, key=lambda batch: batch.perishes_at or for_ever)


def date_of(frame: pl.DataFrame) -> list[date]:
    """The days of a frame."""
    return frame["date"].to_list()


def _stretches(days: Sequence[date], feed: Feed, now: datetime) -> Iterator[Interval]:
    """The fewest intervals from wanted day to wanted day that hold all of them and are no longer than allowed."""
    seam = date.min if feed.seam is None else feed.seam(now)
    start = last = days[0]
    for day in days[1:]:
        too_long = (day - start).days >= feed.days_per_ask
        too_far = day - last > feed.apart and not feed.whole_history
        if too_long or too_far or start < seam <= day:
            yield Interval.of_days(start, last)
            start = day
        last = day
    yield Interval.of_days(start, last)
