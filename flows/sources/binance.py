"""Binance: daily and hourly spot prices in USDT, funding of its perpetuals, open interest per settlement currency.

Klines are oldest first and their window is inclusive; the last one may be unfinished. The archive has them in monthly
files without a header, stamped in milliseconds up to 2024 and in microseconds from 2025 on. Days come from the
archive where REST would need a second page, hours wherever a whole month is wanted and published: the archive takes
more requests than REST, but its host has no published limit and each file has a checksum. An hour in which Binance
was down is left out; a day that lacks more than four hours, as some did up to 2021, ends as failed_check. A candle
cut short by an outage closes at the outage (4 January, 8 February and 4 July 2018), and the hours of 9 to 11 February
2018 open 28 minutes past: these are left out, so the first two days have no hours. An archive file may come with a
header. The REST funding history does not state the interval of a payment; the monthly archive does; the list of
adjusted symbols states only today's. REST payments are requested with two days on either side, and the distance
between payments gives the interval. A month's archive is published on the first Monday of the next month. Open
interest is sampled every five minutes; REST keeps a month of it, the archive has one file a day, out some hours after
the day. A REST row describes the instant of its stamp, whatever the period: a daily row (period=1d) shows how the day
before it ended.

Also documented at https://github.com/binance/binance-public-data.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.hourly_prices import HOURLY_PRICES
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import HOURS_A_DAY, ONE_DAY, Interval, day_start, milliseconds, next_month
from expectations.releases import every_day
from flows.paging import in_order
from flows.source import Answer, Ask, Feed, Limit, Lost, Plan, Request, Series, Source, among, piece, pieces, series_of
from transforms.formats.funding_intervals import CONTEXT_DAYS
from transforms.payload import Form, member

KLINES_HOST = "data-api.binance.vision"
FUNDING_HOST = "fapi.binance.com"
ARCHIVE_HOST = "data.binance.vision"
KLINES = f"https://{KLINES_HOST}/api/v3/klines"
FUNDING = f"https://{FUNDING_HOST}/fapi/v1/fundingRate"
FUNDING_INFO = f"https://{FUNDING_HOST}/fapi/v1/fundingInfo"
ARCHIVE = f"https://{ARCHIVE_HOST}/data/futures/um/monthly/fundingRate"
SPOT_ARCHIVE = f"https://{ARCHIVE_HOST}/data/spot/monthly/klines"
METRICS = f"https://{ARCHIVE_HOST}/data/futures/um/daily/metrics"
READINGS = f"https://{FUNDING_HOST}/futures/data/openInterestHist"
COIN_HOST = "dapi.binance.com"
COIN_METRICS = f"https://{ARCHIVE_HOST}/data/futures/cm/daily/metrics"
COIN_READINGS = f"https://{COIN_HOST}/futures/data/openInterestHist"
PAGE = 1000
READINGS_PAGE = 500  # a day has 288 five-minute readings
READINGS_KEPT = timedelta(days=27)  # a month, less a margin
ARCHIVED_AFTER = timedelta(hours=2)  # from the end of the day; often later
DEFAULT_INTERVAL_HOURS = 8
NOT_FOUND = 404
PAYMENTS_WINDOW_DAYS = PAGE // HOURS_A_DAY - 2 * CONTEXT_DAYS  # whole days of hours, less the days beside them
HOUR = timedelta(hours=1)
INTERVALS = {ONE_DAY: "1d", HOUR: "1h"}
DOLLARS = "dollars"  # the label of futures that are settled in the coin

# Where REST does not have the readings of a day, the archive will.
READ_OR_ARCHIVED = every_day(timedelta(minutes=5), grace=timedelta(days=1))

# Our name of the asset: the spot market in USDT and its first day.
SPOT = {
    "AAVE": ("AAVEUSDT", date(2020, 10, 15)),
    "ADA": ("ADAUSDT", date(2018, 4, 17)),
    "APT": ("APTUSDT", date(2022, 10, 19)),
    "ARB": ("ARBUSDT", date(2023, 3, 23)),
    "ARKM": ("ARKMUSDT", date(2023, 7, 18)),
    "AVAX": ("AVAXUSDT", date(2020, 9, 22)),
    "BCH": ("BCHUSDT", date(2019, 11, 28)),
    "BNB": ("BNBUSDT", date(2017, 11, 6)),
    "BTC": ("BTCUSDT", date(2017, 8, 17)),
    "DOGE": ("DOGEUSDT", date(2019, 7, 5)),
    "DOT": ("DOTUSDT", date(2020, 8, 18)),
    "ETH": ("ETHUSDT", date(2017, 8, 17)),
    "IO": ("IOUSDT", date(2024, 6, 11)),
    "LINK": ("LINKUSDT", date(2019, 1, 16)),
    "LTC": ("LTCUSDT", date(2017, 12, 13)),
    "OP": ("OPUSDT", date(2022, 6, 1)),
    "PEPE": ("PEPEUSDT", date(2023, 5, 5)),
    "SEI": ("SEIUSDT", date(2023, 8, 15)),
    "SHIB": ("SHIBUSDT", date(2021, 5, 10)),
    "SOL": ("SOLUSDT", date(2020, 8, 11)),
    "SUI": ("SUIUSDT", date(2023, 5, 3)),
    "TRX": ("TRXUSDT", date(2018, 6, 11)),
    "UNI": ("UNIUSDT", date(2020, 9, 17)),
    "WLD": ("WLDUSDT", date(2023, 7, 24)),
    "XLM": ("XLMUSDT", date(2018, 5, 31)),
    "XRP": ("XRPUSDT", date(2018, 5, 4)),
}

# The spot market whose hours are requested and its first whole day.
HOURLY = {"BTC": ("BTCUSDT", date(2017, 8, 18)), "ETH": ("ETHUSDT", date(2017, 8, 18))}

# The perpetual of the asset and its first whole day of payments.
PERPETUALS = {
    "AAVE": ("AAVEUSDT", date(2020, 10, 17)),
    "ADA": ("ADAUSDT", date(2020, 2, 1)),
    "APT": ("APTUSDT", date(2022, 10, 20)),
    "ARB": ("ARBUSDT", date(2023, 3, 24)),
    "ARKM": ("ARKMUSDT", date(2023, 7, 19)),
    "AVAX": ("AVAXUSDT", date(2020, 9, 24)),
    "BCH": ("BCHUSDT", date(2019, 12, 20)),
    "BNB": ("BNBUSDT", date(2020, 2, 11)),
    "BTC": ("BTCUSDT", date(2019, 9, 11)),
    "DOGE": ("DOGEUSDT", date(2020, 7, 11)),
    "DOT": ("DOTUSDT", date(2020, 8, 23)),
    "ETH": ("ETHUSDT", date(2019, 11, 28)),
    "IO": ("IOUSDT", date(2024, 6, 12)),
    "LINK": ("LINKUSDT", date(2020, 1, 18)),
    "LTC": ("LTCUSDT", date(2020, 1, 10)),
    "OP": ("OPUSDT", date(2022, 6, 2)),
    "PEPE": ("1000PEPEUSDT", date(2023, 5, 6)),
    "SEI": ("SEIUSDT", date(2023, 8, 16)),
    "SHIB": ("1000SHIBUSDT", date(2021, 5, 11)),
    "SOL": ("SOLUSDT", date(2020, 9, 15)),
    "SUI": ("SUIUSDT", date(2023, 5, 4)),
    "TRX": ("TRXUSDT", date(2020, 1, 16)),
    "UNI": ("UNIUSDT", date(2020, 9, 19)),
    "WLD": ("WLDUSDT", date(2023, 7, 25)),
    "XLM": ("XLMUSDT", date(2020, 1, 21)),
    "XRP": ("XRPUSDT", date(2020, 1, 7)),
}

# Our name of the series: the asset, its perpetual, the first day of its five-minute readings of open interest, and the
# contract size in dollars where it is settled in the coin.
READ: dict[str, tuple[str, str, date, str | None]] = {
    "BTC": ("BTC", "BTCUSDT", date(2020, 9, 1), None),
    "BTC-inverse": ("BTC", "BTCUSD_PERP", date(2021, 7, 8), "100"),
    "BTC-usdc": ("BTC", "BTCUSDC", date(2024, 2, 1), None),
    "ETH": ("ETH", "ETHUSDT", date(2020, 9, 1), None),
    "ETH-inverse": ("ETH", "ETHUSD_PERP", date(2021, 7, 8), "10"),
}


def plan_days(ask: Ask) -> Plan:
    """Daily klines: the newest thousand or so from REST, one page a span, older ones from the archive."""
    return plan_candles(ask, ONE_DAY, months_beyond_a_page(ask))


def plan_hours(ask: Ask) -> Plan:
    """Hourly klines: whole months from the archive, the rest from REST."""
    return plan_candles(ask, HOUR, archived_months(ask))


def months_beyond_a_page(ask: Ask) -> Iterator[date]:
    """The archived months of an ask that are older than one page of days."""
    reach = (ask.now - PAGE * ONE_DAY).date()
    return (month for month in archived_months(ask) if next_month(month) <= reach)


def plan_candles(ask: Ask, step: timedelta, months: Iterable[date]) -> Plan:
    """Klines of some months from the archive; the others, and months whose file is missing or lost, from REST."""
    symbol, interval = ask.series.symbol, INTERVALS[step]
    labels = {"asset": ask.series.name}
    held: list[date] = []
    lost: list[Lost] = []
    for month in months:
        name = f"{symbol}-{interval}-{month:%Y-%m}.zip"
        file = plan_file(f"{SPOT_ARCHIVE}/{symbol}/{interval}", name, labels, form="bare_zip")
        outcome = yield from piece(days_of(month), file)
        if isinstance(outcome, Lost):
            lost.append(outcome)
        elif outcome:
            held.append(month)
    for days in without(ask.days, held):
        yield from plan_klines(ask.series, days, step)
    return lost


def days_of(month: date) -> Interval:
    """The days of a month, given by its first."""
    return Interval(month, next_month(month))


def plan_klines(series: Series, days: Interval, step: timedelta) -> Plan:
    """Walk forward, 1,000 klines a page, until the last wanted one is there or a page is not full."""
    start, end = milliseconds(days.starts_at), milliseconds(days.ends_at)
    last_open = milliseconds(days.ends_at - step)
    while start <= last_open:
        page = yield Request(
            KLINES,
            params={
                "symbol": series.symbol,
                "interval": INTERVALS[step],
                "startTime": start,
                "endTime": end - 1,
                "limit": PAGE,
            },
            labels={"asset": series.name},
        )
        stamps = in_order([int(kline[0]) for kline in page.json()], since=start, before=end)
        if len(stamps) < PAGE:
            return
        start = stamps[-1] + 1


def first_monday(month: date) -> datetime:
    """When the archive of the month before is published."""
    return datetime(month.year, month.month, 1 + (-month.weekday()) % 7, tzinfo=UTC)


def archived_months(ask: Ask) -> Iterator[date]:
    """The whole months of an ask whose archive is out."""
    month = ask.days.start if ask.days.start.day == 1 else next_month(ask.days.start)
    while next_month(month) <= ask.days.end and first_monday(next_month(month)) <= ask.now:
        yield month
        month = next_month(month)


def plan_funding(ask: Ask) -> Plan:
    """Take whole months from the archive, which states each interval; take the rest, and lost files, from REST."""
    held: list[date] = []
    lost: list[Lost] = []
    for month in archived_months(ask):
        outcome = yield from piece(days_of(month), plan_archive(ask, month))
        if isinstance(outcome, Lost):
            lost.append(outcome)
        elif outcome:
            held.append(month)
    for days in without(ask.days, held):
        lost += yield from plan_payments(ask, days)
    return lost


def without(days: Interval, months: Iterable[date]) -> Iterator[Interval]:
    """The parts of an interval that remain without some of its whole months."""
    start = days.start
    for month in months:
        if start < month:
            yield Interval(start, month)
        start = next_month(month)
    if start < days.end:
        yield Interval(start, days.end)


def plan_archive(ask: Ask, month: date) -> Generator[Request, Answer, bool]:
    """Ask for a month's payments; return whether their file exists."""
    name = f"{ask.series.symbol}-fundingRate-{month:%Y-%m}.zip"
    return (yield from plan_file(f"{ARCHIVE}/{ask.series.symbol}", name, {"asset": ask.series.name}))


