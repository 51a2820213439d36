"""OKX: spot prices in USDT; funding, open interest and liquidations of its swaps; borrow rates of stablecoins.

Newest first; `after` means older than and is exclusive. The bar `1D` begins at 16:00 UTC, `1Dutc` at 00:00. A candle
states whether it is finished. Errors come in a 200, with a code other than "0". The funding history reaches back
about 94 days; older payments come from the archive of monthly files (static.okx.com). Neither states the interval of
a payment. A month of the archive is one of UTC+8: it begins at 16:00 UTC of the last day of the month before, so the
last payment of a month's last day is in the next file. Its stamps are UTC, up to 24 seconds late from March 2022 to
2023, and two of 18 December 2022 are an hour and three hours late, which costs that day. There is no checksum; 404
means that a file does not exist, 403 that access is denied. Before March 2022 the archive lacks days. Borrow rates
come each hour and are per year; they are requested by `after` alone, because a page of a hundred hours then holds the
four whole days before it. Open interest is requested by the hour too, four whole days a page, with exclusive bounds;
about the newest 1,440 hours are kept, and the newest hundred days, but a day begins at 16:00 UTC, and it is not
certain whether its row describes its start or its end. Liquidations are kept for some days, and are requested by
`after` too.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, quoted
from expectations.interval import ONE_DAY, Interval, day_start, milliseconds, next_month
from expectations.releases import every_day
from flows.paging import walk_back, walk_back_overlapping
from flows.source import Answer, Ask, Feed, Limit, Lost, Plan, Request, Series, Source, among, piece, series_of, windows
from transforms.liquidation_events.okx import told_of
from transforms.payload import member, text_columns

HOST = "www.okx.com"
ARCHIVE_HOST = "static.okx.com"
CANDLES = f"https://{HOST}/api/v5/market/history-candles"
FUNDING = f"https://{HOST}/api/v5/public/funding-rate-history"
RATES = f"https://{HOST}/api/v5/finance/savings/lending-rate-history"
READINGS = f"https://{HOST}/api/v5/rubik/stat/contracts/open-interest-history"
LIQUIDATIONS = f"https://{HOST}/api/v5/public/liquidation-orders"
ARCHIVE = f"https://{ARCHIVE_HOST}/cdn/okex/traderecords/swaprates/monthly"
PAGE = 300
DAY_MS = 86_400_000
PAYMENTS_PAGE = 100  # four hundred are documented by now; a hundred was always allowed, and is a month
PAYMENTS_A_DAY = 3
EIGHT_HOURS_MS = 8 * 3_600_000
KEPT_DAYS = 90  # of payments by REST; about 94 were measured
HANDED_OVER = 25  # stamps passed from one file to the next: a day of them, whatever the interval
AHEAD = timedelta(hours=8)  # of UTC+8, the zone of the archive's months
HOURS_PAGE = 100
WHOLE_DAYS_A_PAGE = 4  # 96 hours
READINGS_PAGE = 100
DAYS_OF_READINGS = 4  # 96 hours
READINGS_KEPT_DAYS = 55  # about 59 were measured
SLACK_MS = 60_000  # how far rows may be out of order
LIQUIDATIONS_PAGE = 100
LIQUIDATIONS_A_DAY = 200  # a guess
LIQUIDATIONS_KEPT_DAYS = 5  # some
# A day without a liquidation is proved by the next one.
TOLD = every_day(timedelta(minutes=5), grace=timedelta(days=1))

# Our name of the asset: the spot market in USDT and a day from which it certainly trades.
SPOT = {
    "AAVE": ("AAVE-USDT", date(2021, 1, 1)),
    "ADA": ("ADA-USDT", date(2021, 1, 1)),
    "APT": ("APT-USDT", date(2022, 11, 1)),
    "ARB": ("ARB-USDT", date(2023, 4, 1)),
    "AVAX": ("AVAX-USDT", date(2021, 1, 1)),
    "BCH": ("BCH-USDT", date(2021, 1, 1)),
    "BTC": ("BTC-USDT", date(2018, 2, 1)),
    "DOGE": ("DOGE-USDT", date(2021, 1, 1)),
    "DOT": ("DOT-USDT", date(2021, 1, 1)),
    "ETH": ("ETH-USDT", date(2018, 2, 1)),
    "LINK": ("LINK-USDT", date(2021, 1, 1)),
    "LTC": ("LTC-USDT", date(2021, 1, 1)),
    "OP": ("OP-USDT", date(2022, 7, 1)),
    "PEPE": ("PEPE-USDT", date(2023, 6, 1)),
    "SHIB": ("SHIB-USDT", date(2021, 6, 1)),
    "SOL": ("SOL-USDT", date(2021, 1, 1)),
    "SUI": ("SUI-USDT", date(2023, 6, 1)),
    "TRX": ("TRX-USDT", date(2021, 1, 1)),
    "UNI": ("UNI-USDT", date(2021, 1, 1)),
    "WLD": ("WLD-USDT", date(2023, 8, 1)),
    "XLM": ("XLM-USDT", date(2021, 1, 1)),
    "XRP": ("XRP-USDT", date(2021, 1, 1)),
}

# The swap whose funding is requested, and the first whole day from which no file of the archive lacks a day.
SWAPS = {"BTC": ("BTC-USDT-SWAP", date(2022, 3, 1)), "ETH": ("ETH-USDT-SWAP", date(2022, 3, 1))}

BORROWED = {"USDC": date(2021, 12, 15), "USDT": date(2021, 12, 15)}
# Our name of the series: the asset and its swap, settled in USDT or in the coin.
READ = {
    "BTC": ("BTC", "BTC-USDT-SWAP"),
    "BTC-inverse": ("BTC", "BTC-USD-SWAP"),
    "ETH": ("ETH", "ETH-USDT-SWAP"),
    "ETH-inverse": ("ETH", "ETH-USD-SWAP"),
}
READ_SINCE = date(2020, 1, 1)
# The same series: the asset, the swap's underlying, and the contract size, in coins or in dollars.
LIQUIDATED = {
    "BTC": ("BTC", "BTC-USDT", {"coins": "0.01"}),
    "BTC-inverse": ("BTC", "BTC-USD", {"dollars": "100"}),
    "ETH": ("ETH", "ETH-USDT", {"coins": "0.1"}),
    "ETH-inverse": ("ETH", "ETH-USD", {"dollars": "10"}),
}


def plan_candles(ask: Ask) -> Plan:
    """Walk backward from the end, 300 days a page, to the first wanted day."""
    days = ask.days

    def page_before(stamp: int) -> Request:
        return Request(
            CANDLES,
            params={"instId": ask.series.symbol, "bar": "1Dutc", "after": stamp, "limit": PAGE},
            labels={"asset": ask.series.name},
        )

    start, end = milliseconds(days.starts_at), milliseconds(days.ends_at)
    return walk_back(page_before, _candle_stamps, start, end, step=DAY_MS)


def first_kept(now: datetime) -> date:
    """The first day whose payments REST still has; those before it are in the archive."""
    return (now - timedelta(days=KEPT_DAYS)).date()


def plan_funding(ask: Ask) -> Plan:
    """Take days that REST still has from REST, older ones from the archive; no ask holds both."""
    return plan_archive(ask) if ask.days.start < first_kept(ask.now) else plan_payments(ask)


def archived_months(days: Interval) -> Iterator[date]:
    """The UTC+8 months that hold payments of some days: payments from 16:00 UTC on belong to the next day there."""
    month = days.start.replace(day=1)
    while month <= days.end:
        yield month
        month = next_month(month)


def month_begins(month: date) -> datetime:
    """The first instant of a month of UTC+8, given by its first day."""
    return day_start(month) - AHEAD


def archived_file(symbol: str, month: date) -> str:
    """The address of the file of a month's payments."""
    return f"{ARCHIVE}/{month:%Y%m}/{symbol}-fundingrates-{month:%Y-%m}.zip"


