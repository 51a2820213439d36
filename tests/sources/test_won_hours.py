"""Hours of Bithumb, Coinone and Korbit: what is asked, and how hours become UTC days."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from expectations.errors import PayloadChanged
from expectations.interval import Interval, milliseconds
from flows.simulator import Misbehaviour, Simulator
from flows.source import Ask
from flows.sources import bithumb, coinone, korbit
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import Tool

pytestmark = [pytest.mark.slow, pytest.mark.marts("krw_stablecoin_daily")]

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
VENUES = (bithumb, coinone, korbit)
EVERY_VENUE = pytest.mark.parametrize("venue", VENUES, ids=[venue.SOURCE.name for venue in VENUES])
DATASET = "hourly_krw_prices"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    simulator.now = NEW_YEARS_NIGHT
    return Wire(simulator)


def asked(venue: ModuleType, first: date, last: date = LAST, *, asset: str = "USDT") -> Ask:
    return ask_of(venue.SOURCE.name, DATASET, asset, first, last, now=NEW_YEARS_NIGHT)


def gathered(venue: ModuleType, ask: Ask, wire: Wire) -> pl.DataFrame:
    rows = rows_of(venue.SOURCE.name, DATASET, drive(feed_of(venue.SOURCE, DATASET), ask, wire.fetch))
    return rows.sort("opened_at")


def every_hour(days: Interval) -> list[datetime]:
    return [days.starts_at + timedelta(hours=number) for number in range(24 * len(days))]


# Paging --------------------------------------------------------------------------------------------------------------


@EVERY_VENUE
@pytest.mark.parametrize("count", [1, 8, 9, 20, 21, 63])
def test_walks_bring_every_hour_exactly_once_in_the_stated_requests(venue: ModuleType, count: int, wire: Wire) -> None:
    ask = asked(venue, days_back(count, LAST))
    rows = gathered(venue, ask, wire)
    assert rows["opened_at"].to_list() == every_hour(ask.days)
    assert Counter(request.host for request in wire.sent) == {venue.HOST: -(-count * 24 // venue.PAGE)}
    assert feed_of(venue.SOURCE, DATASET).requests(ask) == {venue.HOST: len(wire.sent)}
    assert broken_rules(DATASET, rows) == set()
    assert rows["volume_is_estimated"].unique().to_list() == [venue is korbit]


@EVERY_VENUE
def test_the_running_hour_is_of_a_day_that_is_not_asked_for(venue: ModuleType, wire: Wire) -> None:
    rows = gathered(venue, asked(venue, LAST), wire)
    assert (rows["opened_at"][0], rows["opened_at"][-1]) == (
        datetime(2024, 12, 31, tzinfo=UTC),
        datetime(2024, 12, 31, 23, tzinfo=UTC),
    )
    assert (rows["available_at"] == rows["opened_at"] + timedelta(hours=1)).all()


@EVERY_VENUE
def test_before_the_first_hour_there_is_nothing(venue: ModuleType, wire: Wire) -> None:
    rows = gathered(venue, asked(venue, date(2024, 5, 20), date(2024, 6, 10), asset="USDC"), wire)
    # The oldest seven are asked for again, with the hours before them.
    assert sorted(set(rows["opened_at"])) == every_hour(Interval.of_days(date(2024, 6, 7), date(2024, 6, 10)))


def test_bithumb_hours_end_on_the_clocks_of_seoul() -> None:
    ask = asked(bithumb, date(2024, 12, 1), date(2024, 12, 9))
    hours = [datetime(2024, 12, 10, 8, tzinfo=UTC) - timedelta(hours=back) for back in range(200)]
    page = [{"candle_date_time_kst": f"{hour:%Y-%m-%dT%H:%M:%S}"} for hour in hours]
    plan = bithumb.plan_hours(ask)
    first = next(plan)
    second = plan.send(answer(first, page))
    assert first.url == "https://api.bithumb.com/v1/candles/minutes/60"
    assert first.params == {"market": "KRW-USDT", "count": 200, "to": "2024-12-10T09:00:00"}
    assert second.params == {"market": "KRW-USDT", "count": 16, "to": "2024-12-02T01:00:00"}


def test_coinone_hours_are_asked_between_two_candles() -> None:
    ask = asked(coinone, date(2024, 12, 9), date(2024, 12, 9))
    request = next(coinone.plan_hours(ask))
    assert request.params == {"interval": "1h", "size": 24, "timestamp": milliseconds(ask.days.ends_at) - 1}


def test_korbit_hours_are_asked_for_in_windows() -> None:
    ask = asked(korbit, date(2024, 12, 1), date(2024, 12, 9))
    first, second = walk(korbit.plan_hours(ask), [{}, {}])
    assert (first.params["interval"], first.params["limit"]) == ("60", 200)
    assert first.params["end"] == milliseconds(datetime(2024, 12, 9, 8, tzinfo=UTC)) - 1
    assert (second.params["start"], second.params["end"]) == (
        milliseconds(datetime(2024, 12, 9, 8, tzinfo=UTC)),
        milliseconds(datetime(2024, 12, 10, tzinfo=UTC)) - 1,
    )


@pytest.mark.parametrize(
    ("venue", "newest"),
    [
        (bithumb, [{"candle_date_time_kst": "2024-12-10T08:00:00"}]),
        (coinone, {"is_last": False, "chart": [{"timestamp": milliseconds(datetime(2024, 12, 9, 23, tzinfo=UTC))}]}),
    ],
)
def test_a_server_that_repeats_itself_is_not_asked_forever(venue: ModuleType, newest: object) -> None:
    with pytest.raises(PayloadChanged, match=r"expected rows before \d+, found \d+"):
        walk(venue.plan_hours(asked(venue, date(2024, 1, 1), date(2024, 12, 9))), [newest, newest, newest])


# Days of two boundaries ----------------------------------------------------------------------------------------------


@EVERY_VENUE
def test_the_hours_of_a_day_of_seoul_add_up_to_it(venue: ModuleType, wire: Wire) -> None:
    """A day in Seoul begins at 15:00 UTC of the day before."""
    hours = gathered(venue, asked(venue, date(2024, 12, 8), date(2024, 12, 9)), wire)
    begins = datetime(2024, 12, 8, 15, tzinfo=UTC)
    mine = hours.filter(pl.col("opened_at") >= begins, pl.col("opened_at") < begins + timedelta(days=1))
    ask = ask_of(venue.SOURCE, "krw_prices", "USDT", date(2024, 12, 9), date(2024, 12, 9), now=NEW_YEARS_NIGHT)
    (day,) = rows_of(
        venue.SOURCE.name, "krw_prices", drive(feed_of(venue.SOURCE, "krw_prices"), ask, wire.fetch)
    ).to_dicts()
    assert mine.height == 24
    assert mine["hour_close_krw"][-1] == day["close_krw"]
    assert (mine["hour_high_krw"].max(), mine["hour_low_krw"].min()) == (day["high_krw"], day["low_krw"])
    assert mine["hour_volume_base"].sum() == pytest.approx(day["volume_base"], rel=1e-9)
    # A sum of hourly estimates differs from the estimate of the day.
    near = 0.02 if venue is korbit else 1e-9
    assert mine["hour_volume_krw"].sum() == pytest.approx(day["volume_krw"], rel=near)


VOLUMES = "select venue, date, volume_krw, day_boundary from krw_stablecoin_daily where asset = 'USDT' order by all"


def test_days_of_utc_where_hours_reach_and_months_of_the_venues_own_days(tmp_path: Path, simulator: Simulator) -> None:
    simulator.misbehave([Misbehaviour(r"korbit.*interval=60", "drop", "always", drop_every=20)])
    names = ",".join(venue.SOURCE.name for venue in VENUES)
    home = Tool(tmp_path / "home", simulator.url, sources=names, now=NEW_YEARS_NIGHT, start="2024-12-28")
    assert home("backfill", "2024-12-28", "2024-12-31", "--series", "USDT").code == 0
    found = home.ask(VOLUMES)
    assert Counter((venue, boundary) for venue, _, _, boundary in found) == {
        ("bithumb", "UTC"): 4,
        ("coinone", "UTC"): 4,
        ("korbit", "KST"): 4,  # every 20th hour is lost, one or two of each day
    }
    query = "select venue, date, sum(hour_volume_krw) from core.hourly_krw_prices group by all"
    hours = {(venue, day): total for venue, day, total in home.ask(query)}
    for venue, day, volume, boundary in found:
        if boundary == "UTC":
            assert volume == pytest.approx(hours[venue, day], rel=1e-12)
    own = home.one("select sum(volume_krw) from core.krw_prices where asset = 'USDT' and date <= '2024-12-31'")
    assert home.one("select volume_krw from krw_stablecoin_monthly") == pytest.approx(own, rel=1e-12)
    assert home.one("select sum(volume_krw) from krw_stablecoin_daily") != pytest.approx(own, rel=1e-6)