def plan_file(
    folder: str, name: str, labels: Mapping[str, str], *, form: Form = "zip"
) -> Generator[Request, Answer, bool]:
    """Ask for an archive file and its checksum; return whether the file exists.

    A file that cannot be unpacked, or has no line, fails at once: REST may have its days.

    Raises:
        SourceUnavailable: The file does not match its checksum.
        PayloadChanged: The file cannot be unpacked, or is empty.
    """
    address = f"{folder}/{name}"
    archive = yield Request(address, form=form, labels=labels, transform="normalize_archive", accept=(NOT_FOUND,))
    if archive.status == NOT_FOUND:
        return False
    checksum = yield Request(f"{address}.CHECKSUM", form="csv", transform=None)
    promised = checksum.body.decode("ascii", "replace").split()
    digest = hashlib.sha256(archive.body).hexdigest()
    if promised != [digest, name]:
        raise SourceUnavailable(f"expected {name} with the checksum {promised[:1]}, found {digest}")
    if not archive.document.height:
        raise PayloadChanged(f"expected lines in {name}, found none")
    return True


def plan_payments(ask: Ask, days: Interval) -> Plan:
    """Windows of the REST history, each with the days beside it, whose payments give the intervals at its edges.

    No window fills a page, even with hourly payments.
    """
    info = yield Request(FUNDING_INFO, transform=None, shared=True)
    adjusted = {member(row, "symbol"): member(row, "fundingIntervalHours") for row in info.json()}
    hours = adjusted.get(ask.series.symbol, DEFAULT_INTERVAL_HOURS)
    return (yield from pieces(days.split(PAYMENTS_WINDOW_DAYS), lambda window: plan_window(ask, window, hours)))


