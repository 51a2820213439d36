"""Deribit: its plan by hand, its windows against the simulator, and the simulator's page."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import requests

from flows.simulator import Simulator
from flows.sources import deribit
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.paying import LAST, NIGHT, broken_rules, due, paid

PATH = "www.deribit.com/api/v2/public/get_funding_rate_history"
MIDNIGHT = 1_733_702_400_000  # 2024-12-09
HOUR = 3_600_000


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


@pytest.mark.parametrize("count", [1, 31, 32, 62, 63, 366])
def test_windows_of_31_days_bring_every_hour_exactly_once(wire: Wire, count: int) -> None:
    wire.sent.clear()
    gathered, rows = paid(wire, "deribit", count)
    assert gathered.error is None
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 1)
    assert broken_rules(rows) == []
    stated = feed_of(deribit.SOURCE, "funding_rates").requests(gathered.ask)
    assert Counter(request.host for request in wire.sent) == stated == {deribit.HOST: -(-count // 31)}


def test_the_window_begins_before_midnight_because_its_start_is_exclusive() -> None:
    ask = ask_of("deribit", "funding_rates", "ETH", days_back(32), date(2024, 12, 9))
    first, second = walk(deribit.plan_history(ask), [{"result": []}, {"result": []}])
    assert first.url == f"https://{PATH}"
    assert first.params == {
        "instrument_name": "ETH-PERPETUAL",
        "start_timestamp": MIDNIGHT - 31 * 24 * HOUR - 1,
        "end_timestamp": MIDNIGHT - 1,
    }
    assert second.params["start_timestamp"] == MIDNIGHT - 1
    assert second.params["end_timestamp"] == MIDNIGHT + 24 * HOUR - 1
    assert first.labels == {"asset": "ETH"}


def test_its_funding_is_near_the_main_venues(wire: Wire) -> None:
    for asset in ("BTC", "ETH"):
        _, rows = paid(wire, "deribit", 60, asset=asset)
        _, main = paid(wire, "binance", 60, asset=asset)
        assert rows["funding_rate"].sum() == pytest.approx(main["funding_rate"].sum(), rel=0.25)
        assert rows["funding_rate"].sum() != main["funding_rate"].sum()


def ask(wire: Wire, **query: object) -> requests.Response:
    params = {name: str(value) for name, value in query.items()}
    return requests.get(f"{wire.simulator.url}/{PATH}", params=params, timeout=10)


def rows(wire: Wire, start: int, end: int) -> list[dict[str, float]]:
    answer = ask(wire, instrument_name="BTC-PERPETUAL", start_timestamp=start, end_timestamp=end)
    found: list[dict[str, float]] = answer.json()["result"]
    return found


def test_the_simulated_rows_are_chained_as_the_documented_ones(wire: Wire) -> None:
    """The documented window from 00:00 to 04:00 holds four rows, and each begins where the one before ended."""
    four = rows(wire, MIDNIGHT, MIDNIGHT + 4 * HOUR)
    assert [row["timestamp"] for row in four] == [MIDNIGHT + number * HOUR for number in (1, 2, 3, 4)]
    assert [row["prev_index_price"] for row in four[1:]] == [row["index_price"] for row in four[:-1]]
    assert set(four[0]) == {"timestamp", "index_price", "prev_index_price", "interest_8h", "interest_1h"}
    eight = rows(wire, MIDNIGHT, MIDNIGHT + 8 * HOUR)
    assert eight[-1]["interest_8h"] == pytest.approx(sum(row["interest_1h"] for row in eight))


def test_the_simulator_sends_744_rows_and_none_of_the_future(wire: Wire) -> None:
    now = int(NIGHT.timestamp() * 1000)
    many = rows(wire, 0, now + 100 * HOUR)
    assert len(many) == 744
    assert many[-1]["timestamp"] == now - HOUR // 2
    assert rows(wire, 0, MIDNIGHT - 3000 * 24 * HOUR) == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"instrument_name": "DOGE-PERPETUAL", "start_timestamp": 1, "end_timestamp": 2}, 400, -32602),
        ({"instrument_name": "BTC-PERPETUAL", "start_timestamp": 1}, 400, -32602),
        ({"instrument_name": "BTC-PERPETUAL", "start_timestamp": "x", "end_timestamp": 2}, 400, -32602),
    ],
)
def test_the_simulator_refuses_as_json_rpc(wire: Wire, query: dict[str, object], status: int, code: int) -> None:
    refused = ask(wire, **query)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


def test_a_day_is_whole_five_minutes_after_it_ends() -> None:
    with Simulator(now=datetime(2025, 1, 1, 0, 5, tzinfo=UTC)) as served:
        _, rows = paid(Wire(served), "deribit", 1)
    assert rows["settled_at"].max() == datetime(2024, 12, 31, 23, tzinfo=UTC)
    assert rows.height == timedelta(days=1) // timedelta(hours=1)
    assert LAST in set(rows["date"])
