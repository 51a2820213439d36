"""After kill -9 at any moment, the next run repairs the home, and the tables are those of an undisturbed run."""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event

import pytest

from flows import pipeline
from flows.clock import Clock
from flows.jobs import backfill_job
from flows.settings import Settings
from flows.simulator import Simulator
from flows.steps.collect import collect
from tests.tool import NOW, Tool, bytes_of, same, tables
from warehouse.store.home import writing

pytestmark = pytest.mark.slow

FIRST_DAY = "2024-10-20"
COMMAND = (
    *("backfill", FIRST_DAY, "2024-12-09"),
    *(word for series in ("BTC", "USDT", "KRW", "fed_assets") for word in ("--series", series)),
)
# One of each kind: pages, an archive, a table of a whole history, weekdays, weeks, and a key that several venues share.
SOURCES = "binance,bybit,coinbase,upbit,frankfurter,fred,defillama,aave"
STATES = {"missing", "not_yet", "failed", "failed_check", "verified_empty", "loaded", "perished"}
LONGEST_SECONDS = 300
CHANCE = random.Random(20241209)


@dataclass(frozen=True)
class Moment:
    """When a process is killed: some time after an event that its home shows.

    Attributes:
        name: The event.
        come: Whether it has happened, given the home and an undisturbed one.
        delay: Seconds after it.
    """

    name: str
    come: Callable[[Path, Path], bool]
    delay: float


def share_of_answers(share: float) -> Callable[[Path, Path], bool]:
    return lambda home, whole: size(home / "raw") >= share * size(whole / "raw") > 0


def share_of_ledger(share: float) -> Callable[[Path, Path], bool]:
    return lambda home, whole: size(home / "ledger") >= share * size(whole / "ledger") > 0


def partition(number: int) -> Callable[[Path, Path], bool]:
    return lambda home, _: len(list((home / "lake").rglob("*.parquet"))) >= number


def building(home: Path, _: Path) -> bool:
    return any((home / "staging").glob("*.duckdb"))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def at_random(name: str, come: Callable[[Path, Path], bool]) -> Moment:
    return Moment(name, come, CHANCE.uniform(0, 0.08))


MOMENTS = (
    at_random("answers", share_of_answers(CHANCE.uniform(0.05, 0.9))),
    at_random("ledger", share_of_ledger(CHANCE.uniform(0.2, 0.95))),
    at_random("a partition", partition(CHANCE.randint(1, 4))),
    at_random("a later partition", partition(CHANCE.randint(5, 9))),
    at_random("build", building),
)


@pytest.fixture(scope="module")
def simulator_of_our_own() -> Iterator[Simulator]:
    with Simulator(NOW) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def undisturbed(simulator_of_our_own: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A home that was filled in one go."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    tool = Tool(home, simulator_of_our_own.url, sources=SOURCES, start=FIRST_DAY)
    said = tool(*COMMAND)
    assert said.code == 0, said.err
    return tool


@pytest.fixture(scope="module")
def killed(undisturbed: Tool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tool]:
    """Homes whose first backfill was killed, each at another moment."""
    folder = tmp_path_factory.mktemp("killed")
    tools = {moment.name: undisturbed.at(folder / moment.name.replace(" ", "-")) for moment in MOMENTS}
    running = {moment: tools[moment.name].spawn(*COMMAND) for moment in MOMENTS}
    ends = Clock.ticks() + LONGEST_SECONDS
    while running:
        assert Clock.ticks() < ends, f"never came: {[moment.name for moment in running]}"
        for moment, process in list(running.items()):
            assert process.poll() is None, f"{moment.name}: it ended before it was killed"
            if moment.come(tools[moment.name].home, undisturbed.home):
                Event().wait(moment.delay)
                del running[moment]
                process.kill()
                process.communicate()
        Event().wait(0.001)
    return tools


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name)
def test_the_next_run_heals_a_killed_one(killed: dict[str, Tool], undisturbed: Tool, moment: Moment) -> None:
    tool = killed[moment.name]
    with writing(tool.home, who="the test", wait=False, tell=print):
        pass  # the lock is free
    said = tool(*COMMAND)
    assert said.code == 0, said.err
    before, after = (tables(of.home / "warehouse.duckdb", ("main", "core")) for of in (undisturbed, tool))
    assert same(before, after) == []
    states = "select dataset, source, series, date, state, rows, reason from ops.ledger order by all"
    assert tool.ask(states) == undisturbed.ask(states)
    assert {state for (state,) in tool.ask("select distinct state from ops.ledger")} <= STATES
    assert tool.one("select count(*) from ops.restatements") == 0
    assert list((tool.home / "staging").iterdir()) == []
    lake = bytes_of(tool.home / "lake")
    again = tool(*COMMAND)
    assert again.code == 0
    assert "nothing is due" in again.err
    assert bytes_of(tool.home / "lake") == lake


@pytest.mark.parametrize(("mode", "requests"), [("missing", 0), ("refetch", 1)])
def test_answers_of_a_killed_run_are_used_but_not_by_a_refetch(
    simulator_of_our_own: Simulator, tmp_path: Path, mode: str, requests: int
) -> None:
    tool = Tool(tmp_path / "home", simulator_of_our_own.url, sources="frankfurter", start="2024-12-02")
    settings = Settings(
        home=tool.home, gateway=tool.gateway, now=NOW, start=date(2024, 12, 2), sources=("frankfurter",)
    )
    with pipeline.begin(settings, backfill_job(settings, date(2024, 12, 2), date(2024, 12, 9))) as cut_off:
        (batch,) = cut_off.batches
        assert len(collect(cut_off.collector, batch)) == 1  # archived, and then the process dies
    before = sum(simulator_of_our_own.counts.values())
    said = tool("backfill", "2024-12-02", "2024-12-09", "--mode", mode)
    assert said.code == 0, said.err
    assert sum(simulator_of_our_own.counts.values()) - before == requests
    assert tool.states("date < '2024-12-10'") == {"loaded": 6, "verified_empty": 2}


def test_a_partition_that_was_announced_and_never_moved_in(undisturbed: Tool, tmp_path: Path) -> None:
    """What a kill between the ledger's announcement and the move leaves: played, for it lasts a millisecond."""
    tool = undisturbed.at(tmp_path / "home")
    shutil.copytree(undisturbed.home, tool.home)
    (book,) = (tool.home / "ledger").iterdir()
    lines = book.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"event":"partitions"' in line)
    announced = next(
        path for path in sorted((tool.home / "lake").rglob("*.parquet")) if path_named(path, tool, lines[last])
    )
    announced.unlink()
    book.write_bytes(b"".join(lines[: last + 1]) + b'{"event":"days","ru')
    (tool.home / "staging" / "left").write_bytes(b"by a kill")
    said = replace(tool, now=NOW + timedelta(minutes=1))(*COMMAND)
    assert said.code == 0, said.err
    before, after = (tables(of.home / "warehouse.duckdb", ("main", "core")) for of in (undisturbed, tool))
    assert same(before, after) == []


def path_named(path: Path, tool: Tool, line: bytes) -> bool:
    return path.relative_to(tool.home / "lake").as_posix().encode() in line
