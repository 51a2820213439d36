"""How far two sources differ where both report the same thing: `ops.disagreements`, and its checks.

A disagreement needs two sources, which arrive in separate batches. So it is checked in the build, over everything that
is known. It holds nothing back; a check of severity `warning` fails.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from expectations.contract import POLARS, entry
from expectations.errors import StorageDamaged
from expectations.tolerances import Comparison, comparisons, reported_months
from warehouse.build.views import IN_TIME, preference
from warehouse.reader import open_warehouse

KEY = ("date", "metric", "key")
MARTS = ("krw_stablecoin_monthly",)
"""The marts that are compared; all other values are those of `core`."""
COLUMNS = (*KEY, "source_a", "value_a", "source_b", "value_b", "relative_gap", "tolerance")


def disagreements(connection: duckdb.DuckDBPyConnection, *, with_reported: bool = True) -> pl.DataFrame:
    """Every value that two sources report, as `core` has them now.

    Args:
        connection: A connection that holds `core`, and the marts if they are compared too.
        with_reported: Whether our months are compared with those that the Bank of Korea reported.

    Returns:
        The columns of `ops.disagreements`, sorted by key.
    """
    frames = [connection.sql(_query(comparison)).pl() for comparison in comparisons()]
    if with_reported:
        frames.append(_against_reported(connection))
    schema = {name: POLARS[entry("ops.disagreements", name).type] for name in COLUMNS}
    gaps: pl.DataFrame = pl.concat([frame.select(COLUMNS).cast(schema) for frame in frames])
    return gaps.sort(KEY)


def view_in_time() -> str:
    """The statement that makes `core.disagreements_in_time`: the gaps that were visible by noon after their day."""
    gaps = " union all ".join(f"({_query(comparison, in_time=True)})" for comparison in comparisons())
    return f"create view core.disagreements_in_time as select date, metric, key, relative_gap, tolerance from ({gaps})"


def judged_gaps(found: pl.DataFrame, *, run_id: str, now: datetime) -> list[dict[str, Any]]:
    """The rows of `ops.checks`: one for each metric and witness, failed where a gap is beyond its tolerance."""
    beyond = pl.col("relative_gap") > pl.col("tolerance")
    counted = (
        found.group_by("metric", witness="source_b")
        .agg(rows=pl.len(), failing_rows=beyond.sum(), widest=pl.col("relative_gap").max())
        .sort("metric", "witness")
    )
    declared = {
        comparison.metric: (comparison.dataset.name, comparison.rule, comparison.tolerance)
        for comparison in comparisons()
    }
    korean = reported_months()
    declared[korean.metric] = ("krw_stablecoin_monthly", korean.rule, korean.tolerance)
    rows = []
    for row in counted.iter_rows(named=True):
        dataset, rule, tolerance = declared[row["metric"]]
        rows.append(
            {
                "run_id": run_id,
                "dataset": dataset,
                "source": row["witness"],
                "check": rule,
                "severity": "warning",
                "success": row["failing_rows"] == 0,
                "observed": f"{row['failing_rows']:,} of {row['rows']:,} rows, the widest gap {row['widest']:.3g}",
                "expected": f"a relative gap of at most {tolerance:.3g}",
                "failing_rows": row["failing_rows"],
                "checked_at": now,
            }
        )
    return rows


def beyond_tolerance(warehouse: Path) -> list[dict[str, Any]] | None:
    """The gaps beyond their tolerance in a built file, by metric and key, newest first; none if that is unknown.

    Each entry has the first and last day and their number, the newest day's two values, and the widest gap.
    """
    try:
        with open_warehouse(warehouse) as connection:
            rows: pl.DataFrame = connection.sql(
                "select metric, key, arg_max(source_a, date) as source_a, arg_max(value_a, date) as value_a, "
                "source_b, arg_max(value_b, date) as value_b, arg_max(relative_gap, date) as relative_gap, "
                "arg_max(tolerance, date) as tolerance, max(relative_gap) as widest_gap, "
                "min(date) as first, max(date) as last, count(*) as days "
                "from ops.disagreements where relative_gap > tolerance "
                "group by metric, key, source_b order by last desc, metric, key"
            ).pl()
            return rows.to_dicts()
    except (StorageDamaged, duckdb.CatalogException):
        return None


def _query(comparison: Comparison, *, in_time: bool = False) -> str:
    """The query for the gaps of one metric, over all rows or those that were public by noon (UTC) after their day.

    Names come from the contracts of this package, never from data.
    """
    known = f" and {IN_TIME}" if in_time else ""
    same = ", ".join(f'"{name}"' for name in comparison.same)
    kind = f'"{comparison.unlike}"' if comparison.unlike else "null"
    sides = [(0, comparison.dataset, comparison.column, kind)]
    if comparison.witness_dataset is not comparison.dataset:
        sides.append((1, comparison.witness_dataset, comparison.witness_column, "null"))
    values = " union all ".join(
        f"select {same}, source, {column} as value, {kind}::varchar as kind, {side} as side, "
        f"row_number() over (order by {preference(dataset)}, {', '.join(dataset.key)}) as place "
        f"from core.{dataset.name} where {column} is not null{known}"
        for side, dataset, column, kind in sides
    )
    apart = ["witness.source <> chosen.source"]
    if len(sides) > 1:
        apart.append("witness.side <> chosen.side")
    if comparison.unlike:
        apart.append("witness.kind <> chosen.kind")
    named = {name: f'"{name}"' for name in comparison.same if name != "date"} | {"witness": "witness.source"}
    key = "to_json({" + ", ".join(f"'{name}': {place}" for name, place in named.items()) + "})::varchar"
    size = "greatest(abs(chosen.value), abs(witness.value))"
    return (
        f"with told as ({values}), "
        # If a source has several rows, such as those of two venues, the first is taken.
        f"each as (select * from told qualify row_number() over (partition by {same}, side, source, kind "
        f"order by place) = 1), "
        f"chosen as (select * from each where side = 0 qualify row_number() over (partition by {same} "
        f"order by place) = 1) "
        f"select date, '{comparison.metric}' as metric, {key} as key, "
        f"chosen.source as source_a, chosen.value as value_a, "
        f"witness.source as source_b, witness.value as value_b, "
        f"coalesce(abs(chosen.value - witness.value) / nullif({size}, 0), 0) as relative_gap, "
        f"greatest({comparison.tolerance!r}, coalesce({comparison.floor!r} / nullif({size}, 0), 0)) as tolerance "
        f"from chosen join each as witness using ({same}) where {' and '.join(apart)}"
    )


def _against_reported(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Our complete months compared with those that the Bank of Korea reported, by the daily mean."""
    korean = reported_months()
    size = "greatest(ours.mean_krw, reported.mean_krw)"
    # A month of ours counts once all of its days are held; some venues may be missing.
    gaps: pl.DataFrame = connection.sql(
        "with ours as (select month, venues, volume_krw / days_covered as mean_krw "
        "from main.krw_stablecoin_monthly where days_covered = day(last_day(month))), "
        "reported as (select month, coalesce(daily_mean_krw, volume_krw / day(last_day(month))) as mean_krw "
        f"from core.{korean.witness} where not disputed) "
        "select month as date, $metric as metric, "
        "to_json({'month': strftime(month, '%Y-%m'), 'witness': $witness})::varchar as key, "
        "array_to_string(venues, '+') as source_a, ours.mean_krw as value_a, "
        "$witness as source_b, reported.mean_krw as value_b, "
        f"abs(ours.mean_krw - reported.mean_krw) / {size} as relative_gap, "
        # The turnover of only some venues may lie below the figure of all by any amount.
        "case when ours.mean_krw < reported.mean_krw and not list_has_all(venues, $venues) then 1.0 "
        "else $tolerance end as tolerance from ours join reported using (month) "
        f"where {size} > 0",
        params={
            "metric": korean.metric,
            "witness": korean.witness,
            "venues": list(korean.venues),
            "tolerance": korean.tolerance,
        },
    ).pl()
    return gaps
