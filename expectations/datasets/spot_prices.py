"""Daily spot candles of an asset in dollars or USDT."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import apart, factor, usual

_PREVIOUS = pl.col("close_usd").shift(1).over("series", order_by="date")
_DAYS_APART = pl.col("date").diff().over("series", order_by="date").dt.total_days()
_MEAN_PRICE = pl.col("volume_usd") / pl.col("volume_base")


def _close_of(asset: str) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(pl.col("close_usd"))


SPOT_PRICES = Dataset(
    name="spot_prices",
    meaning="Daily spot candle of an asset at one venue, in dollars.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=(
        "date",
        "asset",
        "venue",
        "quote",
        "open_usd",
        "high_usd",
        "low_usd",
        "close_usd",
        "volume_base",
        "volume_usd",
    ),
    nullable=frozenset({"volume_usd"}),
    checks=(
        Range("low_usd is above 0", pl.col("low_usd"), above=0),
        Range("high_usd is not below open_usd", pl.col("high_usd") - pl.col("open_usd"), low=0),
        Range("high_usd is not below close_usd", pl.col("high_usd") - pl.col("close_usd"), low=0),
        Range("open_usd is not below low_usd", pl.col("open_usd") - pl.col("low_usd"), low=0),
        Range("close_usd is not below low_usd", pl.col("close_usd") - pl.col("low_usd"), low=0),
        Range("volume_base is not negative", pl.col("volume_base"), low=0),
        Range("volume_usd is not negative", pl.col("volume_usd"), low=0),
        # A wrong column or unit of the turnover puts the mean price outside the day's prices.
        Range(
            "volume_usd over volume_base is a price of the day",
            pl.max_horizontal(_MEAN_PRICE / pl.col("high_usd"), pl.col("low_usd") / _MEAN_PRICE),
            high=1.01,
        ),
        # Prices since 2015; cents, won or another asset's prices lie outside.
        Range("BTC closes at 100 to 2,000,000 USD", _close_of("BTC"), low=100, high=2_000_000),
        Range("ETH closes at 1 to 100,000 USD", _close_of("ETH"), low=1, high=100_000),
        # USDT fell to 0.85 in 2018; won or another coin's prices lie outside.
        Range("USDT closes at 0.8 to 1.2 USD", _close_of("USDT"), low=0.8, high=1.2),
        OneOf("quote is USD or USDT", "quote", ("USD", "USDT")),
        # On its worst day since 2013 bitcoin lost half. Cents, or thousands, are far beyond.
        Range(
            "close_usd of BTC and ETH is within a factor of 3 of its last days",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(
                apart(pl.col("close_usd"), usual(pl.col("close_usd"), "series"))
            ),
            high=factor(3),
        ),
        # It does not block: small coins have really lost 99 percent in a day (LUNA in May 2022).
        Range(
            "close_usd is within a factor of 5 of the day before",
            (pl.col("close_usd") / _PREVIOUS).log().abs(),
            high=1.6095,
            severity="warning",
        ),
        # The market never closes; a wide step means that first and last price are swapped.
        Range(
            "open_usd is within 10 % of the close before",
            pl.when(_DAYS_APART == 1).then((pl.col("open_usd") / _PREVIOUS).log().abs()),
            high=0.0954,
            severity="warning",
        ),
        Range("volume_base is above 0", pl.col("volume_base"), above=0, severity="warning"),
    ),
    one_per=("date", "asset"),
    looks_back=14,
    caveats=(
        "USDT is taken at par with the dollar; quote says which prices are in USDT.",
        "volume_usd is unknown where the venue does not publish turnover.",
    ),
)
