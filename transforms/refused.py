"""Rows that cannot be read: each costs the day that it speaks for, never its siblings.

A transform that meets an odd row among good ones marks it here instead of refusing the whole answer. `conform` then
takes the row's day out, with the reason, and the ledger says `failed` of that day alone.
"""

import polars as pl

REFUSED = "refused"  # the column that a transform may add to those of its dataset: why a row cannot be read, or null


def refuse(frame: pl.DataFrame, odd: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Mark the rows that cannot be read; what was marked before stays marked, with its first reason.

    Args:
        frame: Rows, each of which names its day by the time that `conform` sees it.
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
    """The column of reasons, for a `select` that must not lose it; nothing where no row was marked."""
    return [pl.col(REFUSED)] if REFUSED in frame.columns else []
