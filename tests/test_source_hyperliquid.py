"""Hyperliquid: its plan by hand, its pages against the simulator, and the simulator's manners."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from expectations.errors import PayloadChanged
from flows.clock import Clock
from flows.http import Budgets, Fetcher, Traffic
from flows.simulator import Misbehaviour, Simulator
from flows.sources import hyperliquid
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.paying import NIGHT, broken_rules, due, paid
from warehouse.archive import Archive, Recorder

MIDNIGHT = 1_733_702_400_000  # 2024-12-09
HOUR = 3_600_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (20, 1), (21, 2), (125, 7), (366, 18)])
def test_pages_bring_every_hour_exactly_once(wire: Wire, count: int, pages: int) -> None:
    gathered, rows = paid(wire, "hyperliquid", count, asset="ETH")
    assert gathered.error is None
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 1)
    assert (rows["stamped_at"] - rows["settled_at"]).is_between(timedelta(0), timedelta(seconds=1)).all()
    assert broken_rules(rows) == []
    stated = feed_of(hyperliquid.SOURCE, "funding_rates").requests(gathered.ask)
    assert Counter(request.host for request in wire.sent) == stated == {hyperliquid.HOST: pages}


def test_pages_are_asked_for_by_post_with_both_bounds_and_walked_forward() -> None:
    ask = ask_of("hyperliquid", "funding_rates", "ETH", days_back(21), date(2024, 12, 9))
    start = MIDNIGHT - 20 * 24 * HOUR
    full = [{"coin": "ETH", "fundingRate": "0", "time": start + number * HOUR + 7} for number in range(500)]
    first, second = walk(hyperliquid.plan_history(ask), [full, []])
    assert (first.method, first.url) == ("POST", "https://api.hyperliquid.xyz/info")
    assert json.loads(first.body or "") == {
        "type": "fundingHistory",
        "coin": "ETH",
        "startTime": start,
        "endTime": MIDNIGHT + 24 * HOUR - 1,
    }
    assert json.loads(second.body or "")["startTime"] == start + 499 * HOUR + 8
    assert first.labels == {"asset": "ETH", "coin": "ETH"}


def test_a_server_that_repeats_itself_is_not_asked_forever() -> None:
    ask = ask_of("hyperliquid", "funding_rates", "BTC", days_back(60), date(2024, 12, 9))
    same = [{"time": MIDNIGHT - 59 * 24 * HOUR + number} for number in range(500)]
    with pytest.raises(PayloadChanged, match="expected rows from"):
        walk(hyperliquid.plan_history(ask), [same, same, same])


def test_the_first_day_is_whole(wire: Wire) -> None:
    first = hyperliquid.PERPETUALS["BTC"][1]
    gathered, rows = paid(wire, "hyperliquid", 1, last=first)
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 1)


def test_a_post_says_what_it_sends_and_is_archived_with_it(simulator: Simulator, tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    recorder = Recorder(archive, "000001", NIGHT)
    clock = Clock(NIGHT)
    fetcher = Fetcher(
        hyperliquid.SOURCE,
        gateway=simulator.url,
        recorder=recorder,
        clock=clock,
        traffic=Traffic(),
        budgets=Budgets([hyperliquid.SOURCE], clock),
    )
    request = next(hyperliquid.plan_history(ask_of("hyperliquid", "funding_rates", "BTC")))
    answer = fetcher.fetch(request, dataset="funding_rates", series="BTC")
    recorder.close()
    assert len(answer.json()) == 24
    kept = archive.read(answer.snapshot)
    assert (kept.method, kept.request_body) == ("POST", request.body)


# the simulator's manners ---------------------------------------------------------------------------------------------


def post(simulator: Simulator, question: object, path: str = "info") -> requests.Response:
    return requests.post(f"{simulator.url}/api.hyperliquid.xyz/{path}", json=question, timeout=10)


def test_a_page_holds_500_rows_from_the_start_and_none_of_the_future(simulator: Simulator) -> None:
    page = post(simulator, {"type": "fundingHistory", "coin": "BTC", "startTime": 0}).json()
    assert len(page) == 500
    assert set(page[0]) == {"coin", "fundingRate", "premium", "time"}
    assert 0 <= page[0]["time"] - 1_683_849_600_000 < 1000  # 12 May 2023, as documented
    assert all(isinstance(page[0][name], str) for name in ("coin", "fundingRate", "premium"))
    now = int(NIGHT.timestamp() * 1000)
    question = {"type": "fundingHistory", "coin": "BTC", "startTime": now - 48 * HOUR, "endTime": 10**13}
    newest = post(simulator, question).json()
    assert newest[-1]["time"] <= now < newest[-1]["time"] + HOUR


def test_both_bounds_are_inclusive(simulator: Simulator) -> None:
    question = {"type": "fundingHistory", "coin": "BTC", "startTime": MIDNIGHT, "endTime": MIDNIGHT + 3 * HOUR}
    stamps = [row["time"] for row in post(simulator, question).json()]
    again = post(simulator, question | {"startTime": stamps[0], "endTime": stamps[-1]}).json()
    assert [row["time"] for row in again] == stamps
    assert post(simulator, question | {"startTime": stamps[0] + 1, "endTime": stamps[-1] - 1}).json() == again[1:-1]


def test_it_refuses_in_its_own_words(simulator: Simulator) -> None:
    history = {"type": "fundingHistory", "coin": "BTC", "startTime": 0}
    url = f"{simulator.url}/api.hyperliquid.xyz/info"
    assert requests.get(url, timeout=10).status_code == 405
    assert requests.post(url, data=json.dumps(history), timeout=10).status_code == 415
    assert post(simulator, history, path="exchange").status_code == 404
    assert post(simulator, {"type": "meta"}).status_code == 422
    assert post(simulator, [history]).status_code == 422
    assert post(simulator, history | {"startTime": "soon"}).status_code == 422
    unknown = post(simulator, history | {"coin": "NOPE"})
    assert (unknown.status_code, unknown.json()) == (500, None)


def test_other_providers_take_no_post(simulator: Simulator) -> None:
    assert requests.post(f"{simulator.url}/api.upbit.com/v1/candles/days?market=KRW-BTC", timeout=10).status_code == 405


def test_misbehaviour_may_be_about_the_body(simulator: Simulator) -> None:
    simulator.misbehave([Misbehaviour('hyperliquid.*"coin": ?"ETH"', "status", "always", status=503)])
    history = {"type": "fundingHistory", "startTime": 0}
    assert post(simulator, history | {"coin": "BTC"}).status_code == 200
    assert post(simulator, history | {"coin": "ETH"}).status_code == 503
    simulator.misbehave([])
