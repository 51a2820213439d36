"""OKX's open interest: what its plan asks, and the rows from the simulator."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import okx
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
INTEREST = feed_of(okx.SOURCE, "open_interest")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_the_hours_of_four_whole_days_are_asked_for_with_exclusive_bounds() -> None:
    ask = ask_of("okx", "open_interest", "BTC-inverse", date(2024, 12, 5), date(2024, 12, 9))
    asked = walk(okx.plan_open_interest(ask), [{}, {}])
    assert asked[0].params == {
        "instId": "BTC-USD-SWAP",
        "period": "1H",
        "begin": at(2024, 12, 5) - 1,
        "end": at(2024, 12, 9),
        "limit": 100,
    }
    assert (asked[1].params["begin"], asked[1].params["end"]) == (at(2024, 12, 9) - 1, at(2024, 12, 10))
    assert asked[0].labels == {"asset": "BTC", "symbol": "BTC-USD-SWAP"}


@pytest.mark.parametrize("series", [one.name for one in INTEREST.series])
@pytest.mark.parametrize("count", [1, 4, 5, 54])
def test_every_day_comes_once_in_the_stated_requests(wire: Wire, series: str, count: int) -> None:
    ask = ask_of("okx", "open_interest", series, days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("okx", "open_interest", drive(INTEREST, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert Counter(request.host for request in wire.sent) == INTEREST.requests(ask)
    assert broken_rules("open_interest", rows) == set()
    assert rows.drop("flush_usd").null_count().transpose().to_series().sum() == 0


def test_what_is_declared_as_kept_can_be_had_to_its_last_day(wire: Wire) -> None:
    assert INTEREST.kept_for is not None
    first = (NEW_YEARS_NIGHT - INTEREST.kept_for).date() - timedelta(days=1)
    ask = ask_of("okx", "open_interest", "BTC", first, first, now=NEW_YEARS_NIGHT)
    assert rows_of("okx", "open_interest", drive(INTEREST, ask, wire.fetch))["date"].to_list() == [first]
    gone = ask_of("okx", "open_interest", "BTC", date(2024, 10, 1), date(2024, 10, 4), now=NEW_YEARS_NIGHT)
    assert rows_of("okx", "open_interest", drive(INTEREST, gone, wire.fetch)).is_empty()


def test_a_renamed_field_fails_the_days(wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("okx", "shape", "always", key="data", rename="something_else")])
    ask = ask_of("okx", "open_interest", "BTC", now=NEW_YEARS_NIGHT)
    with pytest.raises(PayloadChanged):
        rows_of("okx", "open_interest", drive(INTEREST, ask, wire.fetch))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"instId": "BTC-USDT", "period": "1H"}, "51001"),
        ({"instId": "NO-USDT-SWAP", "period": "1H"}, "51001"),
        ({"instId": "BTC-USDT-SWAP", "period": "7H"}, "51000"),
        ({"instId": "BTC-USDT-SWAP", "period": "1H", "begin": "soon"}, "51000"),
    ],
)
def test_the_simulator_refuses_in_okx_words(wire: Wire, params: dict[str, str | int], code: str) -> None:
    one = wire.fetch(Request(okx.READINGS, params=params))
    assert (one.status, one.json()["code"]) == (200, code)
