"""The New York Fed's operations and reference rates, as rows of `macro_series`."""

from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import effective_rate_days, reverse_repo_days
from transforms.formats.published import amounts, rates
from transforms.payload import NUMBER_OR_TEXT, column, member, rows
from transforms.refused import first_mark, told_once
from transforms.units import percent_to_fraction, start_of

# The operation closes at 13:15 in New York, 18:15 UTC in winter; the rate is out at 9:00, 14:00 UTC. We keep the later
# hour all year.
OPERATIONS = reverse_repo_days(timedelta(hours=18, minutes=30))
RATES = effective_rate_days(time(14, 0))

EXERCISE = "small value exercise"
OVERNIGHT = "overnight"


def normalize(payload: Any) -> pl.DataFrame:
    """Turn reverse repo operations into one row per day.

    An operation is stamped with the day on which it was held. `totalAmtAccepted` is what was accepted, in dollars, not
    in millions. A rehearsal with small values, marked as such in its note, is ignored, and so is an operation whose
    stated term is longer than until the next day. Several operations of a day add up, and one that is listed twice
    counts once; where one lacks its amount, the day is listed without a value.

    Args:
        payload: The decoded answer.

    Returns:
        Rows of `macro_series` for `rrp`, in USD.
    """
    listed = member(member(payload, "repo"), "operations")
    if not isinstance(listed, list):
        raise PayloadChanged(f"expected a list of operations, found {type(listed).__name__}")
    held = [
        operation
        for operation in listed
        if EXERCISE not in str(operation.get("note") or "").lower()
        and str(operation.get("term") or OVERNIGHT).lower() == OVERNIGHT
    ]
    taken = column("totalAmtAccepted", [member(operation, "totalAmtAccepted") for operation in held], NUMBER_OR_TEXT)
    operations = rows(held, operationId=pl.String, operationDate=pl.String).with_columns(amount=taken)
    amount = pl.col("amount")
    marked = told_once(operations, "operationId", thing="amount for each operation")
    values = (
        marked.group_by(date=pl.col("operationDate").str.to_date("%Y-%m-%d"), maintain_order=True)
        # The sum over nulls is 0, and over some nulls it is too small.
        .agg(*first_mark(marked), amount=pl.when(amount.is_not_null().all()).then(amount.sum()))
    )
    return amounts(values, series="rrp", available_at=OPERATIONS.available_at(values["date"]))


def normalize_rates(payload: Any) -> pl.DataFrame:
    """Turn the effective federal funds rate into three rows per business day: the rate and its target range.

    `effectiveDate` is the day of the loans, not the next morning on which the rate is out. Rates are in percent a year.
    The range is the one in force on the day, known since the meeting before it. A rate that was corrected in the
    afternoon is listed as corrected.

    Args:
        payload: The decoded answer.

    Returns:
        Rows of `macro_series` for `effective_rate`, `target_low` and `target_high`.
    """
    listed = rows(
        member(payload, "refRates"),
        effectiveDate=pl.String,
        type=pl.String,
        percentRate=pl.Float64,
        targetRateFrom=pl.Float64,
        targetRateTo=pl.Float64,
    )
    others = listed.filter(pl.col("type") != "EFFR")
    if others.height:
        raise PayloadChanged(f"expected rates of the type EFFR, found {others['type'][0]!r}")
    days = listed.with_columns(date=pl.col("effectiveDate").str.to_date("%Y-%m-%d"))
    day = pl.col("date")
    known: dict[str, tuple[str, pl.Expr | pl.Series]] = {
        "effective_rate": ("percentRate", RATES.available_at(days["date"])),
        "target_low": ("targetRateFrom", start_of(day)),
        "target_high": ("targetRateTo", start_of(day)),
    }
    return pl.concat(
        rates(
            days.select("date", rate_apr=percent_to_fraction(pl.col(field))), series=series, available_at=available_at
        )
        for series, (field, available_at) in known.items()
    )
