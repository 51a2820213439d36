"""Coin Metrics' community data: the supply of two stablecoins on their ledgers, and the market value of two assets.

A day is stamped with its start, and both bounds are inclusive days. A long answer gives the address of the next page.
A day is public about seven hours after its end. `SplyCur` counts issued coins, including those in the issuer's
treasury, on the chains that Coin Metrics follows: it may be above or below what another provider calls circulating.
`CapMrktCurUSD` exists for assets whose ledger Coin Metrics follows: of ours BTC and ETH. The others have an estimate
under another name, and a 403 under this one: they are left out.
"""

from datetime import date, timedelta
from urllib.parse import parse_qsl, urlsplit

from expectations.datasets.market_values import MARKET_VALUES
from expectations.datasets.stablecoin_supply import STABLECOIN_SUPPLY
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import ONE_DAY, day_start
from expectations.releases import Release
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, among, series_of
from transforms.payload import member

HOST = "community-api.coinmetrics.io"
ASSET_METRICS = f"https://{HOST}/v4/timeseries/asset-metrics"
PAGE = 10_000

# Usually out after seven hours; a slow chain delays its asset.
SETTLED = Release(
    "every day",
    lambda _: True,
    lambda day: day_start(day + ONE_DAY) + timedelta(hours=7, minutes=30),
    grace=timedelta(days=2),
)

COINS = {"USDC": ("usdc", date(2025, 9, 8)), "USDT": ("usdt", date(2017, 11, 29))}
ASSETS = {"BTC": ("btc", date(2010, 7, 18)), "ETH": ("eth", date(2015, 8, 8))}


def plan_supply(ask: Ask) -> Plan:
    """The supply of one coin."""
    yield from _plan(ask, "SplyCur")


def plan_market_values(ask: Ask) -> Plan:
    """The market value of one asset, and its price."""
    yield from _plan(ask, "CapMrktCurUSD,PriceUSD")


def _plan(ask: Ask, metrics: str) -> Plan:
    """The wanted days, page after page until no next one is named."""
    labels = {"asset": ask.series.name, "symbol": ask.series.symbol}
    page = yield Request(
        ASSET_METRICS,
        params={
            "assets": ask.series.symbol,
            "metrics": metrics,
            "frequency": "1d",
            "start_time": f"{ask.days.start}",
            "end_time": f"{ask.days.last}",
            "paging_from": "start",
            "page_size": PAGE,
        },
        labels=labels,
    )
    asked: set[str] = set()
    while following := next_page(page):
        if following in asked:
            raise PayloadChanged(f"expected another page, found {following} again")
        asked.add(following)
        page = yield Request(ASSET_METRICS, params=dict(parse_qsl(urlsplit(following).query)), labels=labels)


def next_page(page: Answer) -> str | None:
    """The address of the next page, which must be at the same endpoint; the last page names none."""
    document = page.json()
    member(document, "data")
    address = document.get("next_page_url")
    if address is None:
        return None
    if not isinstance(address, str) or not address.startswith(f"{ASSET_METRICS}?"):
        raise PayloadChanged(f"expected a next page at {ASSET_METRICS}, found {address!r}")
    return address


TOO_BUSY = {"internal_server_error", "service_unavailable", "too_many_requests"}


def refusal(answer: Answer) -> PipelineError | None:
    """Coin Metrics' error object."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    error = document["error"]
    message = f"expected data from Coin Metrics, found error {brief(error)}"
    busy = isinstance(error, dict) and among(error.get("type"), TOO_BUSY)
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="coinmetrics",
    feeds=(
        Feed(
            STABLECOIN_SUPPLY,
            plan_supply,
            series_of(COINS, SETTLED),
            days_per_ask=PAGE,
            restates_for=timedelta(days=10),
            whole_history=True,  # a page holds more days than there are
        ),
        Feed(
            MARKET_VALUES,
            plan_market_values,
            series_of(ASSETS, SETTLED),
            days_per_ask=PAGE,
            restates_for=timedelta(days=10),
            whole_history=True,  # a page holds more days than there are
        ),
    ),
    limits={HOST: Limit(9, 6, burst=3)},  # ten in six seconds are allowed
    docs="https://docs.coinmetrics.io/api/v4",
    terms="CC BY-NC 4.0: attribution, no commercial use",
    attribution="Coin Metrics",
    verified="documented",
    verified_against=(
        "documentation only, and public code that reads the answers. `usdt` is a sum over chains in all of "
        "its history, as one reader compared for 2020; `usdc` is one since 2025-09-08, and was Ethereum "
        "alone before, so that older days are not asked for. That both values of an asset come in one "
        "answer, null or left out where one is unknown, is believed. There is a close and no candle: "
        "`PriceUSD` is a reference price beside the market value, to hold the venues' closes against, and no "
        "row of `spot_prices`"
    ),
    refusal=refusal,
    connections=1,
)
