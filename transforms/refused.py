"""Rows that cannot be read: each costs its own day, and no other.

A transform that meets an odd row among good ones marks it here instead of refusing the whole answer. `conform` then
takes out the row's day, with the reason, and the ledger records `failed` for that day alone.
"""

import polars as pl

REFUSED = "refused"  # the column that a transform may add to those of its dataset: why a row cannot be read, or null


def refuse(frame: pl.DataFrame, odd: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Mark the rows that cannot be read; what was marked before stays marked, with its first reason.

    Args:
        frame: Rows, each of which has its day by the time that `conform` sees it.
        odd: True for the rows to mark; unknown counts as false.
        reason: Text, "expected X, found Y".

    Returns:
        The same rows with the column `refused`.
    """
    earlier = pl.col(REFUSED) if REFUSED in frame.columns else pl.lit(None, pl.String)
    return frame.with_columns(
        pl.coalesce(earlier, pl.when(odd.fill_null(value=False)).then(reason.cast(pl.String))).alias(REFUSED)
    )


def marks(frame: pl.DataFrame) -> list[pl.Expr]:
    """The column of reasons, for a `select` that must keep it; empty where no row was marked."""
    return [pl.col(REFUSED)] if REFUSED in frame.columns else []


def first_mark(frame: pl.DataFrame) -> list[pl.Expr]:
    """The first reason of a group, for an `agg` that must keep it; empty where no row was marked."""
    return [pl.col(REFUSED).drop_nulls().first()] if REFUSED in frame.columns else []


def told_once(frame: pl.DataFrame, *stamp: str, thing: str) -> pl.DataFrame:
    """Drop exact repetitions, and mark the rows that differ under one stamp: nothing says which is true.

    Args:
        frame: Readings, prints, buckets or payments.
        *stamp: The columns that tell the rows apart; the reason names the first one.
        thing: What they are, for the reason.

    Returns:
        Each row once, in its order, with the column `refused`.
    """
    once = frame.unique(maintain_order=True)
    reason = pl.format(f"expected one {thing}, found several at {{}}", pl.col(stamp[0]).cast(pl.String))
    return refuse(once, pl.struct(stamp).is_duplicated(), reason)
