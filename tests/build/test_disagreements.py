"""Disagreements of sources: what is compared, how far apart the values are, and where that is reported."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from expectations.contract import datasets
from expectations.curated import curated
from expectations.tolerances import Comparison, _comparison, comparisons, reported_months
from flows.status import disagreeing
from tests.core_tables import create_core
from tests.tool import Tool
from warehouse.build import models
from warehouse.build.disagreements import COLUMNS, KEY, beyond_tolerance, disagreements, judged_gaps
from warehouse.text import gap_in_words

pytestmark = pytest.mark.slow

BANK_OF_KOREA = curated()["bank_of_korea"].rows
DAY = date(2024, 12, 9)
NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
# Datasets in which no two sources have the same number: what is compared instead, or why nothing can be.
NOT_COMPARED = {
    "hourly_krw_prices": "each venue's hours are its own, and its own days are beside them",
    "hourly_prices": "the last hour ends with the day's close, which is compared; each venue has its mean",
    "liquidation_events": "each venue's own events",
    "meeting_probabilities": "one venue has a market for each decision",
    "open_interest_witness": "its day boundary is not known, and it sums contracts that others tell one by one",
    "unconfirmed_liquidations": "their unit is not known",
    "unconfirmed_rates": "their unit is not known",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def found(connection: duckdb.DuckDBPyConnection, dataset: str, *rows: dict[str, Any], **more: Any) -> pl.DataFrame:
    tables = {dataset: pl.DataFrame([{"date": DAY, **row} for row in rows], infer_schema_length=None)}
    create_core(connection, tables | {name: pl.DataFrame(each) for name, each in more.items()})
    return disagreements(connection, with_reported=False)


def told(gaps: pl.DataFrame) -> list[tuple[Any, ...]]:
    columns = ("metric", "source_a", "value_a", "source_b", "value_b")
    return [(*row[:-1], json.loads(row[-1])) for row in gaps.select(*columns, "key").iter_rows()]


# What is declared ----------------------------------------------------------------------------------------------------


def test_every_dataset_is_compared() -> None:
    compared = {one.dataset.name for one in comparisons()}
    assert compared | set(NOT_COMPARED) == set(datasets()), "declare a tolerance in expectations/tolerances.toml"


@pytest.mark.parametrize("one", comparisons(), ids=lambda one: one.metric)
def test_every_comparison_says_what_how_far_and_why(one: Comparison) -> None:
    assert 0 < one.tolerance < 0.5  # a factor of two, such as both sides instead of one, always exceeds it
    assert one.floor >= 0
    assert len(one.reason) > 40
    assert one.same[0] == "date"
    assert re.fullmatch(r"[a-z_]+", one.metric)


def test_no_metric_is_named_twice() -> None:
    names = [one.metric for one in comparisons()] + [reported_months().metric]
    assert len(set(names)) == len(names)


# What is compared ----------------------------------------------------------------------------------------------------


def test_every_witness_is_held_against_the_source_that_the_marts_take(connection: duckdb.DuckDBPyConnection) -> None:
    close = {"asset": "BTC", "quote": "USDT"}
    gaps = found(
        connection,
        "spot_prices",
        {**close, "venue": "bybit", "source": "bybit", "close_usd": 99.0},
        {**close, "venue": "binance", "source": "binance", "close_usd": 100.0},
        {**close, "venue": "okx", "source": "okx", "close_usd": 100.5},
    )
    assert told(gaps) == [
        ("spot_close", "binance", 100.0, "bybit", 99.0, {"asset": "BTC", "quote": "USDT", "witness": "bybit"}),
        ("spot_close", "binance", 100.0, "okx", 100.5, {"asset": "BTC", "quote": "USDT", "witness": "okx"}),
    ]
    assert gaps["relative_gap"].to_list() == pytest.approx([0.01, 0.5 / 100.5])
    assert gaps["tolerance"].to_list() == [0.005, 0.005]
    assert gaps.columns == list(COLUMNS)


def test_quotes_are_held_against_each_other_with_a_tolerance_of_their_own(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rows = [
        {"asset": "BTC", "venue": name, "source": name, "quote": quote, "close_usd": close}
        for name, quote, close in (
            ("binance", "USDT", 100.0),
            ("okx", "USDT", 100.1),
            ("coinbase", "USD", 101.0),
            ("kraken", "USD", 101.1),
        )
    ]
    gaps = found(connection, "spot_prices", *rows)
    pairs = gaps.select("metric", "source_a", "source_b", "tolerance").rows()
    assert sorted(pairs) == [
        ("spot_close", "binance", "okx", 0.005),
        ("spot_close", "coinbase", "kraken", 0.005),
        ("spot_close_across_quotes", "binance", "coinbase", 0.01),
        ("spot_close_across_quotes", "binance", "kraken", 0.01),
    ]


def test_a_reference_price_is_a_witness_of_the_close(connection: duckdb.DuckDBPyConnection) -> None:
    values = [
        {"date": DAY, "asset": "BTC", "source": name, "price_usd": price, "market_cap_usd": 20 * price}
        for name, price in (("coingecko", 103.0), ("coinmetrics", 100.1))
    ]
    row = {"asset": "BTC", "venue": "binance", "source": "binance", "close_usd": 100.0}
    gaps = found(connection, "spot_prices", row, market_values=values)
    assert told(gaps) == [
        ("market_cap", "coinmetrics", 2002.0, "coingecko", 2060.0, {"asset": "BTC", "witness": "coingecko"}),
        ("spot_close_reference", "binance", 100.0, "coingecko", 103.0, {"asset": "BTC", "witness": "coingecko"}),
        ("spot_close_reference", "binance", 100.0, "coinmetrics", 100.1, {"asset": "BTC", "witness": "coinmetrics"}),
    ]


def test_venues_that_differ_are_not_compared_but_two_sources_of_one_are(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    contract = {"contract": "BTCUSDT", "cadence": "daily"}
    open_interest = [
        {**contract, "asset": "BTC", "venue": venue, "source": source, "open_interest_usd": usd}
        for venue, source, usd in (
            ("binance", "binance", 10e9),
            ("binance", "elsewhere", 9.9e9),
            ("bybit", "bybit", 5e9),
            ("okx", "okx", 3e9),
        )
    ]
    key = {"asset": "BTC", "venue": "binance", **contract, "witness": "elsewhere"}
    assert told(found(connection, "open_interest", *open_interest)) == [
        ("open_interest_usd", "binance", 10e9, "elsewhere", 9.9e9, key)
    ]


def test_contracts_of_one_venue_are_compared_each_with_itself(connection: duckdb.DuckDBPyConnection) -> None:
    """Binance's perpetual in USDC is the first by name; Coinalyze lacks it, and it is compared with no other."""
    rows = [
        {"asset": "BTC", "venue": "binance", "contract": contract, "source": source, "open_interest_usd": usd}
        for source, contract, usd in (
            ("binance", "BTCUSDC", 0.4e9),
            ("binance", "BTCUSDT", 8.8e9),
            ("binance", "BTCUSD_PERP", 1.2e9),
            ("coinalyze", "BTCUSDT", 8.7e9),
            ("coinalyze", "BTCUSD_PERP", 1.25e9),
        )
    ]
    gaps = found(connection, "open_interest", *rows)
    pairs = [(key["contract"], value, other) for _, _, value, _, other, key in told(gaps)]
    assert sorted(pairs) == [("BTCUSDT", 8.8e9, 8.7e9), ("BTCUSD_PERP", 1.2e9, 1.25e9)]
    assert (gaps["relative_gap"] < gaps["tolerance"]).all()


