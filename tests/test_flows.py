"""The Prefect flows `daily` and `backfill` leave what the commands leave."""

import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from expectations.interval import Interval
from flows import pipeline
from flows.simulator import Misbehaviour, Simulator
from flows.source import Gathered
from flows.sources import sources
from flows.steps import publish
from flows.steps.plan import Batch
from flows.steps.run import BatchOutcome, Run
from tests.slow_source import SLOW, SlowSource
from tests.tool import NOW, Tool, same, series_of, tables

# Prefect and its dependencies emit warnings about their own dependencies.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def flows() -> Iterator[tuple[ModuleType, ModuleType]]:
    """The modules `daily` and `backfill`, on a Prefect server of the tests' own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from prefect.testing.utilities import prefect_test_harness

        from flows import backfill, daily

        with prefect_test_harness(server_startup_timeout=120):
            yield daily, backfill


def test_every_value_is_fetched_on_the_day_on_which_it_is_published() -> None:
    """The passes of `daily` come after the markets' days have settled and after the last statistics of a day."""
    from flows.serve.deployments import PASSES

    passes = sorted(time(int(hour), int(minute)) for minute, hour, *_ in (cron.split() for cron in PASSES.values()))
    first, last = passes
    days = list(Interval(date(2024, 1, 1), date(2025, 1, 1)))
    for source in sources().values():
        for feed in source.feeds:
            for release in {series.release.name: series.release for series in feed.series}.values():
                due = [release.public_at(day) for day in days if release.expects(day)]
                assert max(at.time() for at in due) <= last, (source.name, feed.dataset.name, release.name)
    for market in ("binance", "coinbase", "upbit"):
        for feed in sources()[market].feeds:
            assert feed.series[0].release.public_at(days[0]).time() <= first, (market, feed.dataset.name)


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


def ended(flow: Any, *args: Any, **parameters: Any) -> tuple[str, str]:
    """Run a flow; returns the type of its last state and its message."""
    state = flow(*args, **parameters, return_state=True)
    return state.type.value, state.message


