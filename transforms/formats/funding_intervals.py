"""How long the interval of a funding payment was, told from the distance of the payments."""

import polars as pl

from expectations.interval import HOURS_A_DAY
from transforms.refused import REFUSED, refuse

LONGEST_HOURS = 8
CONTEXT_DAYS = 2  # how much of the days beside it an interval is told from: a rhythm of a day, and one payment missing

_CONTEXT = f"{CONTEXT_DAYS * HOURS_A_DAY}i"


def _possible(hours: pl.Expr) -> pl.Expr:
    """Whether an interval may be so long: up to 8 hours, and a whole number of them makes a day."""
    return hours.is_between(1, LONGEST_HOURS) & (pl.lit(HOURS_A_DAY) % hours == 0)


def tell_intervals(payments: pl.DataFrame, *, begins: bool = False) -> pl.DataFrame:
    """Add the hours that each payment is for, for providers that do not state them.

    A payment closes the interval that the payment before it opened, so the distance of the two is its length: but only
    if none is missing between them. A missing payment must not look like a longer interval, nor a longer interval like
    a missing payment. So a distance is believed where no shorter one is found within two days on either side, or where
    it is kept for a day, as no gap is. One that is longer than those around it, which are the same before and after
    and go into it without rest, is a gap: the payment that closes it is for as long as its neighbours, and the hours
    before it are covered by nothing. Where neither is so, as where an interval changes at the edge of a page or beside
    a gap, nothing is told. What cannot be seen is a gap before a change that makes the interval as long as the gap.

    Args:
        payments: Payments of one perpetual; `settled_at` names each, to the hour. Those that `transforms.refused` has
            marked have no hour that can be believed, and tell nothing of the others.
        begins: Whether `settled_at` is still where the interval begins, which the payment after it ends.

    Returns:
        The payments in the order of time (the reverse of it where they are named by their begin), each once, with
        `interval_hours`: unknown where nothing tells it, as of the first.
    """
    seconds = pl.col("settled_at").dt.epoch("s")
    ordered = (
        payments.unique(maintain_order=True)
        .with_columns(_hour=(-seconds if begins else seconds) // 3600)
        .sort("_hour", maintain_order=True)
    )
    known = pl.col("_hour") if REFUSED not in payments.columns else pl.when(pl.col(REFUSED).is_null()).then("_hour")
    gap = pl.col("_gap")
    # Of the payment itself and of the days up to the one before it; of itself and of those from the next one on.
    shortest_before = pl.min_horizontal(gap, pl.col("_step").rolling_min_by("_hour", _CONTEXT).shift(1))
    shortest_after = pl.min_horizontal(gap, pl.col("_step").rolling_min_by(-pl.col("_hour"), _CONTEXT).shift(-1))
    rhythm = (shortest_before >= gap) & (shortest_after >= gap) | (gap.sum().over(gap.rle_id()) >= HOURS_A_DAY)
    missing = (shortest_before == shortest_after) & (gap % shortest_before == 0)
    return (
        ordered.with_columns(_gap=known - known.forward_fill().shift(1))
        # Two payments of one hour are no step: they speak for themselves alone.
        .with_columns(_step=pl.when(gap > 0).then(gap))
        .with_columns(
            interval_hours=pl.when(_possible(gap) & rhythm)
            .then(gap)
            .when(_possible(shortest_before) & missing)
            .then(shortest_before)
        )
        .drop("_hour", "_gap", "_step")
    )


def refuse_untold(payments: pl.DataFrame) -> pl.DataFrame:
    """Mark the payments whose interval nothing tells: a rate without its interval is no rate."""
    at = pl.col("settled_at").dt.strftime("%Y-%m-%d %H:%M")
    reason = pl.format("expected payments whose distances tell their intervals, found none that tells that of {}", at)
    return refuse(payments, pl.col("interval_hours").is_null(), reason)


def with_intervals(payments: pl.DataFrame) -> pl.DataFrame:
    """Add the hours since the payment before, for pages of which each begins with the last payment of another.

    Args:
        payments: As `tell_intervals` takes them.

    Returns:
        The payments, oldest first, with `interval_hours`; the oldest is left out, because nothing tells its interval,
        and others of which nothing tells it are marked: they cost their day, until it is asked for with other edges.
    """
    return refuse_untold(tell_intervals(payments).slice(1))
