"""The OECD's monetary aggregates: China's broad money, each dimension with its code and its label."""

from datetime import date

from flows.simulator.instants import DAY_MS, day_of, next_month, number_of
from flows.simulator.wire import Answer, Budget, Page, Request, text_answer

PATH = "/public/rest/data/OECD.SDD.STES,DSD_STES@DF_MONAGG,/CHN.M.MABM.XDC....."
FIRST = number_of(date(2009, 1, 1))
OUT_AFTER_MS = 60 * DAY_MS
HEADER = (
    "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,REF_AREA,Reference area,FREQ,Frequency of observation,MEASURE,"
    "Measure,UNIT_MEASURE,Unit of measure,ADJUSTMENT,Adjustment,TIME_PERIOD,Time period,OBS_VALUE,Observation value,"
    "OBS_STATUS,Observation status,UNIT_MULT,Unit multiplier,DECIMALS,Decimals"
)
LEAD = (
    "DATAFLOW,OECD.SDD.STES:DSD_STES@DF_MONAGG(4.0),Monetary aggregates,I,CHN,China,M,Monthly,"
    'MABM,M3,XDC,National currency,N,"Neither seasonally adjusted, nor calendar adjusted"'
)


def error(status: int) -> Answer:
    """What the service says along with an HTTP error."""
    return text_answer("NoRecordsFound" if status == 404 else "Error", status)


def envelope() -> Answer:
    """A page that a proxy delivers as a success."""
    return text_answer("<html><body>Service Unavailable</body></html>", content_type="text/html")


def _no_rows(_: object) -> list[object]:
    return []


def answer(request: Request) -> Answer:
    """The months from `startPeriod` that are out."""
    if request.path != PATH:
        return error(404)
    start = request.query.get("startPeriod", "2009-01")
    try:
        month = max(FIRST, number_of(date.fromisoformat(f"{start}-01")))
    except ValueError:
        return error(422)
    lines = []
    end = next_month(month) - 1
    while end * DAY_MS + OUT_AFTER_MS <= request.now_ms:
        value = round(request.market.abroad.china_money.at(end))
        lines.append(f"{LEAD},{day_of(end):%Y-%m},,{value},,A,Normal value,6,Millions,1,One\n")
        end = next_month(end + 1) - 1
    if not lines:
        return error(404)
    body = f"{HEADER}\n{''.join(lines)}"
    return Answer(body.encode(), content_type="application/vnd.sdmx.data+csv", is_table=True)


PAGES = (Page(("sdmx.oecd.org",), answer, error, envelope, _no_rows, Budget(60, 3600)),)
