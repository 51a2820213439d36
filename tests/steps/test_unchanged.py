"""Requests for whole histories are conditional: an answer that has not changed is not sent again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.simulator import Misbehaviour, Simulator
from tests.tool import NOW, Tool, flip, only, same, tables
from warehouse.store.archive import Archive

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

POOL = "aave-v3-ethereum-usdc"
ASKED = (
    "backfill",
    "2024-12-01",
    "2024-12-09",
    "--dataset",
    "lending_rates",
    "--source",
    "defillama",
    "--series",
    POOL,
)


@pytest.fixture
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as running:
        yield running


def statuses(tool: Tool, run_id: str) -> list[int]:
    return [snapshot.status for _, snapshot in Archive(tool.home / "raw").scan(run_id)]


def test_an_unchanged_history_is_read_from_the_archive(market: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", market.url, sources="defillama", start="2024-12-01")
    assert tool(*ASKED).code == 0
    before = tables(tool.home / "warehouse.duckdb")
    assert statuses(tool, "000001") == [200]

    said = tool(*ASKED, "--mode", "refetch")
    assert said.code == 0, said.err
    assert statuses(tool, "000002") == [304]
    assert same(before, tables(tool.home / "warehouse.duckdb")) == []
    assert tool.states(f"series = '{POOL}' and date < '2024-12-10'") == {"loaded": 9}
    assert tool.one("select max(bytes) from ops.runs where run_id = '000002'") == 0

    # Days of an answer that was not sent again are replayed from the one that was sent.
    assert tool(*ASKED, "--mode", "replay").code == 0
    assert same(before, tables(tool.home / "warehouse.duckdb")) == []


def test_a_history_that_has_grown_comes_whole(market: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", market.url, sources="defillama", start="2024-12-01")
    assert tool(*ASKED).code == 0
    market.now += timedelta(days=1)
    later = replace(tool, now=market.now)
    assert later("run").code == 0
    asked = [asked.path for asked in market.requests if asked.host == "yields.llama.fi"]
    assert len(asked) > 1
    assert 304 not in statuses(tool, "000002")
    assert str(later.one("select max(date) from core.lending_rates")) == "2024-12-10"


def test_a_damaged_answer_is_asked_for_again_whole(market: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", market.url, sources="defillama", start="2024-12-01")
    assert tool(*ASKED).code == 0
    flip(only(list((tool.home / "raw").rglob("*.zst"))))
    assert tool(*ASKED, "--mode", "refetch").code == 0
    assert statuses(tool, "000002") == [200]


def test_an_error_is_no_answer_that_could_still_hold(market: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", market.url, sources="defillama", start="2024-12-01")
    market.misbehave([Misbehaviour("yields", "envelope", times="always")])
    assert tool(*ASKED).code == 1
    market.misbehave([])
    assert tool(*ASKED).code == 0
    assert tool.states(f"series = '{POOL}' and date < '2024-12-10'") == {"loaded": 9}
