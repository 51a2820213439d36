"""DefiLlama's pages: rates of lending pools, supplies of stablecoins."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.simulator.client import AAVE_USDC, AAVE_USDT, STABLECOIN, STABLECOINS, YIELDS, Client, at, moment
from tests.simulator.shapes import recorded, shape

pytestmark = pytest.mark.slow


def test_defillama_refuses_in_its_own_words(world: Client) -> None:
    unknown = world.ask(f"{STABLECOIN}/99999")
    assert (unknown.status_code, unknown.text) == (404, "Invalid request")
    not_launched = world.ask(f"{STABLECOIN}/262")
    assert (not_launched.status_code, not_launched.text) == (404, "Invalid request")
    bad = world.ask(f"{YIELDS}/nonsense")
    assert (bad.status_code, bad.json()) == (400, "invalid configID!")
    assert world.json(f"{YIELDS}/00000000-0000-0000-0000-000000000000")["data"] == []
    assert world.ask(f"yields.llama.fi/chartLendBorrow/{AAVE_USDC}").status_code == 402


@pytest.mark.parametrize("coin", STABLECOINS)
def test_chains_add_up_to_the_coin(world: Client, coin: str) -> None:
    answer = world.json(f"{STABLECOIN}/{coin}")
    summed: dict[int, float] = {}
    for chain in answer["chainBalances"].values():
        for row in chain["tokens"]:
            summed[row["date"]] = summed.get(row["date"], 0) + row["circulating"].get("peggedUSD", 0)
    assert summed == {row["date"]: row["circulating"].get("peggedUSD", 0) for row in answer["tokens"]}
    assert 0 not in [value for row in answer["tokens"] for value in row["circulating"].values()]
    assert answer["tokens"][-1]["date"] == at(date(2024, 12, 10), 12) // 1000


def test_a_lending_pool_has_a_live_row_for_today(own: Client) -> None:
    own.simulator.now = moment("2024-12-10T00:00:30")
    stamps = [row["timestamp"] for row in own.json(f"{YIELDS}/{AAVE_USDT}")["data"]]
    assert stamps[-1].startswith("2024-12-09T23:01:")
    own.simulator.now = moment("2024-12-10T12:30:00")
    live = [row["timestamp"] for row in own.json(f"{YIELDS}/{AAVE_USDT}")["data"]]
    assert live[:-1] == stamps
    assert live[-1].startswith("2024-12-10T12:01:")


@pytest.mark.parametrize(("pattern", "path"), recorded(["doc-examples/defillama/chart_pool.json"]))
def test_yields_have_the_documented_keys(world: Client, pattern: str, path: Path) -> None:
    documented, ours = json.loads(path.read_text()), world.json(f"{YIELDS}/{AAVE_USDC}")
    assert set(ours) == set(documented), pattern
    assert set(documented["data"][0]) <= set(ours["data"][0])
    stamp = shape(documented["data"])[0]["timestamp"]
    assert {shape(row)["timestamp"] for row in ours["data"]} == {stamp}


@pytest.mark.parametrize(("pattern", "path"), recorded(["defillama/stablecoins_withprices_*.json"]))
def test_stablecoins_are_described_as_in_recorded_lists(world: Client, pattern: str, path: Path) -> None:
    listed = {coin["id"]: coin for coin in json.loads(path.read_text())["peggedAssets"]}
    for coin in STABLECOINS:
        ours = world.json(f"{STABLECOIN}/{coin}")
        if coin in listed:
            assert ours["symbol"].upper() == listed[coin]["symbol"].upper(), pattern
            for key in ("id", "name", "gecko_id", "pegType", "pegMechanism"):
                assert ours[key] == listed[coin][key]
            assert set(ours["tokens"][-1]["circulating"]) == set(listed[coin]["circulating"])
            assert set(ours["chainBalances"]) <= set(listed[coin]["chainCirculating"])
