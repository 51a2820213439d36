"""Hyperliquid: its plan by hand, its pages against the simulator, and the simulator's page."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests

from flows.clock import Clock
from flows.http import Budgets, Fetcher, Traffic
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.pages import hyperliquid as pages
from flows.sources import hyperliquid
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.paying import NIGHT, blocking_rules, broken_rules, due, paid
from tests.tool import Tool
from warehouse.store.archive import Archive, Recorder

pytestmark = [pytest.mark.slow, pytest.mark.marts("funding_daily")]

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


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (16, 1), (17, 2), (125, 8), (366, 23)])
def test_windows_bring_every_hour_exactly_once(wire: Wire, count: int, pages: int) -> None:
    gathered, rows = paid(wire, "hyperliquid", count, asset="ETH")
    assert gathered.error is None
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 1)
    assert (rows["stamped_at"] - rows["settled_at"]).is_between(timedelta(0), timedelta(seconds=1)).all()
    assert broken_rules(rows) == []
    stated = feed_of(hyperliquid.SOURCE, "funding_rates").requests(gathered.ask)
    assert Counter(request.host for request in wire.sent) == stated == {hyperliquid.HOST: pages}


def test_windows_are_asked_for_by_post_with_two_days_on_either_side() -> None:
    ask = ask_of("hyperliquid", "funding_rates", "ETH", days_back(21), date(2024, 12, 9))
    first, second = walk(hyperliquid.plan_history(ask), [[], []])
    assert (first.method, first.url) == ("POST", "https://api.hyperliquid.xyz/info")
    assert json.loads(first.body or "") == {
        "type": "fundingHistory",
        "coin": "ETH",
        "startTime": MIDNIGHT - 22 * 24 * HOUR,
        "endTime": MIDNIGHT - 2 * 24 * HOUR - 1,
    }
    assert json.loads(second.body or "")["startTime"] == MIDNIGHT - 6 * 24 * HOUR
    assert json.loads(second.body or "")["endTime"] == MIDNIGHT + 3 * 24 * HOUR - 1
    assert first.labels == {"asset": "ETH", "coin": "ETH", "first": "2024-11-19", "last": "2024-12-04"}
    assert second.labels == {"asset": "ETH", "coin": "ETH", "first": "2024-12-05", "last": "2024-12-09"}


def test_a_full_page_may_have_lost_payments_and_costs_its_window() -> None:
    ask = ask_of("hyperliquid", "funding_rates", "BTC", days_back(32), date(2024, 12, 9))
    full = [{"time": MIDNIGHT - 31 * 24 * HOUR + number} for number in range(500)]
    given = iter([full, []])
    feed = feed_of(hyperliquid.SOURCE, "funding_rates")
    gathered = drive(feed, ask, lambda request: answer(request, next(given)))
    (lost,) = gathered.lost
    assert str(lost.problem) == "expected under 500 payments of 16 days, found a full page"
    assert (lost.days.start, lost.days.last) == (date(2024, 11, 8), date(2024, 11, 23))


def test_the_first_day_is_whole_and_of_eight_hours(wire: Wire) -> None:
    first = hyperliquid.PERPETUALS["BTC"][1]
    gathered, rows = paid(wire, "hyperliquid", 1, last=first)
    assert gathered.ask.days.start == date(2023, 5, 13)
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 8)
    assert rows["interval_hours"].to_list() == [8, 8, 8]


@pytest.mark.parametrize(("count", "last"), [(1, 8), (2, 8), (2, 9), (20, 20)])
def test_intervals_change_where_the_payments_do_whatever_is_asked_for(wire: Wire, count: int, last: int) -> None:
    """The payment of 8 June 2023 00:00 is for eight hours, however the day is asked for; the next is for one hour."""
    gathered, rows = paid(wire, "hyperliquid", count, last=date(2023, 6, last))
    assert gathered.error is None
    eighth = rows.filter(pl.col("date") == date(2023, 6, 8))
    assert eighth["interval_hours"].to_list() == [8, *[1] * 23]
    assert blocking_rules(rows) == []
    # The payment at midnight is about as much as eight of the hourly ones after it.
    midnight, *hourly = eighth["funding_rate"].to_list()
    assert midnight == pytest.approx(8 * sum(hourly) / len(hourly), rel=0.5)


LATE = 1_684_828_800_000  # 23 May 2023 08:00
MISSING = 1_688_328_000_000  # 2 July 2023 20:00


def test_a_late_stamp_costs_its_day_and_a_missing_hour_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As recorded: one stamp is 24 minutes late, one hour is missing, and the interval changes on 8 June."""
    whole = pages._payments

    def as_recorded(*asked: Any) -> list[dict[str, Any]]:
        hours = {row["time"] // HOUR * HOUR: row for row in whole(*asked)}
        hours.pop(MISSING, None)
        return [row | {"time": row["time"] + 1_433_000 * (hour == LATE)} for hour, row in hours.items()]

    monkeypatch.setattr(pages, "_payments", as_recorded)
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="hyperliquid", start="2023-05-13", now=NIGHT)
        said = tool("backfill", "2023-05-13", "2023-07-31")
    assert said.code == 1
    states = "select state, count(*), min(date) from ops.ledger where series = 'BTC' and date < '2023-08-01' group by 1"
    assert sorted(tool.ask(states)) == [("failed", 1, date(2023, 5, 23)), ("loaded", 79, date(2023, 5, 13))]
    assert "found 2023-05-23 08:23:53" in tool.one("select last_error from ops.ledger where state = 'failed' limit 1")
    odd = (
        "select date, hours_covered, interval_hours, funding_apr is not null, funding_apr_7d is not null "
        "from funding_daily where asset = 'BTC' and (hours_covered <> 24 or interval_hours is null) order by date"
    )
    assert tool.ask(odd) == [(date(2023, 6, 8), 31, None, True, True), (date(2023, 7, 2), 23, 1, True, True)]


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
    assert len(answer.json()) == 24 * 5
    kept = archive.read(answer.snapshot)
    assert (kept.method, kept.request_body) == ("POST", request.body)


# The simulator's page ------------------------------------------------------------------------------------------------


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