def plan_archive(ask: Ask) -> Plan:
    """Walk forward through the months; each request carries the last stamps of the file before.

    The first payment of the first file is never wanted: it belongs to the day before the first. A lost file costs the
    days that have payments in it.
    """
    newest: list[int] = []
    lost: list[Lost] = []
    for month in archived_months(ask.days):
        stamps = yield from piece(days_in_file(month), plan_month(ask, month, newest))
        if isinstance(stamps, Lost):
            lost.append(stamps)
            newest = []
        else:
            newest = [*newest, *stamps][-HANDED_OVER:]
    return lost


def days_in_file(month: date) -> Interval:
    """The UTC days that have payments in the file of a month of UTC+8, from the last day of the month before on."""
    return Interval(month - ONE_DAY, next_month(month))


def plan_month(ask: Ask, month: date, newest: Sequence[int]) -> Generator[Request, Answer, Sequence[int]]:
    """One file; returns its stamps, oldest first.

    Args:
        ask: The series, and which days.
        month: The month of UTC+8, by its first day.
        newest: The last stamps of the file before.
    """
    series, days = ask.series, ask.days
    answer = yield Request(
        archived_file(series.symbol, month),
        form="zip",
        labels={"asset": series.name, "symbol": series.symbol, "before": " ".join(map(str, newest))},
        transform="normalize_archive",
    )
    stamps = archived_stamps(answer)
    # Otherwise a file that lost its beginning would look like a history that begins later.
    first = max(days.start, month)
    if not newest and min(stamps, default=milliseconds(days.ends_at)) >= milliseconds(day_start(first + ONE_DAY)):
        raise SourceUnavailable(f"expected payments of {first} in the file of {month:%Y-%m}, found none")
    return stamps


