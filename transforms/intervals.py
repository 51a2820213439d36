"""How long the interval of a funding payment was, told from the distance of the payments."""

import polars as pl

LONGEST_HOURS = 8


def with_intervals(payments: pl.DataFrame) -> pl.DataFrame:
    """Add the hours since the payment before, for providers that do not state the interval.

    A payment closes the interval that the payment before it opened, so where the interval changes the distance to
    the payment before is the right one. A payment that is missing looks like a longer interval, and must not: no
    interval is longer than 8 hours, and one that is longer than its neighbours on both sides is taken to be as long
    as they are. The day's intervals then do not add up to 24 hours, and the check holds the day back. A change that
    falls on the edge of a page holds its day back in the same way, until the day is asked for with other edges.

    Args:
        payments: Payments of one perpetual; `settled_at` names them, to the hour.

    Returns:
        The payments, oldest first, with `interval_hours`; the oldest is left out, because nothing tells its interval.
    """
    gap = pl.col("gap")
    before, after = gap.shift(1), gap.shift(-1)
    # Where one neighbour is beyond the edge of the page, the other one decides; where both are, nothing does.
    lone = (gap > before).fill_null(after.is_not_null()) & (gap > after).fill_null(before.is_not_null())
    ordered = payments.unique(maintain_order=True).sort("settled_at", maintain_order=True)
    return (
        ordered.with_columns(gap=pl.col("settled_at").diff().dt.total_hours())
        .with_columns(interval_hours=pl.when(lone).then(pl.max_horizontal(before, after)).otherwise(gap))
        .filter(gap.is_not_null())
        .with_columns(pl.min_horizontal(pl.col("interval_hours"), pl.lit(LONGEST_HOURS, pl.Int64)))
        .drop("gap")
    )
