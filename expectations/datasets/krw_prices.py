"""Daily candles and turnover on Korean won markets."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range

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
        # Another column for the turnover, or another unit, puts the mean price outside the day's prices.
        Range(
            "volume_krw over volume_base is a price of the day",
            pl.max_horizontal(_MEAN_PRICE / pl.col("high_krw"), pl.col("low_krw") / _MEAN_PRICE),
            high=1.01,
        ),
        Range(
            "a dollar coin costs 500 to 5,000 won",
            pl.when(pl.col("asset").is_in(["USDC", "USDT"])).then(pl.col("close_krw")),
            low=500,
            high=5_000,
        ),
        OneOf("day_boundary is UTC or KST", "day_boundary", ("UTC", "KST")),
        Range("volume_krw is above 0", pl.col("volume_krw"), above=0, severity="warning"),
    ),
    caveats=("Turnover is not net inflow: it counts each trade's value once, whoever bought.",),
    sparse=True,
)
