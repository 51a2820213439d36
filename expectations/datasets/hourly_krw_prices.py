"""Hourly candles and turnover on Korean won markets."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.plausible import apart, factor, usual

_MEAN_PRICE = pl.col("hour_volume_krw") / pl.col("hour_volume_base")
_HOUR_OF_THE_DAY = (pl.col("opened_at").dt.replace_time_zone(None) - pl.col("date").cast(pl.Datetime("us"))).dt

HOURLY_KRW_PRICES = Dataset(
    name="hourly_krw_prices",
    meaning="Hourly candle and turnover of an asset on a Korean won market.",
    grain="one asset at one venue in one hour",
    key=("opened_at", "asset", "venue"),
    columns=(
        "date",
        "opened_at",
        "asset",
        "venue",
        "hour_high_krw",
        "hour_low_krw",
        "hour_close_krw",
        "hour_volume_base",
        "hour_volume_krw",
        "volume_is_estimated",
    ),
    checks=(
        Range("hour_low_krw is above 0", pl.col("hour_low_krw"), above=0),
        Range("hour_high_krw is not below hour_close_krw", pl.col("hour_high_krw") - pl.col("hour_close_krw"), low=0),
        Range("hour_close_krw is not below hour_low_krw", pl.col("hour_close_krw") - pl.col("hour_low_krw"), low=0),
        Range("hour_volume_base is not negative", pl.col("hour_volume_base"), low=0),
        Range("hour_volume_krw is not negative", pl.col("hour_volume_krw"), low=0),
        # A wrong column or unit of the turnover puts the mean price outside the hour's prices.
        Range(
            "hour_volume_krw over hour_volume_base is a price of the hour",
            pl.max_horizontal(_MEAN_PRICE / pl.col("hour_high_krw"), pl.col("hour_low_krw") / _MEAN_PRICE),
            high=1.01,
        ),
        Range(
            "a stablecoin costs 500 to 5,000 won",
            pl.when(pl.col("asset").is_in(["USDC", "USDT"])).then(pl.col("hour_close_krw")),
            low=500,
            high=5_000,
        ),
        # Prices since 2014; dollars, or thousands of won, lie outside.
        Range(
            "BTC costs 100,000 to 3 billion won",
            pl.when(pl.col("asset") == "BTC").then(pl.col("hour_close_krw")),
            low=1e5,
            high=3e9,
        ),
        Range(
            "ETH costs 1,000 to 300 million won",
            pl.when(pl.col("asset") == "ETH").then(pl.col("hour_close_krw")),
            low=1e3,
            high=3e8,
        ),
        Range(
            "hour_close_krw of BTC and ETH is within a factor of 3 of its last hours",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(
                apart(pl.col("hour_close_krw"), usual(pl.col("hour_close_krw"), "series", order="opened_at"))
            ),
            high=factor(3),
        ),
        # All won markets together have turned over some 30 trillion won on their busiest days.
        Range("hour_volume_krw is at most 20 trillion", pl.col("hour_volume_krw"), high=2e13),
        Range("the hour lies in its day", _HOUR_OF_THE_DAY.total_minutes(), low=0, high=23 * 60),
    ),
    looks_back=2,
    hours=pl.len(),
    caveats=(
        "An hour without a trade has no row, like an hour that was lost: only 24 hours make a complete day.",
        "Turnover is not net inflow: each trade's value counts once, whoever bought.",
    ),
)
