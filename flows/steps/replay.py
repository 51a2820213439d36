"""Replay: read again what the archive has, instead of asking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

import polars as pl

from expectations.errors import FAULTS, StorageDamaged
from expectations.interval import ONE_DAY, Interval
from flows.http import OK, error_in
from flows.settings import Settings
from flows.source import Answer, Ask, Gathered, Request, Source
from flows.steps.collect import Identity
from flows.steps.normalize import readable
from flows.steps.plan import Batch
from warehouse.store.archive import Archive, Snapshot
from warehouse.store.ledger import SETTLED, Books, Collection

if TYPE_CHECKING:
    from transforms.payload import Form


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


def read_again(found: Iterable[tuple[Batch, Resting]], archive: Archive, now: datetime) -> Iterator[Batch]:
    """The batches with the archived answers that are read instead of asking; a damaged one fails what rests on it."""
    for batch, resting in found:
        by_series = {ask.series.name: ask.series for ask in batch.asks}
        gathered: list[Gathered] = []
        for one, days in resting.items():
            answers, error = _answers_of(archive, one)
            asks = (Ask(by_series[one.series], span, now) for span in _runs(days))
            gathered += [Gathered(ask, answers, error) for ask in asks]
        yield replace(batch, archived=tuple(gathered))


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


def archived_answer(place: str, snapshot: Snapshot) -> Answer:
    """An archived answer, as if it had just come back."""
    request = Request(
        snapshot.url,
        method="POST" if snapshot.method == "POST" else "GET",
        body=snapshot.request_body,
        form=cast("Form", snapshot.form),
        labels=snapshot.labels,
        transform=snapshot.transform,
    )
    return Answer(request, snapshot.status, snapshot.body, snapshot.observed_at, place)


def left_behind(
    archive: Archive, books: Books, sources: Iterable[Source], settings: Settings
) -> Iterator[tuple[Identity, Answer]]:
    """The usable answers that interrupted runs archived and never came to read, each with what was asked."""
    asked = {source.name: source for source in sources}
    for run_id in books.interrupted_runs:
        for place, snapshot in archive.scan(run_id):
            source = asked.get(snapshot.source)
            if source is None or place in books.used_snapshots or snapshot.status not in OK:
                continue
            answer = archived_answer(place, snapshot)
            if usable(answer, source, snapshot.dataset, settings):
                yield snapshot.identity, answer


def usable(answer: Answer, source: Source, dataset: str, settings: Settings) -> bool:
    """Whether an archived answer is one that can be read, and no error of the provider."""
    try:
        problem = error_in(answer, {}, source.refusal, settings.clock)
    except FAULTS:
        return False
    return problem is None and readable(answer, dataset, source.name)
