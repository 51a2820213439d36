"""Binance's public archive: zip files of a month of funding or klines, or a day of open interest, and checksums.

Each zip file holds one CSV file; that of klines has no header, and stamps in microseconds from 2025 on. A month appears
on the first Monday of the next one, a day two hours after its end; until then its key does not exist. The bytes of a
file never change, so that its checksum stays valid. A day's file may lack a reading, repeat one, and end with the first
reading of the next day.
"""

import hashlib
from dataclasses import replace
from datetime import date
from functools import lru_cache

from flows.simulator.candles import shown, window
from flows.simulator.holidays import first_monday_after_month
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, midnight_ms, next_month, number_of
from flows.simulator.market import Market
from flows.simulator.open_interest import STEP_MS, STEPS_A_DAY
from flows.simulator.page import Answer, Errors, Page, Refused, Request, coin_of, table_answer, zip_answer
from flows.simulator.pages.binance import FRAMES, QUOTE, READ, READ_IN_COINS, Swap, kline, spot_coin
from flows.simulator.seeded_random import key_of, unit

MONTH = r"(?P<month>\d{4}-(?:0[1-9]|1[0-2]))"
CHECKSUM = r"\.zip(?P<checksum>\.CHECKSUM)?"
FUNDING = rf"/data/futures/um/monthly/fundingRate/(?P<symbol>\w+)/(?P<file>(?P=symbol)-fundingRate-{MONTH}){CHECKSUM}"
KLINES = (
    r"/data/spot/monthly/klines/(?P<symbol>\w+)/(?P<interval>1d|1h)/"
    rf"(?P<file>(?P=symbol)-(?P=interval)-{MONTH}){CHECKSUM}"
)
METRICS = (
    r"/data/futures/(?P<kind>[uc]m)/daily/metrics/(?P<symbol>\w+)/"
    rf"(?P<file>(?P=symbol)-metrics-(?P<day>\d{{4}}-\d\d-\d\d)){CHECKSUM}"
)
HEADER = "calc_time,funding_interval_hours,last_funding_rate"
METRICS_HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
MICROSECONDS_SINCE = date(2025, 1, 1)
# Of swaps settled in dollars and in the coin: which there are, and the first day.
METRICS_OF = {"um": (READ, date(2020, 9, 1)), "cm": (READ_IN_COINS, date(2021, 7, 8))}
METRICS_AFTER_MS = DAY_MS + 2 * HOUR_MS
_TIMES = [f"{hour:02}:{minute:02}:00" for hour in range(24) for minute in range(0, 60, 5)]
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'
ERRORS = Errors(
    shape=lambda _, code, message: _XML.format(code, message),
    other=("SlowDown", "Please reduce your request rate."),
    statuses={403: ("AccessDenied", "Access Denied"), 404: ("NoSuchKey", "The specified key does not exist.")},
    within_200=403,
    content_type="application/xml",
)


def _published(request: Request, month: str) -> date:
    """The first day of a month whose file exists."""
    first = date.fromisoformat(f"{month}-01")
    if request.now_ms < first_monday_after_month(first) * DAY_MS:
        raise Refused("month")
    return first


def _file(table: Answer, file: str, checksum: str | None) -> Answer:
    """The zip file of a table, or its checksum."""
    packed = zip_answer(f"{file}.csv", table)
    if checksum is None:
        return packed

    def digest(content: bytes) -> bytes:
        return f"{hashlib.sha256(replace(packed, body=content).sent()).hexdigest()}  {file}.zip\n".encode()

    return replace(table, content_type="binary/octet-stream", finish=digest)


def funding(request: Request, symbol: str, file: str, month: str, checksum: str | None) -> Answer:
    """The settlements of a month."""
    ticker, first = coin_of(symbol, QUOTE, "symbol"), _published(request, month)
    source = request.market.funding
    begin, end = max(midnight_ms(first), source.first_ms(ticker)), next_month(number_of(first)) * DAY_MS - 1
    hours = source.interval_hours(ticker)
    lines = [f"{row.at_ms},{hours},{row.rate:.8f}" for row in source.settlements(ticker, begin, end)]
    if not lines:
        raise Refused("month")
    return _file(table_answer(HEADER, lines), file, checksum)


def klines(request: Request, symbol: str, interval: str, file: str, month: str, checksum: str | None) -> Answer:
    """The klines of a month."""
    first, frame = _published(request, month), FRAMES[interval]
    series = request.market.spot.series(spot_coin(symbol))
    end_ms = next_month(number_of(first)) * DAY_MS - 1
    numbers = window(series, frame, midnight_ms(first), end_ms, request.now_ms)
    lines = []
    for candle in shown(series, frame.step_ms, numbers, request.now_ms):
        fields = kline(candle, frame.step_ms, key_of(symbol, "buyers"))
        if first >= MICROSECONDS_SINCE:
            fields[0], fields[6] = int(fields[0]) * 1000, int(fields[6]) * 1000 + 999
        lines.append(",".join(map(str, fields)))
    if not lines:
        raise Refused("month")
    return _file(table_answer(lines[0], lines[1:]), file, checksum)


@lru_cache(maxsize=4096)
def _metrics(market: Market, symbol: str, swap: Swap, day: int) -> list[str]:
    """The lines of one day, with the oddities of such files."""
    key = key_of(symbol, "metrics")
    moments = [day * DAY_MS + number * STEP_MS for number in range(STEPS_A_DAY + 1)]
    times = [*(f"{day_of(day)} {time}" for time in _TIMES), f"{day_of(day + 1)} {_TIMES[0]}"]
    readings = market.open_interest.readings(swap.ticker, moments, venue=swap.venue, share=swap.share)
    lines = [
        f"{time},{symbol},{count:.8f},{value:.8f},1.2,1.5,1.1,0.9"
        for time, (count, value) in zip(times, map(swap.amounts, readings), strict=True)
    ]
    lost, again = (1 + int(unit(key, day, stream) * (STEPS_A_DAY - 3)) for stream in (2, 3))
    odd = unit(key, day, 1) < 0.4
    kept = [*lines[:lost], *lines[lost + 1 :]] if odd else lines[:-1]
    kept.insert(again, kept[again])
    return kept


def metrics(request: Request, kind: str, symbol: str, file: str, day: str, checksum: str | None) -> Answer:
    """The open interest of a day."""
    swaps, begun = METRICS_OF[kind]
    first = date.fromisoformat(day)
    if symbol not in swaps or first < begun or request.now_ms < midnight_ms(first) + METRICS_AFTER_MS:
        raise Refused("day")
    lines = _metrics(request.market, symbol, swaps[symbol], number_of(first))
    return _file(table_answer(METRICS_HEADER, lines), file, checksum)


PAGES = (Page(("data.binance.vision",), {FUNDING: funding, METRICS: metrics, KLINES: klines}, ERRORS),)
