"""The commands as people use them: what they do, what they print, and their exit status."""

import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import orjson
import polars as pl
import pytest

from expectations.curated import curated
from flows import cli
from flows.simulator import Misbehaviour, Simulator
from tests.tool import NOW, Tool, bytes_of, flip, only, same, series_of, tables
from warehouse.store.home import writing

pytestmark = pytest.mark.slow

UPBIT = "api.upbit.com"
DAYS = ("2024-12-01", "2024-12-09")
NUMBER_OF_DAYS = 9
WEEKEND_DAYS = 3  # the ECB publishes no exchange rate on these
WON = series_of("upbit", "krw_prices")
PRICES, RATES = series_of("upbit"), series_of("frankfurter")
SERIES = PRICES + RATES  # each is one request
LOADED = NUMBER_OF_DAYS * SERIES - WEEKEND_DAYS * RATES


@contextmanager
def other_market(tool: Tool, *, seed: int = 8, now: datetime = NOW) -> Iterator[tuple[Tool, Simulator]]:
    """The same home a quarter of an hour later, when every provider has other numbers."""
    later = now + timedelta(minutes=15)
    with Simulator(later, seed=seed) as simulator:
        yield replace(tool, gateway=simulator.url, now=later), simulator


def asked(simulator: Simulator) -> int:
    return sum(simulator.counts.values())


# What they do.


