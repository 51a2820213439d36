"""Bybit: spot prices in USDT, funding and open interest of its perpetuals, and borrow rates of stablecoins.

Newest first, both bounds inclusive; nothing marks the newest candle as unfinished, but the answer states its own
time. The funding history refuses a start without an end, so it is paged by its end alone; it does not state the
interval of a payment, and the list of instruments states only today's. Open interest counts both sides of a contract.
It is requested by the hour, a few whole days a page: nothing says whether a daily row describes the day's start or
its end, and a cursor would cut a day in two. The borrow rate is the current one, per hour; past rates need a key.
Errors come in a 200, with a retCode other than 0. A 403 means too many requests, or a place that is not served: its
body says which.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief, quoted
from expectations.interval import Interval, milliseconds
from flows.paging import walk_back, walk_back_overlapping
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among, series_of, windows
from transforms.payload import member

HOST = "api.bybit.com"
KLINES = f"https://{HOST}/v5/market/kline"
FUNDING = f"https://{HOST}/v5/market/funding/history"
READINGS = f"https://{HOST}/v5/market/open-interest"
RATES = f"https://{HOST}/v5/spot-margin-trade/data"
PAGE = 1000
DAY_MS = 86_400_000
PAYMENTS_PAGE = 200
EIGHT_HOURS_MS = 8 * 3_600_000
PAYMENTS_A_DAY = 3
READINGS_PAGE = 200
DAYS_OF_READINGS = 8  # 192 hours

# Our name of the asset: the spot market in USDT and a day from which it certainly trades.
SPOT = {
    "AAVE": ("AAVEUSDT", date(2022, 6, 1)),
    "ADA": ("ADAUSDT", date(2022, 6, 1)),
    "APT": ("APTUSDT", date(2022, 11, 1)),
    "ARB": ("ARBUSDT", date(2023, 4, 1)),
    "ARKM": ("ARKMUSDT", date(2023, 8, 1)),
    "AVAX": ("AVAXUSDT", date(2022, 6, 1)),
    "BCH": ("BCHUSDT", date(2022, 6, 1)),
    "BTC": ("BTCUSDT", date(2021, 8, 1)),
    "DOGE": ("DOGEUSDT", date(2022, 6, 1)),
    "DOT": ("DOTUSDT", date(2022, 6, 1)),
    "ETH": ("ETHUSDT", date(2021, 8, 1)),
    "IO": ("IOUSDT", date(2024, 7, 1)),
    "LINK": ("LINKUSDT", date(2022, 6, 1)),
    "LTC": ("LTCUSDT", date(2022, 6, 1)),
    "OP": ("OPUSDT", date(2022, 7, 1)),
    "PEPE": ("PEPEUSDT", date(2023, 6, 1)),
    "SEI": ("SEIUSDT", date(2023, 9, 1)),
    "SHIB": ("SHIBUSDT", date(2022, 6, 1)),
    "SOL": ("SOLUSDT", date(2022, 6, 1)),
    "SUI": ("SUIUSDT", date(2023, 6, 1)),
    "TRX": ("TRXUSDT", date(2022, 6, 1)),
    "UNI": ("UNIUSDT", date(2022, 6, 1)),
    "WLD": ("WLDUSDT", date(2023, 8, 1)),
    "XLM": ("XLMUSDT", date(2022, 6, 1)),
    "XRP": ("XRPUSDT", date(2022, 6, 1)),
}

PERPETUALS = {"BTC": ("BTCUSDT", date(2020, 4, 1)), "ETH": ("ETHUSDT", date(2020, 11, 1))}

# Our name of the series: the asset, how its contract is settled, its name, and a day from which it certainly exists.
READ = {
    "BTC": ("BTC", "linear", "BTCUSDT", date(2021, 1, 1)),
    "BTC-inverse": ("BTC", "inverse", "BTCUSD", date(2021, 1, 1)),
    "BTC-usdc": ("BTC", "linear", "BTCPERP", date(2023, 1, 1)),
    "ETH": ("ETH", "linear", "ETHUSDT", date(2021, 1, 1)),
    "ETH-inverse": ("ETH", "inverse", "ETHUSD", date(2021, 1, 1)),
    "ETH-usdc": ("ETH", "linear", "ETHPERP", date(2023, 1, 1)),
}

BORROWED = ("USDC", "USDT")
BORROWED_SINCE = date(2023, 1, 1)  # it was offered earlier, but past rates cannot be fetched


def plan_klines(ask: Ask) -> Plan:
    """Walk backward from the end, 1,000 days a page, to the first wanted day."""
    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)

    def page_before(stamp: int) -> Request:
        return Request(
            KLINES,
            params={
                "category": "spot",
                "symbol": ask.series.symbol,
                "interval": "D",
                "start": start,
                "end": stamp - 1,
                "limit": PAGE,
            },
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )

    return walk_back(page_before, _kline_stamps, start, end, step=DAY_MS, since=start)


def plan_payments(ask: Ask) -> Plan:
    """Walk backward from the end, 200 payments a page, to one before the first wanted day."""
    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)

    def page_before(stamp: int) -> Request:
        return Request(
            FUNDING,
            params={
                "category": "linear",
                "symbol": ask.series.symbol,
                "endTime": stamp - 1,
                "limit": PAYMENTS_PAGE,
            },
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )

    return walk_back_overlapping(page_before, _payment_stamps, start, end, usual=EIGHT_HOURS_MS)


def plan_open_interest(ask: Ask) -> Plan:
    """The hours of eight whole days a page."""
    labels = {**ask.series.labels, "symbol": ask.series.symbol}

    def request(days: Interval) -> Request:
        return Request(
            READINGS,
            params={
                "category": labels["category"],
                "symbol": ask.series.symbol,
                "intervalTime": "1h",
                "startTime": milliseconds(days.starts_at),
                "endTime": milliseconds(days.ends_at) - 1,
                "limit": READINGS_PAGE,
            },
            labels=labels,
        )

    return windows(ask.days.split(DAYS_OF_READINGS), request)


def plan_rates(ask: Ask) -> Plan:
    """The current rate, for customers without a discount."""
    yield Request(
        RATES,
        params={"vipLevel": "No VIP", "currency": ask.series.symbol},
        labels={"asset": ask.series.name},
    )


def _kline_stamps(answer: Answer) -> Sequence[int]:
    return [int(kline[0]) for kline in member(member(answer.json(), "result"), "list")]


def _payment_stamps(answer: Answer) -> Sequence[int]:
    payments = member(member(answer.json(), "result"), "list")
    return [int(member(payment, "fundingRateTimestamp")) for payment in payments]


def count_klines(ask: Ask) -> Mapping[str, int]:
    """One request for each thousand days."""
    return {HOST: -(-len(ask.days) // PAGE)}


def count_payments(ask: Ask) -> Mapping[str, int]:
    """One request for the first 200 payments, including the one before the first wanted, and one for each 199 more."""
    older = len(ask.days) * PAYMENTS_A_DAY + 1 - PAYMENTS_PAGE
    return {HOST: 1 + max(-(-older // (PAYMENTS_PAGE - 1)), 0)}


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """One request for each eight days."""
    return {HOST: -(-len(ask.days) // DAYS_OF_READINGS)}


FINE = 0
# Timed out, too many visits, server error, too many requests from this address, overloaded.
TOO_BUSY = {10000, 10006, 10016, 10018, 10429}


def refusal(answer: Answer) -> PipelineError | None:
    """Bybit's envelope, when its retCode is not 0."""
    document = answer.json()
    if not isinstance(document, dict) or "retCode" not in document or document["retCode"] == FINE:
        return None
    message = f"expected data from Bybit, found error {brief(document['retCode'])}: {quoted(document.get('retMsg'))}"
    return SourceUnavailable(message) if among(document["retCode"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="bybit",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_klines,
            series_of(SPOT),
            days_per_ask=PAGE,
            count=count_klines,
        ),
        Feed(
            FUNDING_RATES,
            plan_payments,
            series_of(PERPETUALS),
            days_per_ask=366,
            count=count_payments,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(
                Series(name, contract, since, labels={"asset": asset, "category": category})
                for name, (asset, category, contract, since) in READ.items()
            ),
            days_per_ask=366,
            count=count_open_interest,
        ),
        Feed(
            BORROW_RATES,
            plan_rates,
            tuple(Series(coin, coin, BORROWED_SINCE) for coin in BORROWED),
            days_per_ask=1,
            restates_for=timedelta(0),
            reading=True,
        ),
    ),
    limits={HOST: Limit(100, 5, burst=10)},  # 600 in five seconds are allowed; exceeding it costs ten minutes
    docs="https://bybit-exchange.github.io/docs/v5/intro",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Bybit",
    verified="documented",
    verified_against=(
        "recorded answers of the funding and of the hourly open interest of BTCUSDT (2026), and the "
        "documentation's answers of the open interest of BTCUSD and of the borrowing rate of BTC; candles "
        "against documentation, and the same endpoint's daily candles of perpetuals as the replay has them. "
        "That both bounds of open interest are included is believed. The first days are from memory and on "
        "the safe side: what Bybit has before them is not asked for. BNB is left out, because it is not "
        "known since when it is listed"
    ),
    refusal=refusal,
    connections=2,
)
