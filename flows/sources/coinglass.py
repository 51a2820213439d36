"""Coinglass: liquidations at the largest exchanges, open interest of all of them, and borrow rates; a paid key.

Oldest first, at most 1,000 rows, both bounds inclusive, in milliseconds; stamps are in milliseconds, those of borrow
rates in seconds. The newest row is the current day. Errors come in a 200, with a code other than "0"; 401 means a
plan without the endpoint as well as a wrong key.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from expectations.contract import Dataset
from expectations.datasets.liquidations import LIQUIDATIONS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.unconfirmed_rates import UNCONFIRMED_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief, quoted
from expectations.interval import milliseconds
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Key, Limit, Plan, Request, Series, Source

HOST = "open-api-v4.coinglass.com"
LIQUIDATED = f"https://{HOST}/api/futures/liquidation/aggregated-history"
INTEREST = f"https://{HOST}/api/futures/open-interest/aggregated-history"
RATES = f"https://{HOST}/api/borrow-interest-rate/history"
PAGE = 1000
SETTLED = every_day(timedelta(minutes=30))
SINCE = date(2021, 1, 1)

LIQUIDATED_AT = ("Binance", "Bybit", "OKX")
ASSETS = ("BTC", "ETH", "SOL", "XRP")
COUNTED = ("BTC", "ETH")
LENT_AT = ("Binance", "Bybit")
LENT = ("USDC", "USDT")

FINE = "0"
TOO_BUSY = {"429", "500", "502", "503", "504"}


def _page(ask: Ask, url: str, labels: Mapping[str, str], **params: str) -> Plan:
    """One page of days."""
    yield Request(
        url,
        params={
            **params,
            "symbol": ask.series.labels["asset"],
            "interval": "1d",
            "start_time": milliseconds(ask.days.starts_at),
            "end_time": milliseconds(ask.days.ends_at) - 1,
            "limit": PAGE,
        },
        labels=labels,
    )


def plan_liquidations(ask: Ask) -> Plan:
    """Liquidations at one exchange."""
    return _page(ask, LIQUIDATED, ask.series.labels, exchange_list=ask.series.symbol)


def plan_open_interest(ask: Ask) -> Plan:
    """Open interest of all exchanges together, in dollars."""
    return _page(ask, INTEREST, ask.series.labels, unit="usd")


def plan_rates(ask: Ask) -> Plan:
    """Borrow rates at one exchange."""
    return _page(ask, RATES, ask.series.labels, exchange=ask.series.symbol)


def refusal(answer: Answer) -> PipelineError | None:
    """Coinglass' envelope, when its code is not "0"."""
    document = answer.json()
    if not isinstance(document, dict) or "code" not in document or brief(document["code"]) == FINE:
        return None
    message = f"expected data from Coinglass, found error {quoted(document['code'])}: {quoted(document.get('msg'))}"
    return SourceUnavailable(message) if brief(document["code"]) in TOO_BUSY else SourceRefused(message)


def _at(exchange: str, asset: str) -> Series:
    """A series of one asset at one exchange."""
    venue = exchange.lower()
    return Series(f"{asset}-{venue}", exchange, SINCE, SETTLED, labels={"asset": asset, "venue": venue})


def _feed(dataset: Dataset, plan: Callable[[Ask], Plan], series: tuple[Series, ...]) -> Feed:
    return Feed(dataset, plan, series, days_per_ask=PAGE)


SOURCE = Source(
    name="coinglass",
    feeds=(
        _feed(
            LIQUIDATIONS,
            plan_liquidations,
            tuple(_at(exchange, asset) for exchange in LIQUIDATED_AT for asset in ASSETS),
        ),
        _feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(Series(f"{asset}-ALL", asset, SINCE, SETTLED, labels={"asset": asset}) for asset in COUNTED),
        ),
        _feed(UNCONFIRMED_RATES, plan_rates, tuple(_at(exchange, coin) for exchange in LENT_AT for coin in LENT)),
    ),
    limits={HOST: Limit(28, 60, burst=2)},  # the smallest plan allows 30
    docs="https://docs.coinglass.com/reference/endpoint-overview",
    terms="by plan; not for commercial use on the smaller ones, and not to be republished",
    attribution="Coinglass",
    verified="documented",
    verified_against=(
        "the documentation, and the replay, which has recorded liquidations at Binance and open interest. "
        "That an answer about one exchange counts all of its contracts is believed. What the borrowing "
        "rate's unit is nobody states: it goes into a table that no mart reads. The open interest is a total "
        "of Coinglass' own choice of exchanges, CME among them, and is kept as the venue ALL, which no mart "
        "adds up"
    ),
    refusal=refusal,
    connections=2,
    key=Key("COINGLASS", header="CG-API-KEY"),
)