def test_amounts_in_two_currencies_are_not_compared(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {"series": "boj_assets", "source": source, "currency": currency, "amount": amount}
        for source, currency, amount in (("boj", "JPY", 750e12), ("bis", "USD", 5e12), ("fred", "JPY", 751e12))
    ]
    gaps = found(connection, "macro_series", *rows)
    assert gaps.select("source_a", "source_b").rows() == [("boj", "fred")]


@pytest.mark.parametrize("one", comparisons(), ids=lambda one: one.metric)
def test_every_comparison_says_of_each_column_of_the_key_whether_it_is_the_same(one: Comparison) -> None:
    """A figure of one venue, chain or contract is never compared with whichever row of another comes first."""
    across = {*one.dataset.key, *one.witness_dataset.key} - {*one.same}
    assert across <= {"venue"}
    assert not across or one.dataset.name in {"spot_prices", "krw_prices"}  # each source is another venue


def test_a_comparison_that_leaves_out_a_column_of_the_key_is_refused() -> None:
    undeclared = {
        "of": "open_interest.open_interest_usd",
        "same": ["asset", "venue"],
        "tolerance": 0.1,
        "reason": "Too few columns make it the same thing.",
    }
    with pytest.raises(ValueError, match=r"like with like, found nothing said of \['contract'\]"):
        _comparison("open_interest_usd", undeclared)


