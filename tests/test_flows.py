"""The Prefect flows `daily` and `backfill` run, and leave what the commands leave."""

import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from expectations.errors import BadRequest, ContractViolated
from flows.simulator import Misbehaviour, Simulator
from tests.tool import NOW, Tool, same, tables

# Prefect and what it stands on warn of their own dependencies.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def flows() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The modules `daily` and `backfill`, on a Prefect server of the tests' own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415  needs its environment first

        from flows import backfill, daily  # noqa: PLC0415  they import Prefect

        with prefect_test_harness(server_startup_timeout=120):
            yield daily, backfill


def settle(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Flows read their settings from the environment."""
    for name, value in tool.environment.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    return tool


def test_telemetry_is_off() -> None:
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert "prefect" in os.environ["PREFECT_HOME"]


def test_a_backfill_leaves_what_the_command_leaves(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    outcomes = backfill.backfill(date(2024, 12, 1), date(2024, 12, 9))
    assert sum(outcome.states["loaded"] for outcome in outcomes) == 33
    schemas = ("main", "core")
    assert same(*(tables(of.home / "warehouse.duckdb", schemas) for of in (tool, small))) == []
    ledger = "select dataset, source, series, date, state, rows from ops.ledger order by all"
    assert tool.ask(ledger) == small.ask(ledger)
    assert tool.ask("select kind, state, requests from ops.runs") == [("backfill", "done", 4)]


def test_a_daily_run_leaves_what_the_command_leaves(
    flows: tuple[ModuleType, ModuleType], tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(days=1)
    with Simulator(later) as simulator:
        by_flow = settle(replace(tool, gateway=simulator.url, now=later), monkeypatch)
        other = by_flow.at(tmp_path / "other")
        tool.home.rename(other.home)
        shutil.copytree(other.home, by_flow.home)
        daily, _ = flows
        assert len(daily.daily()) == 2
        assert other("run").code == 0
        assert same(*(tables(of.home / "warehouse.duckdb") for of in (by_flow, other))) == []
        assert by_flow.states() == other.states()
        assert daily.daily() == []  # nothing is due


def test_a_flow_fails_when_something_is_not_there(
    flows: tuple[ModuleType, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(NOW) as simulator:
        simulator.misbehave([Misbehaviour("KRW-USDT", "html", times="always")])
        tool = settle(Tool(tmp_path / "home", simulator.url, sources="upbit", start="2024-12-08"), monkeypatch)
        _, backfill = flows
        with pytest.raises(ContractViolated, match="krw_prices from upbit, 2024-12-08 to 2024-12-09: 2 series-days"):
            backfill.backfill(date(2024, 12, 8), date(2024, 12, 9))
    assert tool.states() == {"loaded": 4, "failed": 2, "not_yet": 3}  # the rest is published


def test_a_flow_refuses_what_makes_no_sense(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    with pytest.raises(BadRequest, match="lies before the start"):
        backfill.backfill(date(2024, 12, 9), date(2024, 12, 8))
    with pytest.raises(BadRequest, match="unknown source 'kraken'"):
        backfill.backfill(date(2024, 12, 8), date(2024, 12, 9), sources=["kraken"])
    assert not (tmp_path / "home").exists()
