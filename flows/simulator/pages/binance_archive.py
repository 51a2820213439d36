"""Binance's public archive: a month of funding or of klines, or a day of open interest, as a zip, and a checksum.

Each zip holds one CSV; that of klines has no header, and stamps in microseconds from 2025 on.
A month appears on the first Monday of the next one, a day two hours after its end; before that its key does not
exist. The bytes of a file never change, so that its checksum can be trusted. A day's file may lack a reading, hold
one twice, and end with the first reading of the next day.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

from flows.simulator.candles import shown, window
from flows.simulator.chance import key_of, unit
from flows.simulator.holidays import first_monday_after_month
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, midnight_ms, next_month, number_of
from flows.simulator.interest import STEP_MS, STEPS_A_DAY
from flows.simulator.market import Market
from flows.simulator.packing import packed
from flows.simulator.pages.binance import READ, READ_IN_COINS, STEPS, Swap, ticker_of, wire
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, Page, Request, text_answer

FUNDING = re.compile(
    r"/data/futures/um/monthly/fundingRate/(?P<symbol>\w+)/"
    r"(?P<file>(?P=symbol)-fundingRate-(?P<month>\d{4}-(?:0[1-9]|1[0-2])))\.zip(?P<checksum>\.CHECKSUM)?"
)
KLINES = re.compile(
    r"/data/spot/monthly/klines/(?P<symbol>\w+)/(?P<interval>1d|1h)/"
    r"(?P<file>(?P=symbol)-(?P=interval)-(?P<month>\d{4}-(?:0[1-9]|1[0-2])))\.zip(?P<checksum>\.CHECKSUM)?"
)
METRICS = re.compile(
    r"/data/futures/(?P<kind>[uc]m)/daily/metrics/(?P<symbol>\w+)/"
    r"(?P<file>(?P=symbol)-metrics-(?P<day>\d{4}-\d\d-\d\d))\.zip(?P<checksum>\.CHECKSUM)?"
)
HEADER = "calc_time,funding_interval_hours,last_funding_rate\n"
METRICS_HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
)
MICROSECONDS_SINCE = date(2025, 1, 1)
# Of swaps settled in dollars and in the coin: which there are, and the first day.
METRICS_OF = {"um": (READ, date(2020, 9, 1)), "cm": (READ_IN_COINS, date(2021, 7, 8))}
METRICS_AFTER_MS = 2 * HOUR_MS
_TIMES = [f"{hour:02}:{minute:02}:00" for hour in range(24) for minute in range(0, 60, 5)]


def error(status: int) -> Answer:
    """What the object store says along with an HTTP error."""
    code, message = {
        404: ("NoSuchKey", "The specified key does not exist."),
        403: ("AccessDenied", "Access Denied"),
    }.get(status, ("SlowDown", "Please reduce your request rate."))
    document = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return text_answer(f'<?xml version="1.0" encoding="UTF-8"?>\n{document}', status, "application/xml")


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    refusal = error(403)
    return Answer(refusal.body, content_type=refusal.content_type)


def _packer(file: str) -> Callable[[bytes], bytes]:
    return lambda table: packed({f"{file}.csv": table})


def _summer(file: str) -> Callable[[bytes], bytes]:
    pack = _packer(file)

    def checksum(table: bytes) -> bytes:
        return f"{hashlib.sha256(pack(table)).hexdigest()}  {file}.zip\n".encode()

    return checksum


def _table(request: Request, symbol: str, first: date) -> str | None:
    """The rows of one month as CSV; None where there is no such file yet."""
    ticker = ticker_of(symbol)
    if ticker is None or ticker in PEGGED:
        return None
    if request.now_ms < first_monday_after_month(first) * DAY_MS:
        return None
    market = request.market
    end = next_month(number_of(first)) * DAY_MS - 1
    begin = max(midnight_ms(first), market.funding.first_ms(ticker, market.spot.coin(ticker)))
    rows = market.funding.settlements(ticker, begin, end)
    hours = market.funding.interval_hours(ticker)
    lines = [f"{row.at_ms},{hours},{row.rate:.8f}\n" for row in rows]
    return HEADER + "".join(lines) if lines else None


def _klines(request: Request, symbol: str, interval: str, first: date) -> str | None:
    """The klines of one month as CSV; None where there is no such file yet."""
    ticker = ticker_of(symbol)
    if ticker is None or request.now_ms < first_monday_after_month(first) * DAY_MS:
        return None
    series, step_ms = request.market.spot.series(ticker), STEPS[interval]
    end_ms = next_month(number_of(first)) * DAY_MS
    numbers = window(series, step_ms, midnight_ms(first), end_ms - 1, request.now_ms)
    lines = []
    for candle in shown(series, step_ms, numbers, request.now_ms):
        opened, *prices, closed, turnover, trades, base, quote, unused = wire(candle, step_ms, key_of(symbol, "buyers"))
        if first >= MICROSECONDS_SINCE:
            opened, closed = int(opened) * 1000, int(closed) * 1000 + 999
        lines.append(",".join(map(str, (opened, *prices, closed, turnover, trades, base, quote, unused))))
    return "".join(f"{line}\n" for line in lines) or None


@lru_cache(maxsize=4096)
def _metrics(market: Market, symbol: str, swap: Swap, day: int) -> bytes:
    """The rows of one day as CSV, with what such files have of oddities."""
    key = key_of(symbol, "metrics")
    moments = [day * DAY_MS + number * STEP_MS for number in range(STEPS_A_DAY + 1)]
    times = [*(f"{day_of(day)} {time}" for time in _TIMES), f"{day_of(day + 1)} {_TIMES[0]}"]
    readings = market.interest.readings(swap.ticker, moments, venue=swap.venue, share=swap.share)
    lines = [
        f"{time},{symbol},{count:.8f},{worth:.8f},1.2,1.5,1.1,0.9\n"
        for time, (count, worth) in zip(times, map(swap.told, readings), strict=True)
    ]
    lost, again = (1 + int(unit(key, day, stream) * (STEPS_A_DAY - 3)) for stream in (2, 3))
    odd = unit(key, day, 1) < 0.4
    kept = [*lines[:lost], *lines[lost + 1 :]] if odd else lines[:-1]
    kept.insert(again, kept[again])
    return (METRICS_HEADER + "".join(kept)).encode()


def _day_file(request: Request, kind: str, symbol: str, text: str) -> bytes | None:
    """The rows of one day; None where there is no such file yet."""
    swaps, begun = METRICS_OF[kind]
    swap = swaps.get(symbol)
    try:
        first = date.fromisoformat(text)
    except ValueError:
        return None
    out_ms = midnight_ms(first) + DAY_MS + METRICS_AFTER_MS
    if swap is None or first < begun or request.now_ms < out_ms:
        return None
    return _metrics(request.market, symbol, swap, number_of(first))


def _file(request: Request, match: re.Match[str]) -> bytes | None:
    """The rows of the file that a path names; None where there is no such file yet."""
    if match.re is METRICS:
        return _day_file(request, match["kind"], match["symbol"], match["day"])
    first = date.fromisoformat(f"{match['month']}-01")
    if match.re is KLINES:
        table = _klines(request, match["symbol"], match["interval"], first)
    else:
        table = _table(request, match["symbol"], first)
    return None if table is None else table.encode()


def answer(request: Request) -> Answer:
    """One file, or its checksum."""
    matches = (form.fullmatch(request.path) for form in (FUNDING, METRICS, KLINES))
    match = next((found for found in matches if found is not None), None)
    table = None if match is None else _file(request, match)
    if match is None or table is None:
        return error(404)
    if match["checksum"]:
        finish, content_type = _summer(match["file"]), "binary/octet-stream"
    else:
        finish, content_type = _packer(match["file"]), "application/zip"
    return Answer(table, content_type=content_type, is_table=True, finish=finish)


def _no_rows(_: object) -> list[object]:
    return []


PAGES = (Page(("data.binance.vision",), answer, error, envelope, _no_rows),)
