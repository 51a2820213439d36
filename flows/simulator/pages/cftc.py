"""The CFTC's public reporting: one row a week for each future at CME, on Tuesday's close, out on Friday.

The query is a small part of Socrata's language: conditions joined by AND, a column to order by, a limit and an offset.
Where Tuesday is a holiday, the report is of Monday.
"""

import re
from datetime import date

from flows.simulator.holidays import is_federal_holiday
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

PATH = "/resource/gpe5-46if.json"
REPORTED = "report_date_as_yyyy_mm_dd"
CLOSE_MS = 21 * HOUR_MS
OUT_AFTER_MS = 3 * DAY_MS + 20 * HOUR_MS + HOUR_MS // 2
CONDITION = re.compile(r"(\w+)\s*(>=|<=|=|>|<)\s*'([^']*)'")
FIRST = number_of(date(2018, 4, 10))
# Name, code, first day, coins in a contract and how that is told, and coins open here for each at the main venue of
# swaps.
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
HOLDS = {
    ">=": lambda mine, theirs: mine >= theirs,
    "<=": lambda mine, theirs: mine <= theirs,
    "=": lambda mine, theirs: mine == theirs,
    ">": lambda mine, theirs: mine > theirs,
    "<": lambda mine, theirs: mine < theirs,
}


def failure(code: str, message: str, status: int) -> Answer:
    """A refusal in Socrata's words."""
    return json_answer({"code": code, "error": True, "message": message}, status)


def error(status: int) -> Answer:
    """What the service says along with an HTTP error."""
    code, message = {429: ("too_many_requests", "Too many requests"), 404: ("not_found", "Not found")}.get(
        status, ("internal_error", "Internal error")
    )
    return failure(code, message, status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure("internal_error", "Internal error", 200)


def _report_day(tuesday: int) -> int:
    return tuesday - 1 if is_federal_holiday(tuesday) else tuesday


def _reports(request: Request) -> list[dict[str, str]]:
    """Every report that is out."""
    last = (request.now_ms - OUT_AFTER_MS) // DAY_MS
    tuesdays = range(FIRST, last + 2, 7)
    days = [day for tuesday in tuesdays if (day := _report_day(tuesday)) <= last]
    found = []
    for name, code, first, coins, units, share in FUTURES:
        mine = [day for day in days if day >= first]
        readings = request.market.interest.readings(
            "BTC", [day * DAY_MS + CLOSE_MS for day in mine], venue=f"cme {name}", share=share
        )
        for day, one in zip(mine, readings, strict=True):
            contracts = round(one.coins / coins)
            found.append(
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
    return found


def answer(request: Request) -> Answer:
    """The reports that keep to the conditions."""
    if request.path != PATH:
        return error(404)
    try:
        limit, offset = request.integer("$limit"), request.integer("$offset")
    except BadParameterError as bad:
        return failure("query.soql.invalid", f"Invalid {bad.name}", 400)
    conditions = []
    for part in re.split(r"\s+AND\s+", request.query.get("$where", ""), flags=re.IGNORECASE):
        match = CONDITION.fullmatch(part.strip())
        if match is None and part.strip():
            return failure("query.compiler.malformed", f"Could not parse SoQL query at {part!r}", 400)
        if match is not None:
            conditions.append((match[1], match[2], match[3]))
    rows = _reports(request)
    column, _, direction = request.query.get("$order", REPORTED).partition(" ")
    strange = [name for name, *_ in [*conditions, (column,)] if rows and name not in rows[0]]
    if strange:
        return failure("query.soql.no-such-column", f"No such column: {strange[0]}", 400)
    kept = [row for row in rows if all(HOLDS[how](row[name], value) for name, how, value in conditions)]
    kept.sort(key=lambda row: row[column], reverse=direction.upper() == "DESC")
    start = offset or 0
    return json_answer(kept[start : start + (1000 if limit is None else limit)])


PAGES = (Page(("publicreporting.cftc.gov",), answer, error, envelope, list_rows, Budget(60, 60)),)