def test_a_side_that_the_preferred_source_does_not_know_is_compared_between_those_that_do(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    pool = {"protocol": "aave-v3", "chain": "ethereum", "asset": "USDC"}
    gaps = found(
        connection,
        "lending_rates",
        {**pool, "source": "defillama", "supply_apr": 0.1},
        {**pool, "source": "aave", "supply_apr": 0.12, "borrow_apr": 0.15},
        {**pool, "source": "another", "supply_apr": 0.11, "borrow_apr": 0.16},
    )
    pairs = gaps.select("metric", "source_a", "source_b").rows()
    assert ("lending_borrow_apr", "aave", "another") in pairs
    assert ("lending_supply_apr", "defillama", "aave") in pairs
    assert len(pairs) == 3


def test_days_that_begin_elsewhere_are_not_compared(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {"asset": "USDT", "venue": name, "source": name, "close_krw": close, "day_boundary": boundary}
        for name, boundary, close in (
            ("upbit", "UTC", 1430.0),
            ("gopax", "UTC", 1432.0),
            ("bithumb", "KST", 1500.0),
            ("coinone", "KST", 1501.0),
        )
    ]
    gaps = found(connection, "krw_prices", *rows)
    assert gaps.select("source_a", "source_b").rows() == [("bithumb", "coinone"), ("upbit", "gopax")]


def test_payments_of_one_day_are_compared_one_by_one(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {
            "asset": "BTC",
            "venue": "binance",
            "source": source,
            "settled_at": datetime(2024, 12, 9, hour, tzinfo=UTC),
            "funding_rate": rate,
        }
        for source, hour, rate in (("binance", 0, 1e-4), ("other", 0, 1e-4), ("binance", 8, 2e-4), ("other", 8, -2e-4))
    ]
    gaps = found(connection, "funding_rates", *rows)
    assert gaps["relative_gap"].to_list() == [0.0, 2.0]
    assert gaps.select(KEY).is_unique().all()


# Near zero -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "gap", "beyond"),
    [
        (0.0, 0.0, 0.0, False),
        (0.0, 0.01, 1.0, False),  # one percent a year is below the floor
        (0.001, 0.01, 0.9, False),
        (0.02, 0.04, 0.5, True),
        (0.4, 0.2, 0.5, True),
        (0.4, 0.3, 0.25, False),
    ],
)
def test_a_small_difference_near_zero_is_allowed(
    connection: duckdb.DuckDBPyConnection, one: float, other: float, gap: float, beyond: bool
) -> None:
    pool = {"protocol": "aave-v3", "chain": "ethereum", "asset": "USDC"}
    gaps = found(
        connection,
        "lending_rates",
        {**pool, "source": "defillama", "supply_apr": one},
        {**pool, "source": "aave", "supply_apr": other},
    )
    assert gaps["relative_gap"].to_list() == pytest.approx([gap])
    assert (gaps["relative_gap"] > gaps["tolerance"]).to_list() == [beyond]


