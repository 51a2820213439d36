"""`explain` leads from every number of a mart back to the archived answers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from expectations.contract import datasets
from expectations.curated import curated
from tests.tool import Tool, flip
from warehouse.build import models
from warehouse.build.views import dataset_of
from warehouse.lineage.explain import MOST_ROWS, Explanation, explain
from warehouse.lineage.trace import Tracer
from warehouse.reader import open_warehouse
from warehouse.store.archive import Archive
from warehouse.store.files import digest

MARTS = [model for model in models.models() if model.schema == "main"]
BY_HAND = {
    model.name for model in MARTS if set(model.reads) <= {f"core.{name}" for name in curated()} and not model.subjects
}


def last_row(tool: Tool, mart: str, column: str) -> dict[str, str]:
    """The key, as text, of the last row in which a column is known."""
    model = next(model for model in MARTS if model.name == mart)
    names = ", ".join(f'"{name}"::varchar' for name in model.key)
    order = ", ".join(f'"{name}" desc' for name in model.key)
    rows = tool.ask(f'select {names} from {mart} where "{column}" is not null order by {order} limit 1')
    return dict(zip(model.key, rows[0], strict=True)) if rows else {}


@pytest.mark.parametrize("mart", [model.name for model in MARTS])
def test_every_column_of_every_mart_leads_to_rows_that_it_reads_back_no_further_than_declared(
    demo: Tool, mart: str
) -> None:
    model = next(model for model in MARTS if model.name == mart)
    columns = [name for (name,) in demo.ask(f"select column_name from (describe from {mart})")]
    with open_warehouse(demo.home / "warehouse.duckdb") as connection:
        tracer = Tracer(connection)
        names = ", ".join(f'"{name}"' for name in model.key)
        order = ", ".join(f'"{name}" desc' for name in model.key)
        for column in (name for name in columns if name not in model.key):
            found = connection.execute(
                f'select {names} from {mart} where "{column}" is not null order by {order} limit 1'
            ).fetchall()
            if not found:
                continue  # columns that the demo cannot fill are listed in the test of the demo
            key = dict(zip(model.key, found[0], strict=True))
            told = tracer.trace(mart, column, key)
            if not told.rows:
                assert told.by_hand, column
                continue
            for table, numbers in told.rows.items():
                count, first = connection.execute(
                    f"select count(*), min(date) from {tracer.rows_of(table)} where _row in ({numbers})"
                ).fetchall()[0]
                assert count > 0, column
                carried = table.startswith(("core.macro_series", "core.exchange_rates", "core.open_interest"))
                if "date" in key and not carried and not model.subjects:
                    assert (key["date"] - first).days <= model.days_back(column), (column, table)


@pytest.mark.parametrize("mart", [model.name for model in MARTS])
def test_a_value_leads_to_the_bytes_that_came(demo: Tool, mart: str) -> None:
    model = next(model for model in MARTS if model.name == mart)
    columns = [name for (name,) in demo.ask(f"select column_name from (describe from {mart})")]
    column = next(name for name in columns if name not in model.key and name != "sector")
    archive = Archive(demo.home / "raw")
    found = explain(demo.home / "warehouse.duckdb", archive, mart, column, last_row(demo, mart, column))
    assert found.value is not None
    assert found.problems == []
    assert not found.groundless
    if mart in BY_HAND:
        assert found.by_hand == f"expectations/curated/{mart}.toml"
        assert found.answers == ()
        return
    for read in found.inputs:
        assert len(read.rows) == (read.count if read.count <= MOST_ROWS else 2), read.table
        assert read.rows[0]["date"] == read.last, "the newest first"
    seen = {place for read in found.inputs for place in read.snapshots}
    assert {one.snapshot for one in found.answers} == seen
    one = found.answers[-1]
    assert digest(archive.read(one.snapshot).body) == one.sha256


def test_a_change_reads_both_of_its_ends_and_a_mean_every_day(demo: Tool) -> None:
    found = traced(demo, "asset_daily", "return_7d", date="2024-12-09", asset="SOL")
    ends = [row for read in found.inputs for row in read.rows]
    assert [(str(row["date"]), row["asset"]) for row in ends] == [("2024-12-09", "SOL"), ("2024-12-02", "SOL")]
    assert ends[0]["close_usd"] / ends[1]["close_usd"] - 1 == pytest.approx(found.value)
    assert found.formula == "days.close_usd / week_before.close_usd - 1"
    week = traced(demo, "funding_daily", "funding_apr_7d", date="2024-12-09", asset="BTC", venue="binance")
    assert [(read.days, read.count) for read in week.inputs] == [(7, 21)]
    assert week.lookback_days == 6


def test_a_latest_value_leads_to_the_one_row_that_was_used(demo: Tool) -> None:
    found = traced(demo, "global_liquidity", "fed_assets_usd", date="2024-12-09")
    (read,) = found.inputs
    (row,) = read.rows
    as_of = demo.one("select fed_assets_usd_as_of from global_liquidity where date = '2024-12-09'")
    assert (row["series"], row["date"], row["amount"]) == ("fed_assets", as_of, found.value)
    assert found.formula == "max(told.spot_usd) filter (where told.series = 'fed_assets')"
    total = traced(demo, "global_liquidity", "central_banks_usd", date="2024-12-09")
    members = [row for read in total.inputs if "macro_series" in read.table for row in read.rows]
    assert sorted(row["series"] for row in members) == ["boj_assets", "ecb_assets", "fed_assets", "pboc_assets"]


def traced(tool: Tool, mart: str, column: str, **key: str) -> Explanation:
    return explain(tool.home / "warehouse.duckdb", Archive(tool.home / "raw"), mart, column, key)


def test_a_weekly_figure_leads_to_the_tuesday_that_it_describes(demo: Tool) -> None:
    row = demo.ask(
        "select date::varchar, as_of, contract from open_interest_contracts "
        "where venue = 'cme' and asset = 'BTC' order by date desc limit 1"
    )[0]
    about = {"date": row[0], "asset": "BTC", "venue": "cme"}
    found = traced(demo, "open_interest_contracts", "open_interest_usd", **about, contract=row[2])
    (read,) = [one for one in found.inputs if one.table == "core.open_interest_preferred"]
    assert [one["date"] for one in read.rows] == [row[1]]
    (price,) = [one for one in found.inputs if one.table == "core.spot_prices_preferred"]
    assert [one["date"] for one in price.rows] == [row[1]]
    assert row[1].isoweekday() == 2
    assert found.answers
    venue = traced(demo, "open_interest_daily", "open_interest_usd", **about)
    assert {one["date"] for read in venue.inputs if "open_interest" in read.table for one in read.rows} == {row[1]}
    sentence = traced(demo, "brief", "value", date=row[0], topic="open_interest_cme")
    assert sentence.value == venue.value
    assert sentence.answers


def test_a_row_that_two_parts_read_counts_once(demo: Tool) -> None:
    found = traced(demo, "leverage_gauge", "heat", date="2024-12-09")
    (read,) = [one for one in found.inputs if one.table == "core.open_interest_preferred"]
    daily, all_of_it = demo.ask(
        "select count(*) filter (where cadence = 'daily'), count(*) from core.open_interest_preferred "
        "where asset in ('BTC', 'ETH') and venue <> 'ALL' and date <= '2024-12-09' "
        "and available_at <= '2024-12-10 12:00:00+00:00'"
    )[0]
    assert daily <= read.count <= all_of_it  # two components read the index, which begins on the first day


def test_a_signal_reads_as_far_back_as_its_number_does(demo: Tool) -> None:
    (day, *_) = demo.ask("select max(date)::varchar from signals where signal = 'korean_frenzy'")[0]
    found = traced(demo, "signals", "value", date=day, signal="korean_frenzy")
    read = [one for one in found.inputs if "krw_prices" in one.table]
    firsts, lasts = [one.first for one in read if one.first], [one.last for one in read if one.last]
    assert (max(lasts) - min(firsts)).days == 193


def test_what_is_kept_by_hand_says_so_and_a_broken_way_back_is_an_error(demo: Tool, tmp_path: Path) -> None:
    key = ("date=2024-12-09", "metric=liquidated_okx")
    said = demo("explain", "famous_days", "value", *key)
    assert (said.code, "Kept by hand in expectations/curated/famous_days.toml" in said.out) == (0, True)
    assert "match what was fetched" not in said.out
    emptied = demo.at(tmp_path / "emptied")
    shutil.copytree(demo.home, emptied.home, ignore=shutil.ignore_patterns("raw", "lake", "reports"))
    with duckdb.connect(str(emptied.home / "warehouse.duckdb")) as connection:
        connection.execute("delete from core.spot_prices")
        connection.execute("delete from core.market_values")
    said = emptied("explain", "sector_daily", "return_1d", "date=2024-12-09", "sector=l1")
    assert said.code == 1
    assert "the lineage is broken" in said.out


def test_the_command_says_it_for_people_and_for_machines(demo: Tool) -> None:
    said = demo("explain", "brief", "value", "date=2024-12-09", "topic=bitcoin")
    assert said.code == 0, said.err
    assert "SIMULATED" in said.err
    assert "asset_daily.close_usd date=2024-12-09 asset=BTC" in said.out
    assert "https://data-api.binance.vision/api/v3/klines" in said.out
    assert "all of them match what was fetched" in said.out
    found = json.loads(demo("explain", "brief", "value", "date=2024-12-09", "topic=bitcoin", "--json").out)
    assert found["value"] == demo.one("select close_usd from asset_daily where date='2024-12-09' and asset='BTC'")
    assert {"url", "sha256", "observed_at", "snapshot"} <= set(found["answers"][0])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing", "x", "date=2024-12-09"), "there is no mart 'nothing': there are asset_daily"),
        (("asset_daily", "x", "date=2024-12-09"), "asset_daily has no column 'x': there are date, asset"),
        (("asset_daily", "close_usd", "date=2024-12-09"), "tidemark explain asset_daily close_usd date=… asset=…"),
        (("asset_daily", "close_usd", "date=2031-01-01", "asset=BTC"), "has no row for date 2031-01-01, asset BTC"),
        (("asset_daily", "close_usd", "date=soon", "asset=BTC"), "has no row for date soon, asset BTC"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(demo: Tool, words: tuple[str, ...], sentence: str) -> None:
    said = demo("explain", *words)
    assert said.code == 2
    assert sentence in said.sentence


def test_a_damaged_answer_is_named(small: Tool, copied: Callable[[Tool], Tool]) -> None:
    tool = copied(small)
    for path in Path(tool.home / "raw").rglob("*.zst"):
        for at in (0.1, 0.3, 0.5, 0.7, 0.9):
            flip(path, at=at)
    said = tool("explain", "krw_stablecoin_daily", "volume_krw", "date=2024-12-09", "venue=upbit", "asset=USDT")
    assert said.code == 1
    assert "is damaged" in said.out
    assert "differ from what was fetched" in said.out


def test_what_the_marts_declare_is_about_what_they_read() -> None:
    for model in MARTS:
        names = set(model.reach)
        assert all(name.startswith("core.") for name in names), model.name
        assert {dataset_of(name) for name in names} <= set(datasets()), model.name
        assert all(days >= 0 for days in (*model.lookback.values(), *model.reach.values())), model.name


def test_every_subject_rests_on_cells_that_exist(demo: Tool) -> None:
    columns = {
        (mart, column)
        for mart, column in demo.ask("select table_name, column_name from duckdb_columns() where schema_name = 'main'")
    }
    subjects = [model.subjects for model in MARTS if model.subjects]
    assert subjects
    for table, named_by in subjects:
        for row in curated()[table].rows.iter_rows(named=True):
            assert row["rests_on"], row[named_by]
            for cell in row["rests_on"]:
                place, *conditions = cell.split(" ")
                mart, _, column = place.partition(".")
                assert (mart, column) in columns, cell
                for condition in conditions:
                    assert (mart, condition.partition("=")[0]) in columns, cell


def test_every_signal_and_every_topic_is_described_once() -> None:
    levels = set(curated()["signal_levels"].rows["signal"])
    assert levels == set(curated()["signal_numbers"].rows["signal"])
