"""Kalshi: the possible decisions of a meeting of the Federal Reserve, each a market with daily candles.

A day begins at midnight in New York, and its candle lasts 24 hours; it is stamped with its end. Markets of meetings
that ended three months ago are only at the historical endpoints, with other field names. A day without a trade has no
price, or the last price with a volume of 0; an outcome that nobody expects has no bid then.
"""

from datetime import date
from functools import partial
from typing import Any

from expectations.curated import curated
from flows.simulator.instants import DAY_MS, DAY_S, SECOND_MS, new_york_midnight_s, number_of
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer
from flows.simulator.seeded_random import key_of, unit

KEPT_LIVE = 90  # days
LISTED_BEFORE = 560  # days before the meeting
SETTLES_FOR = 48  # days before the meeting, during which the actual decision becomes more probable
RENAMED = date(2024, 12, 1)
SUFFIX = {date(2024, 1, 31): "24JAN31", date(2024, 3, 20): "24MAR20"}
QUIET = 0.25  # the share of days on which an outcome is not traded
STRIKES = {
    "C26": ({"Cut": ">25"}, "Cut >25bps", -2),
    "C25": ({"Cut": "25"}, "Cut 25bps", -1),
    "H0": ({"Hike": "0"}, "Fed maintains rate", 0),
    "H25": ({"Hike": "25"}, "Hike 25bps", 1),
    "H26": ({"Hike": ">25"}, "Hike >25bps", 2),
}
ERRORS = Errors(
    shape=lambda _, code: {"error": {"code": code, "message": code.replace("_", " ")}},
    other="internal_server_error",
    statuses={400: "bad_request", 404: "not_found", 429: "too_many_requests"},
    refusals={"market": 404, "": 400},
)


def events() -> dict[str, date]:
    """Every event by its ticker, and the last day of its meeting."""
    found = {}
    for day in curated()["fomc_meetings"].rows["meeting_date"]:
        series = "FEDDECISION" if day < RENAMED else "KXFEDDECISION"
        found[f"{series}-{SUFFIX.get(day, f'{day:%y%b}'.upper())}"] = day
    return found


def _end_of(day: int) -> int:
    """24 hours after midnight in New York, in seconds since 1970: not midnight on a day of a clock change."""
    return new_york_midnight_s(day) + DAY_S


def _meeting(request: Request, event: str, *, live: bool) -> date | None:
    """The last day of the meeting of an event; None if these endpoints do not list it."""
    meeting = events().get(event)
    if meeting is None or (request.today <= number_of(meeting) + KEPT_LIVE) != live:
        return None
    return meeting if request.today >= number_of(meeting) - LISTED_BEFORE else None


def _decision(request: Request, meeting: date) -> int:
    """The change of the target at a meeting, in quarter points, from -2 to 2."""
    target = request.market.macro.series["DFEDTARL"].value
    day = number_of(meeting)
    return max(-2, min(2, round((float(target(day + 1)) - float(target(day))) / 0.25)))


def _probability(request: Request, meeting: date, leg: str, day: int) -> float:
    """The price of an outcome on a day; the actual decision becomes more probable every day."""
    left, decision, step = number_of(meeting) - day, _decision(request, meeting), STRIKES[leg][2]
    sure = 0.96 - 0.3 * min(left, SETTLES_FOR) / SETTLES_FOR
    sure += 0.05 * (unit(key_of(7, f"{meeting}", "sure"), day) - 0.5)
    rest = {other: 0.5 ** abs(other - decision) for _, _, other in STRIKES.values() if other != decision}
    return sure if step == decision else (1 - sure) * rest[step] / sum(rest.values())


def markets(request: Request, *, live: bool) -> Answer:
    """The markets of an event."""
    event = request.text("event_ticker")
    listed = [
        {
            "ticker": f"{event}-{leg}",
            "event_ticker": event,
            "market_type": "binary",
            "strike_type": "custom",
            "custom_strike": strike,
            "yes_sub_title": title,
            "status": "active" if live else "finalized",
        }
        for leg, (strike, title, _) in STRIKES.items()
    ]
    return json_answer({"markets": listed if _meeting(request, event, live=live) else [], "cursor": ""})


def _dollars(value: float) -> str:
    return f"{min(max(value, 0.0), 1.0):.4f}"


def _candle(request: Request, meeting: date, leg: str, day: int, *, live: bool) -> dict[str, Any]:
    chance = round(_probability(request, meeting, leg, day), 2)
    draw = unit(key_of(11, f"{meeting}", leg), day)
    traded = draw > QUIET
    close, volume, interest = (
        ("close_dollars", "volume_fp", "open_interest_fp") if live else ("close", "volume", "open_interest")
    )
    # Some quiet days repeat an old price, with a volume of 0; the others have none.
    quiet = "0.5000" if draw < QUIET / 2 else None
    return {
        "end_period_ts": _end_of(day),
        "yes_bid": {close: _dollars(chance - 0.01)},
        "yes_ask": {close: _dollars(chance + 0.01)},
        "price": {close: _dollars(max(chance, 0.01)) if traded else quiet},
        volume: f"{1000 * draw:.2f}" if traded else "0.00",
        interest: "1000.00",
    }


def candles(request: Request, event: str, leg: str, *, live: bool) -> Answer:
    """The daily candles of a market."""
    meeting = _meeting(request, event, live=live)
    if meeting is None or leg not in STRIKES:
        raise Refused("market")
    request.must_be("period_interval", str(DAY_S // 60))
    start, end = request.integer("start_ts"), request.integer("end_ts")
    last = number_of(meeting)
    days = range(max(last - LISTED_BEFORE, start // DAY_S - 2), min(last, end // DAY_S) + 1)
    rows = [
        _candle(request, meeting, leg, day, live=live)
        for day in days
        if start <= _end_of(day) <= end and _end_of(day) * SECOND_MS <= request.now_ms + DAY_MS
    ]
    return json_answer({"ticker": f"{event}-{leg}", "candlesticks": rows})


API = "/trade-api/v2"
MARKET = r"markets/(?P<event>[\w-]+)-(?P<leg>\w+)/candlesticks"
ROUTES = {
    f"{API}/markets": partial(markets, live=True),
    f"{API}/historical/markets": partial(markets, live=False),
    rf"{API}/series/\w+/{MARKET}": partial(candles, live=True),
    f"{API}/historical/{MARKET}": partial(candles, live=False),
}
HOSTS, BUDGET = ("api.elections.kalshi.com",), Budget(20, 5, says_when=False)
PAGES = (Page(HOSTS, ROUTES, ERRORS, ("markets", "candlesticks"), budget=BUDGET),)
