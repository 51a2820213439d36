"""The CFTC's reports: what the plan asks, the rows, and when reports are published."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest

from expectations.errors import PayloadChanged
from expectations.interval import Interval
from expectations.releases import is_office_day, tuesdays_third_day
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import cftc
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from transforms.open_interest.cftc import normalize

NIGHT = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
INTEREST = feed_of(cftc.SOURCE, "open_interest")
RELEASE = tuesdays_third_day(time(20, 30))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


@pytest.mark.parametrize(
    ("day", "public"),
    [
        (date(2024, 12, 3), "Fri 06 Dec 2024 20:30"),
        (date(2024, 11, 26), "Mon 02 Dec 2024 20:30"),  # Thanksgiving
        (date(2024, 7, 2), "Mon 08 Jul 2024 20:30"),  # Independence Day on a Thursday
        (date(2024, 12, 24), "Mon 30 Dec 2024 20:30"),
        (date(2024, 12, 31), "Mon 06 Jan 2025 20:30"),
        (date(2023, 7, 3), "Fri 07 Jul 2023 20:30"),  # a Monday, because Tuesday was Independence Day
        (date(2020, 6, 30), "Mon 06 Jul 2020 20:30"),  # Independence Day on a Saturday, observed on the Friday
        (date(2024, 1, 16), "Fri 19 Jan 2024 20:30"),  # a holiday before it changes nothing
    ],
)
def test_a_report_is_out_on_the_third_office_day(day: date, public: str) -> None:
    assert RELEASE.expects(day)
    assert f"{RELEASE.public_at(day):%a %d %b %Y %H:%M}" == public


def test_there_is_one_report_a_week() -> None:
    days = [day for day in Interval(date(2018, 1, 1), date(2027, 1, 1)) if RELEASE.expects(day)]
    assert len(days) == len({day.isocalendar()[:2] for day in days}) == 470
    assert {day.weekday() for day in days} == {0, 1}
    assert all(is_office_day(day) for day in days)


def test_the_days_and_the_ten_before_them_are_asked_for() -> None:
    ask = ask_of("cftc", "open_interest", "BTC-micro", date(2024, 12, 1), date(2024, 12, 9))
    (asked,) = walk(cftc.plan_reports(ask), [[]])
    assert asked.params == {
        "$where": "market_and_exchange_names = 'MICRO BITCOIN - CHICAGO MERCANTILE EXCHANGE' "
        "AND report_date_as_yyyy_mm_dd >= '2024-11-21T00:00:00.000' "
        "AND report_date_as_yyyy_mm_dd <= '2024-12-09T00:00:00.000'",
        "$order": "report_date_as_yyyy_mm_dd",
        "$limit": 5000,
    }


@pytest.mark.parametrize("series", ["BTC", "BTC-micro"])
def test_every_report_that_is_out_comes_once(wire: Wire, series: str) -> None:
    ask = ask_of("cftc", "open_interest", series, date(2022, 1, 1), date(2024, 12, 9), now=NIGHT)
    rows = rows_of("cftc", "open_interest", drive(INTEREST, ask, wire.fetch))
    assert rows["date"].to_list() == [day for day in ask.days if RELEASE.expects(day)]
    assert rows["cadence"].unique().to_list() == ["weekly"]
    assert broken_rules("open_interest", rows) == set()
    assert len(wire.sent) == 1


def test_a_report_is_not_there_before_friday_evening(wire: Wire) -> None:
    ask = ask_of("cftc", "open_interest", "BTC", date(2024, 11, 30), date(2024, 12, 9), now=NIGHT)
    wire.simulator.now = datetime(2024, 12, 6, 20, 29, tzinfo=UTC)
    assert rows_of("cftc", "open_interest", drive(INTEREST, ask, wire.fetch)).is_empty()
    wire.simulator.now = NIGHT
    (coins,) = rows_of("cftc", "open_interest", drive(INTEREST, ask, wire.fetch))["open_interest_coins"]
    assert 150_000 < coins < 220_000


@pytest.mark.parametrize("spaces", ["{}", "{} ", "MICRO  BITCOIN  - CHICAGO MERCANTILE EXCHANGE"])
def test_a_name_may_hold_spaces_more_than_one(spaces: str) -> None:
    """The report writes `MICRO ETHER  - ` itself."""
    market = cftc.MARKETS["BTC-micro"][0]
    row = {"market_and_exchange_names": spaces.format(market), "report_date_as_yyyy_mm_dd": "2024-12-03T00:00:00.000"}
    rows = normalize([{**row, "open_interest_all": "20000"}], market=market)
    assert rows.select("date", "contract", "open_interest_coins").rows() == [(date(2024, 12, 3), "MICRO BITCOIN", 2000)]


def test_a_week_that_came_late_is_not_known_before() -> None:
    market = cftc.MARKETS["BTC"][0]
    rows = normalize(
        [
            {
                "market_and_exchange_names": market,
                "report_date_as_yyyy_mm_dd": "2025-10-07T00:00:00.000",
                "open_interest_all": "25000",
            }
        ],
        market=market,
    )
    assert rows["available_at"].to_list() == [datetime(2025, 11, 21, 20, 30, tzinfo=UTC)]


@pytest.mark.parametrize("key", ["open_interest_all", "report_date_as_yyyy_mm_dd", "market_and_exchange_names"])
def test_a_renamed_field_fails_the_days(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("cftc", "shape", "always", key=key, rename="something_else")])
    with pytest.raises(PayloadChanged):
        rows_of("cftc", "open_interest", drive(INTEREST, ask_of("cftc", "open_interest", "BTC"), wire.fetch))


@pytest.mark.parametrize(
    "params", [{"$where": "open_interest_all ~ 1"}, {"$where": "nothing = '1'"}, {"$order": "nothing"}, {"$limit": "x"}]
)
def test_the_simulator_refuses_in_socrata_words(wire: Wire, params: dict[str, str | int]) -> None:
    one = wire.fetch(Request(cftc.REPORTS, params=params))
    assert (one.status, one.json()["error"]) == (400, True)