def archived_stamps(answer: Answer) -> Sequence[int]:
    """The stamps of a file of the archive, oldest first, in milliseconds since 1970."""
    lines = text_columns(answer.document, "funding_time")
    return sorted(int(stamp) for stamp in lines["funding_time"])


def plan_payments(ask: Ask) -> Plan:
    """Walk backward from the end, a hundred payments a page, to one before the first wanted day."""
    days = ask.days

    def page_before(stamp: int) -> Request:
        return Request(
            FUNDING,
            params={"instId": ask.series.symbol, "after": stamp, "limit": PAYMENTS_PAGE},
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )

    start, end = milliseconds(days.starts_at), milliseconds(days.ends_at)
    return walk_back_overlapping(page_before, _payment_stamps, start, end, usual=EIGHT_HOURS_MS)


def plan_rates(ask: Ask) -> Plan:
    """Pages of a hundred hours, each holding up to four whole days; an unfinished day is not requested."""
    over = min(ask.days.end, ask.now.date())

    def request(days: Interval) -> Request:
        return Request(
            RATES,
            params={"ccy": ask.series.symbol, "after": milliseconds(days.ends_at), "limit": HOURS_PAGE},
            labels={"asset": ask.series.name, "first": f"{days.start}", "last": f"{days.last}"},
        )

    return windows(Interval(ask.days.start, max(over, ask.days.start)).split(WHOLE_DAYS_A_PAGE), request)


def plan_open_interest(ask: Ask) -> Plan:
    """The hours of four whole days a page; both bounds are exclusive."""

    def request(days: Interval) -> Request:
        return Request(
            READINGS,
            params={
                "instId": ask.series.symbol,
                "period": "1H",
                "begin": milliseconds(days.starts_at) - 1,
                "end": milliseconds(days.ends_at),
                "limit": READINGS_PAGE,
            },
            labels={**ask.series.labels, "symbol": ask.series.symbol},
        )

    return windows(ask.days.split(DAYS_OF_READINGS), request)


def plan_liquidations(ask: Ask) -> Plan:
    """Walk backward, a hundred orders a page, to one from before the first wanted day.

    The walk begins a day late: only the time between two orders is known to hold nothing.
    """

    def page_before(stamp: int) -> Request:
        return Request(
            LIQUIDATIONS,
            params={
                "instType": "SWAP",
                "uly": ask.series.symbol,
                "state": "filled",
                "after": stamp,
                "limit": LIQUIDATIONS_PAGE,
            },
            labels={**ask.series.labels, "symbol": ask.series.symbol},
        )

    end = milliseconds(min(ask.days.ends_at + ONE_DAY, ask.now))
    return walk_back_overlapping(
        page_before, _liquidation_stamps, milliseconds(ask.days.starts_at), end, must_reach=True, slack=SLACK_MS
    )


def _liquidation_stamps(answer: Answer) -> Sequence[int]:
    return [int(member(order, "ts")) for order in told_of(answer.json())]


def _candle_stamps(answer: Answer) -> Sequence[int]:
    return [int(candle[0]) for candle in member(answer.json(), "data")]


def _payment_stamps(answer: Answer) -> Sequence[int]:
    return [int(member(payment, "fundingTime")) for payment in member(answer.json(), "data")]


