"""OKX's public archive: a month of funding of a swap, as a zip file with one CSV file.

A month is one of UTC+8: it begins at 16:00 UTC of the last day of the month before. Stamps are some seconds late. A
file appears three days after its month; before that, and before March 2022, there is none. It begins with a byte-order
mark, and its lines end with a carriage return and a line feed.
"""

from codecs import BOM_UTF8
from dataclasses import replace
from datetime import UTC, date, datetime

from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, midnight_ms, millis_of, next_month, number_of
from flows.simulator.packing import packed
from flows.simulator.page import Answer, Errors, Page, Refused, Request, table_answer
from flows.simulator.pages.okx import rate_text, swap_coin
from flows.simulator.seeded_random import key_of, unit

FUNDING = (
    r"/cdn/okex/traderecords/swaprates/monthly/(?P<year>\d{4})(?P<month>0[1-9]|1[0-2])/"
    r"(?P<file>(?P<swap>[A-Z0-9-]+)-fundingrates-(?P=year)-(?P=month))\.zip"
)
HEADER = "instrument_name,funding_rate,funding_time"
AHEAD_MS = 8 * HOUR_MS  # of UTC+8
FIRST_MS = millis_of(datetime(2022, 3, 1, tzinfo=UTC)) - AHEAD_MS
OUT_AFTER_MS = 3 * DAY_MS
LATEST_MS = 24 * SECOND_MS
ERRORS = Errors(
    shape=lambda _, code: f"<Error><Code>{code}</Code></Error>",
    other="ServiceUnavailable",
    statuses={403: "AccessDenied", 404: "NoSuchKey"},
    within_200=403,
    content_type="application/xml",
)


def funding(request: Request, year: str, month: str, file: str, swap: str) -> Answer:
    """The file of a month."""
    first, ticker = date(int(year), int(month), 1), swap_coin(swap)
    begin_ms, end_ms = midnight_ms(first) - AHEAD_MS, next_month(number_of(first)) * DAY_MS - AHEAD_MS
    if begin_ms < FIRST_MS or request.now_ms < end_ms + OUT_AFTER_MS:
        raise Refused("month")
    key = key_of(swap, "late")
    lines = []
    for payment in request.market.funding.payments("okx", ticker, begin_ms, end_ms - 1):
        late_ms = int(unit(key, payment.at_ms // HOUR_MS) * LATEST_MS) // SECOND_MS * SECOND_MS
        lines.append(f"{swap},{rate_text(payment.rate)},{payment.at_ms + late_ms}")
    if not lines:
        raise Refused("month")

    def finish(table: bytes) -> bytes:
        return packed({f"{file}.csv": BOM_UTF8 + table.replace(b"\n", b"\r\n")})

    return replace(table_answer(HEADER, lines), content_type="application/zip", finish=finish)


PAGES = (Page(("static.okx.com",), {FUNDING: funding}, ERRORS),)
