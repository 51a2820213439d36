"""Daily liquidations: futures positions that were closed by force."""

import polars as pl

from expectations.contract import Dataset, Range

SEVERAL = 5

_MARKET = ["asset", "venue"]
_LARGE = pl.col("asset").is_in(["BTC", "ETH"])
_NOT_NOTHING = pl.when(pl.col("total_usd") > 0).then(pl.col("total_usd"))
_SIDES = pl.col("long_usd") + pl.col("short_usd")

LIQUIDATIONS = Dataset(
    name="liquidations",
    meaning="Value of the futures positions in an asset that a venue closed by force on a day.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=("date", "asset", "venue", "long_usd", "short_usd", "total_usd", "largest_usd", "accounts"),
    nullable=frozenset({"long_usd", "short_usd", "largest_usd", "accounts"}),
    checks=(
        Range("long_usd is not negative", pl.col("long_usd"), low=0),
        Range("short_usd is not negative", pl.col("short_usd"), low=0),
        Range("total_usd is not negative", pl.col("total_usd"), low=0),
        Range("long_usd and short_usd do not exceed total_usd", _SIDES / pl.col("total_usd"), high=1.000001),
        Range("largest_usd does not exceed total_usd", pl.col("largest_usd") / pl.col("total_usd"), high=1.000001),
        Range("accounts are not negative", pl.col("accounts"), low=0),
        # On the worst known day all assets at all venues came to 19 billion. Contracts of a ten-thousandth of a
        # bitcoin, taken for coins, would exceed this limit on any busy day, and that of the next rule on any days at
        # all.
        Range("total_usd is below 10 billion", pl.col("total_usd"), high=1e10),
        Range(
            "half of the days of BTC and ETH are below 500 million, over 5 days or more",
            pl.when(_LARGE & (pl.len().over(_MARKET) >= SEVERAL)).then(pl.col("total_usd").median().over(_MARKET)),
            high=5e8,
        ),
        # Coins taken for dollars lie far below it. A small venue may have such a week, so it only warns.
        Range(
            "half of the days of BTC and ETH with liquidations are above 1,000, over 5 days or more",
            pl.when(_LARGE & (_NOT_NOTHING.count().over(_MARKET) >= SEVERAL)).then(_NOT_NOTHING.median().over(_MARKET)),
            low=1_000,
            severity="warning",
        ),
    ),
    caveats=(
        "A lower bound: venues publish what they choose, and no source has all of them.",
        "Values are at the price of the liquidation or of the bar, as the venue states them; USDT is taken at par.",
    ),
    sparse=True,
)
