"""A run always ends: with an outcome, a warehouse and its pages, whatever went wrong on the way."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.errors import HomeRefused
from flows import pipeline
from flows.jobs import backfill_job
from flows.settings import Settings
from flows.simulator import Misbehaviour, Simulator
from flows.source import Gathered
from flows.steps.collect import Collector, Previous, collect
from flows.steps.plan import Batch
from tests.tool import NOW, Tool, same, tables
from warehouse.build import database
from warehouse.store.ledger import Ledger

pytestmark = pytest.mark.slow

BACKFILL = ("backfill", "2024-12-01", "2024-12-09")


class Odd(Exception):
    """An error that nobody foresaw."""


def fresh(small: Tool, tmp_path: Path) -> Tool:
    return small.at(tmp_path / "home")


def test_a_source_that_cannot_be_archived_any_more_ends_in_one_sentence_and_the_rest_is_built(
    small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = fresh(small, tmp_path)

    def refused(collector: Collector, batch: Batch, previous: Previous) -> list[Gathered]:
        if batch.source.name == "frankfurter":
            raise HomeRefused("cannot write to raw (No space left on device): free space")
        return collect(collector, batch, previous)

    monkeypatch.setattr(pipeline, "collect", refused)
    said = tool(*BACKFILL)
    assert said.code == 1
    assert said.sentence == "tidemark: cannot write to raw (No space left on device): free space"
    assert tool.ask("select state, message from ops.runs") == [
        ("failed", "HomeRefused: cannot write to raw (No space left on device): free space")
    ]
    assert tool.states("source = 'upbit'") == small.states("source = 'upbit'")
    assert (tool.home / "reports" / "completeness.html").exists()


def test_a_machine_without_a_network_is_told_so_and_no_provider_is_blamed(simulator: Simulator, tmp_path: Path) -> None:
    nobody = Tool(tmp_path / "home", "http://127.0.0.1:9", sources="upbit,frankfurter,coinbase", start="2024-12-01")
    said = nobody(*BACKFILL)
    assert said.code == 1
    assert said.sentence == (
        "tidemark: expected a network, found no connection to api.exchange.coinbase.com through http://127.0.0.1:9, "
        "api.frankfurter.dev through http://127.0.0.1:9, api.upbit.com through http://127.0.0.1:9: "
        "nothing was recorded as failed; connect this machine and run again"
    )
    (last,) = [json.loads(nobody("status", "--json").out)["last_run"]]
    assert (last["state"], last["message"].partition(":")[0]) == ("failed", "NetworkAbsent")
    books = Ledger(nobody.home / "ledger").read()
    assert books.days.is_empty()
    assert last["requests"] <= 3 * 8  # none is repeated once three hosts are known to be out of reach

    again = replace(nobody, gateway=simulator.url)
    assert again(*BACKFILL).code == 0
    assert "failed" not in again.states()


def test_two_providers_that_cannot_be_reached_are_no_missing_network(tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", "http://127.0.0.1:9", sources="upbit,frankfurter", start="2024-12-08")
    said = tool("backfill", "2024-12-09", "2024-12-09")
    assert said.code == 1
    assert tool.states("date = '2024-12-09'").keys() == {"failed"}


def test_a_fault_in_one_step_of_the_end_leaves_the_others_done(
    small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = fresh(small, tmp_path)

    def broken(*_: Any) -> None:
        raise Odd("the page")

    monkeypatch.setattr(pipeline, "write_check_pages", broken)
    said = tool(*BACKFILL)
    assert said.code == 1
    assert said.sentence.startswith("tidemark: expected the pages of the checks to end well, found Odd('the page') at ")
    assert same(*(tables(of.home / "warehouse.duckdb") for of in (tool, small))) == []
    assert tool.one("select state from ops.runs") == "done"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            duckdb.OutOfMemoryException("failed to pin block"),
            "not enough memory to build {place} (DuckDB may take 2GB)",
        ),
        (MemoryError(), "not enough memory to build {place} (DuckDB may take 2GB)"),
        (duckdb.IOException("No space left on device"), "cannot write {place} (No space left on device)"),
        (
            duckdb.FatalException("database has been invalidated"),
            "cannot write {place} (database has been invalidated)",
        ),
        (OSError(28, "No space left on device"), "cannot write {place} ([Errno 28] No space left on device)"),
        (duckdb.ConversionException("odd"), "expected {place} to be built, found ConversionException('odd') at "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_the_machine_refuses_during_a_build_is_one_sentence_and_the_old_file_stays(
    tool: Tool, fault: BaseException, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tool.home / "warehouse.duckdb"
    before = place.read_bytes()

    def refused(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(database, "make_marts", refused)
    said = tool("build", "--whole")
    assert said.code == 1
    assert said.sentence.startswith("tidemark: " + sentence.format(place=place))
    assert said.sentence.endswith("the old warehouse.duckdb stays")
    assert place.read_bytes() == before
    assert [path.name for path in (tool.home / "staging").iterdir()] == []


def test_an_answer_that_could_not_be_read_is_never_kept(tmp_path: Path) -> None:
    """A run that was cut off has archived it; the next run asks again and does not fail because of it."""
    with Simulator(NOW) as market:
        market.misbehave([Misbehaviour("frankfurter", "shape", times=1, key="rates", rename="prices")])
        tool = Tool(tmp_path / "home", market.url, sources="frankfurter", start="2024-12-02")
        settings = Settings(
            home=tool.home, gateway=tool.gateway, now=NOW, start=date(2024, 12, 2), sources=("frankfurter",)
        )
        with pipeline.begin(settings, backfill_job(settings, date(2024, 12, 2), date(2024, 12, 9))) as cut_off:
            assert len(collect(cut_off.collector, cut_off.batches[0])) == 1  # archived, and then the process dies
        before = sum(market.counts.values())
        said = tool("backfill", "2024-12-02", "2024-12-09")
        assert said.code == 0, said.err
        assert sum(market.counts.values()) == before + 1
    assert tool.states("date < '2024-12-10'") == {"loaded": 6, "verified_empty": 2}


def test_a_failed_run_is_followed_by_one_that_knows_what_it_archived(small: Tool, tmp_path: Path) -> None:
    """A run that could not write any more is closed as failed; its answers are used, not asked for again."""
    tool = fresh(small, tmp_path)
    settings = Settings(
        home=tool.home, gateway=tool.gateway, now=NOW, start=date(2024, 12, 1), sources=("frankfurter",)
    )
    job = backfill_job(settings, date(2024, 12, 1), date(2024, 12, 9))

    def dies() -> None:
        with pipeline.begin(settings, job) as run:
            collect(run.collector, run.batches[0])
            raise HomeRefused("no room")

    with pytest.raises(HomeRefused):
        dies()
    said = replace(tool, sources="frankfurter", now=NOW + timedelta(minutes=1))(*BACKFILL)
    assert "0 requests" in said.err
    assert tool.ask("select state from ops.runs order by run_id") == [("failed",), ("done",)]
