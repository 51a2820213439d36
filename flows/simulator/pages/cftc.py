"""The CFTC's public reporting: a row a week for each future at CME, of Tuesday's close, public on Friday.

The query is a small part of Socrata's language: conditions joined by AND, a column to order by, and a limit.
If Tuesday is a holiday, the report is of Monday.
"""

import operator
import re
from datetime import date

from flows.simulator.holidays import is_federal_holiday
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer

REPORTED = "report_date_as_yyyy_mm_dd"
CLOSE_MS = 21 * HOUR_MS
OUT_AFTER_MS = 3 * DAY_MS + 20 * HOUR_MS + HOUR_MS // 2
CONDITION = re.compile(r"(\w+)\s*(>=|<=|=)\s*'([^']*)'")
FIRST = number_of(date(2018, 4, 10))
# Name, code, first day, contract size in coins and as text, and open interest as a multiple of the main venue's swap.
FUTURES = (
    ("BITCOIN", "133741", FIRST, 5.0, "(5 Bitcoins)", 1.75),
    ("MICRO BITCOIN", "133742", number_of(date(2021, 5, 11)), 0.1, "(0.1 Bitcoin)", 0.015),
)
SIDES = (
    *("lev_money_positions_long", "lev_money_positions_short", "lev_money_positions_spread"),
    *("asset_mgr_positions_long", "asset_mgr_positions_short", "asset_mgr_positions_spread"),
    *("dealer_positions_long_all", "dealer_positions_short_all", "dealer_positions_spread_all"),
    *("nonrept_positions_long_all", "nonrept_positions_short_all"),
)
HOLDS = {">=": operator.ge, "<=": operator.le, "=": operator.eq}
ERRORS = Errors(
    shape=lambda _, code, message: {"code": code, "error": True, "message": message},
    other=("internal_error", "Internal error"),
    statuses={404: ("not_found", "Not found"), 429: ("too_many_requests", "Too many requests")},
    refusals={
        "condition": ("query.compiler.malformed", "Could not parse SoQL query"),
        "column": ("query.soql.no-such-column", "No such column"),
        "": ("query.soql.invalid", "Invalid {}"),
    },
)


def _reports(request: Request) -> list[dict[str, str]]:
    """Every public report."""
    last = (request.now_ms - OUT_AFTER_MS) // DAY_MS
    tuesdays = range(FIRST, last + 2, 7)
    days = [day for tuesday in tuesdays if (day := tuesday - is_federal_holiday(tuesday)) <= last]
    rows = []
    for name, code, first, coins, units, share in FUTURES:
        mine = [day for day in days if day >= first]
        moments = [day * DAY_MS + CLOSE_MS for day in mine]
        readings = request.market.open_interest.readings("BTC", moments, venue=f"cme {name}", share=share)
        for day, reading in zip(mine, readings, strict=True):
            contracts = round(reading.coins / coins)
            rows.append(
                {
                    "market_and_exchange_names": f"{name} - CHICAGO MERCANTILE EXCHANGE",
                    REPORTED: f"{day_of(day)}T00:00:00.000",
                    "contract_market_name": name,
                    "cftc_contract_market_code": code,
                    "open_interest_all": str(contracts),
                    "contract_units": units,
                    **{side: str(contracts // (4 + place)) for place, side in enumerate(SIDES)},
                }
            )
    return rows


def _conditions(request: Request) -> list[tuple[str, ...]]:
    """The columns, operators and values of the query."""
    parts = [part for part in re.split(r"\s+AND\s+", request.query.get("$where", "")) if part]
    matches = [CONDITION.fullmatch(part) for part in parts]
    if None in matches:
        raise Refused("condition")
    return [match.groups() for match in matches if match]


def reports(request: Request) -> Answer:
    """The reports that fulfil the conditions."""
    rows, conditions = _reports(request), _conditions(request)
    column, _, direction = request.query.get("$order", REPORTED).partition(" ")
    if not {column, *(name for name, *_ in conditions)} <= set(rows[0]):
        raise Refused("column")
    kept = [row for row in rows if all(HOLDS[how](row[name], value) for name, how, value in conditions)]
    kept.sort(key=lambda row: row[column], reverse=direction == "DESC")
    return json_answer(kept[: request.integer("$limit", 1000)])


ROUTES = {r"/resource/gpe5-46if\.json": reports}
PAGES = (Page(("publicreporting.cftc.gov",), ROUTES, ERRORS, ("",), budget=Budget(60, 60)),)
