"""Replay: read archived answers again instead of fetching."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

import polars as pl

from expectations.errors import FAULTS, StorageDamaged
from expectations.interval import each_day, intervals
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
    """The replayable part of some batches, each with its archived collections and the days that they cover.

    A settled day uses the answers behind its published state; an unsettled day uses the newest complete answers.
    """
    covered_batches: list[tuple[Batch, Resting]] = []
    for batch in planned:
        resting = _resting_on(batch.wanted, books.collections(batch.feed.dataset.name, batch.source.name))
        covered = pl.DataFrame(
            [(collection.series, day) for collection, days in resting.items() for day in days],
            schema={"series": pl.String, "date": pl.Date},
            orient="row",
        )
        if covered.height:
            covered_batches.append(
                (replace(batch, wanted=batch.wanted.join(covered, on=["series", "date"], how="semi")), resting)
            )
    return covered_batches


def read_again(found: Iterable[tuple[Batch, Resting]], archive: Archive, now: datetime) -> Iterator[Batch]:
    """The batches with their archived answers; a damaged answer fails the days that depend on it."""
    for batch, resting in found:
        by_series = {ask.series.name: ask.series for ask in batch.asks}
        gathered: list[Gathered] = []
        for collection, days in resting.items():
            answers, error = _answers_of(archive, collection)
            asks = (Ask(by_series[collection.series], span, now) for span in intervals(days))
            gathered += [Gathered(ask, answers, error) for ask in asks]
        yield replace(batch, archived=tuple(gathered))


def _resting_on(wanted: pl.DataFrame, collections: Sequence[Collection]) -> dict[Collection, list[date]]:
    """The collections, each with the wanted days that it is used for."""
    spans = pl.DataFrame(
        [
            (place, collection.series, collection.start, collection.end, collection.observed_at)
            for place, collection in enumerate(collections)
            if collection.complete
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
    unsettled = ~pl.col("state").is_in(SETTLED).fill_null(value=False)
    # An answer from before a day was due proves nothing about it, whatever the clock said then.
    valid = (unsettled & (pl.col("taken_at") >= pl.col("due_at"))) | pl.col("taken_at").eq_missing(
        pl.col("observed_at")
    )
    chosen = (
        wanted.select("series", "date", "state", "observed_at", "due_at")
        .join(each_day(spans), on=["series", "date"])
        .filter(valid)
        .group_by("series", "date")
        .agg(pl.col("place").max())
        .sort("series", "date")
    )
    days = chosen.group_by("place", maintain_order=True).agg("date")
    return {collections[place]: dates for place, dates in days.iter_rows()}


def _answers_of(archive: Archive, collection: Collection) -> tuple[tuple[Answer, ...], StorageDamaged | None]:
    try:
        answers = [archived_answer(place, archive.read(place)) for place in collection.snapshots]
        # The ledger corrects the time of a clock that was ahead; the archive keeps the original time.
        return tuple(
            replace(answer, observed_at=min(answer.observed_at, collection.observed_at or answer.observed_at))
            for answer in answers
        ), None
    except StorageDamaged as damaged:
        return (), damaged


def archived_answer(place: str, snapshot: Snapshot) -> Answer:
    """An archived answer as if it had just been fetched."""
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
    """The usable answers that interrupted runs archived and did not read, each with the identity of its request."""
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
    """Whether an archived answer can be read and is no error of the provider."""
    try:
        problem = error_in(answer, {}, source.refusal, settings.clock)
    except FAULTS:
        return False
    return problem is None and readable(answer, dataset, source.name)
