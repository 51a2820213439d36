"""OKX's liquidation orders: pages by hand and from the simulator, contracts, and the documented example."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import SourceUnavailable
from flows.http import Budgets
from flows.simulator import Misbehaviour, Simulator
from flows.sources import okx
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules
from tests.paying import LAST, NIGHT
from tests.tool import SHARED, Tool
from transforms.conform import said_empty
from transforms.liquidation_events.okx import normalize as rows_of_page

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_daily")]

EVENTS = feed_of(okx.SOURCE, "liquidation_events")
PATH = "www.okx.com/api/v5/public/liquidation-orders"
DOCUMENTED = SHARED / "recordings" / "doc-examples" / "okx" / "ws_liquidation_orders.json"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def page(*stamps: int) -> object:
    details = [{"ts": str(stamp)} for stamp in stamps]
    return {"code": "0", "msg": "", "data": [{"details": details}] if details else []}


def all_rows(wire: Wire, series: str, day: date = LAST) -> pl.DataFrame:
    gathered = drive(EVENTS, ask_of("okx", "liquidation_events", series, day, day, now=NIGHT), wire.fetch)
    assert gathered.error is None
    rows = normalize(EVENTS.dataset, "okx", gathered)
    return rows.filter(pl.col("date") == day).drop("observed_at", "snapshot")


def test_pages_overlap_until_an_order_from_before_the_day() -> None:
    ask = ask_of("okx", "liquidation_events", "ETH-inverse", date(2024, 12, 9), date(2024, 12, 9))
    pages = [
        page(at(2024, 12, 10), at(2024, 12, 9, 5)),
        page(at(2024, 12, 9, 5), at(2024, 12, 8, 23), at(2024, 12, 8, 22)),
    ]
    first, second = walk(EVENTS.plan(ask), pages)
    assert first.address == (
        f"https://{PATH}?instType=SWAP&uly=ETH-USD&state=filled&after={at(2024, 12, 10) + 1_800_000}&limit=100"
    )
    assert first.labels == {"asset": "ETH", "dollars": "10", "symbol": "ETH-USD"}
    assert second.params["after"] == at(2024, 12, 10)


def test_a_day_out_of_reach_is_not_told_in_part() -> None:
    ask = ask_of("okx", "liquidation_events", "BTC")
    with pytest.raises(SourceUnavailable, match="expected a row before"):
        walk(EVENTS.plan(ask), [page(at(2024, 12, 9, 20), at(2024, 12, 9, 3)), page(), page()])


@pytest.mark.parametrize("series", [series.name for series in EVENTS.series])
def test_every_day_has_orders_or_is_listed_without(wire: Wire, series: str) -> None:
    for back in range(1, 6):
        rows = all_rows(wire, series, days_back(back, LAST))
        assert rows.height, back
        assert broken_rules("liquidation_events", rows.filter(~said_empty(EVENTS.dataset))) == set()


def test_pages_of_any_size_hold_the_same_orders(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = all_rows(wire, "BTC").sort("event")
    monkeypatch.setattr(okx, "LIQUIDATIONS_PAGE", 3)
    wire.sent.clear()
    assert all_rows(wire, "BTC").sort("event").equals(whole)
    assert len(wire.sent) > 2


def test_both_kinds_of_contracts_add_up_and_an_empty_answer_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Budgets, "take", lambda *_: None)
    now = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
    events = "dataset = 'liquidation_events' and date < '2024-12-10'"
    with Simulator(now=now) as served:
        served.misbehave([Misbehaviour("liquidation-orders", "empty", "always")])
        tool = Tool(tmp_path / "home", served.url, sources="okx", start="2024-12-01", now=now)
        asked = ("backfill", "2024-12-01", "2024-12-09", "--dataset", "liquidation_events")
        assert tool(*asked).code == 1
        assert tool.states(events) == {"failed": 20, "perished": 16}
        served.misbehave([])
        assert tool(*asked).code == 0
    states = tool.states(events)
    assert states["perished"] == 16
    assert states["loaded"] + states.get("verified_empty", 0) == 20
    crash = "select asset, long_usd > 2 * short_usd, source, accounts from liquidations_daily where date = '2024-12-09'"
    assert tool.ask(f"{crash} order by 1") == [("BTC", True, "okx", None), ("ETH", True, "okx", None)]
    both = "select sum(amount_usd) from core.liquidation_events where asset = 'BTC' and date = '2024-12-09'"
    one = "select total_usd from liquidations_daily where asset = 'BTC' and date = '2024-12-09'"
    assert tool.one(one) == pytest.approx(tool.one(both))


@pytest.mark.skipif(not DOCUMENTED.exists(), reason="the recorded answers are not here")
def test_the_documented_example_is_read_and_has_the_simulators_shape(wire: Wire) -> None:
    example = json.loads(DOCUMENTED.read_bytes())
    labels = {"asset": "IOST", "coins": "1000", "symbol": "IOST-USDT"}
    (row,) = rows_of_page(example, **labels).to_dicts()
    assert (row["asset"], row["side"], row["stamped_at"]) == (
        "IOST",
        "short",
        datetime(2023, 8, 17, 10, 0, 34, 10_000, tzinfo=UTC),
    )
    assert row["amount_usd"] == pytest.approx(13 * 1000 * 0.007831)
    query = {"instType": "SWAP", "uly": "BTC-USDT", "state": "filled"}
    (mine,) = requests.get(f"{wire.simulator.url}/{PATH}", params=query, timeout=10).json()["data"]
    assert set(mine) >= set(example["data"][0])
    assert set(mine["details"][0]) == set(example["data"][0]["details"][0])
    assert {type(value) for value in mine["details"][0].values()} == {str}


def test_the_simulator_keeps_a_week_and_refuses_what_it_does_not_know(wire: Wire) -> None:
    def asked(**query: object) -> requests.Response:
        usual = {"instType": "SWAP", "uly": "BTC-USDT", "state": "filled"}
        params = usual | {name: str(value) for name, value in query.items()}
        return requests.get(f"{wire.simulator.url}/{PATH}", params=params, timeout=10)

    assert asked(after=at(2024, 12, 24)).json()["data"] == []
    stamps = [int(order["ts"]) for order in asked(limit=100).json()["data"][0]["details"]]
    assert stamps == sorted(stamps, reverse=True)
    newer = asked(before=stamps[4], after=stamps[1]).json()["data"][0]["details"]
    assert [int(order["ts"]) for order in newer] == [stamp for stamp in stamps if stamps[4] < stamp < stamps[1]]
    assert asked(uly="BTC-EUR").json()["code"] == "51014"
    assert asked(state="open").json()["code"] == "51000"
