"""Bybit's open interest: what its plan asks, and the rows from the simulator."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import bybit
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
INTEREST = feed_of(bybit.SOURCE, "open_interest")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_the_hours_of_eight_whole_days_are_asked_for_a_page() -> None:
    ask = ask_of("bybit", "open_interest", "BTC-inverse", date(2024, 12, 1), date(2024, 12, 9))
    asked = walk(bybit.plan_open_interest(ask), [{}, {}])
    assert asked[0].params == {
        "category": "inverse",
        "symbol": "BTCUSD",
        "intervalTime": "1h",
        "startTime": at(2024, 12, 1),
        "endTime": at(2024, 12, 9) - 1,
        "limit": 200,
    }
    assert (asked[1].params["startTime"], asked[1].params["endTime"]) == (at(2024, 12, 9), at(2024, 12, 10) - 1)
    assert asked[0].labels == {"asset": "BTC", "category": "inverse", "symbol": "BTCUSD"}


@pytest.mark.parametrize("series", [one.name for one in INTEREST.series])
@pytest.mark.parametrize("count", [1, 8, 9, 40])
def test_every_day_comes_once_in_the_stated_requests(wire: Wire, series: str, count: int) -> None:
    ask = ask_of("bybit", "open_interest", series, days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("bybit", "open_interest", drive(INTEREST, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert Counter(request.host for request in wire.sent) == INTEREST.requests(ask)
    assert broken_rules("open_interest", rows) == set()
    known = "open_interest_usd" if series.endswith("inverse") else "open_interest_coins"
    other = {"open_interest_usd": "open_interest_coins", "open_interest_coins": "open_interest_usd"}[known]
    assert (rows[known].null_count(), rows[other].null_count()) == (0, count)
    assert rows["open_interest_usd_high"].null_count() == rows["open_interest_usd"].null_count()


def test_a_contract_is_counted_once(wire: Wire) -> None:
    ask = ask_of("bybit", "open_interest", "BTC", LAST, LAST, now=NEW_YEARS_NIGHT)
    gathered = drive(INTEREST, ask, wire.fetch)
    newest = gathered.answers[0].json()["result"]["list"][0]
    assert (
        rows_of("bybit", "open_interest", gathered)["open_interest_coins"].item() == float(newest["openInterest"]) / 2
    )


@pytest.mark.parametrize("key", ["result", "list", "openInterest", "timestamp", "time"])
def test_a_renamed_field_fails_the_days(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("bybit", "shape", "always", key=key, rename="something_else")])
    ask = ask_of("bybit", "open_interest", "BTC", now=NEW_YEARS_NIGHT)
    with pytest.raises(PayloadChanged):
        rows_of("bybit", "open_interest", drive(INTEREST, ask, wire.fetch))


def test_the_cursor_of_the_simulator_walks_on_to_older_rows(wire: Wire) -> None:
    asked: dict[str, str | int] = {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h", "limit": 3}
    first = wire.fetch(Request(bybit.READINGS, params=asked)).json()["result"]
    then = wire.fetch(Request(bybit.READINGS, params={**asked, "cursor": first["nextPageCursor"]})).json()["result"]
    stamps = [int(row["timestamp"]) for page in (first, then) for row in page["list"]]
    assert stamps == [at(2025, 1, 1) - hours * 3_600_000 for hours in range(6)]


@pytest.mark.parametrize(
    "params",
    [
        {"category": "spot", "symbol": "BTCUSDT", "intervalTime": "1h"},
        {"category": "linear", "symbol": "BTCUSD", "intervalTime": "1h"},
        {"category": "linear", "symbol": "NOUSDT", "intervalTime": "1h"},
        {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "7h"},
        {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h", "limit": 201},
        {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h", "startTime": "soon"},
    ],
)
def test_the_simulator_refuses_in_bybit_words(wire: Wire, params: dict[str, str | int]) -> None:
    one = wire.fetch(Request(bybit.READINGS, params=params))
    assert (one.status, one.json()["retCode"]) == (200, 10001)