def test_a_backfill_leaves_what_the_command_leaves(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    said = ended(backfill.backfill, date(2024, 12, 1), date(2024, 12, 9))
    series, empty = series_of("upbit") + series_of("frankfurter"), 3 * series_of("frankfurter")  # on days of a weekend
    assert said == ("COMPLETED", f"{9 * series - empty} loaded, {empty} verified empty series-days, {series} requests")
    schemas = ("main", "core")
    assert same(*(tables(of.home / "warehouse.duckdb", schemas) for of in (tool, small))) == []
    ledger = "select dataset, source, series, date, state, rows from ops.ledger order by all"
    assert tool.ask(ledger) == small.ask(ledger)
    assert tool.ask("select kind, state, requests from ops.runs") == [("backfill", "done", series)]


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
        assert ended(daily.daily)[0] == "COMPLETED"
        assert other("run").code == 0
        assert same(*(tables(of.home / "warehouse.duckdb") for of in (by_flow, other))) == []
        assert by_flow.states() == other.states()
        nothing = "nothing is due: every day up to 2024-12-10 is there or not out yet"
        assert ended(daily.daily) == ("COMPLETED", nothing)


def test_a_flow_shows_its_first_page_as_a_task_and_an_artifact_of_its_own(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    tool = settle(small.at(tmp_path / "home"), monkeypatch)
    held = SlowSource(tool, monkeypatch)
    _, backfill = flows
    state = backfill.backfill(date(2024, 12, 1), date(2024, 12, 9), return_state=True)
    assert state.type.value == "COMPLETED", state.message
    assert len(held.seen) == 1
    with get_client(sync_client=True) as client:
        mine = [task for task in client.read_task_runs() if task.flow_run_id == state.state_details.flow_run_id]
        published = [one for one in client.read_artifacts() if one.flow_run_id == state.state_details.flow_run_id]
    builds = sorted((task.start_time, task.name, task.state_name) for task in mine if task.name.startswith("build"))
    assert [(name, ended) for _, name, ended in builds] == [
        ("build what is there so far", "Completed"),
        ("build the warehouse", "Completed"),
    ]
    briefs = sorted((one for one in published if one.key == "brief"), key=lambda one: str(one.created))
    first, last = (str(one.data) for one in briefs)
    assert f"Still being fetched when this was made: {SLOW}" in first
    assert "Still being fetched" not in last


def test_a_flow_fails_when_something_is_not_there(
    flows: tuple[ModuleType, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(NOW) as simulator:
        simulator.misbehave([Misbehaviour("KRW-USDT", "html", times="always")])
        tool = settle(Tool(tmp_path / "home", simulator.url, sources="upbit", start="2024-12-08"), monkeypatch)
        _, backfill = flows
        kind, message = ended(backfill.backfill, date(2024, 12, 8), date(2024, 12, 9))
    assert kind == "FAILED"
    assert "missing krw_prices from upbit, 2024-12-08 to 2024-12-09: 2 series-days" in message
    series = series_of("upbit")
    assert tool.states() == {"loaded": 2 * (series - 1), "failed": 2, "not_yet": series}  # the rest is published


def test_a_flow_refuses_what_makes_no_sense(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    refused = ended(backfill.backfill, date(2024, 12, 9), date(2024, 12, 8))
    assert refused == ("FAILED", "the end 2024-12-08 lies before the start 2024-12-09")
    kind, message = ended(backfill.backfill, date(2024, 12, 8), date(2024, 12, 9), sources=["kraken"])
    assert (kind, message.partition(":")[0]) == ("FAILED", "unknown source 'kraken'")
    assert not (tmp_path / "home").exists()


def test_a_bug_in_one_batch_stops_no_other_source_and_is_not_hidden(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    whole = publish.publish

    def failing_publish(run: Run, batch: Batch, gathered: Sequence[Gathered]) -> BatchOutcome:
        if batch.source.name == "frankfurter":
            raise ZeroDivisionError("a bug")
        return whole(run, batch, gathered)

    monkeypatch.setattr(pipeline, "publish", failing_publish)
    kind, message = ended(backfill.backfill, date(2024, 12, 1), date(2024, 12, 9))
    series = series_of("frankfurter")
    assert kind == "FAILED"
    assert message == (
        "expected everything asked for, found missing exchange_rates from frankfurter, 2024-12-01 to 2024-12-09: "
        f"{9 * series} series-days"
    )
    assert tool.states("source = 'upbit'") == small.states("source = 'upbit'")  # published, built
    assert tool.states("source = 'frankfurter'") == {"failed": 9 * series, "not_yet": series}
    assert tool.one("select state from ops.runs") == "incomplete"
    reason = tool.one("select distinct reason from ops.ledger where state = 'failed'")
    assert reason.startswith(
        "Unforeseen: expected exchange_rates from frankfurter, 2024-12-01 to 2024-12-09 to end well"
    )
    assert "found ZeroDivisionError('a bug') at " in reason


def test_what_crosses_into_prefect_are_plain_values(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect walks through the arguments and results of a task, while other threads change the objects of a run."""
    from prefect import task_engine

    settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows
    crossed: list[object] = []
    whole = task_engine.run_task

    def run(**named: Any) -> Any:
        crossed.extend(named["parameters"].values())
        return whole(**named)

    monkeypatch.setattr(task_engine, "run_task", run)
    assert ended(backfill.backfill, date(2024, 12, 1), date(2024, 12, 9))[0] == "COMPLETED"
    assert crossed
    assert {type(value) for value in crossed} <= {int, str}


def test_a_prefect_that_fails_costs_no_batch(
    flows: tuple[ModuleType, ModuleType], small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Prefect's server goes away during a run, the run is no longer shown, and nothing else is lost."""
    from prefect import task_engine

    from flows.serve import tasks

    tool = settle(small.at(tmp_path / "home"), monkeypatch)
    _, backfill = flows

    def gone(*_: object, **__: object) -> None:
        raise ConnectionError("the server is gone")

    monkeypatch.setattr(task_engine, "run_task", gone)
    for show in ("create_markdown_artifact", "create_progress_artifact", "update_progress_artifact"):
        monkeypatch.setattr(tasks, show, gone)
    assert ended(backfill.backfill, date(2024, 12, 1), date(2024, 12, 9))[0] == "COMPLETED"
    assert same(*(tables(of.home / "warehouse.duckdb") for of in (tool, small))) == []
