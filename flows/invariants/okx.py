"""OKX: the unit of borrow rates, what rate its archive has, how far histories reach, and where a day begins."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from expectations.interval import HOURS_A_DAY, ONE_DAY, milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, clock_time, day_begins, evenly_spaced, number, question
from flows.source import Answer, Plan, Request
from flows.sources.okx import (
    AHEAD,
    CANDLES,
    FUNDING,
    HOST,
    KEPT_DAYS,
    PAYMENTS_PAGE,
    RATES,
    READINGS,
    READINGS_KEPT_DAYS,
    archived_file,
    month_begins,
)
from transforms.payload import decode, member, text_columns

QUOTA = f"https://{HOST}/api/v5/public/interest-rate-loan-quota"
DAYS_A_YEAR = 365
FACTOR = 4  # the hour's rate and the current one differ, but by less than a day, an hour and a year do
SWAP = "BTC-USDT-SWAP"
OUT_AFTER = timedelta(days=10)  # from the end of a month: its file may be late
SAME = 1e-12  # fraction per interval: both are printed with more digits than that
FIRST_RATES = datetime(2021, 12, 15, tzinfo=UTC)


def _data(answer: Answer) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = member(answer.json(), "data")
    return rows


def plan_rates(_: datetime) -> Plan:
    """The newest hourly rates of USDT, and its rate on the page of limits."""
    yield question(RATES, ccy="USDT", limit=3)
    yield question(QUOTA)


def plan_first_rates(_: datetime) -> Plan:
    """The oldest hours: those before 16 December 2021."""
    yield question(RATES, ccy="USDT", after=milliseconds(FIRST_RATES + timedelta(days=1)), limit=100)


def plan_days(_: datetime) -> Plan:
    """The newest days of bitcoin, by the bar `1Dutc`."""
    yield question(CANDLES, instId="BTC-USDT", bar="1Dutc", limit=3)


def plan_payments(_: datetime) -> Plan:
    """The newest payments of bitcoin's swap."""
    yield question(FUNDING, instId=SWAP, limit=10)


def plan_oldest_payments(now: datetime) -> Plan:
    """The swap's payments of three months ago."""
    oldest = milliseconds(now - timedelta(days=KEPT_DAYS - 1))
    yield question(FUNDING, instId=SWAP, after=oldest, limit=1)


def plan_archive(now: datetime) -> Plan:
    """The newest month of the archive that must be out, and what REST has of the same hours."""
    month = (now - OUT_AFTER + AHEAD).date().replace(day=1)  # the month after it
    yield Request(archived_file(SWAP, (month - ONE_DAY).replace(day=1)), form="zip", transform=None)
    yield question(FUNDING, instId=SWAP, after=milliseconds(month_begins(month)), limit=PAYMENTS_PAGE)


def plan_oldest_readings(now: datetime) -> Plan:
    """The hours of a day at the far end of what is believed to be kept."""
    start = (now - timedelta(days=READINGS_KEPT_DAYS)).replace(minute=0, second=0, microsecond=0)
    yield question(
        READINGS,
        instId=SWAP,
        period="1H",
        begin=milliseconds(start) - 1,
        end=milliseconds(start + timedelta(hours=6)),
        limit=100,
    )


def rates_are_per_year(answers: Sequence[Answer]) -> Finding:
    """Whether the history's rate is about 365 times the daily rate of the page of limits."""
    history = _data(answers[0])
    quoted = [
        number(member(coin, "rate"))
        for page in _data(answers[1])
        for coin in member(page, "basic")
        if member(coin, "ccy") == "USDT"
    ]
    if not history or not quoted or quoted[0] <= 0:
        return Finding(None, f"{len(history)} hours and {len(quoted)} daily rates of USDT were answered")
    yearly, daily = number(member(history[0], "rate")), quoted[0]
    found = f"history {yearly:.4f}, loan quota {daily:.8f} a day, which is {daily * DAYS_A_YEAR:.4f} a year"
    return Finding(daily * DAYS_A_YEAR / FACTOR <= yearly <= daily * DAYS_A_YEAR * FACTOR, found)


