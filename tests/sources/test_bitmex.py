"""BitMEX: its plan by hand, its pages against the simulator, and the simulator's page."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest
import requests

from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.sources import bitmex
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.paying import NIGHT, broken_rules, due, paid

PATH = "www.bitmex.com/api/v1/funding"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (166, 1), (167, 2), (366, 3), (500, 4)])
def test_pages_bring_every_payment_exactly_once(simulator: Simulator, count: int, pages: int) -> None:
    wire = Wire(simulator)
    gathered, rows = paid(wire, "bitmex", count, asset="ETH")
    assert gathered.error is None
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 8, first=4)
    assert rows["interval_hours"].unique().to_list() == [8]
    assert broken_rules(rows) == []
    stated = feed_of(bitmex.SOURCE, "funding_rates").requests(gathered.ask)
    assert Counter(request.host for request in wire.sent) == stated == {bitmex.HOST: pages}


def test_its_funding_is_near_the_main_venues(simulator: Simulator) -> None:
    for asset in ("BTC", "ETH"):
        _, rows = paid(Wire(simulator), "bitmex", 60, asset=asset)
        _, main = paid(Wire(simulator), "binance", 60, asset=asset)
        assert rows["funding_rate"].sum() == pytest.approx(main["funding_rate"].sum(), rel=0.25)


def full(day: int) -> list[dict[str, str]]:
    return [{"timestamp": f"2024-{day:02}-01T04:00:00.{number:03}Z"} for number in range(500)]


def test_pages_go_on_by_the_number_of_rows() -> None:
    ask = ask_of("bitmex", "funding_rates", "BTC", days_back(366), date(2024, 12, 9))
    first, second, third = walk(bitmex.plan_funding(ask), [full(3), full(6), []])
    assert first.params == {
        "symbol": "XBTUSD",
        "count": 500,
        "start": 0,
        "reverse": "false",
        "startTime": "2023-12-10T00:00:00.000Z",
        "endTime": "2024-12-09T23:59:59.999Z",
    }
    assert [request.params["start"] for request in (second, third)] == [500, 1000]
    assert first.labels == {"asset": "BTC", "symbol": "XBTUSD"}


def test_a_server_that_repeats_itself_is_not_asked_forever() -> None:
    ask = ask_of("bitmex", "funding_rates", "BTC", days_back(366), date(2024, 12, 9))
    with pytest.raises(PayloadChanged, match="expected rows from"):
        walk(bitmex.plan_funding(ask), [full(3), full(3), full(3)])


# The simulator's page ------------------------------------------------------------------------------------------------


def ask(simulator: Simulator, **query: object) -> requests.Response:
    params = {name: str(value) for name, value in query.items()}
    return requests.get(f"{simulator.url}/{PATH}", params=params, timeout=10)


def test_rows_have_the_documented_shape_and_none_is_of_the_future(simulator: Simulator) -> None:
    newest = ask(simulator, symbol="XBTUSD", count=2, reverse="true").json()
    assert [row["timestamp"] for row in newest] == ["2024-12-31T20:00:00.000Z", "2024-12-31T12:00:00.000Z"]
    assert list(newest[0]) == ["timestamp", "symbol", "fundingInterval", "fundingRate", "fundingRateDaily"]
    assert newest[0]["fundingInterval"] == "2000-01-01T08:00:00.000Z"
    assert newest[0]["fundingRateDaily"] == pytest.approx(3 * newest[0]["fundingRate"])
    assert len(ask(simulator, symbol="XBTUSD").json()) == 100
    late = ask(simulator, symbol="XBTUSD", startTime="2024-12-31T20:00:00.000Z", endTime="2030-01-01").json()
    assert late == newest[:1]


def test_both_bounds_are_inclusive(simulator: Simulator) -> None:
    bounds = {"startTime": "2024-12-09T04:00:00.000Z", "endTime": "2024-12-09T20:00:00.000Z"}
    rows = ask(simulator, symbol="XBTUSD", **bounds).json()
    assert [row["timestamp"][11:13] for row in rows] == ["04", "12", "20"]
    assert ask(simulator, symbol="XBTUSD", start=1, **bounds).json() == rows[1:]
    assert ask(simulator, symbol="XBTUSD", reverse="true", **bounds).json() == rows[::-1]


def test_it_refuses_in_its_own_words(simulator: Simulator) -> None:
    assert ask(simulator, symbol="NOPE").json() == []
    many = ask(simulator, symbol="XBTUSD", count=501)
    assert (many.status_code, many.json()["error"]["name"]) == (400, "HTTPError")
    assert ask(simulator, symbol="XBTUSD", startTime="soon").json()["error"]["name"] == "ValidationError"
    assert ask(simulator, symbol="XBTUSD", start="x").status_code == 400
