"""Binance: one well-known price, and whether archive and REST agree on open interest."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.errors import PayloadChanged
from expectations.interval import ONE_DAY, day_start, milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, evenly_spaced, near, number, question
from flows.source import Answer, Plan, Request
from flows.sources.binance import (
    DEFAULT_INTERVAL_HOURS,
    FUNDING,
    FUNDING_INFO,
    KLINES,
    METRICS,
    NOT_FOUND,
    READINGS,
    READINGS_PAGE,
    SOURCE,
)
from transforms.payload import decode, member, text_columns

CRASH = date(2024, 12, 9)
LOW_OF_THE_CRASH = 94_150.05
LOW = 3  # its place in a kline
A_TENTH_OF_A_PERMILLE = 0.0001
SYMBOL = "BTCUSDT"
ETHER = next(
    series for feed in SOURCE.feeds if feed.dataset is OPEN_INTEREST for series in feed.series if series.name == "ETH"
)
ARCHIVED_AFTER = timedelta(hours=36)  # from the end of a day: the file may be late
SAME = 1e-6


def plan_crash(_: datetime) -> Plan:
    """The candle of 9 December 2024."""
    start = milliseconds(day_start(CRASH))
    yield question(KLINES, symbol=SYMBOL, interval="1d", startTime=start, endTime=start, limit=1)


def plan_readings(now: datetime) -> Plan:
    """A day's open interest from the archive and from REST, and the daily row that is stamped at its end."""
    day = (now - ARCHIVED_AFTER).date() - ONE_DAY
    start, end = milliseconds(day_start(day)), milliseconds(day_start(day + ONE_DAY))
    yield Request(f"{METRICS}/{SYMBOL}/{SYMBOL}-metrics-{day}.zip", form="zip", transform=None)
    bounds = {"startTime": start, "endTime": end}
    yield question(READINGS, symbol=SYMBOL, period="5m", limit=READINGS_PAGE, **bounds)
    yield question(READINGS, symbol=SYMBOL, period="1d", startTime=end, endTime=end, limit=1)


def plan_ether(_: datetime) -> Plan:
    """The file of ether's first day."""
    symbol, first = ETHER.symbol, ETHER.since
    yield Request(f"{METRICS}/{symbol}/{symbol}-metrics-{first}.zip", form="zip", transform=None, accept=(NOT_FOUND,))


def plan_payments(_: datetime) -> Plan:
    """Bitcoin's newest payments, and the list of contracts with another interval."""
    yield question(FUNDING, symbol=SYMBOL, limit=10)
    yield question(FUNDING_INFO)


def low_of_the_crash(answers: Sequence[Answer]) -> Finding:
    """Whether the low is the one that was published."""
    klines = answers[0].json()
    if not klines:
        return Finding(None, f"no candle of {CRASH} was answered")
    low = number(klines[0][LOW])
    return Finding(near(low, LOW_OF_THE_CRASH, A_TENTH_OF_A_PERMILLE), f"a low of {low:,.2f} on {CRASH}")


def _archived(answer: Answer) -> dict[int, float]:
    """Coins by the stamp of each line of the archive's file, in milliseconds since 1970."""
    lines = text_columns(decode(answer.body, "zip"), "create_time", "sum_open_interest")
    try:
        return {
            milliseconds(datetime.fromisoformat(stamp).replace(tzinfo=UTC)): number(coins)
            for stamp, coins in lines.drop_nulls().iter_rows()
        }
    except ValueError as odd:
        raise PayloadChanged(f"expected create_time as YYYY-MM-DD HH:MM:SS, found {odd}") from odd


def _read(answer: Answer) -> dict[int, float]:
    """The same from REST."""
    return {int(member(row, "timestamp")): number(member(row, "sumOpenInterest")) for row in answer.json()}


def archive_is_rest(answers: Sequence[Answer]) -> Finding:
    """Whether both have the same coins for the same stamps: then the archive's stamps are UTC, and mean the instant."""
    archived, read = _archived(answers[0]), _read(answers[1])
    both = sorted(set(archived) & set(read))
    if not both:
        return Finding(None, f"no stamp is in both of {len(archived)} archived and {len(read)} REST readings")
    odd = [stamp for stamp in both if not near(archived[stamp], read[stamp], SAME)]
    stamp = odd[0] if odd else both[-1]
    compared = f"archive {archived[stamp]:,.3f}, REST {read[stamp]:,.3f} at {datetime.fromtimestamp(stamp / 1000, UTC)}"
    return Finding(not odd, f"{compared}; {len(both) - len(odd)} of {len(both)} readings agree")


def day_row_is_its_end(answers: Sequence[Answer]) -> Finding:
    """Whether the daily row is the five-minute reading of its own stamp."""
    read, daily = _read(answers[1]), _read(answers[2])
    both = sorted(set(read) & set(daily))
    if not both:
        return Finding(None, f"no stamp is in both of {len(read)} five-minute and {len(daily)} daily readings")
    stamp = both[-1]
    found = f"5m {read[stamp]:,.3f}, 1d {daily[stamp]:,.3f} at {datetime.fromtimestamp(stamp / 1000, UTC)}"
    return Finding(near(daily[stamp], read[stamp], SAME), found)


def ether_is_archived(answers: Sequence[Answer]) -> Finding:
    """Whether the file exists."""
    return Finding(answers[0].status != NOT_FOUND, f"status {answers[0].status} for {ETHER.since}")


def every_eight_hours(answers: Sequence[Answer]) -> Finding:
    """Whether payments are as far apart as the list says, or eight hours where it does not name the contract."""
    named = [member(row, "fundingIntervalHours") for row in answers[1].json() if member(row, "symbol") == SYMBOL]
    hours = int(named[0]) if named else DEFAULT_INTERVAL_HOURS
    return evenly_spaced([int(member(row, "fundingTime")) for row in answers[0].json()], hours * HOUR_MS)


INVARIANTS = (
    Invariant(
        "low of 9 December 2024",
        f"BTCUSDT fell to {LOW_OF_THE_CRASH:,.2f} on the UTC day {CRASH}.",
        plan_crash,
        low_of_the_crash,
    ),
    Invariant(
        "archive and REST agree",
        "A line of the archive of open interest is stamped in UTC with its instant, and is what REST tells of it.",
        plan_readings,
        archive_is_rest,
    ),
    Invariant(
        "daily row of open interest",
        "A daily row of openInterestHist tells of the instant that it is stamped with.",
        plan_readings,
        day_row_is_its_end,
    ),
    Invariant(
        "begin of ether's archive",
        f"The archive of open interest begins for ether on {ETHER.since}, as it does for bitcoin.",
        plan_ether,
        ether_is_archived,
    ),
    Invariant(
        "funding interval",
        "BTCUSDT pays every eight hours unless fundingInfo names another interval.",
        plan_payments,
        every_eight_hours,
    ),
)