def plan_window(ask: Ask, window: Interval, hours: int) -> Generator[Request, Answer, None]:
    """The payments of some days and of two days on either side."""
    asked = window.widened(CONTEXT_DAYS)
    start, last = milliseconds(asked.starts_at), milliseconds(asked.ends_at) - 1
    page = yield Request(
        FUNDING,
        params={"symbol": ask.series.symbol, "startTime": start, "endTime": last, "limit": PAGE},
        labels={
            "asset": ask.series.name,
            "symbol": ask.series.symbol,
            "interval_hours": str(hours),
            "first": f"{window.start}",
            "last": f"{window.last}",
        },
    )
    stamps = in_order([int(member(row, "fundingTime")) for row in page.json()], since=start, before=last + 1)
    if len(stamps) >= PAGE:
        raise PayloadChanged(f"expected under {PAGE} payments of {len(window)} days, found a full page")


def plan_open_interest(ask: Ask) -> Plan:
    """Take each day's readings from the archive, and from REST where the file is lost or not out yet."""
    symbol = ask.series.symbol
    folder = f"{COIN_METRICS if DOLLARS in ask.series.labels else METRICS}/{symbol}"
    lost: list[Lost] = []
    for day in ask.days:
        labels = {**ask.series.labels, "symbol": symbol, "day": day.isoformat()}
        whole = Interval(day, day + ONE_DAY)
        outcomes = [(yield from piece(whole, plan_file(folder, f"{symbol}-metrics-{day}.zip", labels)))]
        if outcomes[0] is not True and day_start(day) > ask.now - READINGS_KEPT:
            outcomes.append((yield from piece(whole, plan_readings(symbol, day, labels))))
        lost += [outcome for outcome in outcomes if isinstance(outcome, Lost)]
    return lost


