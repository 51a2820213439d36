"""Normalize, conform, check and publish one batch: partitions first, then the ledger says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from expectations.contract import Dataset
from expectations.errors import FAULTS, PayloadChanged, PipelineError, unforeseen
from expectations.interval import Interval
from flows.normalize import INSTANT, normalize_by_day, nothing
from flows.outcomes import DayOutcome, Evidence, judge_days, named, partly_covered
from flows.planning import Batch
from flows.plans import Feed, Gathered, Lost, Series
from flows.run import BatchOutcome, Run
from transforms.conform import said_empty
from warehouse.lake import Stamp, as_known, merge, month_of
from warehouse.ledger import (
    ABSENT,
    SETTLED,
    CheckResult,
    Collection,
    DayRange,
    HeldRow,
    Known,
    days_event,
    in_ranges,
    partitions_event,
    seen_again,
)

HELD = pl.Schema({"series": pl.String(), "date": pl.Date(), "rule": pl.String()})
MOST_HELD_ROWS = 1000  # rows of one rule that go into quarantine one by one; the check counts them all


def _mine(rows: pl.DataFrame, feed: Feed, series: Series) -> pl.DataFrame:
    """Of an answer that serves several series, the rows of the one that was asked for."""
    told = {name: series.labels[name] for name in feed.told_apart_by}
    if "series" in rows.columns:
        told["series"] = series.name
    return rows.filter(**told) if told else rows


@dataclass(frozen=True, eq=False)
class Read:
    """The rows and the outcome of the days of one ask, before the checks."""

    gathered: Gathered
    rows: pl.DataFrame
    days: dict[date, DayOutcome]


def read_all(run: Run, batch: Batch, gathered: Sequence[Gathered]) -> list[Read]:
    """Read the answers for each ask of a batch; what one has of a series is known when the next is read."""
    per_series = batch.wanted.partition_by("series", as_dict=True)
    loaded = {name: run.first_loaded(batch, name) for (name,) in per_series}
    readings = []
    for one in gathered:
        name = one.ask.series.name
        wanted = _within(per_series.get((name,)), one.ask.days)
        if wanted is None:
            continue
        try:
            reading = read(run, batch, one, wanted, loaded_before=loaded[name])
        except FAULTS as fault:
            broken = replace(one, error=unforeseen(fault, f"the reading of {name}"))
            reading = read(run, batch, broken, wanted, loaded_before=loaded[name])
        days = [day for day, found in reading.days.items() if found.state == "loaded"]
        loaded[name] = min([*days, *filter(None, [loaded[name]])], default=None)
        readings.append(reading)
    return readings


def read(run: Run, batch: Batch, gathered: Gathered, wanted: pl.DataFrame, *, loaded_before: date | None) -> Read:
    """Normalize one ask's answers and decide what they prove about each wanted day."""
    dataset, series = batch.feed.dataset, gathered.ask.series
    error = gathered.error
    normalized = nothing(dataset)
    if error is None:
        try:
            normalized = normalize_by_day(dataset, batch.source.name, gathered)
        except PayloadChanged as changed:
            error = changed
    rows = _mine(normalized.rows, batch.feed, series)
    blank = said_empty(dataset)
    empty = set(rows.filter(blank)["date"].to_list())
    rows = rows.filter(~blank)
    counts = dict(rows.group_by("date").len().iter_rows())
    evidence = Evidence(
        series,
        counts,
        empty - set(counts),
        error,
        gathered.observed_at,
        run.now(),
        quiet=batch.feed.quiet,
        begins=error is None and not normalized.lost and _begins(batch.feed, gathered),
        problems=normalized.problems,
    )
    days = judge_days(evidence, wanted, loaded_before=loaded_before)
    if dataset.hours is not None:
        covered = dict(rows.group_by("date").agg(dataset.hours).iter_rows())
        for day, reason in partly_covered(covered, wanted, gathered.observed_at):
            if days[day].state == "loaded":
                days[day] = days[day]._replace(reason=reason)
    healed = _healed(batch, series, normalized.lost, days)
    if healed:
        run.notices.extend(healed)
    mine = rows.join(wanted.select("date"), on="date", how="semi")
    mine = mine.with_columns(series=pl.lit(series.name), source=pl.lit(batch.source.name))
    if series.by_rule:
        mine = not_before_seen_missing(mine, wanted, run.vain_looks(batch))
    return Read(gathered, mine, days)


