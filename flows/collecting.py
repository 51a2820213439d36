"""Collect: ask for what a batch wants, or read again what the archive has."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from expectations.errors import (
    FAULTS,
    HomeRefused,
    PayloadChanged,
    PipelineError,
    RunStopped,
    StorageDamaged,
    described,
)
from expectations.interval import ONE_DAY, Interval
from flows.planning import Batch
from flows.plans import Answer, Ask, Feed, Gathered, Lost, Plan, Request
from flows.run import Run, archived_answer
from warehouse.archive import Archive
from warehouse.ledger import SETTLED, Books, Collection


def collect(run: Run, batch: Batch) -> list[Gathered]:
    """Ask for everything in a batch; every answer is archived as it arrives."""

    def one(ask: Ask) -> Gathered:
        return drive(batch.feed, ask, lambda request: run.answer(batch, ask, request))

    with ThreadPoolExecutor(max_workers=batch.source.connections) as pool:
        return list(pool.map(one, batch.asks))


def drive(feed: Feed, ask: Ask, fetch: Callable[[Request], Answer]) -> Gathered:
    """Perform a plan: send what it yields, hand it each answer."""
    followed = follow(feed.plan(ask), fetch, ask.series.name)
    return Gathered(ask, followed.answers, followed.error, followed.lost)


class Followed(NamedTuple):
    """What came of a plan.

    Attributes:
        answers: What came back, in order, without what was lost.
        error: Why the plan did not come to its end.
        lost: The files and pages that could not be had.
    """

    answers: tuple[Answer, ...]
    error: PipelineError | None = None
    lost: tuple[Lost, ...] = ()


def follow(plan: Plan, fetch: Callable[[Request], Answer], what: str) -> Followed:
    """Send what a plan yields and hand it each answer; whatever goes wrong is named, and costs this plan only.

    Args:
        plan: Whose requests are sent.
        fetch: Sends one.
        what: What the plan is for, as its errors call it.

    Raises:
        RunStopped: A person ended the run.
        HomeRefused: Answers cannot be archived any more.
    """
    answers: list[Answer] = []
    try:
        request = next(plan)
        while True:
            try:
                answer = fetch(request)
            except PipelineError as problem:
                if request.days is None or isinstance(problem, HomeRefused):
                    raise
                request = plan.throw(problem)  # a piece that stands by itself: the plan may go on without it
            else:
                answers.append(answer)
                request = plan.send(answer)
    except StopIteration as end:
        lost: tuple[Lost, ...] = tuple(end.value or ())
        kept = tuple(answer for answer in answers if not any(each.costs(answer.request) for each in lost))
        return Followed(kept, None, lost)
    except (RunStopped, HomeRefused):
        raise
    except PipelineError as problem:
        return Followed(tuple(answers), problem)
    except FAULTS as fault:
        changed = PayloadChanged(f"expected the shape that the plan for {what} reads, found {described(fault)}")
        changed.__cause__ = fault
        return Followed(tuple(answers), changed)


Resting = Mapping[Collection, Sequence[date]]


def replayable(planned: Iterable[Batch], books: Books) -> list[tuple[Batch, Resting]]:
    """What can be read again of some batches, and the collected answers that speak for which days.

    The answers taken for a day are those that its published state rests on; for a day that is not settled, the
    newest complete ones.
    """
    found: list[tuple[Batch, Resting]] = []
    for batch in planned:
        resting = _resting_on(batch.wanted, books.collections(batch.feed.dataset.name, batch.source.name))
        covered = pl.DataFrame(
            [(one.series, day) for one, days in resting.items() for day in days],
            schema={"series": pl.String, "date": pl.Date},
            orient="row",
        )
        if covered.height:
            found.append(
                (replace(batch, wanted=batch.wanted.join(covered, on=["series", "date"], how="semi")), resting)
            )
    return found


def read_again(
    found: Iterable[tuple[Batch, Resting]], archive: Archive, now: datetime
) -> tuple[list[Batch], dict[int, list[Gathered]]]:
    """Read archived answers instead of asking; a damaged one fails only what rests on it.

    Returns:
        The batches, and by their identity the archived answers.
    """
    kept: list[Batch] = []
    replayed: dict[int, list[Gathered]] = {}
    for batch, resting in found:
        by_series = {ask.series.name: ask.series for ask in batch.asks}
        gathered: list[Gathered] = []
        for one, days in resting.items():
            answers, error = _answers_of(archive, one)
            asks = (Ask(by_series[one.series], span, now) for span in _runs(days))
            gathered += [Gathered(ask, answers, error) for ask in asks]
        kept.append(batch)
        replayed[id(batch)] = gathered
    return kept, replayed


def _resting_on(wanted: pl.DataFrame, collections: Sequence[Collection]) -> dict[Collection, list[date]]:
    """Which collected answers speak for which of the wanted days."""
    spans = pl.DataFrame(
        [
            (place, one.series, one.start, one.end, one.observed_at)
            for place, one in enumerate(collections)
            if one.complete
        ],
        schema={
            "place": pl.Int64(),
            "series": pl.String(),
            "start": pl.Date(),
            "end": pl.Date(),
            "taken_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )
    each = spans.with_columns(date=pl.date_ranges("start", "end", closed="left")).explode("date")
    unsettled = ~pl.col("state").is_in(SETTLED).fill_null(value=False)
    # What was answered before a day was due does not speak for it, whatever the clock said then.
    speaks = (unsettled & (pl.col("taken_at") >= pl.col("due_at"))) | pl.col("taken_at").eq_missing(
        pl.col("observed_at")
    )
    chosen = (
        wanted.select("series", "date", "state", "observed_at", "due_at")
        .join(each, on=["series", "date"])
        .filter(speaks)
        .group_by("series", "date")
        .agg(pl.col("place").max())
        .sort("series", "date")
    )
    days = chosen.group_by("place", maintain_order=True).agg("date")
    return {collections[place]: dates for place, dates in days.iter_rows()}


def _answers_of(archive: Archive, collection: Collection) -> tuple[tuple[Answer, ...], StorageDamaged | None]:
    try:
        answers = [archived_answer(place, archive.read(place)) for place in collection.snapshots]
        # The ledger knows of a clock that ran ahead, the archive keeps what it said.
        return tuple(
            replace(answer, observed_at=min(answer.observed_at, collection.observed_at or answer.observed_at))
            for answer in answers
        ), None
    except StorageDamaged as damaged:
        return (), damaged


def _runs(days: Sequence[date]) -> Iterator[Interval]:
    start = last = days[0]
    for day in days[1:]:
        if day != last + ONE_DAY:
            yield Interval(start, last + ONE_DAY)
            start = day
        last = day
    yield Interval(start, last + ONE_DAY)
