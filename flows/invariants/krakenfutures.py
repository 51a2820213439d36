"""Kraken Futures: what the stamp of a funding rate means, and in which unit it is."""

from collections.abc import Sequence
from datetime import datetime

from flows.findings import Finding, Invariant, near, number, question
from flows.plans import Answer, Plan
from flows.sources.krakenfutures import HISTORY, HOST
from transforms.payload import member

CONTRACT = "PF_XBTUSD"
TICKER = f"https://{HOST}/derivatives/api/v3/tickers/{CONTRACT}"
SAME = 1e-6
AWAY = 0.2  # how far the mark price may have moved since the hour's rate was set, as a fraction


def plan_history(_: datetime) -> Plan:
    """The running hour's rate as the ticker tells it, and the history with its stamps."""
    yield question(TICKER)
    yield question(HISTORY, symbol=CONTRACT)


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
    """Whether the row that is stamped with the running hour is the rate that runs."""
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
)