def _healed(batch: Batch, series: Series, lost: Iterable[Lost], days: Mapping[date, DayOutcome]) -> list[str]:
    """What is said of files and pages that could not be had, where another place had their days."""
    about = f"{batch.feed.dataset.name} {series.name} from {batch.source.name}"
    return [
        f"{about}, {each.days.start} to {each.days.last}: {each.problem}; another place had these days"
        for each in lost
        if all(days[day].state == "loaded" for day in each.days if day in days)
    ]


def not_before_seen_missing(rows: pl.DataFrame, wanted: pl.DataFrame, vain: pl.DataFrame) -> pl.DataFrame:
    """Rows whose publication is told by a rule were not public when this home last asked for them in vain.

    Args:
        rows: The rows of one series, whose `available_at` is the instant of the rule, or what the provider stamped.
        wanted: The days, with the instant `due_at` of the rule.
        vain: series, date, looked_at: the last answer without the day, before it was first there.

    Returns:
        The same rows; `available_at` of those that came later than their rule says is that look. A look that is no
        older than the answer that the row was read from proves nothing: a mended transform found the row in it.
    """
    if vain.is_empty() or rows.is_empty():
        return rows
    late = (pl.col("available_at") == pl.col("due_at")) & pl.col("looked_at").is_between(
        pl.col("available_at"), pl.col("observed_at"), closed="none"
    )
    return (
        rows.join(vain, on=["series", "date"], how="left", maintain_order="left")
        .join(wanted.select("date", "due_at"), on="date", how="left", maintain_order="left")
        .with_columns(available_at=pl.when(late).then("looked_at").otherwise("available_at"))
        .drop("looked_at", "due_at")
    )


def _begins(feed: Feed, gathered: Gathered) -> bool:
    """Whether the answers show where the provider's history begins; what cannot be read shows nothing."""
    try:
        return feed.begins is not None and feed.begins(gathered.answers)
    except FAULTS:
        return False


@dataclass(frozen=True, eq=False)
class Checked:
    """What the checks said of a batch.

    Attributes:
        results: How each rule fared.
        held: Series-days to hold back: series, date, rule.
        rows: The rows that broke a blocking rule.
        batch_rule: The rule about the whole batch that was broken, which holds back all of it.
    """

    results: tuple[CheckResult, ...] = ()
    held: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HELD))
    rows: tuple[HeldRow, ...] = ()
    batch_rule: str | None = None


def check(dataset: Dataset, rows: pl.DataFrame, before: pl.DataFrame | None = None) -> Checked:
    """Judge a batch's rows, beside those that are published before and between them."""
    from expectations.suite import judge as run_suite  # noqa: PLC0415  pandas comes with it: only where it is needed

    results: list[CheckResult] = []
    broken: list[pl.DataFrame] = []
    batch_rule: str | None = None
    for verdict in run_suite(dataset, rows, before):
        rule = verdict.rule
        results.append(
            CheckResult(rule.name, rule.severity, verdict.success, rows.height, rule.expected, verdict.failing_rows)
        )
        if verdict.success or rule.severity != "blocking":
            continue
        if rule.scope == "batch":
            batch_rule = batch_rule or rule.name
        if verdict.broken is not None:
            broken.append(rows.filter(verdict.broken).with_columns(rule=pl.lit(rule.name)))
    if not broken:
        return Checked(tuple(results), batch_rule=batch_rule)
    failing = pl.concat(broken)
    held = failing.select("series", "date", "rule").unique(["series", "date"], keep="first", maintain_order=True)
    together = failing.group_by(*dataset.columns, "snapshot", maintain_order=True).agg(pl.col("rule").str.join("; "))
    quarantined = tuple(_held_row(dataset, row) for row in together.head(MOST_HELD_ROWS).iter_rows(named=True))
    return Checked(tuple(results), held, quarantined, batch_rule)


