"""Binance's candles of 2018, three of whose outages cut candles short: only the damaged days are held back."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast

import orjson
import polars as pl
import pytest

from expectations.errors import PayloadChanged
from expectations.interval import ONE_DAY, Interval, day_start
from flows.source import Answer, Ask, Gathered, Request
from flows.sources import binance
from flows.steps.check import check
from flows.steps.collect import drive
from flows.steps.plan import Batch
from flows.steps.settle import Knowledge, read_all
from tests.asking import answer, feed_of
from tests.gathering import at, rows_of
from tests.transforms.test_payload import packed
from transforms.refused import REFUSED
from transforms.spot_prices.binance import candles, normalize, rest_klines

pytestmark = pytest.mark.slow

YEAR = Interval.of_days(date(2018, 1, 1), date(2018, 12, 31))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# Binance's candles around these outages: the length of those that close early, by their open, and hours without one.
CUT_HOURS = {
    1515034800000: 1515034814838,  # 4 January 03:00
    1518048000000: 1518049694788,  # 8 February 00:00
    1518319694789: 1518321600999,  # 11 February 03:28, one second into the next one
    1530662400000: 1530663745551,  # 4 July 00:00
}
STILL = ((1515038400000, 1515042000000), (1518051600000, 1518321600000), (1530666000000, 1530691200000))
OFF_THE_HOUR = range(1518168494789, 1518319694789 + 1, HOUR_MS)
EIGHTH_OF_FEBRUARY = [
    *(1518048000000, "7599.00000000", "7844.00000000", "7572.09000000", "7784.02000000", "1521.53731800"),
    *(1518049694788, "11770168.04386595", 12417, "844.25881300", "6532638.63751892", "0"),
]


def kline(opens: int, closes: int) -> list[object]:
    prices = ("7600.00000000", "7800.00000000", "7500.00000000", "7700.00000000")
    return [opens, *prices, "20.00000000", closes, "153000.00000000", 900, "10.00000000", "76500.00000000", "0"]


def hours_of_2018() -> list[list[object]]:
    clock = [
        opens
        for opens in range(at(2018, 1, 1), at(2019, 1, 1), HOUR_MS)
        if not any(start <= opens < end for start, end in STILL)
    ]
    return [kline(opens, CUT_HOURS.get(opens, opens + HOUR_MS - 1)) for opens in sorted([*clock, *OFF_THE_HOUR])]


def days_of_2018() -> list[list[object]]:
    days = [kline(opens, opens + DAY_MS - 1) for opens in range(at(2018, 1, 1), at(2019, 1, 1), DAY_MS)]
    return [EIGHTH_OF_FEBRUARY if day[0] == EIGHTH_OF_FEBRUARY[0] else day for day in days]


def page(klines: Sequence[Sequence[object]]) -> Answer:
    request = Request(binance.KLINES, labels={"asset": "BTC"}, transform="normalize")
    return answer(request, orjson.dumps(klines))


def files(klines: Sequence[Sequence[object]]) -> Iterator[Answer]:
    """The same by the month, as the archive has them."""
    for month in range(1, 13):
        start, end = at(2018, month, 1), at(2018 + month // 12, month % 12 + 1, 1)
        lines = [",".join(map(str, one)) for one in klines if start <= cast("int", one[0]) < end]
        request = Request(binance.SPOT_ARCHIVE, form="bare_zip", labels={"asset": "BTC"}, transform="normalize_archive")
        yield answer(request, packed(one="\n".join(lines)))


def states(dataset: str, answers: Sequence[Answer]) -> tuple[dict[date, str], dict[date, str]]:
    """The days of the year that are not published: those that failed as they were read, and those that broke a rule."""
    feed = feed_of(binance.SOURCE, dataset)
    (series,) = (one for one in feed.series if one.name == "BTC")
    now = datetime(2024, 12, 10, tzinfo=UTC)
    ask = Ask(series, YEAR, now)
    known = dict.fromkeys(("state", "reason", "observed_at"))
    wanted = pl.DataFrame({"series": "BTC", "date": list(YEAR), "expected": True, "perishes_at": None, **known})
    due = pl.Series("due_at", [day_start(day) + ONE_DAY for day in YEAR], pl.Datetime("us", "UTC"))
    batch = Batch(binance.SOURCE, feed, (ask,), wanted.with_columns(due))
    (reading,) = read_all(batch, [Gathered(ask, tuple(answers), None)], Knowledge(now))
    held = check(feed.dataset, reading.rows).held
    failed: dict[date, str] = {day: found.state for day, found in reading.days.items() if found.state != "loaded"}
    return failed, dict(held.select("date", "rule").iter_rows())


@pytest.mark.parametrize("by_the_month", [False, True], ids=["a page of a year", "files of the archive"])
def test_a_year_of_hours_fails_on_the_damaged_days_alone(by_the_month: bool) -> None:
    klines = hours_of_2018()
    failed, held = states("hourly_prices", list(files(klines)) if by_the_month else [page(klines)])
    # No hour of 9 and 10 February opens on the hour; the last 20 of the 11th do.
    assert failed == {date(2018, 2, 9): "failed", date(2018, 2, 10): "failed"}
    assert held == dict.fromkeys((date(2018, 2, 8), date(2018, 7, 4)), "a day has 20 hours or more")


@pytest.mark.parametrize("by_the_month", [False, True], ids=["a page of a year", "files of the archive"])
def test_a_year_of_days_is_loaded_whole(by_the_month: bool) -> None:
    klines = days_of_2018()
    assert states("spot_prices", list(files(klines)) if by_the_month else [page(klines)]) == ({}, {})


def test_a_day_that_was_cut_short_is_what_was_traded_of_it() -> None:
    row = normalize([EIGHTH_OF_FEBRUARY], asset="BTC").row(0, named=True)
    assert (row["date"], row["open_usd"], row["close_usd"]) == (date(2018, 2, 8), 7599.0, 7784.02)
    assert (row["volume_base"], row["volume_usd"]) == (1521.537318, 11770168.04386595)


def test_a_damaged_day_can_be_asked_for_alone() -> None:
    feed = feed_of(binance.SOURCE, "hourly_prices")
    day = date(2018, 2, 8)
    ask = Ask(feed.series[0], Interval.of_days(day, day), datetime(2024, 12, 10, tzinfo=UTC))
    gathered = drive(feed, ask, lambda one: answer(one, [kline(1518048000000, 1518049694788)]))
    assert rows_of("binance", "hourly_prices", gathered)["opened_at"].to_list() == [datetime(2018, 2, 8, tzinfo=UTC)]


@pytest.mark.parametrize("more", [1, -HOUR_MS], ids=["lasts longer", "closes before it opens"])
def test_one_candle_of_another_length_is_marked(more: int) -> None:
    lasting = [0, more, 0]
    opens = [at(2025, 3, 1, hour) for hour in range(len(lasting))]
    klines = [kline(one, one + HOUR_MS + extra - 1) for one, extra in zip(opens, lasting, strict=True)]
    said = candles(rest_klines(klines), "hour")[REFUSED].to_list()
    assert said == [None, f"expected candles that end with their hour, found {klines[1][6]}", None]


@pytest.mark.parametrize("unit", [1, 1000], ids=["milliseconds", "microseconds"])
@pytest.mark.parametrize(
    ("lasting", "taken"),
    [
        ([0, 0, 0], True),
        ([0, -1_694_789, 0], True),
        ([0, -1_694_789, -1_694_789], False),  # most are short, so this is their length
        ([1, 1, 0], False),  # most last longer
        ([-HOUR_MS, -HOUR_MS, 0], False),  # close before they open
        ([-1_694_789], True),
        ([-HOUR_MS // 2], False),  # half hours
        ([1], False),
    ],
)
def test_what_lasts_longer_or_is_of_another_interval_is_refused(unit: int, lasting: list[int], taken: bool) -> None:
    start = datetime(2025, 3, 1, tzinfo=UTC)
    opens = [at(2025, 3, 1, hour) for hour in range(len(lasting))]
    klines = [kline(one * unit, (one + HOUR_MS + more) * unit - 1) for one, more in zip(opens, lasting, strict=True)]
    if not taken:
        with pytest.raises(PayloadChanged, match="expected candles that end with their hour"):
            candles(rest_klines(klines), "hour")
        return
    held = candles(rest_klines(klines), "hour")
    assert REFUSED not in held.columns
    found = held["opened_at"].to_list()
    assert found == [start + timedelta(hours=number) for number in range(len(lasting))]
