"""What was reported of famous days: curated, cited, and kept apart from what is measured."""

from datetime import date
from urllib.parse import urlsplit

import polars as pl

from expectations.curated import curated
from tests.tool import Tool
from warehouse.build.models import models

CRASH = date(2024, 12, 9)
FIGURES = curated()["famous_days"].rows


def test_every_figure_has_a_sentence_and_a_page_and_is_there_once() -> None:
    for row in FIGURES.iter_rows(named=True):
        assert row["statement"].endswith("."), row
        assert row["value"] > 0, row
        address = urlsplit(row["source_url"])
        assert (address.scheme, bool(address.netloc), len(address.path) > 1) == ("https", True, True), row


def test_the_crash_of_december_2024_has_both_figures_where_reports_differ() -> None:
    of_day = FIGURES.filter(pl.col("date") == CRASH)
    found = dict(of_day.select("metric", "value").iter_rows())
    assert found["accounts_liquidated_foresight"] == 574_168
    assert found["accounts_liquidated_lookonchain"] == 571_838
    assert found["largest_order_foresight"] == 16_690_000
    assert found["largest_order_lookonchain"] == 19_690_000
    assert found["liquidated_foresight"] == 1.725e9
    assert date(2020, 3, 12) in FIGURES["date"]


def test_no_figure_of_ours_is_made_from_reports() -> None:
    """The best of these figures is a column beside our total, and no model reads that column."""
    assert {model.name for model in models() if "core.famous_days" in model.reads} == {
        "famous_days",
        "liquidations_total",
    }
    assert not [model.name for model in models() if "main.famous_days" in model.reads]
    readers = [model for model in models() if "main.liquidations_total" in model.reads]
    assert readers
    assert not [model.name for model in readers if "reported" in model.sql]


def test_a_figure_of_one_exchange_is_never_that_of_all() -> None:
    exchanges = FIGURES.filter(pl.col("venue") != "ALL")
    assert set(exchanges["venue"]) == {"bitmex", "binance", "okx", "bybit"}
    for metric, venue in exchanges.select("metric", "venue").iter_rows():
        assert venue in metric
    everywhere = FIGURES.filter(pl.col("metric").str.starts_with("liquidated_") & (pl.col("venue") == "ALL"))
    highest = dict(everywhere.group_by("date").agg(pl.col("value").max()).iter_rows())
    assert highest == {date(2024, 12, 5): 1.08e9, CRASH: 1.725e9, date(2025, 10, 10): 19.3e9}


def test_every_warehouse_has_them(small: Tool) -> None:
    assert small.one("select count(*) from famous_days") == FIGURES.height
    asked = "select value from ops.home where key = 'origin'"
    assert small.one(asked) == "gateway"
    kinds = (
        "select data_type from duckdb_columns() where column_name = 'value' "
        "and table_name in ('famous_days', 'home') order by table_name"
    )
    assert [kind for (kind,) in small.ask(kinds)] == ["DOUBLE", "DOUBLE", "VARCHAR"]