def published_beside(run: Run, batch: Batch, rows: pl.DataFrame) -> pl.DataFrame | None:
    """What is published of the days that a batch's checks look back at, and of those between its own."""
    dataset, lake = batch.feed.dataset, run.lake
    if not dataset.looks_back or rows.is_empty():
        return None
    first, last = rows.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    days = pl.date_range(first - timedelta(days=dataset.looks_back), last, eager=True).alias("date").to_frame()
    versions = [
        lake.read(lake.place(dataset, batch.source.name, month), dataset, run.announced, may_be_missing=True)
        for month in days.select(month_of(dataset, pl.col("date"))).to_series().unique().sort()
    ]
    known = as_known(pl.concat(versions), dataset, run.now())
    return known.join(days, on="date", how="semi").join(rows, on=[*dataset.key], how="anti")


def _held_row(dataset: Dataset, row: dict[str, Any]) -> HeldRow:
    key = orjson.dumps({name: row[name] for name in dataset.key}).decode()
    whole = orjson.dumps({name: row[name] for name in dataset.columns}).decode()
    return HeldRow(key, row["date"], row["rule"], whole, row["snapshot"])


def publish(run: Run, batch: Batch, gathered: Sequence[Gathered]) -> BatchOutcome:
    """Normalize, check and publish a batch: partitions first, then the ledger says so.

    Raises:
        StorageDamaged: A partition that must be added to is not what was written.
    """
    dataset, source = batch.feed.dataset, batch.source.name
    readings = read_all(run, batch, gathered)
    rows = pl.concat([one.rows for one in readings], how="diagonal") if readings else pl.DataFrame()
    answered = any(one.gathered.error is None for one in readings)
    owed = answered and (rows.height or _rows_are_owed(readings, batch))
    checked = check(dataset, rows, published_beside(run, batch, rows)) if owed else Checked()
    at = run.now()
    ranges, scope = _settle(readings, checked, batch)
    kept = rows.join(scope, on=["series", "date"], how="semi") if rows.height else rows
    versions, hashes = _write_partitions(run, batch, kept, scope, at)
    for one in ranges:
        if one.state == "loaded":
            run.remember_loaded(batch, one.series, one.start)
    told, again = seen_again(ranges, _known(run, batch)) if batch.feed.whole_history else (ranges, [])
    run.write(
        [
            days_event(
                run_id=run.run_id,
                at=at,
                dataset=dataset.name,
                source=source,
                ranges=told,
                again=again,
                collections=[taken(one) for one in gathered] if not run.replayed else [],
                checks=checked.results,
                held=checked.rows,
                partitions=hashes,
            )
        ]
    )
    return summary(
        batch,
        ranges,
        rows=sum(one.rows.height for one in readings),
        checked=rows.height if checked.results else 0,
        versions=versions.height,
        restated=versions.filter(pl.col("cause") != "first").height,
        partitions=len(hashes),
        snapshots=sum(len(one.gathered.answers) for one in readings),
    )


def _known(run: Run, batch: Batch) -> Known:
    """What the ledger had of the settled days of a batch's feed, series and day to state, rows and reason."""
    settled = run.books.days.filter(
        pl.col("state").is_in(SETTLED), dataset=batch.feed.dataset.name, source=batch.source.name
    )
    columns = ("series", "date", "state", "rows", "reason")
    return {
        (series, day): (state, rows, reason) for series, day, state, rows, reason in settled.select(columns).iter_rows()
    }


def _rows_are_owed(readings: Sequence[Read], batch: Batch) -> bool:
    """Whether a day was asked for that has a value, and is not merely late: then no rows at all is a failure.

    Never of what may be quiet: there a day without a row is judged by what its answer covers.
    """
    if batch.feed.quiet:
        return False
    states = {(one.gathered.ask.series.name, day): found.state for one in readings for day, found in one.days.items()}
    expected = batch.wanted.filter(pl.col("expected")).select("series", "date").iter_rows()
    return any(states.get(day) != "not_yet" for day in expected)


