"""Jobs: what a run has to do, defined before a home is opened for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from expectations.errors import BadRequest
from expectations.interval import ONE_DAY, Interval
from flows.settings import Settings
from flows.source import Source
from flows.sources import sources
from flows.steps.plan import Batch, Mode, backfill_days, batches, choose, daily_days, due_days, is_settled
from warehouse.store.home import Home
from warehouse.store.ledger import Books

START_DAYS_BACK = 400


@dataclass(frozen=True)
class Job:
    """What a run has to do.

    Attributes:
        kind: The kind of the run in `ops.runs`.
        chosen: The sources that may be asked, with only the chosen feeds and series.
        choose_days: Plans the batches from a home and its ledger.
        mode: What to do with days that are already loaded.
    """

    kind: str
    chosen: Sequence[Source]
    choose_days: Callable[[Home, Books], list[Batch]]
    mode: Mode = Mode.missing


def enabled(settings: Settings) -> dict[str, Source]:
    """The sources that the settings enable and that can be asked.

    Raises:
        BadRequest: A source name is unknown.
    """
    left_out = skipped(settings)
    return {name: source for name, source in _named(settings).items() if name not in left_out}


def skipped(settings: Settings) -> dict[str, str]:
    """The chosen sources that cannot be asked, with the reason: never an error, always reported."""
    reasons = {name: _hindrance(source, settings) for name, source in _named(settings).items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _named(settings: Settings) -> dict[str, Source]:
    every = sources()
    if settings.sources is None:
        return every
    unknown = sorted(set(settings.sources) - set(every))
    if unknown:
        raise BadRequest(f"TIDEMARK_SOURCES: unknown source {unknown[0]!r}: there are {', '.join(sorted(every))}")
    return {name: every[name] for name in every if name in settings.sources}


def _hindrance(source: Source, settings: Settings) -> str | None:
    if not source.verified_against:
        return f"unfinished: flows/sources/{source.name}.py does not state what it was verified against"
    asked_for = settings.unofficial or source.name in (settings.sources or ())
    if source.unofficial and not asked_for:
        return "unofficial: set TIDEMARK_UNOFFICIAL=1, or name it in TIDEMARK_SOURCES"
    if source.key is None or not source.key.required:
        return None
    if source.key.name not in settings.provider_keys:
        return f"no key: set {source.key.setting}"
    return None if settings.may_send_keys else "keys are sent to the provider itself or to a gateway on this machine"


def home_start(settings: Settings) -> date:
    """The day on which the ledger of a new home begins."""
    return settings.start or settings.clock.now().date() - timedelta(days=START_DAYS_BACK)


def finished(first: date, last: date, settings: Settings, mode: Mode = Mode.missing) -> Interval:
    """The interval from the first to the last day, validated; a replay is cut off at yesterday.

    Raises:
        BadRequest: The end lies before the start, or the last day is not over.
    """
    if last < first:
        raise BadRequest(f"the end {last} lies before the start {first}")
    yesterday = settings.clock.yesterday()
    if mode is Mode.replay and first <= yesterday:
        last = min(last, yesterday)
    if last > yesterday:
        raise BadRequest(f"{last} is not over yet (UTC): the newest whole day is {yesterday}")
    return Interval.of_days(first, last)


def daily_job(
    settings: Settings,
    *,
    day: date | None = None,
    last: date | None = None,
    among: Sequence[Source] | None = None,
) -> Job:
    """The daily job: every due day that is not settled, and the days that may still be restated.

    Args:
        settings: The settings of the run.
        day: Of the days that are not settled, only this one.
        last: The newest day to fill, for a run that was scheduled for an earlier day; None for yesterday.
        among: The sources that may be asked; None for all enabled sources.

    Raises:
        BadRequest: The day is not over.
    """
    if day is not None:
        finished(day, day, settings)
    chosen = list(enabled(settings).values()) if among is None else among

    def choose_days(home: Home, books: Books) -> list[Batch]:
        now = settings.clock.now()
        newest = min(day or last or date.max, settings.clock.yesterday())
        start = min(home.start, newest, books.first_day or newest)
        due = due_days(chosen, Interval(start, newest + ONE_DAY), books, now)
        # Days before the start of the ledger count only if a backfill asked for them.
        due = due.filter((pl.col("date") >= min(home.start, newest)) | pl.col("state").is_not_null())
        if day is not None:
            due = due.filter((pl.col("date") == day) | is_settled())
        return batches(chosen, daily_days(due, chosen), now)

    return Job("run", chosen, choose_days)


def backfill_job(
    settings: Settings,
    first: date,
    last: date,
    *,
    names: Iterable[str] = (),
    datasets: Iterable[str] = (),
    series: Iterable[str] = (),
    mode: Mode = Mode.missing,
) -> Job:
    """A backfill: the due days of an interval, all of them or only those that are not settled.

    Raises:
        BadRequest: A name is unknown, the end lies before the start, or the last day is not over.
    """
    names = tuple(names)
    left_out = skipped(settings)
    for name in names:
        if name in left_out:
            raise BadRequest(f"source {name} is skipped: {left_out[name]}")
    days = finished(first, last, settings, mode)
    return fill_job(settings, choose(enabled(settings), names=names, datasets=datasets, series=series), days, mode)


def fill_job(settings: Settings, chosen: Sequence[Source], days: Interval, mode: Mode) -> Job:
    """A job for the due days of an interval from some sources."""

    def choose_days(_: Home, books: Books) -> list[Batch]:
        now = settings.clock.now()
        return batches(chosen, backfill_days(due_days(chosen, days, books, now), mode), now)

    return Job("backfill" if mode is Mode.missing else mode.value, chosen, choose_days, mode)
