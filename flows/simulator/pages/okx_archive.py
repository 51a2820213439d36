"""OKX's public archive: a month of funding of a swap, as a zip that holds one CSV.

A month is one of UTC+8: it begins at 16:00 UTC of the last day of the month before. Stamps are some seconds late. A
file appears three days after its month; before that, and before March 2022, there is none.
"""

import re
from codecs import BOM_UTF8
from datetime import UTC, date, datetime

from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, midnight_ms, millis_of, next_month, number_of
from flows.simulator.packing import packed
from flows.simulator.pages.okx import rate_text, swap_ticker
from flows.simulator.venues import payments
from flows.simulator.wire import Answer, Page, Request, text_answer

FUNDING = re.compile(
    r"/cdn/okex/traderecords/swaprates/monthly/(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])/"
    r"(?P<file>(?P<swap>[A-Z0-9-]+)-fundingrates-(?P=year)-(?P=month))\.zip"
)
HEADER = "instrument_name,funding_rate,funding_time\n"
AHEAD_MS = 8 * HOUR_MS  # of UTC+8
FIRST_MS = millis_of(datetime(2022, 3, 1, tzinfo=UTC)) - AHEAD_MS
OUT_AFTER_MS = 3 * DAY_MS
LATEST_MS = 24 * SECOND_MS


def error(status: int) -> Answer:
    """What stands before the archive says along with an HTTP error."""
    told = {403: "AccessDenied", 404: "NoSuchKey"}.get(status, "ServiceUnavailable")
    return text_answer(f"<Error><Code>{told}</Code></Error>", status, "application/xml")


def envelope() -> Answer:
    """An error that comes as a success."""
    refusal = error(403)
    return Answer(refusal.body, content_type=refusal.content_type)


def _table(request: Request, swap: str, first: date) -> str | None:
    """The payments of a month as CSV; None where there is no such file yet."""
    ticker = swap_ticker(swap)
    begin_ms = midnight_ms(first) - AHEAD_MS
    end_ms = next_month(number_of(first)) * DAY_MS - AHEAD_MS
    if ticker is None or begin_ms < FIRST_MS or request.now_ms < end_ms + OUT_AFTER_MS:
        return None
    key = key_of(swap, "late")
    lines = []
    for each in payments(request.market, "okx", ticker, begin_ms, end_ms - 1):
        late_ms = int(unit(key, each.at_ms // HOUR_MS) * LATEST_MS) // SECOND_MS * SECOND_MS
        lines.append(f"{swap},{rate_text(each.rate)},{each.at_ms + late_ms}\n")
    return HEADER + "".join(lines) if lines else None


def _finished(name: str, table: bytes) -> bytes:
    """The file, whose lines end as Windows has them, with a byte-order mark before the first."""
    return packed({f"{name}.csv": BOM_UTF8 + table.replace(b"\n", b"\r\n")})


def answer(request: Request) -> Answer:
    """One file."""
    match = FUNDING.fullmatch(request.path)
    table = None if match is None else _table(request, match["swap"], date(int(match["year"]), int(match["month"]), 1))
    if match is None or table is None:
        return error(404)
    name = match["file"]
    return Answer(
        table.encode(),
        content_type="application/zip",
        is_table=True,
        finish=lambda content: _finished(name, content),
    )


def _no_rows(_: object) -> list[object]:
    return []


PAGES = (Page(("static.okx.com",), answer, error, envelope, _no_rows),)
