"""The Federal Reserve Board's release H.4.1: the whole history of each line as XML in a zip file, beside its schema.

A week without a value has another status, and -9999 as its value.
"""

from datetime import date

from flows.simulator.holidays import is_bank_day, is_bond_day, open_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.packing import packed
from flows.simulator.page import Answer, Errors, Page, Request

FIRST_WEDNESDAY = number_of(date(2009, 1, 7))
FIRST_OPERATION = number_of(date(2013, 9, 23))
OUT_MS = 21 * HOUR_MS + HOUR_MS // 2
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<message:MessageGroup xmlns:message="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/message" \
xmlns:frb="http://www.federalreserve.gov/structure/compact/common" \
xmlns:kf="http://www.federalreserve.gov/structure/compact/H41_H41">
<frb:DataSet id="H41">
"""
TAIL = "</frb:DataSet>\n</message:MessageGroup>\n"
ERRORS = Errors(
    shape=lambda status: f"<!DOCTYPE html><html><body><h1>{status}</h1></body></html>",
    other=(),
    content_type="text/html",
)


def _series(name: str, values: dict[int, str]) -> str:
    lines = [
        f'<frb:Obs OBS_STATUS="{"A" if value else "NA"}" OBS_VALUE="{value or -9999}" TIME_PERIOD="{day_of(day)}" />\n'
        for day, value in values.items()
    ]
    about = 'FREQ="19" UNIT="Currency" UNIT_MULT="1000000" CURRENCY="USD"'
    return f'<kf:Series SERIES_NAME="{name}" {about}>\n{"".join(lines)}</kf:Series>\n'


def _packed(document: bytes) -> bytes:
    return packed({"H41_struct.xml": b"<structure/>", "H41_data.xml": document})


def release(request: Request) -> Answer:
    """The file of the newest release."""
    series = request.market.macro.series
    assets, cash, repo = (series[name].value for name in ("WALCL", "WDTGAL", "RRPONTSYD"))
    weeks = [
        day
        for day in range(FIRST_WEDNESDAY, request.today, 7)
        if open_day(day + 1, is_bank_day) * DAY_MS + OUT_MS <= request.now_ms
    ]

    def pool(day: int) -> str:
        # On a holiday the operation of the day before is still outstanding.
        operation = open_day(day, is_bond_day, step=-1)
        return str(round(float(repo(operation)) * 1000)) if operation >= FIRST_OPERATION else ""

    lines = [
        _series("RESPPA_N.WW", {day: str(int(assets(day)) + 1_000) for day in weeks}),
        _series("RESPPMA_N.WW", {day: assets(day) for day in weeks}),
        _series("RESPPLLDT_N.WW", {day: cash(day) for day in weeks}),
        _series("RESPPLLRD_N.WW", {day: pool(day) for day in weeks}),
    ]
    document = f"{HEAD}{''.join(lines)}{TAIL}".encode()
    return Answer(document, content_type="application/zip", finish=_packed)


PAGES = (Page(("www.federalreserve.gov",), {r"/releases/h41/data/FRB_h41_xml\.zip": release}, ERRORS),)
