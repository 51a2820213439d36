"""Liquidations among Deribit's trades: pages by hand and from the simulator, and days without any."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.http import Budgets
from flows.simulator import Misbehaviour, Simulator
from flows.sources import deribit
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules
from tests.paying import LAST, NIGHT
from tests.tool import Tool
from transforms.conform import said_empty

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_daily")]

EVENTS = feed_of(deribit.SOURCE, "liquidation_events")
PATH = "history.deribit.com/api/v2/public/get_last_trades_by_currency_and_time"
ASK = ask_of("deribit", "liquidation_events", "BTC", date(2024, 12, 8), date(2024, 12, 9))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def hours(first: int, last: int) -> list[tuple[int, bool]]:
    """One trade an hour, none of them a liquidation."""
    return [(stamp, False) for stamp in range(first, last, 3_600_000)]


def page(*trades: tuple[int, bool], more: bool = False) -> object:
    told = [{"timestamp": stamp, **({"liquidation": "T"} if flagged else {})} for stamp, flagged in trades]
    return {"result": {"trades": told, "has_more": more}}


def all_rows(wire: Wire, series: str, count: int) -> pl.DataFrame:
    first = days_back(count, LAST)
    gathered = drive(EVENTS, ask_of("deribit", "liquidation_events", series, first, LAST, now=NIGHT), wire.fetch)
    assert gathered.error is None
    rows = normalize(EVENTS.dataset, "deribit", gathered)
    return rows.filter(pl.col("date") >= first, pl.col("date") <= LAST).drop("observed_at", "snapshot")


def test_pages_go_on_from_the_last_trade_to_the_end_of_the_last_day() -> None:
    pages = [
        page(*hours(at(2024, 12, 8), at(2024, 12, 8, 20)), (at(2024, 12, 8, 20), True), more=True),
        page((at(2024, 12, 8, 20), True), *hours(at(2024, 12, 8, 21), at(2024, 12, 10))),
    ]
    asked = walk(EVENTS.plan(ASK), pages)
    assert asked[0].address == (
        f"https://{PATH}?currency=BTC&kind=future&start_timestamp={at(2024, 12, 8)}"
        f"&end_timestamp={at(2024, 12, 10) - 1}&count=10000&sorting=asc"
    )
    assert asked[0].labels == {"asset": "BTC"}
    assert asked[1].params["start_timestamp"] == at(2024, 12, 8, 20)


def test_a_walk_that_ends_before_the_last_hour_has_lost_trades() -> None:
    begun = page((at(2024, 12, 8, 1), True), more=True)
    for pages in ([page()], [begun, page((at(2024, 12, 8, 1), True), *hours(at(2024, 12, 8, 2), at(2024, 12, 9, 23)))]):
        with pytest.raises(SourceUnavailable, match="expected trades up to"):
            walk(EVENTS.plan(ASK), pages)


def test_a_page_that_does_not_go_on_where_the_one_before_ended_has_lost_trades() -> None:
    begun = page((at(2024, 12, 8, 1), True), more=True)
    with pytest.raises(SourceUnavailable, match=f"expected the trade at {at(2024, 12, 8, 1)} once more"):
        walk(EVENTS.plan(ASK), [begun, page(*hours(at(2024, 12, 8, 2), at(2024, 12, 10)))])


def test_hours_without_a_trade_are_lost_trades() -> None:
    for first in (at(2024, 12, 8, 7), at(2024, 12, 9, 23)):
        with pytest.raises(SourceUnavailable, match=f"found none from {at(2024, 12, 8)} to {first}"):
            walk(EVENTS.plan(ASK), [page((first, True))])


def test_trades_out_of_order_or_of_another_time_are_refused() -> None:
    early, late = (at(2024, 12, 8, 2), True), (at(2024, 12, 8, 4), True)
    with pytest.raises(PayloadChanged, match="expected rows oldest first"):
        walk(EVENTS.plan(ASK), [page(late, early)])
    with pytest.raises(PayloadChanged, match="expected rows before"):
        walk(EVENTS.plan(ASK), [page(late, (10**17, False))])


def test_a_page_that_brings_nothing_newer_is_not_asked_for_forever() -> None:
    same = page((at(2024, 12, 8), True), more=True)
    with pytest.raises(PayloadChanged, match="though there are more"):
        walk(EVENTS.plan(ASK), [same, same])


def test_without_a_flag_one_is_looked_for_in_older_trades() -> None:
    """A host that does not flag liquidations would seem to have none."""
    quiet = page(*hours(at(2024, 12, 8), at(2024, 12, 10)))
    older = page((at(2024, 12, 7, 23), False), (at(2024, 12, 7, 3), False))
    asked = walk(EVENTS.plan(ASK), [quiet, older, page((at(2024, 12, 7, 2), True))])
    assert [request.transform for request in asked] == ["normalize", None, None]
    assert [request.params["sorting"] for request in asked] == ["asc", "desc", "desc"]
    assert [request.params["end_timestamp"] for request in asked[1:]] == [at(2024, 12, 8) - 1, at(2024, 12, 7, 3) - 1]
    with pytest.raises(PayloadChanged, match="expected a liquidation among the trades before"):
        walk(EVENTS.plan(ASK), [quiet, older, page()])


@pytest.mark.parametrize("series", ["BTC", "ETH"])
def test_every_day_has_liquidations_or_is_listed_without(wire: Wire, series: str) -> None:
    rows = all_rows(wire, series, 60)
    assert set(rows["date"]) == set(ask_of("deribit", "liquidation_events", series, days_back(60, LAST), LAST).days)
    events = rows.filter(~said_empty(EVENTS.dataset))
    assert events["event"].is_unique().all()
    assert 40 < events["date"].n_unique() < 60
    assert broken_rules("liquidation_events", events) == set()
    assert set(events["side"]) == {"long", "short"}


def test_pages_of_any_size_hold_the_same_trades(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = all_rows(wire, "BTC", 5).sort("event")
    for size in (50, 77):
        monkeypatch.setattr(deribit, "TRADES_PAGE", size)
        wire.sent.clear()
        assert all_rows(wire, "BTC", 5).sort("event").equals(whole)
        assert len(wire.sent) > 4


def test_quiet_days_are_empty_and_an_empty_answer_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budgets, "take", lambda *_: None)
    events = "dataset = 'liquidation_events' and series = 'BTC' and date < '2025-01-01'"
    with Simulator(now=NIGHT) as served:
        served.misbehave([Misbehaviour("history.deribit.com", "empty", "always")])
        tool = Tool(tmp_path / "home", served.url, sources="deribit", start="2024-11-20", now=NIGHT)
        asked = ("backfill", "2024-11-20", "2024-12-31", "--dataset", "liquidation_events", "--series", "BTC")
        assert tool(*asked).code == 1
        assert tool.states(events) == {"failed": 42}
        served.misbehave([])
        assert tool(*asked).code == 0
    states = tool.states(events)
    assert set(states) == {"loaded", "verified_empty"}
    assert tool.one("select count(*) from liquidations_daily where venue = 'deribit'") == states["loaded"]
    crash = "select long_usd > 2 * short_usd, source, is_lower_bound from liquidations_daily where date = '2024-12-09'"
    assert tool.ask(crash) == [(True, "deribit", True)]


# The simulator's page ------------------------------------------------------------------------------------------------


def trades(wire: Wire, **query: object) -> dict[str, list[dict[str, object]]]:
    params = {"currency": "BTC", "kind": "future", **{name: str(value) for name, value in query.items()}}
    found: dict[str, list[dict[str, object]]] = requests.get(
        f"{wire.simulator.url}/{PATH}", params=params, timeout=10
    ).json()["result"]
    return found


def test_the_simulated_trades_run_either_way_with_both_bounds(wire: Wire) -> None:
    start, end = at(2024, 12, 9), at(2024, 12, 10)
    forward = trades(wire, start_timestamp=start, end_timestamp=end, count=1000, sorting="asc")["trades"]
    backward = trades(wire, start_timestamp=start, end_timestamp=end, count=1000, sorting="desc")["trades"]
    assert backward == forward[::-1]
    stamps = [trade["timestamp"] for trade in forward]
    assert stamps == sorted(stamps)  # type: ignore[type-var]
    first = trades(wire, start_timestamp=stamps[3], end_timestamp=stamps[5], count=2, sorting="asc")
    assert [trade["timestamp"] for trade in first["trades"]] == stamps[3:5]
    assert first["has_more"]
    flags = {trade.get("liquidation") for trade in forward}
    assert flags >= {None, "T"}
    newest = trades(wire, start_timestamp=start, end_timestamp=at(2030, 1, 1), count=1, sorting="desc")["trades"]
    assert newest[0]["timestamp"] <= int(NIGHT.timestamp() * 1000)  # type: ignore[operator]


def test_the_simulator_refuses_what_it_does_not_know(wire: Wire) -> None:
    for query in ({"currency": "DOGE"}, {"kind": "option"}, {"count": 10_001}, {"start_timestamp": "x"}):
        usual = {"currency": "BTC", "kind": "future", "start_timestamp": "1", "end_timestamp": "2"}
        params = usual | {name: str(value) for name, value in query.items()}
        refused = requests.get(f"{wire.simulator.url}/{PATH}", params=params, timeout=10)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32602)
