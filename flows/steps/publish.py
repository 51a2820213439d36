"""Publish: normalize, conform, check and write one batch; first the partitions, then the ledger."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from expectations.errors import PipelineError
from flows.source import Gathered
from flows.steps.check import Checked, check, published_beside
from flows.steps.plan import Batch
from flows.steps.run import BatchOutcome, Run
from flows.steps.settle import DayOutcome, Read, named, read_all, settle
from warehouse.store.lake import Stamp, merge, month_of
from warehouse.store.ledger import (
    ABSENT,
    SETTLED,
    Collection,
    DayRange,
    Known,
    days_event,
    in_ranges,
    partitions_event,
    seen_again,
)


def publish(run: Run, batch: Batch, gathered: Sequence[Gathered]) -> BatchOutcome:
    """Normalize, check and publish a batch: first the partitions, then the ledger.

    Raises:
        StorageDamaged: A partition to extend differs from what was written.
    """
    dataset, source = batch.feed.dataset, batch.source.name
    readings = read_all(batch, gathered, run.knowledge(batch))
    run.notices.extend(notice for reading in readings for notice in reading.notices)
    rows = pl.concat([reading.rows for reading in readings], how="diagonal") if readings else pl.DataFrame()
    answered = any(reading.gathered.error is None for reading in readings)
    owed = answered and (rows.height or _rows_are_owed(readings, batch))
    checked = (
        check(dataset, rows, published_beside(run.lake, run.announced, batch, rows, run.now())) if owed else Checked()
    )
    at = run.now()
    ranges, scope = settle(readings, checked, batch)
    kept = rows.join(scope, on=["series", "date"], how="semi") if rows.height else rows
    versions, hashes = _write_partitions(run, batch, kept, scope, at)
    for span in ranges:
        if span.state == "loaded":
            run.remember_loaded(batch, span.series, span.start)
    changed, unchanged = seen_again(ranges, _known(run, batch)) if batch.feed.whole_history else (ranges, [])
    run.write(
        [
            days_event(
                run_id=run.run_id,
                at=at,
                dataset=dataset.name,
                source=source,
                ranges=changed,
                again=unchanged,
                collections=[taken(collected) for collected in gathered] if not batch.archived else [],
                checks=checked.results,
                held=checked.rows,
                partitions=hashes,
            )
        ]
    )
    return summary(
        batch,
        ranges,
        rows=sum(reading.rows.height for reading in readings),
        checked=rows.height if checked.results else 0,
        versions=versions.height,
        restated=versions.filter(pl.col("cause") != "first").height,
        partitions=len(hashes),
        snapshots=sum(len(reading.gathered.answers) for reading in readings),
    )


def _known(run: Run, batch: Batch) -> Known:
    """The settled days of the feed in the ledger: series and day to state, rows and reason."""
    settled = run.books.days.filter(
        pl.col("state").is_in(SETTLED), dataset=batch.feed.dataset.name, source=batch.source.name
    )
    columns = ("series", "date", "state", "rows", "reason")
    return {
        (series, day): (state, rows, reason) for series, day, state, rows, reason in settled.select(columns).iter_rows()
    }


def _rows_are_owed(readings: Sequence[Read], batch: Batch) -> bool:
    """Whether the batch has an expected day that is not merely late: then an answer without rows fails the checks.

    Never for quiet feeds: there a day without a row is judged by what its answer covers.
    """
    if batch.feed.quiet:
        return False
    states = {
        (reading.gathered.ask.series.name, day): outcome.state
        for reading in readings
        for day, outcome in reading.days.items()
    }
    expected = batch.wanted.filter(pl.col("expected")).select("series", "date").iter_rows()
    return any(states.get(day) != "not_yet" for day in expected)


def _write_partitions(
    run: Run, batch: Batch, rows: pl.DataFrame, scope: pl.DataFrame, at: datetime
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Merge rows into their partitions; return the new versions and the hashes of the written partitions."""
    dataset, source, lake = batch.feed.dataset, batch.source.name, run.lake
    stamp = Stamp(at, run.run_id, "method_changed" if batch.archived else "source_changed")
    schema = dataset.lake_schema()
    blank = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in rows.columns}
    incoming = rows.with_columns(**blank).select(*schema).cast(schema) if rows.height else pl.DataFrame(schema=schema)
    days = pl.concat([incoming.select("date"), scope.select("date")]).select(month_of(dataset, pl.col("date")))
    months = days.to_series().unique().sort()
    places = {month: lake.place(dataset, source, month) for month in months}
    held = {
        month: lake.read(place, dataset, run.announced, may_be_missing=bool(batch.archived))
        for month, place in places.items()
    }
    fresh = merge(dataset, pl.concat([incoming.clear(), *held.values()]), incoming, scope, stamp)
    parted = fresh.with_columns(_month=month_of(dataset, pl.col("date"))).partition_by(
        "_month", as_dict=True, include_key=False
    )
    staged = []
    for (month,), added in sorted(parted.items()):
        whole = pl.concat([held[month], added]).sort(*dataset.key, "recorded_at", "run_id")
        staged.append((places[month], *lake.stage(whole, dataset)))
    hashes = {lake.name(place): digest for place, _, digest in staged}
    if hashes:
        run.write([partitions_event(run.run_id, at, hashes)])
        for place, path, digest in staged:
            name = lake.name(place)
            run.announced[name] = run.announced.get(name, frozenset({ABSENT})) | {digest}
            lake.move_in(path, place)
            run.announced[name] = frozenset({digest})
    return fresh, hashes


def taken(gathered: Gathered) -> Collection:
    """The ledger record of an ask, for a later replay."""
    return Collection(
        gathered.ask.series.name,
        gathered.ask.days.start,
        gathered.ask.days.end,
        tuple(answer.snapshot for answer in gathered.answers),
        gathered.error is None,
        gathered.observed_at,
    )


def summary(batch: Batch, ranges: Sequence[DayRange], **counts: int) -> BatchOutcome:
    """Summarize the outcome of a batch."""
    states: dict[str, int] = {}
    problems: dict[tuple[str, str], int] = {}
    for span in ranges:
        days = (span.end - span.start).days
        states[span.state] = states.get(span.state, 0) + days
        if span.state in {"failed", "failed_check"}:
            key = (span.series, span.reason or span.state)
            problems[key] = problems.get(key, 0) + days
    return BatchOutcome(
        batch.name,
        batch.feed.dataset.name,
        batch.source.name,
        states,
        tuple((series, reason, days) for (series, reason), days in problems.items()),
        **counts,
    )


def give_up(run: Run, batch: Batch, gathered: Sequence[Gathered], error: PipelineError) -> BatchOutcome:
    """Record that a whole batch failed."""
    ranges: list[DayRange] = []
    for (series,), days in batch.wanted.partition_by("series", as_dict=True).items():
        failed = DayOutcome("failed", 0, named(error), None)
        ranges += in_ranges(str(series), dict.fromkeys(days["date"].to_list(), failed))
    run.write(
        [
            days_event(
                run_id=run.run_id,
                at=run.now(),
                dataset=batch.feed.dataset.name,
                source=batch.source.name,
                ranges=ranges,
                collections=[taken(collected) for collected in gathered],
            )
        ]
    )
    return summary(batch, ranges)
