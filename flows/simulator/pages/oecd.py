"""The OECD's monetary aggregates: China's broad money, each dimension with its code and its label."""

import re
from datetime import date

from flows.simulator.instants import day_of, month_ends, number_of
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, html_answer, table_answer

PATH = "/public/rest/data/OECD.SDD.STES,DSD_STES@DF_MONAGG,/CHN.M.MABM.XDC....."
FIRST = number_of(date(2009, 1, 1))
OUT_AFTER = 60  # days
HEADER = (
    "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,REF_AREA,Reference area,FREQ,Frequency of observation,MEASURE,"
    "Measure,UNIT_MEASURE,Unit of measure,ADJUSTMENT,Adjustment,TIME_PERIOD,Time period,OBS_VALUE,Observation value,"
    "OBS_STATUS,Observation status,UNIT_MULT,Unit multiplier,DECIMALS,Decimals"
)
LEAD = (
    "DATAFLOW,OECD.SDD.STES:DSD_STES@DF_MONAGG(4.0),Monetary aggregates,I,CHN,China,M,Monthly,"
    'MABM,M3,XDC,National currency,N,"Neither seasonally adjusted, nor calendar adjusted"'
)
ERRORS = Errors(
    shape=lambda _, word: word,
    other="Error",
    statuses={404: "NoRecordsFound"},
    refusals={"malformed": 422, "": 404},
    within_200=html_answer("Service Unavailable"),
)


def money(request: Request) -> Answer:
    """The public months from `startPeriod` on."""
    try:
        first = max(FIRST, number_of(date.fromisoformat(f"{request.query.get('startPeriod', '2009-01')}-01")))
    except ValueError:
        raise Refused("startPeriod", "malformed") from None
    level = request.market.foreign.china_money
    lines = [
        f"{LEAD},{day_of(end):%Y-%m},,{round(level.at(end))},,A,Normal value,6,Millions,1,One"
        for end in month_ends(first, request.today - OUT_AFTER)
    ]
    if not lines:
        raise Refused("startPeriod")
    return table_answer(HEADER, lines, "application/vnd.sdmx.data+csv")


ROUTES = {re.escape(PATH): money}
PAGES = (Page(("sdmx.oecd.org",), ROUTES, ERRORS, budget=Budget(60, 3600)),)
