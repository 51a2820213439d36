"""Daily candles and turnover on Korean won markets."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import apart, factor, usual

_MEAN_PRICE = pl.col("volume_krw") / pl.col("volume_base")

KRW_PRICES = Dataset(
    name="krw_prices",
    meaning="Daily candle and turnover of an asset on a Korean won market.",
    grain="one asset at one venue on one day of the venue's own day boundary",
    key=("date", "asset", "venue"),
    columns=(
        "date",
        "asset",
        "venue",
        "open_krw",
        "high_krw",
        "low_krw",
        "close_krw",
        "volume_base",
        "volume_krw",
        "volume_is_estimated",
        "day_boundary",
    ),
    checks=(
        Range("low_krw is above 0", pl.col("low_krw"), above=0),
        Range("high_krw is not below open_krw", pl.col("high_krw") - pl.col("open_krw"), low=0),
        Range("high_krw is not below close_krw", pl.col("high_krw") - pl.col("close_krw"), low=0),
        Range("open_krw is not below low_krw", pl.col("open_krw") - pl.col("low_krw"), low=0),
        Range("close_krw is not below low_krw", pl.col("close_krw") - pl.col("low_krw"), low=0),
        Range("volume_base is not negative", pl.col("volume_base"), low=0),
        Range("volume_krw is not negative", pl.col("volume_krw"), low=0),
        # A wrong column or unit of the turnover puts the mean price outside the day's prices.
        Range(
            "volume_krw over volume_base is a price of the day",
            pl.max_horizontal(_MEAN_PRICE / pl.col("high_krw"), pl.col("low_krw") / _MEAN_PRICE),
            high=1.01,
        ),
        Range(
            "a stablecoin costs 500 to 5,000 won",
            pl.when(pl.col("asset").is_in(["USDC", "USDT"])).then(pl.col("close_krw")),
            low=500,
            high=5_000,
        ),
        # Prices since 2014; dollars, or thousands of won, lie outside.
        Range(
            "BTC costs 100,000 to 3 billion won",
            pl.when(pl.col("asset") == "BTC").then(pl.col("close_krw")),
            low=1e5,
            high=3e9,
        ),
        Range(
            "ETH costs 1,000 to 300 million won",
            pl.when(pl.col("asset") == "ETH").then(pl.col("close_krw")),
            low=1e3,
            high=3e8,
        ),
        Range(
            "close_krw of BTC and ETH is within a factor of 3 of its last days",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(
                apart(pl.col("close_krw"), usual(pl.col("close_krw"), "series"))
            ),
            high=factor(3),
        ),
        # All won markets together have turned over some 30 trillion won on their busiest days.
        Range("volume_krw is at most 100 trillion", pl.col("volume_krw"), high=1e14),
        OneOf("day_boundary is UTC or KST", "day_boundary", ("UTC", "KST")),
        Range("volume_krw is above 0", pl.col("volume_krw"), above=0, severity="warning"),
    ),
    looks_back=14,
    caveats=("Turnover is not net inflow: each trade's value counts once, whoever bought.",),
    sparse=True,
)