def _within(wanted: pl.DataFrame | None, days: Interval) -> pl.DataFrame | None:
    if wanted is None:
        return None
    mine = wanted.filter(pl.col("date") >= days.start, pl.col("date") < days.end)
    return mine if mine.height else None


def _settle(readings: Sequence[Read], checked: Checked, batch: Batch) -> tuple[list[DayRange], pl.DataFrame]:
    """The outcome of every day after the checks, and the scope of what is published."""
    held_back = {(series, day): rule for series, day, rule in checked.held.iter_rows()}
    ranges: list[DayRange] = []
    settled: list[tuple[str, date, date, datetime | None, str]] = []
    for one in readings:
        series = one.gathered.ask.series.name
        days = one.days
        snapshot = one.gathered.answers[-1].snapshot if one.gathered.answers else ""
        for day, outcome in list(days.items()) if checked.batch_rule or held_back else ():
            rule = checked.batch_rule or held_back.get((series, day))
            if rule is not None and outcome.state in SETTLED:
                days[day] = DayOutcome("failed_check", 0, f"ContractViolated: {rule}", outcome.observed_at)
        found = in_ranges(series, days)
        settled += [
            (series, each.start, each.end, each.observed_at, snapshot) for each in found if each.state in SETTLED
        ]
        ranges += found
    texts, dates = pl.String(), pl.Date()
    schema = pl.Schema({"series": texts, "start": dates, "end": dates, "observed_at": INSTANT, "snapshot": texts})
    spans = pl.DataFrame(settled, schema=schema, orient="row")
    each_day = spans.select(
        "series", "observed_at", "snapshot", date=pl.date_ranges("start", "end", closed="left")
    ).explode("date")
    scope = each_day.join(
        batch.wanted.select("series", "date", settled=pl.col("state").is_in(SETTLED).fill_null(value=False)),
        on=["series", "date"],
        how="left",
    )
    return ranges, scope


def _write_partitions(
    run: Run, batch: Batch, rows: pl.DataFrame, scope: pl.DataFrame, at: datetime
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Merge rows into the partitions that they belong to; returns new versions, and the hashes of what was written."""
    dataset, source, lake = batch.feed.dataset, batch.source.name, run.lake
    stamp = Stamp(at, run.run_id, "method_changed" if run.replayed else "source_changed")
    schema = dataset.lake_schema()
    blank = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in rows.columns}
    incoming = rows.with_columns(**blank).select(*schema).cast(schema) if rows.height else pl.DataFrame(schema=schema)
    days = pl.concat([incoming.select("date"), scope.select("date")]).select(month_of(dataset, pl.col("date")))
    months = days.to_series().unique().sort()
    places = {month: lake.place(dataset, source, month) for month in months}
    held = {
        month: lake.read(place, dataset, run.announced, may_be_missing=bool(run.replayed))
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
    """What the ledger remembers of an ask, so that it can be replayed."""
    return Collection(
        gathered.ask.series.name,
        gathered.ask.days.start,
        gathered.ask.days.end,
        tuple(answer.snapshot for answer in gathered.answers),
        gathered.error is None,
        gathered.observed_at,
    )


def summary(batch: Batch, ranges: Sequence[DayRange], **counts: int) -> BatchOutcome:
    """A batch's outcome as people see it."""
    states: dict[str, int] = {}
    problems: dict[tuple[str, str], int] = {}
    for one in ranges:
        days = (one.end - one.start).days
        states[one.state] = states.get(one.state, 0) + days
        if one.state in {"failed", "failed_check"}:
            key = (one.series, one.reason or one.state)
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
    """Record that a whole batch failed after it was collected."""
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
                collections=[taken(one) for one in gathered],
            )
        ]
    )
    return summary(batch, ranges)
