"""Plan: choose the wanted series-days, and group them into batches."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import cast

import polars as pl

from expectations.contract import polars_schema
from expectations.errors import BadRequest
from expectations.interval import ONE_DAY, Interval
from flows.source import Ask, Feed, Gathered, Source, bound_by
from warehouse.build.database import SERIES
from warehouse.store.ledger import DAY_KEY, EXPECTED, SEEN_ONCE, SETTLED, Books

# Small asks are grouped into batches of at most this many days; a single ask may be longer.
DAYS_PER_BATCH = 92
# How long the newest batch of a feed may take under the rate limits, in seconds, before the batches of earlier days.
NEWEST_WITHIN = 30
NEWEST_DAYS = 2  # the fewest days of such a batch


class Mode(StrEnum):
    """What a backfill does with days that are already loaded."""

    missing = "missing"
    refetch = "refetch"
    replay = "replay"


@dataclass(frozen=True, eq=False)
class Batch:
    """The unit of judging and publishing: one dataset of one source over a span of days.

    Attributes:
        source: The source.
        feed: The feed.
        asks: One or more for each series.
        wanted: Every wanted day: series, date, expected, due_at, perishes_at, and from the ledger state, reason and
            observed_at.
        archived: In a replay, the archived answers to read instead of fetching.
    """

    source: Source
    feed: Feed
    asks: tuple[Ask, ...]
    wanted: pl.DataFrame
    archived: tuple[Gathered, ...] = ()

    @property
    def name(self) -> str:
        """The name of the batch in messages."""
        days = date_of(self.wanted)
        return f"{self.feed.dataset.name} from {self.source.name}, {min(days)} to {max(days)}"

    @property
    def requests_by_host(self) -> Mapping[str, int]:
        """The expected number of requests, by host."""
        hosts: Counter[str] = Counter()
        for ask in self.asks:
            hosts.update(self.feed.requests(ask))
        return hosts

    @property
    def requests_by_limit(self) -> Mapping[str, int]:
        """The expected number of requests, by the limit that applies: of a host or of an endpoint."""
        first = self.feed.endpoint(self.asks[0])
        bound: Counter[str] = Counter()
        for host, requests in self.requests_by_host.items():
            place = first if first.startswith(f"{host}/") else host
            for limit in bound_by(self.source.limits, place):
                bound[limit] += requests
        return bound

    @property
    def requests(self) -> int:
        """The expected number of requests."""
        return sum(self.requests_by_host.values())

    @property
    def seconds(self) -> float:
        """The least time that its requests take under the rate limits, after a burst."""
        bound = self.requests_by_limit.items()
        return max((requests / self.source.limits[limit].per_second for limit, requests in bound), default=0.0)

    @property
    def perishes_at(self) -> datetime | None:
        """When the first of its unsettled days can no longer be fetched."""
        unsettled = self.wanted.filter(~is_settled())["perishes_at"]
        return cast("datetime | None", unsettled.min())


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
    """The validity of every series: dataset, source, series, valid_from, valid_to (null while it continues)."""
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
    """The due series-days of an interval, with their records in the ledger.

    `to_be_had` is false for a day that the provider no longer keeps: fetching it again would only find it missing.
    """
    recorded = books.days.select(*DAY_KEY, "state", "reason", "observed_at")
    due = expected_days(sources, days).filter(pl.col("due_at") <= now).join(recorded, on=DAY_KEY, how="left")
    return due.with_columns(to_be_had=(pl.col("perishes_at") > now).fill_null(value=True))


def backfill_days(due: pl.DataFrame, mode: Mode) -> pl.DataFrame:
    """The days that a backfill wants.

    `missing` wants the unsettled days that can be fetched, `refetch` all that can be fetched, `replay` all days. A day
    with missing hours in one answer counts as unsettled until a second answer confirms the gap.
    """
    if mode is Mode.replay:
        return due
    wanted = due.filter("to_be_had")
    seen_once = pl.col("reason").str.starts_with(SEEN_ONCE).fill_null(value=False)
    return wanted.filter(~is_settled() | seen_once) if mode is Mode.missing else wanted


def daily_days(due: pl.DataFrame, sources: Iterable[Source]) -> pl.DataFrame:
    """The days that the daily job wants: unsettled days, and days that may have been restated since the last fetch.

    A day inside the restatement window of its feed is fetched again once a newer day of its series has fallen due. With
    a whole history, every fetch compares all days at any age, because one answer contains them all.
    """
    unsettled = backfill_days(due, Mode.missing)
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
    asked = unsettled.select(one_series).unique().with_columns(asked=pl.lit(value=True))
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
    return pl.concat([unsettled, again]).unique(DAY_KEY, maintain_order=True)


def choose(
    sources: Mapping[str, Source],
    *,
    names: Iterable[str] = (),
    datasets: Iterable[str] = (),
    series: Iterable[str] = (),
) -> list[Source]:
    """The sources, with only the named feeds and series; no name means all.

    Raises:
        BadRequest: A name is unknown; the message lists the known ones.
    """
    wanted = {"source": set(names), "dataset": set(datasets), "series": set(series)}
    every = list(feeds(sources.values()))
    known = {
        "source": set(sources),
        "dataset": {feed.dataset.name for _, feed in every},
        "series": {member.name for _, feed in every for member in feed.series},
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
    return replace(feed, series=tuple(series for series in feed.series if series.name in names))


def batches(sources: Iterable[Source], wanted: pl.DataFrame, now: datetime) -> list[Batch]:
    """Group wanted series-days into batches, in the order in which a source runs them.

    First comes what perishes first, then the newest days, then the earlier ones. Only feeds whose checks compare a row
    with the published rows before it stay in order of time, because nobody would compare the newest days later; they
    come before those that have their newest days already.
    """
    made: list[tuple[datetime, int, Batch]] = []
    for_ever = datetime.max.replace(tzinfo=UTC)
    grouped = wanted.partition_by("dataset", "source", as_dict=True)
    for source, feed in feeds(sources):
        days = grouped.get((feed.dataset.name, source.name))
        if days is None or days.is_empty():
            continue
        newest = days["date"].max()
        for place, batch in enumerate(_in_turn(source, feed, days, now)):
            first = place == 0 and batch.wanted["date"].max() == newest
            turn = 0 if first else 1 if feed.dataset.looks_back else 2
            made.append((batch.perishes_at or for_ever, turn, batch))
    return [batch for *_, batch in sorted(made, key=itemgetter(0, 1))]


def _in_turn(source: Source, feed: Feed, days: pl.DataFrame, now: datetime) -> list[Batch]:
    """The batches of a feed: in order of time, or, if no check looks back, the newest first."""
    made = _batches_of(source, feed, days, now)
    if feed.dataset.looks_back:
        return made
    last = made[-1]
    if last.seconds > NEWEST_WITHIN:
        dates = date_of(last.wanted)
        end, span = max(dates), (max(dates) - min(dates)).days + 1
        seam = end - timedelta(days=max(int(span * NEWEST_WITHIN / last.seconds), NEWEST_DAYS) - 1)
        parts = [last.wanted.filter(part) for part in (pl.col("date") < seam, pl.col("date") >= seam)]
        parted = [batch for part in parts if part.height for batch in _batches_of(source, feed, part, now)]
        if parted[-1].requests < last.requests:  # else fewer days take as long
            made[-1:] = parted
    return made[::-1]


def _batches_of(source: Source, feed: Feed, days: pl.DataFrame, now: datetime) -> list[Batch]:
    """The batches of a feed in order of time, each as long as it may be."""
    made = []
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
    return made


def date_of(frame: pl.DataFrame) -> list[date]:
    """The days of a frame."""
    return frame["date"].to_list()


def _stretches(days: Sequence[date], feed: Feed, now: datetime) -> Iterator[Interval]:
    """The fewest intervals that cover all wanted days, begin and end on one, and respect the limits of the feed."""
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
