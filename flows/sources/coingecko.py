"""CoinGecko: the market value of each asset over the last year.

A point stamped midnight is the close of the day before, and appears about 35 minutes after it; the last point is the
current value. Without a key only 365 days are served (401, code 10012 beyond), and 5 to 15 requests a minute, shared
by all callers from an address; a free demo key reaches no further back. Assets are identified by name, not by symbol.
A market value of 0 means unknown.
"""

from datetime import date, timedelta

from expectations.datasets.market_values import MARKET_VALUES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, quoted
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Key, Limit, Plan, Request, Source, series_of

HOST = "api.coingecko.com"
COINS = f"https://{HOST}/api/v3/coins"
WINDOW = 365  # days, without the current one
TOO_BUSY = 429

SETTLED = every_day(timedelta(minutes=35), grace=timedelta(hours=23))

# Our name: CoinGecko's name, and a day since which it has been traded.
ASSETS = {
    "AAVE": ("aave", date(2020, 10, 3)),
    "ADA": ("cardano", date(2017, 10, 18)),
    "APT": ("aptos", date(2022, 10, 19)),
    "ARB": ("arbitrum", date(2023, 3, 23)),
    "ARKM": ("arkham", date(2023, 7, 18)),
    "AVAX": ("avalanche-2", date(2020, 9, 22)),
    "BCH": ("bitcoin-cash", date(2017, 8, 2)),
    "BNB": ("binancecoin", date(2017, 9, 16)),
    "BTC": ("bitcoin", date(2013, 4, 28)),
    "DOGE": ("dogecoin", date(2013, 12, 15)),
    "DOT": ("polkadot", date(2020, 8, 19)),
    "ETH": ("ethereum", date(2015, 8, 7)),
    "IO": ("io", date(2024, 6, 11)),
    "LINK": ("chainlink", date(2017, 11, 9)),
    "LTC": ("litecoin", date(2013, 4, 28)),
    "OP": ("optimism", date(2022, 6, 1)),
    "PEPE": ("pepe", date(2023, 4, 18)),
    "SEI": ("sei-network", date(2023, 8, 15)),
    "SHIB": ("shiba-inu", date(2020, 8, 1)),
    "SOL": ("solana", date(2020, 8, 11)),
    "SUI": ("sui", date(2023, 5, 3)),
    "TRX": ("tron", date(2017, 11, 9)),
    "UNI": ("uniswap", date(2020, 9, 17)),
    "WLD": ("worldcoin-wld", date(2023, 7, 24)),
    "XLM": ("stellar", date(2014, 8, 5)),
    "XRP": ("ripple", date(2013, 8, 4)),
}


def plan_market_chart(ask: Ask) -> Plan:
    """The days from now back to the first wanted one, and one more where the window has it."""
    days = min((ask.now.date() - ask.days.start).days + 1, WINDOW)
    yield Request(
        f"{COINS}/{ask.series.symbol}/market_chart",
        params={"vs_currency": "usd", "days": days, "interval": "daily"},
        labels={"asset": ask.series.name},
    )


def refusal(answer: Answer) -> PipelineError | None:
    """An error where a chart was expected: a sentence, or a status with its code."""
    document = answer.json()
    if not isinstance(document, dict) or not document.keys() & {"error", "status"}:
        return None
    error = document.get("status") or document.get("error")
    status = error.get("status", error) if isinstance(error, dict) else None
    busy = isinstance(status, dict) and status.get("error_code") == TOO_BUSY
    message = f"expected a chart from CoinGecko, found {quoted(error)}"
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="coingecko",
    feeds=(
        Feed(
            MARKET_VALUES,
            plan_market_chart,
            series_of(ASSETS, SETTLED),
            days_per_ask=WINDOW + 1,
            whole_history=True,
            kept_for=timedelta(days=WINDOW),
        ),
    ),
    limits={HOST: Limit(5, 60)},
    docs="https://docs.coingecko.com/reference/coins-id-market-chart",
    terms="free for personal use with attribution; no redistribution",
    attribution="Powered by CoinGecko",
    verified="recorded",
    verified_against=(
        "a recorded answer of 2021 for bitcoin (90 days, a point at each midnight and one of now). The names "
        "of the other assets, as public code has them, the limit, the 365 days and the key's header are "
        "believed"
    ),
    refusal=refusal,
    connections=1,
    key=Key("COINGECKO", header="x-cg-demo-api-key", required=False),
)