def rates_begin(answers: Sequence[Answer]) -> Finding:
    """Whether the first whole day of rates is 15 December 2021."""
    stamps = [int(number(member(row, "ts"))) for row in _data(answers[0])]
    mine = [stamp for stamp in stamps if stamp >= milliseconds(FIRST_RATES)]
    found = f"{len(mine)} hours on {FIRST_RATES:%Y-%m-%d}, {len(stamps) - len(mine)} before it"
    return Finding(len(mine) == HOURS_A_DAY, found)


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 00:00 UTC."""
    rows: Sequence[Sequence[str]] = member(answers[0].json(), "data")
    return day_begins([int(row[0]) for row in rows], 0)


def every_eight_hours(answers: Sequence[Answer]) -> Finding:
    """Whether payments are eight hours apart."""
    return evenly_spaced([int(number(member(row, "fundingTime"))) for row in _data(answers[0])], 8 * HOUR_MS)


def payments_are_kept(answers: Sequence[Answer]) -> Finding:
    """Whether a payment of that age is still there."""
    return Finding(bool(_data(answers[0])), f"{len(_data(answers[0]))} payment older than {KEPT_DAYS - 1} days")


def _of_its_hour(stamp: object) -> int:
    """The full hour nearest to a stamp of a payment, in milliseconds since 1970."""
    return round(int(number(stamp)) / HOUR_MS) * HOUR_MS


def archive_is_realised(answers: Sequence[Answer]) -> Finding:
    """Whether each payment in both is the realised rate of REST."""
    lines = text_columns(decode(answers[0].body, "zip"), "funding_time", "funding_rate")
    archived = {_of_its_hour(stamp): number(rate) for stamp, rate in lines.iter_rows()}
    payments = {
        _of_its_hour(member(row, "fundingTime")): row for row in _data(answers[1]) if member(row, "realizedRate") != ""
    }
    both = sorted(set(archived) & set(payments))
    if not both:
        return Finding(None, f"no payment is in both of {len(archived)} archived and {len(payments)} of REST")
    odd = [hour for hour in both if _apart(archived[hour], payments[hour], "realizedRate")]
    predicted = sum(1 for hour in both if not _apart(archived[hour], payments[hour], "fundingRate"))
    hour = odd[0] if odd else both[-1]
    realised, foretold = (member(payments[hour], name) for name in ("realizedRate", "fundingRate"))
    found = (
        f"{len(both) - len(odd)} of {len(both)} payments are the realised rate, {predicted} the predicted one; "
        f"at {clock_time(hour)} archive {archived[hour]}, realised {realised}, predicted {foretold}"
    )
    return Finding(not odd, found)


def _apart(rate: float, row: dict[str, object], name: str) -> bool:
    return abs(rate - number(member(row, name))) > SAME


def readings_are_kept(answers: Sequence[Answer]) -> Finding:
    """Whether all hours of that age are still there, without the bounds."""
    hours = 6
    kept = len(_data(answers[0]))
    return Finding(kept == hours, f"{kept} of {hours} hours of {READINGS_KEPT_DAYS} days ago")


INVARIANTS = (
    Invariant(
        "unit of borrowing rates",
        "The rate of lending-rate-history is per year: about 365 times that of interest-rate-loan-quota.",
        plan_rates,
        rates_are_per_year,
    ),
    Invariant(
        "begin of borrowing rates", "Hourly rates of USDT begin before 15 December 2021.", plan_first_rates, rates_begin
    ),
    Invariant("day boundary", "The bar 1Dutc begins at 00:00 UTC.", plan_days, at_midnight),
    Invariant("funding interval", "BTC-USDT-SWAP pays every eight hours.", plan_payments, every_eight_hours),
    Invariant(
        "archive's rate of funding",
        "The archive's rate is the realised one: realizedRate of REST for the same hour, not fundingRate.",
        plan_archive,
        archive_is_realised,
    ),
    Invariant("reach of funding", f"Payments are kept for {KEPT_DAYS} days.", plan_oldest_payments, payments_are_kept),
    Invariant(
        "reach of open interest",
        f"Hours of open interest are kept for {READINGS_KEPT_DAYS} days, and both bounds are exclusive.",
        plan_oldest_readings,
        readings_are_kept,
    ),
)
