"""Readings of open interest within a day, as one row of `open_interest`, for every venue."""

import polars as pl

from transforms.refused import REFUSED, first_mark, told_once
from transforms.units import day_of, end_of

LAST_HOUR = 23


def days_of(readings: pl.DataFrame, *, asset: str, venue: str, contract: str, whole: int = 1) -> pl.DataFrame:
    """Rows of `open_interest` without `flush_usd`, from readings of whole days.

    A reading belongs to the day of its stamp. The day's last reading stands for its end, so it must be from the last
    hour: a day without such a reading is left out, because its end is unknown.

    Args:
        readings: stamped_at, coins, usd; one of the last two may be unknown throughout. Readings that contradict each
            other under one stamp cost their day.
        asset: Our name of the asset.
        venue: Our name of the venue.
        contract: The venue's name of the contract.
        whole: How many readings a day has; with fewer of them its high and low are unknown.

    Returns:
        One row per day, public when the day was over.
    """
    usd = pl.col("usd")
    all_there = pl.len() >= whole
    marked = told_once(readings, "stamped_at", thing="reading for each instant")
    return (
        marked.sort("stamped_at")
        .group_by(date=day_of(pl.col("stamped_at")), maintain_order=True)
        .agg(
            *first_mark(marked),
            stamped_at=pl.col("stamped_at").last(),
            open_interest_coins=pl.col("coins").last(),
            open_interest_usd=usd.last(),
            open_interest_usd_high=pl.when(all_there).then(usd.max()),
            open_interest_usd_low=pl.when(all_there).then(usd.min()),
        )
        .filter((pl.col("stamped_at").dt.hour() >= LAST_HOUR) | pl.col(REFUSED).is_not_null())
        .with_columns(
            asset=pl.lit(asset),
            venue=pl.lit(venue),
            contract=pl.lit(contract),
            flush_usd=pl.lit(None, pl.Float64),
            cadence=pl.lit("daily"),
            available_at=end_of(pl.col("date")),
        )
    )


def flush_of(readings: pl.DataFrame, *, in_dollars: bool = False) -> float | None:
    """The sum of the falls of open interest within a day, in dollars.

    From one reading to the next, the fall in coins is valued at the later price, if the price moved at all. For
    contracts sized in dollars it is the fall in dollars: their worth in coins falls whenever the price rises, though
    nobody closes anything. A gap counts with its net fall, which is not more than the falls within it.

    Args:
        readings: stamped_at, coins, usd of one day, all known; `days_of` refuses those that contradict each other.
        in_dollars: Whether contracts are sized in dollars, not in coins.

    Returns:
        The sum; unknown with fewer than two readings.
    """
    ordered = readings.unique(maintain_order=True).sort("stamped_at")
    if ordered.height <= 1:
        return None
    price = pl.when(pl.col("coins") > 0).then(pl.col("usd") / pl.col("coins"))
    counted, worth = (pl.col("usd"), pl.lit(1.0)) if in_dollars else (pl.col("coins"), price)
    fall = (counted.shift(1) - counted).clip(lower_bound=0)
    total: float = ordered.select((fall * worth).filter(price != price.shift(1)).sum()).item()
    return total
