"""Hours of Binance, Coinbase and Kraken: what is asked, the rows, and when a day of hours counts."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceUnavailable
from expectations.interval import ONE_DAY, Interval
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Ask, Request
from flows.sources import binance, coinbase, kraken, sources
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of
from tests.tool import Tool, series_of
from tests.transforms.test_payload import packed
from transforms.payload import decode

pytestmark = [pytest.mark.slow, pytest.mark.marts("premiums_daily")]

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
VENUES = ("binance", "coinbase", "kraken")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    simulator.now = NEW_YEARS_NIGHT
    return Wire(simulator)


def hours_of(source: str, first: date, last: date = LAST, *, now: datetime = NEW_YEARS_NIGHT) -> Ask:
    return ask_of(source, "hourly_prices", "BTC", first, last, now=now)


def gathered_hours(wire: Wire, ask: Ask, source: str) -> pl.DataFrame:
    return rows_of(source, "hourly_prices", drive(feed_of(sources()[source], "hourly_prices"), ask, wire.fetch))


def every_hour(days: Interval) -> list[datetime]:
    return [days.starts_at + number * HOUR for number in range(24 * len(days))]


# Paging --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", VENUES)
@pytest.mark.parametrize("count", [1, 12, 13, 25, 26, 28])
def test_walks_bring_every_hour_exactly_once_in_the_stated_requests(wire: Wire, source: str, count: int) -> None:
    ask = hours_of(source, days_back(count, LAST))
    rows = gathered_hours(wire, ask, source)
    assert sorted(rows["opened_at"]) == every_hour(ask.days)
    assert Counter(request.host for request in wire.sent) == feed_of(sources()[source], "hourly_prices").requests(ask)
    assert broken_rules("hourly_prices", rows) == set()
    assert (rows["available_at"] == rows["opened_at"] + HOUR).all()
    assert (rows["available_at"] <= NEW_YEARS_NIGHT).all()


def test_coinbase_windows_hold_three_hundred_hours_with_both_ends() -> None:
    first, second = walk(coinbase.plan_hours(hours_of("coinbase", date(2024, 12, 1), date(2024, 12, 25))), [[], []])
    assert first.params == {"granularity": 3600, "start": "2024-12-01T00:00:00Z", "end": "2024-12-13T11:00:00Z"}
    assert second.params == {"granularity": 3600, "start": "2024-12-13T12:00:00Z", "end": "2024-12-25T23:00:00Z"}


def test_binance_hours_walk_forward_a_thousand_at_a_time(wire: Wire) -> None:
    series = hours_of("binance", LAST).series
    plan = binance.plan_klines(series, Interval.of_days(days_back(42, LAST), LAST), HOUR)
    answers = [wire.fetch(next(plan))]
    answers.append(wire.fetch(plan.send(answers[0])))
    with pytest.raises(StopIteration):
        plan.send(answers[1])
    assert [len(one.json()) for one in answers] == [1000, 8]
    assert answers[1].request.params["startTime"] == answers[0].json()[-1][0] + 1


def test_kraken_is_asked_for_what_it_keeps(wire: Wire) -> None:
    feed = feed_of(kraken.SOURCE, "hourly_prices")
    (request,) = kraken.plan_hours(hours_of("kraken", date(2024, 12, 9)))
    assert request.params == {"pair": "XBTUSD", "interval": 60, "since": at(2024, 12, 9) // 1000 - 1}
    # The oldest day that is still kept at any instant is whole; the one before may not be.
    for minutes in (0, 1, 719, 1439):
        wire.simulator.now = now = datetime(2024, 12, 31, tzinfo=UTC) + timedelta(minutes=minutes)
        assert feed.kept_for is not None
        oldest = (now - feed.kept_for - ONE_DAY).date() + ONE_DAY
        rows = gathered_hours(wire, hours_of("kraken", oldest, oldest, now=now), "kraken")
        assert rows.height == 24, now
    wire.simulator.now = NEW_YEARS_NIGHT


@pytest.mark.parametrize("source", VENUES)
def test_the_running_hour_is_of_a_day_that_is_not_asked_for(wire: Wire, source: str) -> None:
    wire.simulator.now = now = datetime(2024, 12, 10, 0, 5, tzinfo=UTC)
    rows = gathered_hours(wire, hours_of(source, date(2024, 12, 9), date(2024, 12, 9), now=now), source)
    assert rows.height == 24
    assert rows["opened_at"].max() == datetime(2024, 12, 9, 23, tzinfo=UTC)


@pytest.mark.parametrize("source", VENUES)
def test_the_last_hour_ends_where_the_day_does(wire: Wire, source: str) -> None:
    ask = hours_of(source, date(2024, 12, 5))
    hours = gathered_hours(wire, ask, source)
    days = drive(
        feed_of(sources()[source], "spot_prices"),
        ask_of(source, "spot_prices", "BTC", ask.days.start, LAST),
        wire.fetch,
    )
    ends = hours.filter(pl.col("opened_at").dt.hour() == 23).select("date", "hour_close_usd")
    both = rows_of(source, "spot_prices", days).join(ends, on="date")
    assert both.height == len(ask.days)
    assert both["close_usd"].to_list() == both["hour_close_usd"].to_list()


@pytest.mark.parametrize(
    ("source", "key", "sentence"),
    [
        ("kraken", "last", "expected an object with 'last'"),
        ("kraken", "XXBTZUSD", "expected an object with 'XXBTZUSD'"),
    ],
)
def test_a_renamed_field_is_noticed(wire: Wire, source: str, key: str, sentence: str) -> None:
    wire.simulator.misbehave([Misbehaviour(source, "shape", "always", key=key, rename="something_else")])
    with pytest.raises(PayloadChanged, match=sentence):
        gathered_hours(wire, hours_of(source, LAST), source)


# The archive ---------------------------------------------------------------------------------------------------------


def test_whole_months_come_from_the_archive_and_the_rest_from_rest(wire: Wire) -> None:
    ask = hours_of("binance", date(2024, 9, 20))
    rows = gathered_hours(wire, ask, "binance")
    assert sorted(rows["opened_at"]) == every_hour(ask.days)
    files = [request.url.rpartition("/")[2] for request in wire.sent if request.host == binance.ARCHIVE_HOST]
    assert files == [f"BTCUSDT-1h-{month}.zip{end}" for month in ("2024-10", "2024-11") for end in ("", ".CHECKSUM")]
    assert Counter(request.host for request in wire.sent) == binance.count_hours(ask)
    assert binance.count_hours(ask) == {binance.ARCHIVE_HOST: 4, binance.KLINES_HOST: 2}


def test_both_eras_of_stamps_give_the_hours_of_rest(wire: Wire) -> None:
    """December is stamped in milliseconds, January in microseconds, and both have the rows of REST."""
    wire.simulator.now = now = datetime(2025, 2, 10, tzinfo=UTC)
    ask = hours_of("binance", date(2024, 12, 1), date(2025, 1, 31), now=now)
    rows = gathered_hours(wire, ask, "binance").drop("observed_at", "snapshot").sort("opened_at")
    assert {request.host for request in wire.sent} == {binance.ARCHIVE_HOST}
    stamps = [int(one.body) for one in _first_stamps(wire, "2024-12", "2025-01")]
    assert stamps == [at(2024, 12, 1), at(2025, 1, 1) * 1000]
    wire.simulator.misbehave([Misbehaviour(binance.ARCHIVE_HOST, "status", "always", status=404)])
    asked_otherwise = gathered_hours(wire, ask, "binance").drop("observed_at", "snapshot").sort("opened_at")
    assert rows.equals(asked_otherwise)
    assert rows.height == 24 * 62


def _first_stamps(wire: Wire, *months: str) -> list[Answer]:
    found = []
    for month in months:
        request = Request(f"{binance.SPOT_ARCHIVE}/BTCUSDT/1h/BTCUSDT-1h-{month}.zip", form="bare_zip")
        frame = decode(wire.fetch(request).body, "bare_zip")
        found.append(answer(request, str(frame["0"][0]).encode()))
    return found


LINE = "1730419200000,1,2,0.5,1,10,1730422799999,10,1,1,1,0\n"
NAME = "BTCUSDT-1h-2024-11.zip"
NOVEMBER = ask_of("binance", "hourly_prices", "BTC", date(2024, 11, 1), date(2024, 11, 30))


def test_a_file_is_taken_with_its_checksum() -> None:
    body = packed(one=LINE)
    checksum = f"{hashlib.sha256(body).hexdigest()}  {NAME}\n".encode()
    first, second = walk(binance.plan_hours(NOVEMBER), [body, checksum])
    assert first.url == f"https://data.binance.vision/data/spot/monthly/klines/BTCUSDT/1h/{NAME}"
    assert (first.form, first.transform, first.labels) == ("bare_zip", "normalize_archive", {"asset": "BTC"})
    assert (second.url, second.transform) == (f"{first.url}.CHECKSUM", None)


@pytest.mark.parametrize(
    "checksum",
    [f"{'0' * 64}  {NAME}", f"{hashlib.sha256(packed(one=LINE)).hexdigest()}  another.zip", ""],
    ids=["another sum", "another file", "nothing"],
)
def test_a_file_that_is_not_what_its_checksum_says_is_not_taken(checksum: str) -> None:
    given = iter([packed(one=LINE), checksum.encode(), [], []])
    feed = feed_of(binance.SOURCE, "hourly_prices")
    gathered = drive(feed, NOVEMBER, lambda request: answer(request, next(given)))
    (lost,) = gathered.lost
    assert isinstance(lost.problem, SourceUnavailable)
    assert f"expected {NAME} with the checksum" in str(lost.problem)
    assert {request.host for request in (read.request for read in gathered.answers)} == {binance.KLINES_HOST}


def test_days_are_taken_from_the_archive_only_beyond_the_first_page(wire: Wire) -> None:
    """A thousand days before New Year's night is April 2022: older days come from monthly files."""
    ask = ask_of("binance", "spot_prices", "BTC", date(2022, 1, 15), date(2022, 6, 30), now=NEW_YEARS_NIGHT)
    rows = rows_of("binance", "spot_prices", drive(feed_of(binance.SOURCE, "spot_prices"), ask, wire.fetch))
    assert sorted(rows["date"]) == list(ask.days)
    files = [request.url.rpartition("/")[2] for request in wire.sent if request.host == binance.ARCHIVE_HOST]
    assert files == [f"BTCUSDT-1d-2022-{month}.zip{end}" for month in ("02", "03") for end in ("", ".CHECKSUM")]
    pages = [request.params for request in wire.sent if request.host == binance.KLINES_HOST]
    assert [(page["startTime"], page["endTime"]) for page in pages] == [
        (at(2022, 1, 15), at(2022, 2, 1) - 1),
        (at(2022, 4, 1), at(2022, 7, 1) - 1),
    ]
    assert Counter(request.host for request in wire.sent) == binance.count_days(ask)
    recent = ask_of("binance", "spot_prices", "BTC", days_back(1000, LAST), LAST, now=NEW_YEARS_NIGHT)
    assert binance.count_days(recent) == {binance.KLINES_HOST: 1}


