"""Kalshi: what a meeting of the Federal Reserve may decide, each outcome a market, with a candle for each day.

A day begins at midnight in New York, and its candle lasts 24 hours, at whose end it is stamped. Markets of meetings
that are over for three months are to be had from the historical endpoints only, under other names. A day without a
trade has no price, or the last one with a volume of 0; an outcome that nobody believes in has no bid then.
"""

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from expectations.curated import curated
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, DAY_S, SECOND_MS, day_of, number_of
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

HOST = "api.elections.kalshi.com"
API = "/trade-api/v2"
LIVE_CANDLES = re.compile(API + r"/series/(?P<series>\w+)/markets/(?P<event>[\w-]+)-(?P<leg>\w+)/candlesticks")
OLD_CANDLES = re.compile(API + r"/historical/markets/(?P<event>[\w-]+)-(?P<leg>\w+)/candlesticks")
NEW_YORK = ZoneInfo("America/New_York")
KEPT_LIVE = 90  # days
LISTED_BEFORE = 560  # days before the meeting
SETTLES_FOR = 48  # days before the meeting, over which what will be decided becomes surer
RENAMED = date(2024, 12, 1)
SUFFIX = {date(2024, 1, 31): "24JAN31", date(2024, 3, 20): "24MAR20"}
QUIET = 0.25  # share of days on which an outcome is not traded
STRIKES = {
    "C26": ({"Cut": ">25"}, "Cut >25bps", -2),
    "C25": ({"Cut": "25"}, "Cut 25bps", -1),
    "H0": ({"Hike": "0"}, "Fed maintains rate", 0),
    "H25": ({"Hike": "25"}, "Hike 25bps", 1),
    "H26": ({"Hike": ">25"}, "Hike >25bps", 2),
}


def failure(code: str, status: int) -> Answer:
    """A refusal in Kalshi's shape."""
    return json_answer({"error": {"code": code, "message": code.replace("_", " ")}}, status)


def error(status: int) -> Answer:
    """What Kalshi says along with an HTTP error."""
    codes = {400: "bad_request", 404: "not_found", 429: "too_many_requests"}
    return failure(codes.get(status, "internal_server_error"), status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure("internal_server_error", 200)


def _rows(document: Any) -> list[Any]:
    return [*list_rows(document.get("markets")), *list_rows(document.get("candlesticks"))]


def events() -> dict[str, date]:
    """Every event by its ticker, and the last day of its meeting."""
    found = {}
    for day in curated()["fomc_meetings"].rows["meeting_date"]:
        series = "FEDDECISION" if day < RENAMED else "KXFEDDECISION"
        found[f"{series}-{SUFFIX.get(day, f'{day:%y%b}'.upper())}"] = day
    return found


def _end_of(day: int) -> int:
    """24 hours after midnight in New York, in seconds since 1970: an hour off midnight where the clock is changed."""
    begun = day_of(day)
    local = datetime(begun.year, begun.month, begun.day, tzinfo=NEW_YORK)
    return int(local.astimezone(UTC).timestamp()) + DAY_S


def _is_live(request: Request, meeting: date) -> bool:
    return request.today <= number_of(meeting) + KEPT_LIVE


def _is_listed(request: Request, meeting: date) -> bool:
    return request.today >= number_of(meeting) - LISTED_BEFORE


def decided(request: Request, meeting: date) -> int:
    """The quarter points by which the target was moved at the meeting."""
    target = request.market.macro.series["DFEDTARL"].value
    day = number_of(meeting)
    return round((float(target(day + 1)) - float(target(day))) / 0.25)


def probability(request: Request, meeting: date, leg: str, day: int) -> float:
    """What an outcome is worth on a day: what will be decided wins, more surely every day."""
    left = number_of(meeting) - day
    move = max(-2, min(2, decided(request, meeting)))
    sure = 0.96 - 0.3 * min(left, SETTLES_FOR) / SETTLES_FOR
    sure += 0.05 * (unit(key_of(7, f"{meeting}", "sure"), day) - 0.5)
    rest = {step: 0.5 ** abs(step - move) for _, _, step in STRIKES.values() if step != move}
    step = STRIKES[leg][2]
    return sure if step == move else (1 - sure) * rest[step] / sum(rest.values())


def _markets(request: Request, *, live: bool) -> Answer:
    event = request.query.get("event_ticker", "")
    meeting = events().get(event)
    listed = []
    if meeting is not None and _is_listed(request, meeting) and _is_live(request, meeting) == live:
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
    return json_answer({"markets": listed, "cursor": ""})


def _dollars(value: float) -> str:
    return f"{min(max(value, 0.0), 1.0):.4f}"


def _candle(request: Request, meeting: date, leg: str, day: int, *, live: bool) -> dict[str, Any]:
    chance = round(probability(request, meeting, leg, day), 2)
    dice = unit(key_of(11, f"{meeting}", leg), day)
    traded = dice > QUIET
    bid, ask = max(chance - 0.01, 0.0), chance + 0.01
    close, volume, interest = (
        ("close_dollars", "volume_fp", "open_interest_fp") if live else ("close", "volume", "open_interest")
    )
    price: dict[str, Any] = {close: _dollars(max(chance, 0.01))}
    if not traded:
        # Some quiet days repeat an old price, with a volume of 0; the others have none.
        price[close] = "0.5000" if dice < QUIET / 2 else None
    return {
        "end_period_ts": _end_of(day),
        "yes_bid": {close: _dollars(bid)},
        "yes_ask": {close: _dollars(ask)},
        "price": price,
        volume: f"{1000 * dice:.2f}" if traded else "0.00",
        interest: "1000.00",
    }


def _candles(request: Request, event: str, leg: str, *, live: bool) -> Answer:
    meeting = events().get(event)
    if meeting is None or leg not in STRIKES or _is_live(request, meeting) != live or not _is_listed(request, meeting):
        return error(404)
    start, end = request.integer("start_ts"), request.integer("end_ts")
    if start is None or end is None or request.integer("period_interval") != DAY_S // 60:
        return error(400)
    last = number_of(meeting)
    days = [
        day
        for day in range(max(last - LISTED_BEFORE, start // DAY_S - 2), min(last, end // DAY_S) + 1)
        if start <= _end_of(day) <= end and _end_of(day) * SECOND_MS <= request.now_ms + DAY_MS
    ]
    return json_answer(
        {"ticker": f"{event}-{leg}", "candlesticks": [_candle(request, meeting, leg, day, live=live) for day in days]}
    )


def answer(request: Request) -> Answer:
    """The markets of an event, or the candles of a market."""
    if request.path in {f"{API}/markets", f"{API}/historical/markets"}:
        return _markets(request, live=request.path == f"{API}/markets")
    for pattern, live in ((LIVE_CANDLES, True), (OLD_CANDLES, False)):
        match = pattern.fullmatch(request.path)
        if match is not None:
            try:
                return _candles(request, match["event"], match["leg"], live=live)
            except BadParameterError:
                return error(400)
    return error(404)


PAGES = (Page((HOST,), answer, error, envelope, _rows, Budget(20, 5, says_when=False)),)
