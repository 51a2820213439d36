"""The BIS' total assets of central banks: the whole history of an area, in its currency and in dollars."""

from collections.abc import Callable
from datetime import date

from flows.simulator.curve import Curve
from flows.simulator.instants import DAY_MS, day_of, month_ends, number_of
from flows.simulator.market import Market
from flows.simulator.page import Answer, Errors, Page, Refused, Request, html_answer, table_answer

FIRST = number_of(date(2009, 1, 31))
OUT_AFTER = 88  # days
HEADER = (
    "FREQ,REF_AREA,COMP_METHOD,UNIT_MEASURE,CURRENCY,TRANSFORMATION,DECIMALS,UNIT_MULT,COMPILING_ORG,TITLE,"
    "COLLECTION,TIME_PERIOD,OBS_VALUE,CONF_STATUS,OBS_STATUS,OBS_PRE_BREAK"
)
ERRORS = Errors(
    shape=lambda _, word: word,
    other="Error",
    statuses={404: "NoResultsFound"},
    within_200=html_answer("Service Unavailable"),
)


def _areas(market: Market) -> dict[str, tuple[str, Callable[[int], float], Callable[[int], float]]]:
    """By area: its currency, its assets in billions of that currency, and the price of a dollar."""
    foreign = market.foreign

    def billions(curve: Curve, unit: float) -> Callable[[int], float]:
        return lambda day: curve.at(day) * unit

    return {
        "CN": ("CNY", billions(foreign.china, 1.0), foreign.yuan_per_dollar.at),
        "JP": ("JPY", billions(foreign.japan, 0.1), foreign.yen_per_dollar.at),
        "XM": ("EUR", billions(foreign.eurosystem, 1e-3), lambda day: 1 / foreign.dollars_per_euro.at(day)),
        "US": ("USD", lambda day: float(market.macro.series["WALCL"].value(day)) / 1e3, lambda _: 1.0),
    }


def total_assets(request: Request, area: str) -> Answer:
    """The public months of an area."""
    areas = _areas(request.market)
    if area not in areas:
        raise Refused("area")
    currency, billions, per_dollar = areas[area]
    lines = []
    for end in month_ends(FIRST, request.now_ms // DAY_MS - OUT_AFTER):
        tail = f'N,3,9,"Central bank, {area}","{area} - Central bank, assets, total",E,{day_of(end):%Y-%m}'
        value = billions(end)
        lines.append(f"M,{area},B,XDC,{currency},{tail},{value:.3f},F,A,")
        if currency != "USD":
            lines.append(f"M,{area},B,USD,_Z,{tail},{value / per_dollar(end):.3f},F,A,")
    return table_answer(HEADER, lines)


ROUTES = {r"/api/v2/data/dataflow/BIS/WS_CBTA/1\.0/M\.(?P<area>\w+)": total_assets}
PAGES = (Page(("stats.bis.org",), ROUTES, ERRORS),)