def count_candles(ask: Ask) -> Mapping[str, int]:
    """One request for each 300 days."""
    return {HOST: -(-len(ask.days) // PAGE)}


def count_payments(ask: Ask) -> Mapping[str, int]:
    """One request for each archive month; from REST one for the first hundred payments, and one for each 99 more.

    The payments from REST include the one before the first wanted.
    """
    if ask.days.start < first_kept(ask.now):
        return {ARCHIVE_HOST: sum(1 for _ in archived_months(ask.days))}
    older = len(ask.days) * PAYMENTS_A_DAY + 1 - PAYMENTS_PAGE
    return {HOST: 1 + max(-(-older // (PAYMENTS_PAGE - 1)), 0)}


def count_rates(ask: Ask) -> Mapping[str, int]:
    """One request for each four days."""
    return {HOST: -(-len(ask.days) // WHOLE_DAYS_A_PAGE)}


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """One request for each four days."""
    return {HOST: -(-len(ask.days) // DAYS_OF_READINGS)}


def count_liquidations(ask: Ask) -> Mapping[str, int]:
    """One request for each hundred orders, of the wanted days and the one after them."""
    return {HOST: (len(ask.days) + 1) * LIQUIDATIONS_A_DAY // LIQUIDATIONS_PAGE}


FINE = "0"
# Unavailable, timed out, too many requests, too busy, system error.
TOO_BUSY = {"50001", "50004", "50011", "50013", "50026", "50040", "50061"}


def refusal(answer: Answer) -> PipelineError | None:
    """OKX's envelope, when its code is not "0"; or an HTML page in place of a file, which a proxy may send in a 200."""
    if answer.request.form == "zip":
        if answer.body.lstrip()[:1] == b"<":
            return SourceUnavailable(f"expected a zip file from {answer.request.host}, found {answer.body[:60]!r}")
        return None
    document = answer.json()
    if not isinstance(document, dict) or "code" not in document or document["code"] == FINE:
        return None
    message = f"expected data from OKX, found error {quoted(document['code'])}: {quoted(document.get('msg'))}"
    return SourceUnavailable(message) if among(document["code"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="okx",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_candles,
            series_of(SPOT),
            days_per_ask=1000,
            count=count_candles,
        ),
        Feed(
            FUNDING_RATES,
            plan_funding,
            series_of(SWAPS),
            days_per_ask=92,
            seam=first_kept,
            count=count_payments,
        ),
        Feed(
            BORROW_RATES,
            plan_rates,
            tuple(Series(coin, coin, since) for coin, since in BORROWED.items()),
            days_per_ask=30 * WHOLE_DAYS_A_PAGE,
            count=count_rates,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(Series(name, swap, READ_SINCE, labels={"asset": asset}) for name, (asset, swap) in READ.items()),
            days_per_ask=60,
            kept_for=timedelta(days=READINGS_KEPT_DAYS),
            count=count_open_interest,
        ),
        Feed(
            LIQUIDATION_EVENTS,
            plan_liquidations,
            tuple(
                Series(name, underlying, READ_SINCE, TOLD, labels={"asset": asset, **contract})
                for name, (asset, underlying, contract) in LIQUIDATED.items()
            ),
            days_per_ask=1,  # a day that is out of reach fails alone
            restates_for=timedelta(0),
            kept_for=timedelta(days=LIQUIDATIONS_KEPT_DAYS),
            count=count_liquidations,
        ),
    ),
    # Each endpoint has its own limit; that of funding is per swap, and we keep to it for all together.
    limits={
        CANDLES.removeprefix("https://"): Limit(20, 2, burst=1),
        RATES.removeprefix("https://"): Limit(12, 2, burst=1),
        FUNDING.removeprefix("https://"): Limit(10, 2, burst=1),
        READINGS.removeprefix("https://"): Limit(5, 2, burst=1),
        LIQUIDATIONS.removeprefix("https://"): Limit(20, 2, burst=1),  # 40 are believed
        ARCHIVE_HOST: Limit(120, 60, burst=2),  # none published
    },
    docs="https://www.okx.com/docs-v5/en/",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="OKX",
    verified="documented",
    verified_against=(
        "documentation; a recorded answer of the sister endpoint `market/candles` (2024) has the candles' "
        "shape, one of borrowing rates of BTC (2026) is read as those of the stablecoins are, and one of "
        "open interest by the day (2026) has the shape of the hours. Others measured that borrowing rates "
        "begin on 14 December 2021, not for which coins: we ask from the next day on, the first that is "
        "whole. That hours of open interest are kept for 59 days was measured by one, four days by another "
        "who asked for one page. The address of liquidations is no longer documented, but answered others in "
        "2026, in the shape of the documented channel; that pages can be walked there is believed, and a day "
        "that cannot be walked through fails. So is what a contract is of. Files of the archive, their "
        "months and their holes were measured by others. That their rate is the realised one is believed: "
        "nothing in them says so, `tidemark doctor` holds the newest against REST, and since April 2025 "
        "OKX's formula makes predicted and realised the same for most. For older days an older layout of the "
        "archive could settle it, which has both rates "
        "(swaprate/monthly/YYYYMM/allswaprate-swaprate-YYYY-MM-DD.zip, Latin-1, up to September 2025; by one "
        "account its stamp is the next settlement); we do not use it. The other first days are from memory "
        "and on the safe side: what OKX has before them is not asked for. BNB, ARKM, SEI and IO are left "
        "out, because it is not known since when OKX lists them"
    ),
    refusal=refusal,
    connections=2,
)