def test_help_tells_an_analyst_what_there_is(tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home")
    said = tool("--help")
    assert said.code == 0
    assert {"backfill", "build", "demo", "run", "sql", "status"} <= set(cli.main.commands)
    for name, command in cli.main.commands.items():
        assert name in said.out
        told = tool(name, "--help")
        assert told.code == 0
        words = " ".join(told.out.split())
        assert command.help
        assert command.get_short_help_str(limit=1000) in words
        for option in (param for param in command.params if isinstance(param, click.Option)):
            assert option.help, f"{name} {option.name}"
            assert option.help in words
    assert not tool.home.exists()


def test_a_plan_says_what_it_would_do_and_does_nothing(simulator: Simulator, tmp_path: Path) -> None:
    before = asked(simulator)
    tool = Tool(tmp_path / "deep" / "home", simulator.url, sources="upbit,frankfurter")
    said = tool("backfill", *DAYS, "--plan")
    assert said.code == 0
    assert re.search(rf"krw_prices +upbit +{WON} +{NUMBER_OF_DAYS * WON} +2024-12-01 +2024-12-09 +{WON}", said.out)
    assert f"{NUMBER_OF_DAYS * SERIES} series-days, about {SERIES} requests, at least" in said.out
    assert "nothing was done" in said.err
    assert not (tmp_path / "deep").exists()
    assert asked(simulator) == before


def test_a_plan_for_a_filled_home_changes_no_byte(tool: Tool) -> None:
    before = bytes_of(tool.home)
    said = tool("backfill", "2024-11-20", "2024-12-09", "--plan", "--source", "upbit")
    assert said.code == 0
    assert f"{11 * PRICES} series-days" in said.out  # the ledger lacks eleven days of each series
    assert bytes_of(tool.home) == before


def test_a_backfill_fills_the_home(small: Tool) -> None:
    assert small.states() == {
        "loaded": LOADED,
        "verified_empty": WEEKEND_DAYS * RATES,
        "not_yet": SERIES,
    }
    assert small.one("select count(*) from core.krw_prices") == NUMBER_OF_DAYS * WON
    coins = "select asset, count(*) from krw_stablecoin_daily where asset in ('USDC', 'USDT') group by 1 order by 1"
    assert small.ask(coins) == [("USDC", NUMBER_OF_DAYS), ("USDT", NUMBER_OF_DAYS)]
    assert small.one("select value from ops.home where key = 'origin'") == "gateway"
    assert small.ask("select kind, state, requests from ops.runs") == [("backfill", "done", SERIES)]
    assert small.one("select count(*) from ops.checks where not success") == 0
    pages = small.home / "reports" / "checks"
    assert {page.name for page in pages.iterdir()} == {"000001.html", "index.html"}
    assert not re.search(r"(src|href)=[\"']?https?:", (pages / "000001.html").read_text(encoding="utf-8"))


def test_a_backfill_asked_twice_asks_nobody_and_changes_nothing(tool: Tool, simulator: Simulator) -> None:
    requests, lake, raw = asked(simulator), bytes_of(tool.home / "lake"), bytes_of(tool.home / "raw")
    contents = tables(tool.home / "warehouse.duckdb")
    said = tool("backfill", *DAYS)
    assert said.code == 0
    assert said.out == ""
    assert "nothing is due" in said.err
    assert asked(simulator) == requests
    assert bytes_of(tool.home / "lake") == lake
    assert bytes_of(tool.home / "raw") == raw
    assert same(tables(tool.home / "warehouse.duckdb"), contents) == []


def test_a_backfill_takes_one_source_dataset_and_series(simulator: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", simulator.url, start="2024-12-08")
    said = tool(
        "backfill", "2024-12-08", "2024-12-09", "--source", "upbit", "--dataset", "krw_prices", "--series", "USDT"
    )
    assert said.code == 0
    assert "2 loaded series-days, 1 request" in said.err
    assert tool.ask("select distinct dataset, source, series from ops.ledger where state = 'loaded'") == [
        ("krw_prices", "upbit", "USDT")
    ]
    assert "missing" in tool.states("series <> 'USDT'")


def test_a_refetch_records_what_changed_and_the_past_stays(tool: Tool) -> None:
    before = tables(tool.home / "warehouse.duckdb")
    old = dict(tool.ask("select date, close_krw from core.krw_prices where series = 'BTC'"))
    with other_market(tool) as (later, simulator):
        said = later("backfill", *DAYS, "--mode", "refetch", "--source", "upbit")
        assert said.code == 0
        assert simulator.counts == {UPBIT: PRICES}
    new = dict(tool.ask("select date, close_krw from core.krw_prices where series = 'BTC'"))
    assert new.keys() == old.keys()
    assert new != old
    restated = tool.ask(
        "select date, old_value::double, new_value::double, cause from ops.restatements "
        "where \"column\" = 'close_krw' and json_extract_string(key, 'asset') = 'BTC'"
    )
    assert {day: (was, now) for day, was, now, _ in restated} == {
        day: (old[day], new[day]) for day in old if old[day] != new[day]
    }
    assert {cause for *_, cause in restated} == {"source_changed"}
    listed = json.loads(tool("sql", "--saved", "restated_numbers", "--format", "json").out)
    closes = next(row for row in listed if row["column"] == "close_krw")
    assert closes["values_changed"] >= len(restated)
    assert closes["largest_change"] >= max(abs(now / was - 1) for _, was, now, _ in restated) - 1e-6
    out = tool.home.parent / "then.duckdb"
    built = replace(tool, now=NOW + timedelta(hours=1))("build", "--as-of", NOW.isoformat(), "--out", out)
    assert built.code == 0
    assert same(tables(out), before) == []
    assert tool.one("select count(*) from ops.restatements") != 0  # the home's own file was left alone


def test_a_failed_refetch_leaves_what_was_loaded(tool: Tool) -> None:
    before = tables(tool.home / "warehouse.duckdb")
    with other_market(tool) as (later, simulator):
        simulator.misbehave([Misbehaviour("KRW-USDT", "html", times="always")])
        said = later("backfill", *DAYS, "--mode", "refetch", "--source", "upbit", "--series", "USDT")
    assert said.code == 1
    assert "not there: krw_prices USDT from upbit, 9 days: SourceRefused" in said.err
    assert same(tables(tool.home / "warehouse.duckdb"), before) == []
    assert tool.states("series = 'USDT' and state <> 'not_yet'") == {"loaded": 9}
    assert tool.one("select count(*) from ops.ledger where last_error like 'SourceRefused%' and state = 'loaded'") == 9


def test_a_replay_asks_nobody_and_finds_the_same(tool: Tool, simulator: Simulator) -> None:
    requests, lake = asked(simulator), bytes_of(tool.home / "lake")
    said = replace(tool, now=NOW + timedelta(hours=1))("backfill", *DAYS, "--mode", "replay")
    assert said.code == 0
    assert f"{LOADED} loaded, {WEEKEND_DAYS * RATES} verified empty series-days, 0 requests" in said.err
    assert asked(simulator) == requests
    assert bytes_of(tool.home / "lake") == lake
    assert tool.one("select count(*) from ops.restatements") == 0


def test_a_run_with_nothing_due_says_so(tool: Tool, simulator: Simulator) -> None:
    requests = asked(simulator)
    said = tool("run")
    assert said.code == 0
    assert "nothing is due" in said.err
    assert said.out == ""
    assert asked(simulator) == requests


def test_a_run_catches_up_after_a_week(tool: Tool) -> None:
    with Simulator(NOW + timedelta(days=7)) as simulator:
        later = replace(tool, gateway=simulator.url, now=NOW + timedelta(days=7))
        said = later("run")
        assert said.code == 0, said.err
        assert simulator.counts == {UPBIT: PRICES, "api.frankfurter.dev": RATES}
        assert tool.one("select max(date) from core.krw_prices") == date(2024, 12, 16)
        assert tool.states("source = 'upbit'") == {"loaded": 16 * PRICES, "not_yet": PRICES}
        assert "nothing is due" in later("run").err


def test_a_run_for_one_day_takes_that_day(tool: Tool) -> None:
    with Simulator(NOW + timedelta(days=3)) as simulator:
        later = replace(tool, gateway=simulator.url, now=NOW + timedelta(days=3))
        said = later("run", "--day", "2024-12-10")
        assert said.code == 0, said.err
    loaded = tool.ask("select max(date) from ops.ledger where source = 'upbit' and state = 'loaded'")
    assert loaded == [(date(2024, 12, 10),)]
    assert tool.states("source = 'upbit' and date > '2024-12-10' and date < '2024-12-13'") == {"missing": 2 * PRICES}


def test_a_build_makes_the_same_file_again(tool: Tool) -> None:
    before = tables(tool.home / "warehouse.duckdb", ("main", "core", "ops"))
    said = tool("build", "--whole")
    assert said.code == 0
    assert "built" in said.err
    assert same(tables(tool.home / "warehouse.duckdb", ("main", "core", "ops")), before) == []


def test_a_build_as_of_before_the_first_write_knows_nothing(tool: Tool, tmp_path: Path) -> None:
    said = tool("build", "--as-of", "2024-12-10T00:29:59", "--out", tmp_path / "then.duckdb")
    assert said.code == 0
    found = tables(tmp_path / "then.duckdb", ("core",))
    assert {name for name, frame in found.items() if frame.height} == {
        "core.assets",
        "core.series",
        *(f"core.{name}" for name in curated()),
    }


def test_a_build_as_of_changes_the_homes_own_file_until_the_next_build(tool: Tool) -> None:
    assert tool("build", "--as-of", "2024-12-10T00:00:00Z").code == 0
    assert tool.one("select value from ops.home where key = 'as-of'") == "2024-12-10T00:00:00+00:00"
    assert tool.one("select count(*) from core.krw_prices") == 0
    assert tool("build").code == 0
    assert tool.one("select count(*) from core.krw_prices") == NUMBER_OF_DAYS * WON


def test_status_counts_every_series_day(small: Tool) -> None:
    said = small("status")
    assert said.code == 0
    states = f"{NUMBER_OF_DAYS * WON} loaded, {WON} not yet"
    assert re.search(rf"krw_prices +upbit +2024-12-09 +2024-12-09 +0 d +{states}", said.out)


def test_status_for_machines_keeps_its_names(tool: Tool) -> None:
    with other_market(tool) as (later, simulator):
        simulator.misbehave([Misbehaviour("KRW-BTC", "html", times="always")])
        assert later("backfill", "2024-11-30", "2024-11-30", "--series", "BTC", "--source", "upbit").code == 1
        said = later("status", "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert set(found) == {
        *("home", "origin", "warning", "now", "last_run", "written_by", "fetching"),
        *("feeds", "trouble", "disagreements", "skipped", "sources"),
    }
    assert {frozenset(feed) for feed in found["feeds"]} == {
        frozenset(
            ("dataset", "source", "last_date", "expected_date", "lag_days", "next_due_at", "perishes_at", "states")
        )
    }
    assert set(found["last_run"]) == {
        *("run_id", "kind", "started_at", "ended_at", "state", "requests", "bytes", "rows", "message")
    }
    (trouble,) = found["trouble"]
    assert set(trouble) == {
        *("dataset", "source", "series", "state", "reason", "first", "last", "days", "perishes_at", "retry")
    }
    assert trouble["retry"] == (
        "tidemark backfill 2024-11-30 2024-11-30 --source upbit --dataset krw_prices --series BTC"
    )
    assert shlex.split(trouble["retry"])[0] == "tidemark"
    with other_market(tool, now=NOW + timedelta(minutes=45)) as (later, _):
        retried = later(*shlex.split(trouble["retry"])[1:])
    assert retried.code == 0, retried.err


def test_a_simulated_home_says_so_first(tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home")
    tool.home.mkdir()
    facts = {"what": "a tidemark home", "format": 1, "origin": "simulated", "start": "2024-12-01"}
    (tool.home / "home.json").write_bytes(orjson.dumps(facts))
    assert tool("build").code == 0
    assert "SIMULATED" in tool("sql", "select 1").err
    assert "SIMULATED" in tool("status").out
    assert json.loads(tool("status", "--json").out)["warning"].startswith("SIMULATED")
    comments = tool.ask("select comment from duckdb_tables() where schema_name in ('main', 'core', 'ops')")
    assert comments
    assert all(str(comment).startswith("SIMULATED") for (comment,) in comments)


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with cli.progress():
        pass
    assert capsys.readouterr().out == ""


# Questions in SQL.

QUESTION = "select date, asset, volume_krw from krw_stablecoin_daily order by date, asset limit 2"


def test_sql_draws_a_table(small: Tool) -> None:
    said = small("sql", QUESTION)
    assert said.code == 0
    assert "│ 2024-12-01 │ USDC" in said.out
    assert said.err == ""


def test_sql_writes_csv(small: Tool) -> None:
    said = small("sql", "select 1 as n, ['a', 'b'] as names, null as nothing", "--format", "csv")
    assert said.out == "n,names,nothing\n1,a;b,\n"


def test_sql_writes_numbers_in_csv_lists(small: Tool) -> None:
    said = small("sql", "select [1, 2] as numbers, []::date[] as none", "--format", "csv")
    assert said.out == 'numbers,none\n1;2,""\n'


def test_sql_writes_what_is_nested_and_what_has_one_name_twice(small: Tool) -> None:
    said = small("sql", "select 1 as a, 2 as a, {'x': 1} as s, interval 1 day as i", "--format", "csv")
    assert said.out == 'a,a_1,s,i\n1,2,"{""x"":1}",1 day\n'


def test_sql_keeps_the_order_that_was_asked_for(small: Tool) -> None:
    query = "select i from range(100000) numbers(i) order by i desc"
    assert json.loads(small("sql", query, "--format", "json").out) == [{"i": i} for i in reversed(range(100_000))]


def test_sql_writes_json(small: Tool) -> None:
    said = small("sql", "select date '2024-12-09' as day, ['a'] as names, null::double as x", "--format", "json")
    assert json.loads(said.out) == [{"day": "2024-12-09", "names": ["a"], "x": None}]
    assert json.loads(small("sql", "select 1 where false", "--format", "json").out) == []


def test_sql_writes_parquet(small: Tool, tmp_path: Path) -> None:
    said = small("sql", QUESTION, "--format", "parquet")
    (tmp_path / "answer.parquet").write_bytes(said.raw)
    frame = pl.read_parquet(tmp_path / "answer.parquet")
    assert frame.columns == ["date", "asset", "volume_krw"]
    assert frame["date"].to_list() == [date(2024, 12, 1)] * 2


def test_sql_reads_statements_from_standard_input(small: Tool) -> None:
    said = small("sql", "--format", "csv", text="select 1 as one; select 'x;y' as two;\n")
    assert said.code == 0
    assert said.out == "one\n1\ntwo\nx;y\n"


def test_sql_instants_are_in_utc(small: Tool) -> None:
    said = small("sql", "select max(recorded_at)::varchar as at from ops.ledger", "--format", "csv")
    assert said.out == "at\n2024-12-10 00:30:00+00\n"


@pytest.mark.parametrize(
    "query",
    [
        "from read_csv('{file}')",
        "from read_text('{file}')",
        "from read_blob('{file}')",
        "from glob('{folder}/*')",
        "from '{file}'",
        "from 'https://example.com/x.csv'",
        "copy (select 1) to '{folder}/out.csv'",
        "export database '{folder}/out'",
        "attach '{folder}/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "load '{file}'",
        "set enable_external_access = true",
        "set threads = 1",
        "pragma enable_external_access",
        "reset lock_configuration",
        "create table main.mine as select 1",
        "create table mine as select 1",
        "drop table ops.ledger",
        "delete from ops.ledger",
        "update ops.home set value = 'x'",
    ],
)
def test_sql_reaches_no_file_and_changes_nothing(small: Tool, tmp_path: Path, query: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("secret\n1\n")
    before = bytes_of(small.home)
    said = small("sql", query.format(file=file, folder=tmp_path))
    assert said.code == 2, said.out
    assert "Error" in said.err
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert bytes_of(small.home) == before


@pytest.mark.parametrize(
    ("words", "text", "told"),
    [
        (["select nothing from asset_daily"], None, "nothing"),
        (["selekt 1"], None, "selekt"),
        (["from no_such_table"], None, "no_such_table"),
        ([], "", "no SQL was given"),
        ([], " ;; -- nothing", "no SQL was given"),
        (["select 1; select 2", "--format", "parquet"], None, "parquet holds one answer, found 2"),
        (["select 1", "--format", "xml"], None, "xml"),
    ],
)
def test_sql_says_what_is_wrong(small: Tool, words: list[str], text: str | None, told: str) -> None:
    said = small("sql", *words, text=text)
    assert said.code == 2
    assert told in said.err
    assert said.out == ""


# Bad input: one sentence with what to do next, and nothing is lost.


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        (["backfill", *DAYS, "--source", "nobody"], {}, "unknown source 'nobody': there are frankfurter, upbit"),
        (["backfill", *DAYS, "--dataset", "spot"], {}, "unknown dataset 'spot': there are exchange_rates, krw_prices"),
        (["backfill", *DAYS, "--series", "btc"], {}, "unknown series 'btc': there are BTC"),
        (["backfill", *DAYS, "--source", "upbit", "--series", "KRW"], {}, "nothing is supplied"),
        (["backfill", "2024-12-09", "2024-12-01"], {}, "the end 2024-12-01 lies before the start 2024-12-09"),
        (["backfill", "2024-12-01", "2024-12-10"], {}, "2024-12-10 is not over yet (UTC): the newest whole day is"),
        (["run", "--day", "2024-12-10"], {}, "2024-12-10 is not over yet"),
        (["backfill", "2024-12-01", "9.12.2024"], {}, "9.12.2024"),
        (["backfill", "2024-02-30", "2024-03-01"], {}, "2024-02-30"),
        (["backfill", "2024-12-01"], {}, "Missing argument 'END'"),
        (["backfill", *DAYS, "--mode", "again"], {}, "again"),
        (["run", "--day", "yesterday"], {}, "yesterday"),
        (["build", "--as-of", "noon", "--out", "x.duckdb"], {}, "expected an ISO 8601 instant such as"),
        (["build", "--as-of", "0001-01-01T00:00:00+14:00", "--out", "x.duckdb"], {}, "expected an ISO 8601 instant"),
        (["build", "--as-of", "2024-12-11", "--out", "x.duckdb"], {}, "--as-of 2024-12-11 lies in the future"),
        (["run"], {"TIDEMARK_SOURCES": "upbit,nobody"}, "TIDEMARK_SOURCES: unknown source 'nobody'"),
        (["run"], {"TIDEMARK_NOW": "noon"}, "TIDEMARK_NOW"),
        (["run"], {"TIDEMARK_START": "soon"}, "TIDEMARK_START"),
        (["run"], {"TIDEMARK_START": "1949-12-31"}, "TIDEMARK_START: expected a day from 1950-01-01 on and before"),
        (["run"], {"TIDEMARK_START": "9999-12-31"}, "TIDEMARK_START: expected a day from 1950-01-01 on and before"),
        (
            ["run"],
            {"TIDEMARK_START": "2024-12-11"},
            "TIDEMARK_START: expected a day that has begun, such as",
        ),
        (["run"], {"TIDEMARK_NOW": "2009-01-02T23:59:59Z"}, "TIDEMARK_NOW: expected an instant from 2009-01-03 on"),
        (
            ["run"],
            {"TIDEMARK_NOW": "2100-01-01"},
            "TIDEMARK_NOW: expected an instant from 2009-01-03",
        ),
        (["run"], {"TIDEMARK_NOW": "0001-01-01T00:00:00+23:59"}, "TIDEMARK_NOW: expected an instant from 2009-01-03"),
        (["run"], {"TIDEMARK_NOW": "9999-12-31T23:59:59-23:59"}, "TIDEMARK_NOW: expected an instant from 2009-01-03"),
        (["run"], {"TIDEMARK_NOW": "20241210"}, "TIDEMARK_NOW: expected an instant from 2009-01-03"),
        (["status"], {"TIDEMARK_NOW": "2100-01-01"}, "TIDEMARK_NOW: expected an instant from 2009-01-03"),
        (["run"], {"TIDEMARK_GATEWAY": "localhost:8900"}, "TIDEMARK_GATEWAY"),
        (["run"], {"TIDEMARK_NOW": "2024-12-10T00:29:59Z"}, "time only runs forward"),
        (["build"], {"TIDEMARK_NOW": "2024-12-10T00:29:59Z"}, "time only runs forward"),
        (["frobnicate"], {}, "frobnicate"),
    ],
)
def test_wrong_usage_ends_with_2(tool: Tool, words: list[str], environment: dict[str, str], told: str) -> None:
    before = bytes_of(tool.home)
    said = tool(*words, **environment)
    assert said.code == 2
    assert told in said.sentence, said.err
    assert said.sentence.startswith("Error: ")
    assert said.out == ""
    assert bytes_of(tool.home) == before


@pytest.mark.parametrize("words", [["run"], ["build"], ["status"], ["sql", "select 1"], ["backfill", *DAYS]])
def test_a_home_of_a_newer_format_is_left_alone(tool: Tool, words: list[str]) -> None:
    identity = tool.home / "home.json"
    facts = orjson.loads(identity.read_bytes())
    identity.write_bytes(orjson.dumps({**facts, "format": 99}))
    before = bytes_of(tool.home)
    said = tool(*words)
    assert said.code == 1
    assert "has format 99, this tidemark knows up to 1: install a newer tidemark" in said.sentence
    assert bytes_of(tool.home) == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"x"', b"{}", b'{"format": "1"}', b'{"format": 1, "origin": "live", "start": 7}']
)
def test_a_damaged_identity_is_named(tool: Tool, content: bytes) -> None:
    (tool.home / "home.json").write_bytes(content)
    for words in (["run"], ["status"]):
        said = tool(*words)
        assert said.code == 1
        assert "home.json" in said.sentence
        assert "restore it from a backup" in said.sentence


@pytest.mark.parametrize("words", [["build"], ["status"], ["sql", "select 1"]])
def test_without_a_home_readers_are_told_how_to_make_one(tmp_path: Path, words: list[str]) -> None:
    tool = Tool(tmp_path / "home")
    said = tool(*words)
    assert said.code == 1
    assert "no tidemark home in" in said.sentence
    assert "tidemark demo" in said.sentence
    assert not tool.home.exists()


@pytest.mark.parametrize("words", [["run"], ["backfill", *DAYS], ["demo"]])
def test_a_foreign_folder_is_left_alone(tmp_path: Path, simulator: Simulator, words: list[str]) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources="upbit")
    tool.home.mkdir()
    (tool.home / "thesis.doc").write_text("mine")
    said = tool(*words)
    assert said.code == 1
    assert "is not a tidemark home and not empty (it holds 'thesis.doc'): set TIDEMARK_HOME" in said.sentence
    assert [path.name for path in tool.home.iterdir()] == ["thesis.doc"]


