"""Check: validate the rows of a batch against the contract of their dataset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import polars as pl

from expectations.contract import Dataset
from flows.steps.plan import Batch
from warehouse.store.lake import Lake, as_known, month_of
from warehouse.store.ledger import CheckResult, HeldRow

HELD = pl.Schema({"series": pl.String(), "date": pl.Date(), "rule": pl.String()})
MOST_HELD_ROWS = 1000  # quarantined rows of a batch; the check counts all failing rows


@dataclass(frozen=True, eq=False)
class Checked:
    """The results of the checks of a batch.

    Attributes:
        results: The result of each rule.
        held: The series-days to hold back: series, date, rule.
        rows: The rows that break a blocking rule, for the quarantine.
        batch_rule: The broken rule about the whole batch, if any; it holds back the whole batch.
    """

    results: tuple[CheckResult, ...] = ()
    held: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HELD))
    rows: tuple[HeldRow, ...] = ()
    batch_rule: str | None = None


def check(dataset: Dataset, rows: pl.DataFrame, before: pl.DataFrame | None = None) -> Checked:
    """Check the rows of a batch, together with the published rows before and between them."""
    from expectations.suite import run_suite  # noqa: PLC0415  it imports pandas: only when needed

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


def published_beside(
    lake: Lake, announced: Mapping[str, frozenset[str]], batch: Batch, rows: pl.DataFrame, now: datetime
) -> pl.DataFrame | None:
    """The published rows of the days that the checks of a batch look back at, and of the days between its own.

    Args:
        lake: The lake.
        announced: Partition to the hashes that it may have.
        batch: The batch.
        rows: The rows to check.
        now: Read the lake as known at this instant.
    """
    dataset = batch.feed.dataset
    if not dataset.looks_back or rows.is_empty():
        return None
    first, last = rows.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    days = pl.date_range(first - timedelta(days=dataset.looks_back), last, eager=True).alias("date").to_frame()
    versions = [
        lake.read(lake.place(dataset, batch.source.name, month), dataset, announced, may_be_missing=True)
        for month in days.select(month_of(dataset, pl.col("date"))).to_series().unique().sort()
    ]
    known = as_known(pl.concat(versions), dataset, now)
    return known.join(days, on="date", how="semi").join(rows, on=[*dataset.key], how="anti")


def _held_row(dataset: Dataset, row: dict[str, Any]) -> HeldRow:
    key = orjson.dumps({name: row[name] for name in dataset.key}).decode()
    whole = orjson.dumps({name: row[name] for name in dataset.columns}).decode()
    return HeldRow(key, row["date"], row["rule"], whole, row["snapshot"])