def plan_readings(symbol: str, day: date, labels: Mapping[str, str]) -> Plan:
    """A day's five-minute readings from REST; if there are none, the reading at the day's end."""
    start, end = milliseconds(day_start(day)), milliseconds(day_start(day + ONE_DAY))
    address, market = READINGS, {"symbol": symbol}
    if DOLLARS in labels:
        address, market = COIN_READINGS, {"pair": symbol.removesuffix("_PERP"), "contractType": "PERPETUAL"}
    page = yield Request(
        address,
        params={**market, "period": "5m", "startTime": start, "endTime": end - 1, "limit": READINGS_PAGE},
        labels=labels,
    )
    if not page.json():
        yield Request(
            address,
            params={**market, "period": "1d", "startTime": end, "endTime": end, "limit": 1},
            labels=labels,
            transform="normalize_end",
        )


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """Two requests for a day whose file is out; otherwise one that finds no file, and one page."""
    late = sum(1 for day in ask.days if day_start(day + ONE_DAY) + ARCHIVED_AFTER > ask.now)
    host = COIN_HOST if DOLLARS in ask.series.labels else FUNDING_HOST
    return {ARCHIVE_HOST: 2 * len(ask.days) - late, host: late}


def count_days(ask: Ask) -> Mapping[str, int]:
    """Two requests for each month that is taken from the archive, one for each thousand of the other days."""
    return _count_candles(ask, ONE_DAY, list(months_beyond_a_page(ask)))


