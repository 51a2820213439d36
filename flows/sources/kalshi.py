"""Kalshi: contracts on what the Federal Reserve decides, read without a key.

A meeting is an event, each outcome a market of its own. Markets that settled before a cutoff, some three months ago,
are only served by other endpoints with other field names; if one answers 404 or lists nothing, the other is tried.
`custom_strike` gives the outcome, such as {"Cut": ">25"}: the suffixes of tickers changed their meaning. A daily
candle lasts 24 hours from midnight in New York. A candle without a trade may repeat the last price. Too many requests
are refused without saying when to retry.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from expectations.curated import curated
from expectations.datasets.meeting_probabilities import MEETING_PROBABILITIES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import ONE_DAY, day_start, milliseconds
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.payload import member

HOST = "api.elections.kalshi.com"
API = f"https://{HOST}/trade-api/v2"
PAGE = 1000  # markets, of which a meeting has about five
MINUTES_A_DAY = 1440
NOT_FOUND = 404

# A candle ends at 04:00 UTC in summer and at 05:00 in winter; we keep the later hour all year.
ENDED = every_day(timedelta(hours=5, minutes=15), grace=timedelta(days=1))
LATEST_MIDNIGHT = timedelta(hours=5)

# Meetings until now: the event's ticker, and the first day on which one of its markets was traded.
EVENTS = {
    date(2023, 5, 3): ("FEDDECISION-23MAY", date(2023, 4, 8)),
    date(2023, 6, 14): ("FEDDECISION-23JUN", date(2023, 5, 4)),
    date(2023, 7, 26): ("FEDDECISION-23JUL", date(2023, 6, 15)),
    date(2023, 9, 20): ("FEDDECISION-23SEP", date(2023, 7, 27)),
    date(2023, 11, 1): ("FEDDECISION-23NOV", date(2023, 9, 24)),
    date(2023, 12, 13): ("FEDDECISION-23DEC", date(2023, 11, 2)),
    date(2024, 1, 31): ("FEDDECISION-24JAN31", date(2023, 12, 14)),  # FEDDECISION-24JAN is void
    date(2024, 3, 20): ("FEDDECISION-24MAR20", date(2024, 2, 1)),
    date(2024, 5, 1): ("FEDDECISION-24MAY", date(2024, 3, 21)),
    date(2024, 6, 12): ("FEDDECISION-24JUN", date(2024, 5, 2)),
    date(2024, 7, 31): ("FEDDECISION-24JUL", date(2024, 6, 12)),
    date(2024, 9, 18): ("FEDDECISION-24SEP", date(2024, 7, 31)),
    date(2024, 11, 7): ("FEDDECISION-24NOV", date(2024, 9, 18)),
    date(2024, 12, 18): ("KXFEDDECISION-24DEC", date(2024, 10, 31)),
    date(2025, 1, 29): ("KXFEDDECISION-25JAN", date(2024, 12, 19)),
    date(2025, 3, 19): ("KXFEDDECISION-25MAR", date(2025, 1, 30)),
    date(2025, 5, 7): ("KXFEDDECISION-25MAY", date(2025, 3, 20)),
    date(2025, 6, 18): ("KXFEDDECISION-25JUN", date(2025, 5, 8)),
    date(2025, 7, 30): ("KXFEDDECISION-25JUL", date(2025, 6, 19)),
    date(2025, 9, 17): ("KXFEDDECISION-25SEP", date(2025, 7, 31)),
    date(2025, 10, 29): ("KXFEDDECISION-25OCT", date(2025, 8, 6)),
    date(2025, 12, 10): ("KXFEDDECISION-25DEC", date(2025, 8, 12)),
    date(2026, 1, 28): ("KXFEDDECISION-26JAN", date(2025, 10, 7)),
    date(2026, 3, 18): ("KXFEDDECISION-26MAR", date(2025, 10, 16)),
    date(2026, 4, 29): ("KXFEDDECISION-26APR", date(2025, 11, 14)),
    date(2026, 6, 17): ("KXFEDDECISION-26JUN", date(2025, 9, 30)),
    date(2026, 7, 29): ("KXFEDDECISION-26JUL", date(2025, 10, 27)),
    date(2026, 9, 16): ("KXFEDDECISION-26SEP", date(2026, 1, 28)),
}

# On this day so many future meetings were listed, all of them quoted on both sides.
LISTED, LISTED_AT_ONCE = date(2026, 8, 21), 12

STRIKE = re.compile(r"(?P<over>>?)\s*(?P<points>\d+)(\s*bps)?")
TITLE = re.compile(r"(?P<direction>Cut|Hike) (?P<strike>>?\d+bps)")
UNCHANGED = "Fed maintains rate"


def meetings() -> Iterator[Series]:
    """One series for each meeting.

    A past meeting begins with its first trading day. A future one is requested from the day on which it is known to be
    listed: once it is among the next twelve meetings.
    """
    days = curated()["fomc_meetings"].rows["meeting_date"].to_list()
    for place, day in enumerate(days):
        if day < min(EVENTS):
            continue
        room = days[place - LISTED_AT_ONCE] + ONE_DAY if place >= LISTED_AT_ONCE else LISTED
        ticker, since = EVENTS.get(day, (f"KXFEDDECISION-{day:%y%b}".upper(), max(room, LISTED)))
        yield Series(f"{day}", ticker, since, ENDED, until=day, by_rule=False)  # a candle states its end


def plan_meeting(ask: Ask) -> Plan:
    """List the meeting's markets, then the days of each, live or historical."""
    event = ask.series.symbol
    kept_live = True
    markets = yield from _listed(f"{API}/markets", event)
    if not markets:
        kept_live = False
        markets = yield from _listed(f"{API}/historical/markets", event)
    if not markets:
        raise PayloadChanged(f"expected the markets of {event}, found none, live or historical")
    outcomes = {str(member(market, "ticker")): outcome_of(market) for market in markets}
    directions = Counter(direction_of(outcome) for outcome in outcomes.values())
    for ticker, outcome in outcomes.items():
        labels = {
            "meeting_date": ask.series.name,
            "outcome": outcome,
            "outcomes": str(directions[direction_of(outcome)]),
        }
        first, second = (
            candles(ask, ticker, labels, live=kept_live, accept=(NOT_FOUND,)),
            candles(ask, ticker, labels, live=not kept_live),
        )
        answer = yield first
        if answer.status == NOT_FOUND:
            yield second


