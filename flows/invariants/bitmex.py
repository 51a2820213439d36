"""BitMEX: whether its funding ended when it is believed to have, and when it was paid."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from expectations.interval import day_start, milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, evenly_spaced, question
from flows.source import Answer, Plan
from flows.sources.bitmex import ENDED, FUNDING
from transforms.payload import member
from warehouse.text import instant

HOURS_OF_DAY = {4, 12, 20}


def plan_newest(_: datetime) -> Plan:
    """The newest six payments of XBTUSD."""
    yield question(FUNDING, symbol="XBTUSD", count=6, start=0, reverse="true")


def _times(answers: Sequence[Answer]) -> list[datetime]:
    stamps = [str(member(payment, "timestamp")) for payment in answers[0].json()]
    return [datetime.fromisoformat(stamp).astimezone(UTC) for stamp in stamps]


def ended_when_believed(answers: Sequence[Answer]) -> Finding:
    """Whether nothing was paid after the believed last day, and whether payments went on up to it."""
    times = _times(answers)
    if not times:
        return Finding(holds=False, found="no payment at all")
    newest, asked = max(times), answers[0].observed_at
    found = f"the newest payment is of {instant(newest)}"
    on_time = min(asked, day_start(ENDED)) - newest <= timedelta(days=1)
    return Finding(newest.date() <= ENDED and on_time, found)


def thrice_a_day(answers: Sequence[Answer]) -> Finding:
    """Whether payments are at 04:00, 12:00 and 20:00."""
    times = _times(answers)
    odd = [at for at in times if at.hour not in HOURS_OF_DAY]
    if odd:
        return Finding(holds=False, found=f"a payment at {instant(odd[0])}")
    return evenly_spaced([milliseconds(at) for at in times], 8 * HOUR_MS)


INVARIANTS = (
    Invariant(
        "end of funding",
        f"XBTUSD paid funding up to {ENDED}, and has paid none since.",
        plan_newest,
        ended_when_believed,
    ),
    Invariant("funding interval", "Funding is paid at 04:00, 12:00 and 20:00 UTC.", plan_newest, thrice_a_day),
)
