"""Kraken Futures: what the stamp of a funding rate means, the unit of the rate, and the unit of liquidations."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import day_start
from flows.invariant import Finding, Invariant, last_whole_day, near, number, question
from flows.source import Answer, Plan
from flows.sources.krakenfutures import ANALYTICS, DAY_S, HISTORY, HOST
from transforms.payload import member

CONTRACT = "PF_XBTUSD"
TICKER = f"https://{HOST}/derivatives/api/v3/tickers/{CONTRACT}"
SAME = 1e-6
DAYS = 60
AWAY = 0.2  # how far the mark price may have moved since the hour's rate was set, as a fraction


def plan_history(_: datetime) -> Plan:
    """The current hour's rate from the ticker, and the history with its stamps."""
    yield question(TICKER)
    yield question(HISTORY, symbol=CONTRACT)


def plan_volumes(now: datetime) -> Plan:
    """The liquidation volume and the trading volume of each of the last days."""
    last = day_start(last_whole_day(now))
    for kind in ("liquidation-volume", "trade-volume"):
        since = round((last - timedelta(days=DAYS - 1)).timestamp())
        yield question(f"{ANALYTICS}/{CONTRACT}/{kind}", since=since, to=round(last.timestamp()), interval=DAY_S)


def _history(answers: Sequence[Answer]) -> list[tuple[datetime, float, float]]:
    listed = member(answers[1].json(), "rates")
    return [
        (
            datetime.fromisoformat(str(member(row, "timestamp"))),
            number(member(row, "fundingRate")),
            number(member(row, "relativeFundingRate")),
        )
        for row in listed
    ]


def stamped_at_its_start(answers: Sequence[Answer]) -> Finding:
    """Whether the row stamped with the current hour holds the current rate."""
    running = number(member(member(answers[0].json(), "ticker"), "fundingRate"))
    hour = answers[0].observed_at.replace(minute=0, second=0, microsecond=0)
    mine = {at: rate for at, rate, _ in _history(answers)}
    if hour not in mine:
        return Finding(holds=False, found=f"no row is stamped with the running hour {hour:%H:%M} UTC")
    found = f"running {running:.6g}, the row stamped {hour:%H:%M} UTC {mine[hour]:.6g}"
    return Finding(near(mine[hour], running, SAME), found)


def relative_is_a_fraction(answers: Sequence[Answer]) -> Finding:
    """Whether the absolute rate is the relative one times a price."""
    price = number(member(member(answers[0].json(), "ticker"), "markPrice"))
    _, absolute, relative = max(_history(answers))
    if relative == 0:
        return Finding(None, "the newest rate is 0")
    implied = absolute / relative
    return Finding(near(implied, price, AWAY), f"absolute over relative is {implied:,.0f}, the mark price {price:,.0f}")


def liquidations_are_coins(answers: Sequence[Answer]) -> Finding:
    """Whether the liquidation volume of a day is never more than the coins traded."""
    closed, traded = (
        dict(zip(member(result, "timestamp"), map(number, member(result, "data")), strict=True))
        for result in (member(answer.json(), "result") for answer in answers)
    )
    both = {stamp: (volume, traded[stamp]) for stamp, volume in closed.items() if stamp in traded and traded[stamp] > 0}
    if not any(volume > 0 for volume, _ in both.values()):
        return Finding(None, f"nothing was liquidated on {len(both)} days")
    share, volume, coins = max((volume / coins, volume, coins) for volume, coins in both.values())
    return Finding(
        share < 1, f"on {len(both)} days at most {volume:,.4f} liquidated where {coins:,.4f} coins were traded"
    )


INVARIANTS = (
    Invariant(
        "stamp of a rate",
        "A rate is stamped with the start of the hour that it applies to.",
        plan_history,
        stamped_at_its_start,
    ),
    Invariant(
        "unit of a rate",
        "fundingRate is in dollars per coin; relativeFundingRate is the fraction.",
        plan_history,
        relative_is_a_fraction,
    ),
    Invariant(
        "unit of liquidations",
        "liquidation-volume counts coins: on no day is it more than the coins that were traded.",
        plan_volumes,
        liquidations_are_coins,
    ),
)