def test_an_unknown_value_is_no_disagreement(connection: duckdb.DuckDBPyConnection) -> None:
    row = {"asset": "BTC", "venue": "binance", "open_interest_usd": 1e9}
    gaps = found(
        connection, "open_interest", {**row, "source": "one"}, {**row, "source": "two", "open_interest_usd": None}
    )
    assert gaps.is_empty()


# What is reported ----------------------------------------------------------------------------------------------------


def test_a_gap_beyond_its_tolerance_fails_a_warning(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {"date": date(2024, 12, day), "asset": "USDT", "chain": "ALL", "source": source, "supply": supply}
        for day, source, supply in (
            (8, "defillama", 100e9),
            (8, "coinmetrics", 101e9),
            (9, "defillama", 100e9),
            (9, "coinmetrics", 10e9),
        )
    ]
    gaps = found(connection, "stablecoin_supply", *rows)
    assert gaps.height == 2
    (check,) = judged_gaps(gaps, run_id="000007", now=NOW)
    assert check == {
        "run_id": "000007",
        "dataset": "stablecoin_supply",
        "source": "coinmetrics",
        "check": "stablecoin_supply is within 0.05 of the preferred source",
        "severity": "warning",
        "success": False,
        "observed": "1 of 2 rows, the widest gap 0.9",
        "expected": "a relative gap of at most 0.05",
        "failing_rows": 1,
        "checked_at": NOW,
    }
    (passed,) = judged_gaps(gaps.head(1), run_id="000007", now=NOW)
    assert (passed["success"], passed["failing_rows"]) == (True, 0)


GAP = {
    "metric": "spot_close",
    "key": '{"asset":"BTC","quote":"USDT","witness":"okx"}',
    "source_a": "binance",
    "value_a": 97_276.47,
    "source_b": "okx",
    "value_b": 94_000.0,
    "relative_gap": 0.0337,
    "tolerance": 0.01,
    "widest_gap": 0.05,
    "first": date(2024, 12, 1),
    "last": DAY,
    "days": 3,
}


def test_an_operator_is_told_in_a_sentence() -> None:
    sentence = (
        "spot_close BTC USDT on 2024-12-09: binance says 97,276.5, okx 94,000: 3.4% apart, 1.0% is allowed; "
        "3 days since 2024-12-01, at most 5.0%"
    )
    assert gap_in_words(GAP) == sentence
    assert gap_in_words(GAP | {"days": 1}) == sentence.partition(";")[0]
    assert list(disagreeing([])) == []
    assert "is not known" in list(disagreeing(None))[1]
    assert list(disagreeing([GAP]))[2] == f"  {sentence}"
    assert list(disagreeing([GAP] * 30))[-1].strip() == "and 5 more: `tidemark status --json` lists all"


def test_what_is_beyond_is_read_from_the_built_file(tool: Tool) -> None:
    warehouse = tool.home / "warehouse.duckdb"
    assert beyond_tolerance(warehouse) == []
    assert json.loads(tool("status", "--json").out)["disagreements"] == []
    with duckdb.connect(str(warehouse)) as opened:
        opened.execute(
            "insert into ops.disagreements values "
            "('2024-12-08', 'spot_close', '{\"asset\":\"BTC\"}', 'binance', 100, 'okx', 90, 0.1, 0.01), "
            "('2024-12-09', 'spot_close', '{\"asset\":\"BTC\"}', 'binance', 100, 'okx', 95, 0.05, 0.01), "
            "('2024-12-09', 'spot_close', '{\"asset\":\"ETH\"}', 'binance', 100, 'okx', 100, 0, 0.01)"
        )
    (gap,) = beyond_tolerance(warehouse) or []
    assert (gap["days"], gap["value_b"], gap["widest_gap"], gap["last"]) == (2, 95.0, 0.1, DAY)
    assert "spot_close BTC on 2024-12-09: binance says 100, okx 95: 5.0% apart" in tool("status").out
    assert json.loads(tool("status", "--json").out)["disagreements"][0]["metric"] == "spot_close"
    warehouse.unlink()
    assert json.loads(tool("status", "--json").out)["disagreements"] is None
    assert "is not known" in tool("status").out


