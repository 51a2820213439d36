"""From every number back to the bytes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from expectations.contract import datasets
from expectations.curated import curated
from tests.tool import Tool, flip
from warehouse import marts
from warehouse.archive import Archive
from warehouse.explain import FOR_EVER, MOST_ROWS, Explanation, explain
from warehouse.files import digest

MARTS = [model for model in marts.models() if model.schema == "main"]
BY_HAND = {
    model.name for model in MARTS if set(model.reads) <= {f"core.{name}" for name in curated()} and not model.subjects
}


def last_row(tool: Tool, mart: str, column: str) -> dict[str, str]:
    """The key, as text, of a late row in which a column is known."""
    model = next(model for model in MARTS if model.name == mart)
    names = ", ".join(f'"{name}"::varchar' for name in model.key)
    order = ", ".join(f'"{name}" desc' for name in model.key)
    rows = tool.ask(f'select {names} from {mart} where "{column}" is not null order by {order} limit 1')  # noqa: S608
    return dict(zip(model.key, rows[0], strict=True)) if rows else {}


@pytest.mark.parametrize("mart", [model.name for model in MARTS])
def test_every_column_of_every_mart_leads_to_bytes_that_came(demo: Tool, mart: str) -> None:
    columns = [name for (name,) in demo.ask(f"select column_name from (describe from {mart})")]  # noqa: S608  ours
    archive = Archive(demo.home / "raw")
    for column in columns:
        key = last_row(demo, mart, column)
        if not key:
            continue  # what the demo cannot fill is told by the test of the demo
        found = explain(demo.home / "warehouse.duckdb", archive, mart, column, key)
        assert found.value is not None
        assert found.problems == []
        assert not found.groundless
        if mart in BY_HAND:
            assert found.by_hand == f"expectations/curated/{mart}.toml"
            assert found.answers == ()
            continue
        assert found.inputs, column
        assert any(one.count for one in found.inputs), column
        assert found.answers, column
        for read in found.inputs:
            assert len(read.rows) == (read.count if read.count <= MOST_ROWS else 2), read.table
        seen = {place for read in found.inputs for place in read.snapshots}
        assert {one.snapshot for one in found.answers} == seen
        one = found.answers[-1]
        assert digest(archive.read(one.snapshot).body) == one.sha256


def test_the_rows_of_a_key_are_those_that_its_mart_reads(demo: Tool) -> None:
    found = explain(
        demo.home / "warehouse.duckdb",
        Archive(demo.home / "raw"),
        "asset_daily",
        "return_7d",
        {"date": "2024-12-09", "asset": "SOL"},
    )
    (preferred,) = [one for one in found.inputs if one.table == "core.spot_prices_preferred"]
    assert [str(row["date"]) for row in preferred.rows] == [f"2024-12-{day:02}" for day in range(2, 10)]
    assert {row["asset"] for row in preferred.rows} == {"SOL"}
    assert preferred.rows[-1]["close_usd"] / preferred.rows[0]["close_usd"] - 1 == pytest.approx(found.value)


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
    assert row[1] in [one["date"] for one in price.rows]
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
    assert daily <= read.count <= all_of_it  # two parts read the index, which is chained from the first day on


def test_a_signal_reads_as_far_back_as_its_number_does(demo: Tool) -> None:
    (day, *_) = demo.ask("select max(date)::varchar from signals where signal = 'korean_frenzy'")[0]
    found = traced(demo, "signals", "value", date=day, signal="korean_frenzy")
    (read,) = [one for one in found.inputs if one.table == "core.krw_prices_preferred"]
    assert read.first is not None
    assert read.last is not None
    assert (read.last - read.first).days == 193


def test_what_is_kept_by_hand_says_so_and_a_broken_way_back_is_an_error(demo: Tool, tmp_path: Path) -> None:
    key = ("date=2024-12-09", "metric=liquidated_okx")
    said = demo("explain", "famous_days", "value", *key)
    assert (said.code, "Kept by hand in expectations/curated/famous_days.toml" in said.out) == (0, True)
    assert "bytes that came" not in said.out
    emptied = demo.at(tmp_path / "emptied")
    shutil.copytree(demo.home, emptied.home, ignore=shutil.ignore_patterns("raw", "lake", "reports"))
    with duckdb.connect(str(emptied.home / "warehouse.duckdb")) as connection:
        connection.execute("delete from core.spot_prices")
        connection.execute("delete from core.market_values")
    said = emptied("explain", "sector_daily", "return_1d", "date=2024-12-09", "sector=l1")
    assert said.code == 1
    assert "this way back is broken" in said.out


def test_what_came_too_late_for_a_day_is_no_part_of_it(demo: Tool) -> None:
    key = last_row(demo, "global_liquidity", "fed_assets_usd")
    found = explain(
        demo.home / "warehouse.duckdb", Archive(demo.home / "raw"), "global_liquidity", "fed_assets_usd", key
    )
    (read,) = [one for one in found.inputs if one.table == "core.macro_series_preferred"]
    known_by = f"{key['date']}T12:00:00"
    late = demo.one(
        f"select count(*) from core.macro_series_preferred where date <= '{key['date']}' "  # noqa: S608  our words
        f"and available_at > '{known_by}+00:00'::timestamptz + interval 1 day"
    )
    asked = demo.one(
        f"select count(*) from core.macro_series_preferred where date between '{read.first}' and '{key['date']}'"  # noqa: S608
    )
    assert read.count <= asked - late


def test_the_command_says_it_for_people_and_for_machines(demo: Tool) -> None:
    said = demo("explain", "brief", "value", "date=2024-12-09", "topic=bitcoin")
    assert said.code == 0, said.err
    assert "SIMULATED" in said.err
    assert "asset_daily.close_usd date=2024-12-09 asset=BTC" in said.out
    assert "https://data-api.binance.vision/api/v3/klines" in said.out
    assert "all of them are the bytes that came" in said.out
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
    assert "are not what came" in said.out


def test_what_the_marts_declare_is_about_what_they_read() -> None:
    for model in MARTS:
        names = {*model.reach, *model.rows}
        assert all(name.startswith("core.") for name in names), model.name
        assert {name.removeprefix("core.").removesuffix("_preferred") for name in names} <= set(datasets()), model.name
        assert all(0 <= days <= FOR_EVER for days in (*model.lookback.values(), *model.reach.values())), model.name


def test_every_subject_rests_on_cells_that_exist(demo: Tool) -> None:
    columns = {
        (mart, column)
        for mart, column in demo.ask("select table_name, column_name from duckdb_columns() where schema_name = 'main'")
    }
    subjects = [model.subjects for model in MARTS if model.subjects]
    assert len(subjects) == 3
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
