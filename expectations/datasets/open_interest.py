"""Open interest of futures and perpetuals."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import BTC_USD, DEAR_SINCE, ETH_USD, apart, factor, since, usual

EVERY_VENUE = "ALL"
# Below these sizes a contract is young, and may really grow tenfold within days.
LARGE_BTC, LARGE_ETH, LARGE_USD = 1_000, 10_000, 1e8


def _of(asset: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(value)


_COINS, _USD = pl.col("open_interest_coins"), pl.col("open_interest_usd")
_HIGH, _LOW = pl.col("open_interest_usd_high"), pl.col("open_interest_usd_low")
_KNOWN = _COINS.is_not_null().cast(pl.Int64) + _USD.is_not_null().cast(pl.Int64)
_BEFORE = _COINS.shift(1).over("series", order_by="date")
_WORTH = _USD / _COINS
_OF_A_CONTRACT = ("series", "contract")
_USUAL_COINS, _USUAL_USD = usual(_COINS, *_OF_A_CONTRACT), usual(_USD, *_OF_A_CONTRACT)
_LARGE = (_of("BTC", _USUAL_COINS) >= LARGE_BTC) | (_of("ETH", _USUAL_COINS) >= LARGE_ETH)
_DAYS_APART = pl.col("date").diff().over("series", order_by="date").dt.total_days()


OPEN_INTEREST = Dataset(
    name="open_interest",
    meaning="Open contracts of a future or perpetual at the end of a day.",
    grain="one contract of one asset at one venue on one UTC day",
    key=("date", "asset", "venue", "contract"),
    columns=(
        "date",
        "asset",
        "venue",
        "contract",
        "open_interest_coins",
        "open_interest_usd",
        "open_interest_usd_high",
        "open_interest_usd_low",
        "flush_usd",
        "cadence",
    ),
    nullable=frozenset(
        {
            "open_interest_coins",
            "open_interest_usd",
            "open_interest_usd_high",
            "open_interest_usd_low",
            "flush_usd",
        }
    ),
    checks=(
        Range("coins or dollars are known", _KNOWN, low=1),
        Range("open_interest_coins is above 0", _COINS, above=0),
        # Contracts or dollars taken for coins lie beyond. No contract has reached a quarter of these limits.
        Range("BTC is at most 1,000,000 coins", _of("BTC", _COINS), high=1_000_000),
        Range("ETH is at most 8,000,000 coins", _of("ETH", _COINS), high=8_000_000),
        # Coins taken for dollars lie below.
        Range(
            "open_interest_usd is 100,000 to 100 billion",
            pl.when(pl.col("venue") != EVERY_VENUE).then(_USD),
            low=1e5,
            high=1e11,
        ),
        Range(
            "open_interest_usd of all venues is 100 million to a trillion",
            pl.when(pl.col("venue") == EVERY_VENUE).then(_USD),
            low=1e8,
            high=1e12,
        ),
        # Prices since 2019. The implied price of a coin distinguishes contracts from coins, and coins from dollars.
        Range("a coin of BTC is worth 3,000 to 2,000,000 USD", _of("BTC", _USD / _COINS), low=3_000, high=2_000_000),
        Range("a coin of ETH is worth 80 to 100,000 USD", _of("ETH", _USD / _COINS), low=80, high=100_000),
        Range(
            "a coin of BTC is worth 10,000 to 1,000,000 USD since 2021",
            since(DEAR_SINCE, _of("BTC", _WORTH)),
            low=BTC_USD[0],
            high=BTC_USD[1],
        ),
        Range(
            "a coin of ETH is worth 500 to 100,000 USD since 2021",
            since(DEAR_SINCE, _of("ETH", _WORTH)),
            low=ETH_USD[0],
            high=ETH_USD[1],
        ),
        # In March 2020 prices halved in a day; a wrong contract size is off by a factor of ten.
        Range(
            "a coin is worth what it was worth within a factor of 3",
            apart(_WORTH, usual(_WORTH, *_OF_A_CONTRACT)),
            high=factor(3),
        ),
        # The deepest flushes closed half of the positions, and lasted a day.
        Range(
            "open_interest_coins of a large contract of BTC or ETH is within a factor of 5 of its last days",
            pl.when(_LARGE).then(apart(_COINS, _USUAL_COINS)),
            high=factor(5),
        ),
        Range(
            "open_interest_usd of 100 million or more is within a factor of 5 of its last days",
            pl.when(_USUAL_USD >= LARGE_USD).then(apart(_USD, _USUAL_USD)),
            high=factor(5),
        ),
        Range("open_interest_usd is not above the day's high", _HIGH - _USD, low=0),
        Range("open_interest_usd is not below the day's low", _USD - _LOW, low=0),
        # The deepest falls within a day, price included, were to about a half; a reading near zero is an error.
        Range("the day's low is at least a fifth of its high", _LOW / _HIGH, low=0.2),
        Range("flush_usd is not negative", pl.col("flush_usd"), low=0),
        Range("flush_usd is at most 20 times the day's high", pl.col("flush_usd") / _HIGH, high=20),
        OneOf("cadence is daily or weekly", "cadence", ("daily", "weekly")),
        # Counting both sides, or only one, is a step of 2. It does not block: a young contract has doubled in a day,
        # and a flush has closed half of the positions.
        Range(
            "open_interest_coins is within a factor of 1.8 of the day before",
            pl.when(_DAYS_APART == 1).then((_COINS / _BEFORE).log().abs()),
            high=0.5878,
            severity="warning",
        ),
    ),
    one_per=("date", "asset", "venue"),
    caveats=(
        "A contract has two sides and is counted once.",
        "A venue's contracts add up, whatever they are settled in; all of them come from one source.",
        "Where the venue reports only coins, dollars are unknown here, and the other way round.",
        "Venue ALL is an aggregator's total over venues of its choice: for comparison only, never to be added up.",
        "Weekly figures are those of CME, for the Tuesday that they describe; they are public on the Friday after it.",
    ),
    sparse=True,
    looks_back=14,
    notes={
        "flush_usd": "Known where the venue is read every five minutes. For contracts with a fixed dollar size, "
        "decreases are measured in dollars."
    },
)