# Through the pipeline ------------------------------------------------------------------------------------------------

OVER = "date <= '2024-12-31'"
SERIES_DAYS = 4 * sum(series_of(source, "hourly_prices") for source in VENUES)
PREMIUMS = "select coinbase_premium_mean, kraken_premium_mean from premiums_daily where asset = 'BTC' order by date"


@pytest.fixture
def home(tmp_path: Path, simulator: Simulator) -> Tool:
    simulator.misbehave([])
    return Tool(tmp_path / "home", simulator.url, sources=",".join(VENUES), now=NEW_YEARS_NIGHT, start="2024-12-28")


def test_means_of_hours_reach_the_mart(home: Tool) -> None:
    said = home("backfill", "2024-12-28", "2024-12-31")
    assert said.code == 0, said.err
    assert home.states(f"dataset = 'hourly_prices' and {OVER}") == {"loaded": SERIES_DAYS}
    assert home.one("select sum(rows) from ops.ledger where dataset = 'hourly_prices'") == 24 * SERIES_DAYS
    means = home.ask(PREMIUMS)
    assert len(means) == 4
    assert all(abs(mean) < 0.003 for row in means for mean in row)
    adjusted = home.ask(
        "select coinbase_premium_usdt_adjusted, (1 + coinbase_premium) / usdt_usd - 1 from premiums_daily "
        "where asset in ('BTC', 'ETH')"
    )
    assert len(adjusted) == 8
    assert all(found == pytest.approx(expected, abs=1e-12) for found, expected in adjusted)


