"""A build that keeps tables makes what a build of every table makes, and keeps no table whose inputs have changed."""

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.simulator import Simulator
from tests.tool import NOW, Tool, flip, tables
from warehouse.build import database, kept, models
from warehouse.build.compare import differences
from warehouse.lineage.tables import ancestors

pytestmark = pytest.mark.slow

SOURCES = "coinbase,frankfurter,upbit,defillama"
FIRST = date(2024, 11, 25)


@pytest.fixture
def tool(small: Tool, tmp_path: Path) -> Tool:
    """A copy of the small home with a file that was built by this code."""
    copy = small.at(tmp_path / "home")
    (tmp_path / "home").mkdir()
    for path in small.home.rglob("*"):
        to = copy.home / path.relative_to(small.home)
        if path.is_dir():
            to.mkdir(exist_ok=True)
        else:
            to.write_bytes(path.read_bytes())
    assert copy("build", "--whole").code == 0
    return copy


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that are made, in order."""
    names: list[str] = []
    create = models.create

    def noted(connection: duckdb.DuckDBPyConnection, model: models.Model) -> None:
        names.append(model.table)
        create(connection, model)

    monkeypatch.setattr(models, "create", noted)
    return names


@pytest.mark.marts("premiums_daily", "krw_stablecoin_daily", "stablecoin_families")
@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_it_is_what_a_build_of_every_table_makes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    for step in range(7):
        now = NOW + timedelta(hours=7 * step)
        start = FIRST + timedelta(days=chance.randrange(12))
        end = min(start + timedelta(days=chance.randrange(5)), date(2024, 12, 9))
        words = [str(start), str(end), "--mode", chance.choice(["missing", "refetch", "replay"])]
        for source in chance.sample(SOURCES.split(","), chance.choice([1, 2, 4])):
            words += ["--source", source]
        # What one market has published, the other restates.
        with Simulator(now, seed=chance.choice([7, 8])) as market:
            tool = Tool(tmp_path / "home", market.url, sources=SOURCES, now=now, start=str(FIRST))
            said = tool("backfill", *words)
        assert said.code == 0, said.err
        if chance.random() < 0.3:
            tool = replace(tool, now=now + timedelta(hours=3))
            assert tool("build").code == 0
        said = tool("build", "--check")
        assert said.code == 0, (words, said.err)


def test_nothing_is_built_if_nothing_has_changed(tool: Tool, made: list[str]) -> None:
    file = tool.home / "warehouse.duckdb"
    before = file.stat()
    said = tool("build")
    assert (said.code, "nothing has changed" in said.err) == (0, True)
    later = replace(tool, now=NOW + timedelta(minutes=5))("build")
    assert "as known at 2024-12-10 00:30:00 UTC" in later.err
    assert (file.stat().st_ino, file.stat().st_mtime_ns, made) == (before.st_ino, before.st_mtime_ns, [])


def test_a_day_later_or_a_due_hour_later_the_books_are_made(tool: Tool, made: list[str]) -> None:
    due = "select expected_date from ops.freshness where source = 'upbit'"
    before = tool.one(due)
    with_time = replace(tool, now=NOW + timedelta(days=1))
    assert "nothing has changed" not in with_time("build").err
    assert tool.one(due) == before + timedelta(days=1)
    assert "main.krw_stablecoin_daily" not in made  # it does not read the calendar
    assert "main.leverage_gauge" in made


def test_only_what_reads_a_changed_table_is_made(tool: Tool, made: list[str]) -> None:
    said = tool("backfill", "2024-12-02", "2024-12-03", "--source", "frankfurter", "--mode", "refetch")
    assert said.code == 0, said.err
    assert made == []  # the answers were the same: no row of the lake has changed
    with Simulator(NOW, seed=8) as other:
        again = replace(tool, gateway=other.url)
        said = again("backfill", "2024-12-02", "2024-12-03", "--source", "frankfurter", "--mode", "refetch")
    assert said.code == 0, said.err
    reading = {model.table for model in models.models() if "core.exchange_rates" in ancestors(model.table)}
    assert {table for table in made if table.startswith("main.")} == {
        table for table in reading if table.startswith("main.")
    }
    assert 0 < len(made) < len(models.models())
    assert tool("build", "--check").code == 0


def test_a_file_that_is_not_the_noted_one_is_made_anew(tool: Tool, made: list[str]) -> None:
    file = tool.home / "warehouse.duckdb"
    before = tables(file)
    for damage in (lambda: flip(file, at=0.9), file.unlink, lambda: (tool.home / kept.NOTE).write_bytes(b"{}")):
        damage()
        made.clear()
        said = tool("build")
        assert (said.code, "nothing has changed" in said.err) == (0, False)
        assert len(made) == len(models.models())
        assert {name: frame.equals(before[name]) for name, frame in tables(file).items()} == dict.fromkeys(before, True)


def test_a_file_of_other_code_is_made_anew(tool: Tool, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_code", lambda: "another version")
    assert tool("build").code == 0
    assert len(made) == len(models.models())
    made.clear()
    assert "nothing has changed" in tool("build").err
    assert made == []


def test_a_partition_is_verified_even_if_its_table_is_kept(tool: Tool) -> None:
    partition = next((tool.home / "lake").rglob("*.parquet"))
    flip(partition)
    said = tool("build")
    assert said.code == 1
    assert "is damaged" in said.sentence


def test_a_check_names_what_differs(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "file_before", lambda *_: None)
    create = models.create

    def wrong(connection: duckdb.DuckDBPyConnection, model: models.Model) -> None:
        create(connection, model)
        if model.table == "main.krw_stablecoin_daily" and not (tool.home / "staging" / "checked").exists():
            (tool.home / "staging" / "checked").mkdir()
            connection.execute("update main.krw_stablecoin_daily set volume_krw = volume_krw + 1")

    monkeypatch.setattr(models, "create", wrong)
    said = tool("build", "--check")
    assert said.code == 1
    assert "main.krw_stablecoin_daily" in said.sentence
    assert "build again with `tidemark build --whole`" in said.sentence


def test_differences_are_found_in_rows_types_comments_and_views(tmp_path: Path) -> None:
    base = "create table t as select 1 as a, 'x' as b; create view v as select a from t; comment on column t.a is 'one'"
    changes = {
        "": [],
        "insert into t values (1, 'x')": ["main.t"],
        "update t set b = null": ["main.t"],
        "comment on column t.a is 'two'": ["main.t.a"],
        "comment on view v is 'seen'": ["main.v"],
        "alter table t alter a type bigint": ["main.t.a"],
        "create table u (a integer)": ["main.u", "main.u.a"],
    }
    with duckdb.connect(str(tmp_path / "one.duckdb")) as connection:
        connection.execute(base)
    for number, (change, expected) in enumerate(changes.items()):
        other = tmp_path / f"{number}.duckdb"
        with duckdb.connect(str(other)) as connection:
            connection.execute(f"{base}; {change}")
        assert differences(tmp_path / "one.duckdb", other) == expected, change