# The Bank of Korea ---------------------------------------------------------------------------------------------------


def test_reported_months_agree_with_themselves() -> None:
    figures = BANK_OF_KOREA
    assert (figures["month"].dt.day() == 1).all()
    days = pl.col("month").dt.month_end().dt.day()
    both = figures.filter(~pl.col("disputed"), pl.col("volume_krw").is_not_null())
    assert both.height == 7
    assert both.select((pl.col("daily_mean_krw") * days / pl.col("volume_krw") - 1).abs().max()).item() < 0.01
    assert all(later > earlier for earlier, later in pairwise(figures["month"]))


VENUES = ["bithumb", "coinone", "gopax", "korbit", "upbit"]


def months(connection: duckdb.DuckDBPyConnection, venues: list[str], billions: float, days: int = 30) -> pl.DataFrame:
    """The gaps of a November in which these venues together traded so many billions of won a day."""
    rows = [
        {
            "date": date(2024, 11, 1 + day),
            "asset": "USDT",
            "venue": venue,
            "source": venue,
            "volume_krw": billions * 1e9 / len(venues),
        }
        for day in range(days)
        for venue in venues
    ]
    create_core(connection, {"krw_prices": pl.DataFrame(rows)})
    for model in models.models():
        if model.name in {"won_turnover", "krw_stablecoin_monthly"}:
            models.create(connection, model)
    return disagreements(connection).filter(pl.col("metric") == reported_months().metric)


@pytest.mark.parametrize(
    ("venues", "billions", "beyond"),
    [
        (VENUES, 638.1, False),
        (VENUES, 540.0, False),
        (VENUES, 400.0, True),
        (VENUES, 900.0, True),
        (["upbit"], 200.0, False),  # the turnover of the others is missing
        (["upbit"], 900.0, True),  # one venue alone never exceeds all five
    ],
)
def test_a_whole_month_is_held_against_the_bank_of_korea(
    connection: duckdb.DuckDBPyConnection, venues: list[str], billions: float, beyond: bool
) -> None:
    gaps = months(connection, venues, billions)
    (row,) = gaps.iter_rows(named=True)
    assert row["date"] == date(2024, 11, 1)
    assert json.loads(row["key"]) == {"month": "2024-11", "witness": "bank_of_korea"}
    assert (row["source_a"], row["source_b"]) == ("+".join(venues), "bank_of_korea")
    assert row["value_a"] == pytest.approx(billions * 1e9)
    assert row["value_b"] == 638.1e9
    assert (row["relative_gap"] > row["tolerance"]) == beyond
    (check,) = judged_gaps(gaps, run_id="1", now=NOW)
    assert check["success"] != beyond
    assert check["dataset"] == "krw_stablecoin_monthly"


def test_a_month_that_is_not_over_is_not_held_against_a_whole_one(connection: duckdb.DuckDBPyConnection) -> None:
    assert months(connection, VENUES, 900.0, days=29).is_empty()


def test_the_books_and_their_checks_are_in_every_warehouse(small: Tool, tmp_path: Path) -> None:
    assert small.one("select count(*) from core.bank_of_korea") == BANK_OF_KOREA.height
    assert small.one("select count(*) from ops.disagreements") == 0  # one venue, one source of exchange rates
    assert tmp_path.exists()