def count_hours(ask: Ask) -> Mapping[str, int]:
    """Two requests for each archived month, one for each thousand of the other hours."""
    return _count_candles(ask, HOUR, list(archived_months(ask)))


def _count_candles(ask: Ask, step: timedelta, months: list[date]) -> Mapping[str, int]:
    pages = sum(-(-len(days) * (ONE_DAY // step) // PAGE) for days in without(ask.days, months))
    hosts = {ARCHIVE_HOST: 2 * len(months), KLINES_HOST: pages}
    return {host: requests for host, requests in hosts.items() if requests > 0}


def count_funding(ask: Ask) -> Mapping[str, int]:
    """Two requests for an archived month, one for each window of the rest."""
    months = list(archived_months(ask))
    rest = without(ask.days, months)
    pages = sum(-(-len(days) // PAYMENTS_WINDOW_DAYS) for days in rest)
    return {ARCHIVE_HOST: 2 * len(months), FUNDING_HOST: pages}


TOO_BUSY = {-1000, -1001, -1003, -1007, -1008, -1016}


def refusal(answer: Answer) -> PipelineError | None:
    """Binance's error object, or an HTML page in place of an archive file, which a proxy can send with a 200."""
    if answer.request.form in {"zip", "bare_zip"} and answer.body.lstrip()[:1] == b"<":
        return SourceUnavailable(f"expected a zip file from {answer.request.host}, found {answer.body[:60]!r}")
    if answer.request.form != "json":
        return None
    document = answer.json()
    if not isinstance(document, dict) or "code" not in document:
        return None
    message = f"expected data from {answer.request.host}, found error {brief(document, 200)}"
    return SourceUnavailable(message) if among(document["code"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="binance",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_days,
            series_of(SPOT),
            days_per_ask=PAGE,
            count=count_days,
        ),
        Feed(
            HOURLY_PRICES,
            plan_hours,
            series_of(HOURLY),
            days_per_ask=366,
            count=count_hours,
        ),
        Feed(
            FUNDING_RATES,
            plan_funding,
            series_of(PERPETUALS),
            days_per_ask=366,
            count=count_funding,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(
                Series(name, symbol, since, READ_OR_ARCHIVED, labels={"asset": asset} | ({DOLLARS: of} if of else {}))
                for name, (asset, symbol, since, of) in READ.items()
            ),
            days_per_ask=92,
            apart=ONE_DAY,
            count=count_open_interest,
        ),
    ),
    limits={
        KLINES_HOST: Limit(2900, 60, burst=100),  # 6,000 weight a minute, two a request
        FUNDING_HOST: Limit(480, 300, burst=100),
        COIN_HOST: Limit(900, 300, burst=100),  # 1,000 in five minutes
        ARCHIVE_HOST: Limit(3000, 60, burst=100),  # none published
    },
    docs="https://developers.binance.com/docs/binance-spot-api-docs",
    terms="public market data, free to use; no resale of raw data",
    attribution="Binance",
    verified="recorded",
    verified_against=(
        "recorded answers of klines and funding (2019 to 2026), and of open interest by the hour (2026), "
        "five minutes and day (2020); a recorded file of klines by the hour (2024), those in microseconds "
        "and the other CSV of the archive only from quoted lines. Listing days are from memory; a day asked "
        "for before the true one ends as failed. That the archive of open interest begins for ether on the "
        "day that it does for bitcoin is believed. That a row tells of its stamp is told by a row of 23:00 "
        "that was not what was open at 23:14 (2026): it is neither a running figure nor one of the hour's "
        "end. Contracts and coins of futures settled in the coin were recorded by REST (2020), not in the "
        "archive, which is believed to hold the same from 8 July 2021 on. Since when the perpetual in USDC "
        "is read is from memory, and on the safe side"
    ),
    refusal=refusal,
)