def _listed(url: str, event: str) -> Any:
    """The markets of an event, which fit on one page; an empty list or null means none."""
    page = yield Request(url, params={"event_ticker": event, "limit": PAGE}, transform=None, accept=(NOT_FOUND,))
    if page.status == NOT_FOUND:
        return []
    markets = member(page.json(), "markets")
    if markets is None:
        return []
    if not isinstance(markets, list) or len(markets) >= PAGE:
        raise PayloadChanged(f"expected fewer than {PAGE} markets of {event}, found {str(markets)[:80]}")
    return markets


def candles(ask: Ask, ticker: str, labels: Mapping[str, str], *, live: bool, accept: Sequence[int] = ()) -> Request:
    """The wanted days of one market. A day's candle ends on the day after it, at 04:00 or 05:00 UTC."""
    series = ticker.partition("-")[0]
    start = day_start(ask.days.start + ONE_DAY)
    end = day_start(ask.days.last + ONE_DAY) + LATEST_MIDNIGHT
    return Request(
        f"{API}/series/{series}/markets/{ticker}/candlesticks"
        if live
        else f"{API}/historical/markets/{ticker}/candlesticks",
        params={
            "start_ts": milliseconds(start) // 1000,
            "end_ts": milliseconds(end) // 1000,
            "period_interval": MINUTES_A_DAY,
        },
        labels=labels,
        transform="normalize" if live else "normalize_historical",
        accept=tuple(accept),
    )


def outcome_of(market: Mapping[str, Any]) -> str:
    """What a market pays for: `cut_25`, `cut_over_25`, `hold`, `hike_25` and others like them.

    Raises:
        PayloadChanged: Neither `custom_strike` nor, where there is none, the title says so.
    """
    said = market.get("custom_strike") or _said_by_title(market.get("yes_sub_title"))
    if isinstance(said, dict) and len(said) == 1:
        ((direction, strike),) = said.items()
        match = STRIKE.fullmatch(str(strike).strip())
        if match is not None and direction in {"Cut", "Hike"}:
            points = int(match["points"])
            if points:
                return f"{direction.lower()}_{'over_' if match['over'] else ''}{points}"
            if not match["over"]:
                return "hold"
    raise PayloadChanged(f"expected a cut or a hike in basis points for {market.get('ticker')}, found {said}")


def _said_by_title(title: object) -> dict[str, str] | None:
    if title == UNCHANGED:
        return {"Hike": "0"}
    match = TITLE.fullmatch(str(title))
    return None if match is None else {match["direction"]: match["strike"]}


def direction_of(outcome: str) -> str:
    """`cut`, `hold` or `hike`."""
    return outcome.partition("_")[0]


def refusal(answer: Answer) -> PipelineError | None:
    """Kalshi's error object."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    message = f"expected markets from Kalshi, found {brief(document, 200)}"
    busy = "internal" in message or "unavailable" in message or "too_many" in message
    return SourceUnavailable(message) if busy else SourceRefused(message)


def count_requests(_: Ask) -> Mapping[str, int]:
    """One list or two, and about five markets."""
    return {HOST: 7}


SOURCE = Source(
    name="kalshi",
    feeds=(
        Feed(
            MEETING_PROBABILITIES,
            plan_meeting,
            tuple(meetings()),
            days_per_ask=1000,
            restates_for=timedelta(days=2),
            count=count_requests,
            # A candle without a trade and without quotes on both sides means that there was no price.
            blank_days=True,
        ),
    ),
    limits={HOST: Limit(4, 1)},  # others were refused at more
    docs="https://docs.kalshi.com",
    terms="Kalshi developer agreement: no redistribution; for your own use only",
    attribution="Kalshi",
    verified="documented",
    verified_against=(
        "documentation (the OpenAPI description of 2026), and public code that reads the answers. Tickers "
        "and first trading days to September 2026 are as another reader measured them on 2026-10-01. The "
        "twelve meetings to come were all listed and quoted in an answer that was recorded on 2026-08-21; "
        "the first of those days is not known, and that as many are listed later on is believed, as it is "
        "that a market has a candle for each day"
    ),
    refusal=refusal,
    connections=1,
)