def test_the_demos_home_inside_the_usual_one_is_no_stranger(tool: Tool, tmp_path: Path) -> None:
    usual = tmp_path / "data"
    tool.home.rename(tmp_path / "moved")
    usual.mkdir()
    (tmp_path / "moved").rename(usual / "demo")
    said = tool.at(usual)("run", "--day", "2024-12-09", TIDEMARK_START="2024-12-09")
    assert said.code == 0, said.err


@pytest.mark.parametrize("words", [["run"], ["backfill", *DAYS]])
def test_a_file_where_the_home_should_be_is_refused(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "home").write_text("a file")
    for home in (tmp_path / "home", tmp_path / "home" / "below"):
        said = Tool(home)(*words)
        assert said.code == 1
        assert f"cannot write to {home}" in said.sentence
        assert "set TIDEMARK_HOME to a folder that you may write to" in said.sentence
    assert (tmp_path / "home").read_text() == "a file"


@pytest.mark.parametrize("words", [["run"], ["build"]])
def test_a_home_that_cannot_be_written_is_refused(
    tool: Tool, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the system's refusal is simulated.
    def refuse(path: object, *_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    before = bytes_of(tool.home)
    monkeypatch.setattr("warehouse.store.home.os.open", refuse)
    said = tool(*words)
    assert said.code == 1
    assert f"cannot write to {tool.home} (Permission denied): set TIDEMARK_HOME" in said.sentence
    assert bytes_of(tool.home) == before


@pytest.mark.parametrize("part", ["lake", "staging"])
def test_a_full_disk_is_named_and_nothing_is_lost(tool: Tool, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    before = bytes_of(tool.home / "lake")
    with other_market(tool) as (later, _), monkeypatch.context() as patched:
        patched.setattr(f"warehouse.store.{'lake' if part == 'lake' else 'files'}.Path.write_bytes", refuse)
        said = later("backfill", *DAYS, "--mode", "refetch")
        assert said.code == 1
        assert "No space left on device" in said.err
    assert bytes_of(tool.home / "lake") == before
    with other_market(tool) as (later, simulator):
        simulator.now = NOW + timedelta(hours=1)
        assert replace(later, now=simulator.now)("backfill", *DAYS, "--mode", "refetch").code == 0


def test_origins_are_never_mixed(tool: Tool) -> None:
    before = bytes_of(tool.home)
    said = replace(tool, gateway=None)("backfill", "2024-11-01", "2024-11-02")
    assert said.code == 1
    assert "holds gateway data and this command would add live data: use another TIDEMARK_HOME" in said.sentence
    said = tool("demo")
    assert said.code == 1
    assert "would add simulated data" in said.sentence
    assert bytes_of(tool.home) == before


@pytest.mark.parametrize("damage", ["flipped", "missing", "cut"])
def test_a_damaged_partition_is_named_with_the_way_back(tool: Tool, damage: str) -> None:
    before = tables(tool.home / "warehouse.duckdb")
    file = tool.home / "warehouse.duckdb"
    kept = file.read_bytes()
    partition = only(list((tool.home / "lake" / "krw_prices").rglob("*.parquet")))
    if damage == "flipped":
        flip(partition)
    elif damage == "cut":
        partition.write_bytes(partition.read_bytes()[:-100])
    else:
        partition.unlink()
    said = tool("build")
    assert said.code == 1
    assert "krw_prices/source=upbit" in said.sentence
    assert file.read_bytes() == kept
    found = re.search(r"`tidemark ([^`]*--mode replay)`", said.sentence)
    assert found, said.sentence
    partition.unlink(missing_ok=True)
    retried = tool(*shlex.split(found[1]), TIDEMARK_NOW=(NOW + timedelta(hours=1)).isoformat())
    assert retried.code == 0, retried.err
    assert same(tables(file), before) == []


def test_a_backfill_does_not_write_over_a_damaged_partition(tool: Tool) -> None:
    partition = only(list((tool.home / "lake" / "krw_prices").rglob("*.parquet")))
    flip(partition)
    damaged = partition.read_bytes()
    with other_market(tool) as (later, _):
        said = later("backfill", *DAYS, "--mode", "refetch")
    assert said.code == 1
    assert "krw_prices/source=upbit" in said.err
    assert partition.read_bytes() == damaged


def test_a_damaged_snapshot_is_named_on_replay(tool: Tool) -> None:
    before = tables(tool.home / "warehouse.duckdb")
    lake = bytes_of(tool.home / "lake")
    flip(only(list((tool.home / "raw").rglob("*.zst"))), at=0.3)
    said = replace(tool, now=NOW + timedelta(hours=1))("backfill", *DAYS, "--mode", "replay")
    assert said.code == 1
    assert re.search(r"snapshot 2024-12/000001@\d+\+\d+", said.err)
    assert "--mode refetch" in said.err
    assert bytes_of(tool.home / "lake") == lake
    assert tool("build", TIDEMARK_NOW=(NOW + timedelta(hours=2)).isoformat()).code == 0
    assert same(tables(tool.home / "warehouse.duckdb"), before) == []


def spoiled(line: bytes) -> bytes:
    return b"?" + line[1:]


def misspelt(line: bytes) -> bytes:
    return line.replace(b'"event"', b'"evenu"', 1)


def recounted(line: bytes) -> bytes:
    return line.replace(b'"loaded",1,', b'"loaded",2,', 1)


@pytest.mark.parametrize("damage", [spoiled, misspelt, recounted])
@pytest.mark.parametrize("words", [["run"], ["build"], ["status"]])
def test_a_damaged_ledger_line_is_named(tool: Tool, damage: Callable[[bytes], bytes], words: list[str]) -> None:
    book = only(list((tool.home / "ledger").iterdir()))
    lines = book.read_bytes().split(b"\n")
    number = next(at for at, line in enumerate(lines) if damage(line) != line and b'"days"' in line)
    lines[number] = damage(lines[number])
    book.write_bytes(b"\n".join(lines))
    before = bytes_of(tool.home)
    said = tool(*words)
    assert said.code == 1
    assert f"ledger line {number + 1} of {book} is damaged" in said.sentence
    assert "restore the file from a backup" in said.sentence
    assert bytes_of(tool.home) == before


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 1000, b"\x00" * 4096])
def test_a_damaged_or_missing_warehouse_file_is_rebuilt(tool: Tool, content: bytes | None) -> None:
    file = tool.home / "warehouse.duckdb"
    before = tables(file)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    said = tool("sql", "select 1")
    assert said.code == 1
    assert "run `tidemark build`" in said.sentence
    assert tool("build").code == 0
    assert same(tables(file), before) == []
    assert tool("sql", "select 1").code == 0


def test_a_flipped_byte_in_the_warehouse_file_is_no_traceback(tool: Tool) -> None:
    file = tool.home / "warehouse.duckdb"
    whole = file.read_bytes()
    for at in (0.0001, 0.003, 0.2, 0.4, 0.6, 0.8, 0.95):
        file.write_bytes(whole)
        flip(file, at=at)
        assert tool("sql", "from ops.ledger; from core.krw_prices").code in {0, 1, 2}


def test_what_a_dead_writer_left_does_not_stop_a_build(tool: Tool) -> None:
    (tool.home / "warehouse.duckdb.wal").write_bytes(b"left by something else")
    (tool.home / "staging" / "warehouse.building.duckdb").write_bytes(b"half a file")
    assert tool("build").code == 0
    assert tool("sql", "select 1").code == 0
    assert list((tool.home / "staging").iterdir()) == []


# One writer.


@pytest.mark.parametrize("words", [["run"], ["build"], ["backfill", *DAYS]])
def test_a_second_writer_that_will_not_wait_is_told_for_whom(tool: Tool, words: list[str]) -> None:
    with writing(tool.home, who="tidemark backfill", wait=False, tell=print):
        before = bytes_of(tool.home)
        said = tool(*words, "--no-wait")
        assert said.code == 1
        assert re.search(r"is being written by tidemark backfill \(process \d+\): try again", said.sentence)
        assert bytes_of(tool.home) == before
        assert tool("status").code == 0
        assert tool("sql", "select 1").code == 0


def test_a_second_writer_waits_and_says_for_whom(tool: Tool) -> None:
    told: list[str] = []
    waiting, ended = threading.Event(), threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        waiting.set()

    def second() -> None:
        with writing(tool.home, who="tidemark run", wait=True, tell=tell):
            ended.set()

    thread = threading.Thread(target=second)
    with writing(tool.home, who="tidemark backfill", wait=False, tell=print):
        thread.start()
        assert waiting.wait(10)
        assert not ended.is_set()
    thread.join(10)
    assert ended.is_set()
    assert re.fullmatch(rf"waiting for tidemark backfill \(process \d+\), which is writing to {tool.home}", told[0])


def test_settings_come_from_a_file_too(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"TIDEMARK_HOME={tool.home}\nTIDEMARK_NOW=2024-12-10T00:30:00Z\n")
    said = Tool(tmp_path / "unused")("status", TIDEMARK_HOME=None, TIDEMARK_NOW=None)
    assert said.code == 0
    assert str(tool.home) in said.out


def test_the_start_of_a_new_home_is_400_days_back(tmp_path: Path) -> None:
    with Simulator(NOW) as simulator:
        tool = Tool(tmp_path / "home", simulator.url, sources="frankfurter")
        assert tool("backfill", "2024-12-09", "2024-12-09").code == 0
    facts = orjson.loads((tool.home / "home.json").read_bytes())
    assert facts["start"] == str((NOW - timedelta(days=400)).date())
    assert facts["created_at"] == datetime(2024, 12, 10, 0, 30, tzinfo=UTC).isoformat()
    assert tool.one("select min(date)::varchar from ops.ledger") == facts["start"]
