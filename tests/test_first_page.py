"""The first page of a run does not wait for its slow sources; whatever happens then, what is there stays."""

import shutil
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows import pipeline
from flows.steps.run import Run
from tests.slow_source import SLOW, SlowSource
from tests.tool import NOW, Tool, same, tables
from warehouse.reports.brief import write_reports

pytestmark = pytest.mark.slow

BACKFILL = ("backfill", "2024-12-01", "2024-12-09")


@pytest.fixture
def held(small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowSource:
    return SlowSource(small.at(tmp_path / "home"), monkeypatch)


def test_the_first_page_says_what_is_there_and_what_is_still_fetched(held: SlowSource, small: Tool) -> None:
    said = held.tool(*BACKFILL)
    assert said.code == 0, said.err
    (seen,) = held.seen
    assert seen["busy"] == {SLOW}
    assert (SLOW, "missing") in seen["states"]
    assert ("upbit", "loaded") in seen["states"]
    until = NOW + timedelta(hours=1)
    assert seen["fetched"] == [(f"fetched until {SLOW}", until.isoformat())]
    assert f"Still being fetched when this was made: {SLOW} until about 01:30 (UTC)." in seen["page"]
    assert f"never asked for: {SLOW}" not in seen["page"]
    assert "Being written by tidemark backfill (process " in seen["status"]
    assert f"slow sources: {SLOW} until about 01:30 (UTC)" in seen["status"]
    assert f"a first page comes before the slow sources: {SLOW} until about 01:30 (UTC)" in said.err
    assert "latest.html; still asked: frankfurter" in said.err

    # At the end nothing shows that there was a first page.
    schemas = ("main", "core")
    assert same(*(tables(of.home / "warehouse.duckdb", schemas) for of in (held.tool, small))) == []
    assert held.tool.ask("select key from ops.home where starts_with(key, 'fetched')") == []
    assert "Still being fetched" not in (held.tool.home / "reports" / "latest.html").read_text(encoding="utf-8")
    assert "Being written" not in held.tool("status").out


def test_a_build_after_a_kill_does_not_say_that_anything_is_still_fetched(held: SlowSource, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    show = held.show

    def copied(run: Run, busy: Collection[str]) -> bool:
        done = show(run, busy)
        shutil.copytree(run.home.folder, killed)  # as a kill at this moment would leave it
        return done

    held.show = copied
    assert held.tool(*BACKFILL).code == 0
    after = held.tool.at(killed)
    assert after.ask("select count(*) from ops.home where starts_with(key, 'fetched')") == [(1,)]
    assert "Being written" not in after("status").out
    assert after("build").code == 0
    assert after.ask("select count(*) from ops.home where starts_with(key, 'fetched')") == [(0,)]
    assert after(*BACKFILL).code == 0
    assert same(*(tables(of.home / "warehouse.duckdb", ("main", "core")) for of in (held.tool, after))) == []


def test_an_interrupt_after_the_first_page_leaves_it(held: SlowSource) -> None:
    held.fault = KeyboardInterrupt()
    assert held.tool(*BACKFILL).code != 0
    assert held.tool.ask("select state from ops.runs") == [("running",)]  # as the first page knew it
    assert ("upbit", "loaded") in held.tool.ask("select distinct source, state from ops.ledger")
    assert (held.tool.home / "reports" / "latest.html").exists()
    held.fault = None
    assert held.tool(*BACKFILL).code == 0
    assert "missing" not in held.tool.states()


def test_a_first_page_that_fails_is_a_warning_and_the_end_builds(
    held: SlowSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, fails = write_reports, iter([True])

    def refuse(*args: Any) -> Any:
        if next(fails, False):
            raise OSError(28, "No space left on device")
        return write(*args)

    monkeypatch.setattr(pipeline, "write_reports", refuse)
    said = held.tool(*BACKFILL)
    assert said.code == 0, said.err
    assert "warning: " in said.err
    assert "No space left on device" in said.err
    assert "missing" not in held.tool.states()
