"""The length of the interval of a funding payment, inferred from the distance between payments."""

import polars as pl

from expectations.interval import HOURS_A_DAY
from transforms.refused import REFUSED, refuse

LONGEST_HOURS = 8
CONTEXT_DAYS = 2  # the days beside it that an interval is inferred from: a rhythm of a day, and one payment missing

_CONTEXT = f"{CONTEXT_DAYS * HOURS_A_DAY}i"


def _possible(hours: pl.Expr) -> pl.Expr:
    """Whether an interval may be this long: at most 8 hours, and a whole number of them makes a day."""
    return hours.is_between(1, LONGEST_HOURS) & (pl.lit(HOURS_A_DAY) % hours == 0)


def tell_intervals(payments: pl.DataFrame, *, begins: bool = False) -> pl.DataFrame:
    """Add the hours that each payment covers, for providers that do not state them.

    A payment closes the interval that the payment before it opened, so the distance between the two is its length, but
    only if no payment is missing between them. A missing payment must not look like a longer interval, nor a longer
    interval like a missing payment. So a distance is believed if no shorter one occurs within two days on either side,
    or if it lasts for a day, as no gap does. A distance that is longer than its neighbours is a gap if these are the
    same before and after it and divide it evenly: the payment that closes the gap gets the interval of its neighbours,
    and the hours before it are covered by nothing. Otherwise the interval is unknown, as where it changes at the edge
    of a page or beside a gap. One gap cannot be seen: a gap before a change that makes the interval as long as the gap.

    Args:
        payments: Payments of one perpetual; `settled_at` is the full hour of each. Those marked by `transforms.refused`
            have no reliable hour, and say nothing about the others.
        begins: Whether `settled_at` is still the start of the interval, which the next payment ends.

    Returns:
        The payments in the order of time (reversed if `begins`), each once, with `interval_hours`: unknown where it
        cannot be inferred, as for the first.
    """
    seconds = pl.col("settled_at").dt.epoch("s")
    ordered = (
        payments.unique(maintain_order=True)
        .with_columns(_hour=(-seconds if begins else seconds) // 3600)
        .sort("_hour", maintain_order=True)
    )
    known = pl.col("_hour") if REFUSED not in payments.columns else pl.when(pl.col(REFUSED).is_null()).then("_hour")
    gap = pl.col("_gap")
    # The shortest of this payment and the days before it, and the shortest of this payment and the days after it.
    shortest_before = pl.min_horizontal(gap, pl.col("_step").rolling_min_by("_hour", _CONTEXT).shift(1))
    shortest_after = pl.min_horizontal(gap, pl.col("_step").rolling_min_by(-pl.col("_hour"), _CONTEXT).shift(-1))
    rhythm = (shortest_before >= gap) & (shortest_after >= gap) | (gap.sum().over(gap.rle_id()) >= HOURS_A_DAY)
    missing = (shortest_before == shortest_after) & (gap % shortest_before == 0)
    return (
        ordered.with_columns(_gap=known - known.forward_fill().shift(1))
        # Two payments of one hour are no step, and say nothing about the others.
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
    """Mark the payments whose interval cannot be inferred: a rate without its interval is no rate."""
    at = pl.col("settled_at").dt.strftime("%Y-%m-%d %H:%M")
    reason = pl.format("expected payments whose distances tell their intervals, found none that tells that of {}", at)
    return refuse(payments, pl.col("interval_hours").is_null(), reason)


def with_intervals(payments: pl.DataFrame) -> pl.DataFrame:
    """Add the hours since the payment before, for pages that each begin with the last payment of another.

    Args:
        payments: As `tell_intervals` takes them.

    Returns:
        The payments, oldest first, with `interval_hours`; the oldest is left out, because its interval is unknown.
        Others with an unknown interval are marked: they cost their day, until it is requested with other edges.
    """
    return refuse_untold(tell_intervals(payments).slice(1))
