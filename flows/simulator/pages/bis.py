"""The BIS' central bank total assets: an area's whole history, in domestic currency and in dollars."""

from collections.abc import Callable
from datetime import date

from flows.simulator.curve import Curve
from flows.simulator.instants import DAY_MS, day_of, next_month, number_of
from flows.simulator.market import Market
from flows.simulator.wire import Answer, Page, Request, text_answer

PATH = "/api/v2/data/dataflow/BIS/WS_CBTA/1.0/"
FIRST = number_of(date(2009, 1, 31))
OUT_AFTER_MS = 88 * DAY_MS
HEADER = (
    "FREQ,REF_AREA,COMP_METHOD,UNIT_MEASURE,CURRENCY,TRANSFORMATION,DECIMALS,UNIT_MULT,COMPILING_ORG,TITLE,"
    "COLLECTION,TIME_PERIOD,OBS_VALUE,CONF_STATUS,OBS_STATUS,OBS_PRE_BREAK"
)


def error(status: int) -> Answer:
    """What the service says along with an HTTP error."""
    return text_answer("NoResultsFound" if status == 404 else "Error", status)


def envelope() -> Answer:
    """A page that a proxy delivers as a success."""
    return text_answer("<html><body>Service Unavailable</body></html>", content_type="text/html")


def _no_rows(_: object) -> list[object]:
    return []


def _areas(market: Market) -> dict[str, tuple[str, Callable[[int], float], Callable[[int], float]]]:
    """By area: the currency, its assets in billions of that currency, and what a dollar costs."""
    abroad = market.abroad

    def billions(curve: Curve, unit: float) -> Callable[[int], float]:
        return lambda day: curve.at(day) * unit

    return {
        "CN": ("CNY", billions(abroad.china, 1.0), abroad.yuan_per_dollar.at),
        "JP": ("JPY", billions(abroad.japan, 0.1), abroad.yen_per_dollar.at),
        "XM": ("EUR", billions(abroad.eurosystem, 1e-3), lambda day: 1 / abroad.dollars_per_euro.at(day)),
        "US": ("USD", lambda day: float(market.macro.series["WALCL"].value(day)) / 1e3, lambda _: 1.0),
    }


def answer(request: Request) -> Answer:
    """Every month that is out; as reported, in two currencies."""
    area = request.path.removeprefix(f"{PATH}M.")
    found = _areas(request.market).get(area)
    if found is None:
        return error(404)
    currency, billions, per_dollar = found
    lines = []
    end = FIRST
    while end * DAY_MS + OUT_AFTER_MS <= request.now_ms:
        tail = f'N,3,9,"Central bank, {area}","{area} - Central bank, assets, total",E,{day_of(end):%Y-%m}'
        value = billions(end)
        lines.append(f"M,{area},B,XDC,{currency},{tail},{value:.3f},F,A,\n")
        if currency != "USD":
            lines.append(f"M,{area},B,USD,_Z,{tail},{value / per_dollar(end):.3f},F,A,\n")
        end = next_month(end + 1) - 1
    body = f"{HEADER}\n{''.join(lines)}"
    return Answer(body.encode(), content_type="text/csv", is_table=True)


PAGES = (Page(("stats.bis.org",), answer, error, envelope, _no_rows),)
