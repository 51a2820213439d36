"""Homes that several tests share, and an environment without the settings of the person who runs them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

from flows import pipeline
from flows.serve.environment import prepare_prefect
from flows.simulator import Simulator
from tests.blank import Blanks
from tests.installed import Installed
from tests.replay import Replay
from tests.tool import NOW, SHARED, Tool
from warehouse.build import database, models
from warehouse.build.disagreements import MARTS

# A busy machine is slow at everything: neither an example nor its making has a deadline.
settings.register_profile("tidemark", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tidemark")

for name in [name for name in os.environ if name.startswith(("TIDEMARK_", "PREFECT_"))]:
    del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _prefect_at_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Prefect, wherever it is imported, has its telemetry off and its files in a folder of the tests."""
    prepare_prefect(tmp_path_factory.mktemp("prefect"))


@pytest.fixture(scope="session", autouse=True)
def _blank_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """First builds start from a blank file, but for those in `build/`, which are held against whole builds there."""
    blanks = Blanks(tmp_path_factory.mktemp("blank"))
    with patch.object(database, "file_before", blanks.file_before):
        yield


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads a `.env` of the clone or makes a folder in it."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _only_marts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build only the marts that a test is about, and the models that these read: all of them take seconds."""
    marker = request.node.get_closest_marker("marts")
    if marker is None:
        return
    every = {model.table: model for model in models.models()}
    pending, wanted = [f"main.{name}" for name in (*marker.args, *MARTS)], set()
    while pending:
        table = pending.pop()
        if table in every and table not in wanted:
            wanted.add(table)
            pending += every[table].reads
    some = [model for table, model in every.items() if table in wanted]
    monkeypatch.setattr("warehouse.build.database.models", SimpleNamespace(**{**vars(models), "models": lambda: some}))
    monkeypatch.setattr(pipeline, "write_reports", lambda *_: None)
    monkeypatch.setattr(pipeline, "announce", lambda *_: None)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """A well-behaved market; tests that make it misbehave open their own."""
    with Simulator(NOW) as running:
        yield running


@pytest.fixture(scope="session")
def small(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A home with nine days of Upbit's won prices and the ECB's exchange rates; nobody may change it."""
    tool = Tool(
        tmp_path_factory.mktemp("small") / "home", simulator.url, sources="upbit,frankfurter", start="2024-12-01"
    )
    said = tool("backfill", "2024-12-01", "2024-12-09")
    assert said.code == 0, said.err
    return tool


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Installed:
    """The wheel in an environment of its own, where the demo was run; nobody may change any of it."""
    shared = tmp_path_factory.getbasetemp()
    return Installed((shared if worker_id == "master" else shared.parent) / "installed")


@pytest.fixture(scope="session")
def demo(installed: Installed) -> Tool:
    """The demo's home: every table with 540 days; nobody may change it."""
    return installed.demo


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Tool], Tool]:
    """Makes a copy of a shared home, which a test may change."""

    def copy(tool: Tool) -> Tool:
        home = tmp_path / "copied"
        shutil.copytree(tool.home, home)
        return tool.at(home)

    return copy


@pytest.fixture
def tool(small: Tool, copied: Callable[[Tool], Tool]) -> Tool:
    """A copy of the small home, which a test may change."""
    return copied(small)


RUN_THE_PIPELINE = {"installed", "replay", "simulator"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that run the pipeline as slow, and run slow files first, so that no slow file is left for the end."""
    for item in items:
        if isinstance(item, pytest.Function) and RUN_THE_PIPELINE & set(item.fixturenames):
            item.add_marker("slow")
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)


REPLAY = SHARED / "replay" / "server.py"
collect_ignore = [] if REPLAY.exists() else ["test_replay_window.py"]


def pytest_report_header() -> list[str]:
    """Print what is not collected, and why."""
    return [f"not collected: {name}, for want of ../shared/replay" for name in collect_ignore]


@pytest.fixture(scope="session")
def replay() -> Iterator[Replay]:
    """Recorded history in the providers' wire formats, served on a free port."""
    with Replay(REPLAY, NOW) as running:
        yield running
