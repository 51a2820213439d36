"""Binance's public archive: a month of funding as a zip with one CSV, and a checksum beside it.

A month appears on the first Monday of the next one; before that its key does not exist. The bytes
of a file never change, so that its checksum can be trusted.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date

from flows.simulator.holidays import first_monday_after_month
from flows.simulator.instants import DAY_MS, midnight_ms, next_month, number_of
from flows.simulator.pages.binance import ticker_of
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, Page, Request, text_answer

FUNDING = re.compile(
    r"/data/futures/um/monthly/fundingRate/(?P<symbol>\w+)/"
    r"(?P<file>(?P=symbol)-fundingRate-(?P<month>\d{4}-(?:0[1-9]|1[0-2])))\.zip(?P<checksum>\.CHECKSUM)?"
)
HEADER = "calc_time,funding_interval_hours,last_funding_rate\n"
_PACKED_AT = (2020, 1, 1, 0, 0, 0)  # one fixed time, so that the same rows give the same bytes


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
    def pack(table: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            member = zipfile.ZipInfo(f"{file}.csv", _PACKED_AT)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, table)
        return buffer.getvalue()

    return pack


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


def answer(request: Request) -> Answer:
    """One file, or its checksum."""
    match = FUNDING.fullmatch(request.path)
    if match is None:
        return error(404)
    table = _table(request, match["symbol"], date.fromisoformat(f"{match['month']}-01"))
    if table is None:
        return error(404)
    if match["checksum"]:
        finish, content_type = _summer(match["file"]), "binary/octet-stream"
    else:
        finish, content_type = _packer(match["file"]), "application/zip"
    return Answer(table.encode(), content_type=content_type, is_table=True, finish=finish)


def _no_rows(_: object) -> list[object]:
    return []


PAGES = (Page(("data.binance.vision",), answer, error, envelope, _no_rows),)
