"""DefiLlama: lending rates of on-chain pools and the supply of stablecoins.

Every answer is the whole history; less cannot be requested. Answers are cached for half an hour to an hour.
Stablecoin days are restated with better readings for some days. Coins are identified by number, not by symbol. 500
requests a minute are reported to be allowed; two a second are made.
"""

from datetime import date, timedelta

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.datasets.stablecoin_supply import STABLECOIN_SUPPLY
from expectations.errors import PipelineError, SourceUnavailable, quoted
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, series_of

CHART = "https://yields.llama.fi/chart"
STABLECOIN = "https://stablecoins.llama.fi/stablecoin"
WHOLE_HISTORY = 36_600  # days: more than any coin has

# The day's last reading is taken near 23:01 UTC; the reading at midnight is served soon after it.
SETTLED = every_day(timedelta(minutes=25))

# Our name of the pool: protocol, chain, asset, DefiLlama's number and the first day of its chart.
POOLS = {
    "aave-v3-ethereum-usdc": (
        "aave-v3",
        "ethereum",
        "USDC",
        "aa70268e-4b52-42bf-a116-608b370f9501",
        date(2023, 2, 7),
    ),
    "aave-v3-ethereum-usdt": (
        "aave-v3",
        "ethereum",
        "USDT",
        "f981a304-bb6c-45b8-b0c5-fd2f515ad23a",
        date(2023, 2, 7),
    ),
    "compound-v3-ethereum-usdc": (
        "compound-v3",
        "ethereum",
        "USDC",
        "7da72d09-56ca-4ec5-a45f-59114353e487",
        date(2023, 2, 7),
    ),
}

# A fixed list, so that nothing is counted twice; coins mostly backed by others on the list are left out.
COINS = {
    "BUSD": ("4", date(2019, 9, 10)),
    "DAI": ("5", date(2019, 11, 18)),
    "FDUSD": ("119", date(2023, 7, 26)),
    "FRAX": ("6", date(2020, 12, 20)),
    "GHO": ("118", date(2023, 7, 16)),
    "PYUSD": ("120", date(2023, 8, 8)),
    "RLUSD": ("250", date(2024, 12, 17)),
    "TUSD": ("7", date(2018, 3, 6)),
    "USD1": ("262", date(2025, 3, 25)),
    "USDC": ("2", date(2018, 9, 26)),
    "USDD": ("14", date(2022, 5, 6)),
    "USDE": ("146", date(2023, 12, 1)),
    "USDG": ("286", date(2024, 11, 4)),
    "USDP": ("11", date(2018, 9, 11)),
    "USDS": ("209", date(2024, 9, 24)),
    "USDT": ("1", date(2017, 11, 29)),
}


def plan_chart(ask: Ask) -> Plan:
    """The pool's whole chart."""
    labels = dict(ask.series.labels)
    yield Request(f"{CHART}/{ask.series.symbol}", labels=labels)


def plan_stablecoin(ask: Ask) -> Plan:
    """The coin's whole history, in total and per chain."""
    labels = {"asset": ask.series.name, "coin_id": ask.series.symbol}
    yield Request(f"{STABLECOIN}/{ask.series.symbol}", labels=labels)


def refusal(answer: Answer) -> PipelineError | None:
    """A message where data were expected."""
    document = answer.json()
    if isinstance(document, dict) and set(document) == {"message"}:
        return SourceUnavailable(f"expected data from DefiLlama, found {quoted(document['message'])}")
    return None


SOURCE = Source(
    name="defillama",
    feeds=(
        Feed(
            LENDING_RATES,
            plan_chart,
            tuple(
                Series(
                    name,
                    pool,
                    since,
                    SETTLED,
                    labels={"protocol": protocol, "chain": chain, "asset": asset},
                )
                for name, (protocol, chain, asset, pool, since) in POOLS.items()
            ),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=10),
            whole_history=True,
        ),
        Feed(
            STABLECOIN_SUPPLY,
            plan_stablecoin,
            series_of(COINS, SETTLED),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=10),
            whole_history=True,
        ),
    ),
    limits={"yields.llama.fi": Limit(120, 60, burst=20), "stablecoins.llama.fi": Limit(120, 60, burst=20)},
    docs="https://api-docs.defillama.com",
    terms="free with attribution",
    attribution="DefiLlama",
    verified="documented",
    verified_against="documentation and the provider's server code; recorded answers only of sister endpoints",
    refusal=refusal,
    connections=2,
)
