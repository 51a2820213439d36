"""Hourly spot candles of an asset in dollars or USDT."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.interval import HOURS_A_DAY
from expectations.plausible import apart, factor, usual

ENOUGH_HOURS = 20

_HOURS_HELD = pl.len().over("series", "date")
_HOURS_APART = pl.col("opened_at").diff().over("series", order_by="opened_at").dt.total_hours()
_PREVIOUS = pl.col("hour_close_usd").shift(1).over("series", order_by="opened_at")
_HOUR_OF_THE_DAY = (pl.col("opened_at").dt.replace_time_zone(None) - pl.col("date").cast(pl.Datetime("us"))).dt


def _close_of(asset: str) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(pl.col("hour_close_usd"))


HOURLY_PRICES = Dataset(
    name="hourly_prices",
    meaning="Hourly spot candle of an asset at one venue, in dollars.",
    grain="one asset at one venue in one hour",
    key=("opened_at", "asset", "venue"),
    columns=(
        "date",
        "opened_at",
        "asset",
        "venue",
        "quote",
        "hour_high_usd",
        "hour_low_usd",
        "hour_close_usd",
        "hour_volume_base",
    ),
    checks=(
        Range("hour_low_usd is above 0", pl.col("hour_low_usd"), above=0),
        Range("hour_high_usd is not below hour_close_usd", pl.col("hour_high_usd") - pl.col("hour_close_usd"), low=0),
        Range("hour_close_usd is not below hour_low_usd", pl.col("hour_close_usd") - pl.col("hour_low_usd"), low=0),
        Range("hour_volume_base is not negative", pl.col("hour_volume_base"), low=0),
        Range("the hour lies in its day", _HOUR_OF_THE_DAY.total_minutes(), low=0, high=23 * 60),
        # A venue that was down, or that leaves out hours without a trade, lacks an hour or two. A day that lacks more
        # comes from a page that lost them: no mean is computed from it, and it is requested again.
        Range("a day has 20 hours or more", _HOURS_HELD, low=ENOUGH_HOURS),
        Range("a day has all of its 24 hours", _HOURS_HELD, low=HOURS_A_DAY, severity="warning"),
        # Prices since 2017; cents, won or another asset's prices lie outside.
        Range("BTC closes at 1,000 to 2,000,000 USD", _close_of("BTC"), low=1_000, high=2_000_000),
        Range("ETH closes at 50 to 100,000 USD", _close_of("ETH"), low=50, high=100_000),
        # No hour of these assets has come near that; cents, or thousands, are far beyond.
        Range(
            "hour_close_usd of BTC and ETH is within a factor of 3 of its last hours",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(
                apart(pl.col("hour_close_usd"), usual(pl.col("hour_close_usd"), "series", order="opened_at"))
            ),
            high=factor(3),
        ),
        OneOf("quote is USD or USDT", "quote", ("USD", "USDT")),
        Range(
            "hour_close_usd is within a factor of 1.5 of the hour before",
            pl.when(_HOURS_APART == 1).then((pl.col("hour_close_usd") / _PREVIOUS).log().abs()),
            high=0.4055,
            severity="warning",
        ),
    ),
    looks_back=2,
    hours=pl.len(),
    caveats=(
        "USDT is taken at par with the dollar; quote says which prices are in USDT.",
        "A venue may leave out an hour without a trade: compare two venues over the hours that both have.",
    ),
)