def test_a_page_that_lost_hours_is_held_back_and_asked_for_again(home: Tool, simulator: Simulator) -> None:
    simulator.misbehave([Misbehaviour("coinbase.*granularity=3600", "drop", "always", drop_every=4)])
    said = home("backfill", "2024-12-28", "2024-12-31")
    assert said.code == 1
    hourly = f"dataset = 'hourly_prices' and source = 'coinbase' and {OVER}"
    assert home.states(hourly) == {"failed_check": 4 * series_of("coinbase", "hourly_prices")}
    assert home.one(f"select distinct reason from ops.ledger where {hourly}") == (
        "ContractViolated: a day has 20 hours or more"
    )
    assert [mean for mean, _ in home.ask(PREMIUMS)] == [None] * 4
    simulator.misbehave([])
    assert home("backfill", "2024-12-28", "2024-12-31").code == 0
    assert home.states(hourly) == {"loaded": 4 * series_of("coinbase", "hourly_prices")}


def test_a_day_that_lacks_an_hour_counts_and_says_so(home: Tool, simulator: Simulator) -> None:
    simulator.misbehave([Misbehaviour("coinbase.*granularity=3600", "drop", "always", drop_every=40)])
    assert home("backfill", "2024-12-28", "2024-12-31", "--dataset", "hourly_prices").code == 0
    assert home.states(f"dataset = 'hourly_prices' and {OVER}") == {"loaded": SERIES_DAYS}
    warned = home.one(
        "select sum(failing_rows) from ops.checks where not success and source = 'coinbase' "
        "and \"check\" = 'a day has all of its 24 hours'"
    )
    assert warned > 0
