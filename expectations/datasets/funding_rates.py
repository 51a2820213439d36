"""Funding payments of perpetual futures."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.interval import HOURS_A_DAY

SEVERAL = 5
NEIGHBOURS = 3  # payments on either side from which the usual distance is taken

_DAY = ("series", "date")


def _along(value: pl.Expr) -> pl.Expr:
    """An expression over the payments of a series, oldest first; the days of a batch need not be neighbours."""
    return value.over("series", order_by="settled_at")


_HOURS = pl.col("interval_hours")
_STEP = pl.col("settled_at").diff().dt.total_minutes() / 60
_GAP = _along(_STEP)
_BEFORE = _along(pl.min_horizontal(*(_STEP.shift(number) for number in range(1, NEIGHBOURS + 1))))
_AFTER = _along(pl.min_horizontal(*(_STEP.shift(-number) for number in range(1, NEIGHBOURS + 1))))
_LONGER = pl.max_horizontal(_HOURS, _along(_HOURS.shift(1)))
# Without a known neighbour, a distance that no interval can have counts as a gap.
_SHORTEST_THERE = pl.coalesce(_BEFORE, _AFTER, pl.when(pl.lit(HOURS_A_DAY) % _GAP == 0).then(_GAP))

FUNDING_RATES = Dataset(
    name="funding_rates",
    meaning="One funding payment of a perpetual future.",
    grain="one settlement of one asset's perpetual at one venue",
    key=("settled_at", "asset", "venue"),
    columns=("date", "settled_at", "asset", "venue", "funding_rate", "interval_hours"),
    checks=(
        # The widest cap of any venue is 3 %; the documentation quotes -3.75 % from 2019.
        Range("funding_rate is between -0.04 and 0.04", pl.col("funding_rate"), low=-0.04, high=0.04),
        Range(
            "funding_rate of BTC and ETH is between -0.008 and 0.008",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(pl.col("funding_rate")),
            low=-0.008,
            high=0.008,
        ),
        # In percent the usual rate would be 0.01; a single asset may reach that, half of the assets do not.
        Range(
            "half of the day's rates are within 0.004, over 5 assets or more",
            pl.when(pl.col("asset").n_unique().over("date") >= SEVERAL).then(
                pl.col("funding_rate").abs().median().over("date")
            ),
            high=0.004,
        ),
        Range("interval_hours is between 1 and 24", _HOURS, low=1, high=24),
        # Where the interval is derived from the stamps, a payment stamped an hour late gives an interval of 7 hours.
        Range("interval_hours divides a day", pl.lit(HOURS_A_DAY) % _HOURS, high=0),
        # The intervals cover less than a day if a payment is really missing, or if the interval becomes shorter: such a
        # day is published, and states how much is covered. More than a day means that an interval is stated too long.
        Range(
            "the day's intervals add up to at most 24 hours, unless the interval changes that day",
            pl.when(_HOURS.n_unique().over(_DAY) == 1).then(_HOURS.sum().over(_DAY)),
            high=HOURS_A_DAY,
        ),
        Range(
            "the day's intervals add up to 24 hours, unless the interval changes that day",
            pl.when(_HOURS.n_unique().over(_DAY) == 1).then(_HOURS.sum().over(_DAY)),
            low=HOURS_A_DAY,
            severity="warning",
        ),
        # Two payments for one hour: an interval is stated too long, or a payment is reported twice.
        Range("a payment does not come sooner than its interval", _GAP / _HOURS, low=0.99),
        Range(
            "a payment comes whole intervals after the one before",
            pl.when(_GAP.is_between(_HOURS, HOURS_A_DAY)).then(_GAP % _HOURS),
            high=0,
        ),
        # A longer distance is a gap only if the other payments come at their interval. If all of them come at the
        # longer distance, the interval is stated too short, whatever the hours add up to. Where the interval changes,
        # the distance may be the old one or the new one.
        Range(
            "payments come as often as their interval says, but for a gap",
            pl.when(_GAP > 1.01 * _LONGER, _GAP <= HOURS_A_DAY).then(_SHORTEST_THERE / _HOURS),
            high=1.01,
        ),
    ),
    hours=_HOURS.sum(),
    caveats=(
        "A rate is per its own interval: annualise it with that interval, never with 8 hours by habit.",
        "A day on which the interval changes may cover more or less than 24 hours.",
        "A day with a payment missing at the venue covers less than 24 hours; no interval is stretched over the gap.",
    ),
)
