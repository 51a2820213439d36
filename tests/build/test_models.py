"""Every mart: rows in and rows out, its promise, and that later days do not change the past."""

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from expectations.contract import datasets, glossary
from expectations.curated import curated
from expectations.errors import ContractViolated
from tests.core_tables import create_core, read_rows
from tests.tool import ROOT
from warehouse.build import models
from warehouse.build.models import Judgement, Model
from warehouse.build.views import IN_TIME, dataset_of

pytestmark = pytest.mark.slow

CASES = ROOT / "tests" / "models"
EXPECTED = "expected"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def build(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pl.DataFrame],
    wanted: Sequence[Model] = models.models(),
    until: date | None = None,
) -> None:
    create_core(connection, tables, until=until)
    for model in wanted:
        models.create(connection, model)


def with_what_it_reads(name: str) -> list[Model]:
    """The models that a mart is made of, in order, and the mart as the last."""
    wanted: list[Model] = []
    for model in reversed(models.models()):
        if model.name == name or any(model.table in later.reads for later in wanted):
            wanted.insert(0, model)
    return wanted


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> pl.DataFrame:
    rows: pl.DataFrame = connection.sql(f"select * from {table}").pl()
    return rows


def broken_rules(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Judgement]:
    return [judgement for judgement in models.check_promise(connection, model) if not judgement.success]


# Rows in, rows out.


def cases() -> list[str]:
    return sorted(f"{case.parent.name}/{case.name}" for case in CASES.glob("*/*") if case.is_dir())


def comparable(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, whose numbers are compared to nine digits."""
    return [
        {
            name: pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value
            for name, value in row.items()
        }
        for row in rows.to_dicts()
    ]


@pytest.mark.parametrize("case", cases())
def test_rows_in_give_rows_out(connection: duckdb.DuckDBPyConnection, case: str) -> None:
    folder = CASES / case
    tables = {file.stem: read_rows(file) for file in folder.glob("*.csv") if file.stem != EXPECTED}
    name = case.partition("/")[0]
    models = with_what_it_reads(name)
    expected = read_rows(folder / f"{EXPECTED}.csv").sort(models[-1].key)

    build(connection, tables, models)

    found = rows_of(connection, models[-1].table).select(expected.columns)
    assert found.to_dicts() == comparable(expected)
    for model in models:
        assert broken_rules(connection, model) == []


def test_every_mart_has_a_case() -> None:
    told = {case.partition("/")[0] for case in cases()}
    assert {model.name for model in models.models() if model.schema == "main"} <= told
    assert told <= {model.name for model in models.models()}


# What the files promise.


def test_a_model_comes_after_what_it_reads() -> None:
    made: set[str] = set()
    for model in models.models():
        assert {table for table in model.reads if not table.startswith("core.")} <= made
        made.add(model.table)


@pytest.mark.parametrize("model", models.models(), ids=lambda model: model.name)
def test_the_last_select_names_every_column_and_orders_by_the_key(model: Model) -> None:
    last = model.sql[model.sql.rindex("\nselect\n") :]
    assert not re.search(r"^\s*([a-z_]+\.)?\*,?$", last, re.MULTILINE)
    order = re.search(r"\norder by (.*)\s*\Z", last)
    assert order is not None
    assert [name.rpartition(".")[2] for name in order[1].split(", ")] == list(model.key)


def reads_of(select: exp.Select) -> Iterator[exp.Table]:
    """The tables that one select reads, without those of its subqueries."""
    for source in (select.args.get("from_"), *select.args.get("joins", ())):
        if source is not None and isinstance(source.this, exp.Table):
            yield source.this


def looks_ahead(query: str) -> list[str]:
    """The tables of `core` from which a query takes rows without a condition on when they were public."""
    asking = {f"{dataset}{view}" for dataset in datasets() for view in ("", "_preferred")}
    found = []
    for select in sqlglot.parse_one(query, read="duckdb").find_all(exp.Select):
        asked = {
            call.expressions[1].sql()
            for call in select.find_all(exp.Anonymous)
            if call.name in {"usable_on", "published_on"}
        }
        found += [
            table.name
            for table in reads_of(select)
            if table.db == "core"
            and table.name in asking
            and not {"available_at", f"{table.alias_or_name}.available_at"} & asked
        ]
    return found


@pytest.mark.parametrize("model", models.models(), ids=lambda model: model.name)
def test_a_model_reads_a_row_only_where_it_asks_when_the_row_was_public(model: Model) -> None:
    assert looks_ahead(model.sql) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("select close_usd from core.spot_prices_in_time", []),
        ("select close_usd from core.spot_prices_preferred", ["spot_prices_preferred"]),
        ("select close_usd, usable_on(date, available_at) as usable_on from core.spot_prices", []),
        ("with a as (select * from core.spot_prices) select usable_on(date, available_at) from a", ["spot_prices"]),
        (
            "select usable_on(now.date, now.available_at) from core.spot_prices as now join core.spot_prices_preferred",
            ["spot_prices_preferred"],
        ),
    ],
)
def test_a_read_that_goes_around_the_rule_is_seen(query: str, found: list[str]) -> None:
    assert looks_ahead(query) == found


@pytest.mark.parametrize("hours", [35, 36, 36.001, 60, 61])
def test_the_view_and_the_function_tell_the_same_day(connection: duckdb.DuckDBPyConnection, hours: float) -> None:
    create_core(connection, {})
    day = date(2024, 12, 9)
    public = datetime(2024, 12, 9, tzinfo=UTC) + timedelta(hours=hours)
    told = connection.execute(
        f"select usable_on(date, available_at), {IN_TIME} from (select $day::date as date, $public as available_at)",
        {"day": day, "public": public},
    ).fetchall()
    late = math.ceil((hours - 36) / 24)
    assert told == [(day + timedelta(days=max(late, 0)), late <= 0)]


def test_the_comments_carry_prefix_meaning_and_unit(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, {})
    for model in models.models():
        models.comment(connection, model, prefix="SIMULATED. ")
        about = connection.execute(
            "select comment from duckdb_tables() where schema_name = ? and table_name = ?", [model.schema, model.name]
        ).fetchall()
        assert about[0][0].startswith(f"SIMULATED. {model.sentence}")
        columns = connection.execute(
            "select column_name, comment from duckdb_columns() where schema_name = ? and table_name = ?",
            [model.schema, model.name],
        ).fetchall()
        for name, comment in columns:
            assert comment.startswith(f"SIMULATED. {glossary()[name].meaning}")
            assert f"Unit: {glossary()[name].unit}." in comment
            assert model.notes.get(name, "") in comment


def test_the_same_rows_in_any_order_and_time_zone_give_the_same_tables(connection: duckdb.DuckDBPyConnection) -> None:
    tables = history(random.Random(5))
    build(connection, {name: rows.sample(fraction=1, shuffle=True, seed=1) for name, rows in tables.items()})
    with duckdb.connect(config={"threads": 1}) as alone:
        create_core(alone, tables)
        alone.execute("set timezone = 'Asia/Seoul'")
        for model in models.models():
            models.create(alone, model)
            assert rows_of(connection, model.table).equals(rows_of(alone, model.table))


# What a broken promise does.

SMALL = """/*
A sentence
on two lines.

grain = "one day"
key = ["date"]
checks = ["coins > 0"]
*/
select date, coins, supply_usd from core.rows order by date
"""


def small(text: str = SMALL) -> Model:
    with duckdb.connect() as parser:
        return models.parse(parser, "small", "main", text)


def test_a_header_is_read_and_so_is_what_the_query_reads() -> None:
    model = small()
    assert (model.table, model.sentence, model.grain) == ("main.small", "A sentence on two lines.", "one day")
    assert (model.key, model.checks, model.caveats, dict(model.notes)) == (("date",), ("coins > 0",), (), {})
    assert model.reads == ("core.rows",)
    assert model.sql.startswith("select date")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1", "to open with a comment"),
        (SMALL.replace('"one day"', "one day"), "expected TOML"),
        (SMALL.replace("grain", "grains"), "found grains"),
        (SMALL.replace('["date"]', '"date"'), "found key"),
        (SMALL.replace('checks = ["coins > 0"]', ""), "promise its checks"),
        (SMALL.replace("core.rows", "rows"), "name each table's schema, found rows"),
        (SMALL.replace("select date", "selec date"), "expected one select"),
        (SMALL + "; select 1 as one", "expected one select"),
    ],
)
def test_a_file_that_does_not_keep_to_the_form_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        small(text)


def test_models_that_read_each_other_or_a_stranger_are_refused() -> None:
    one = small(SMALL.replace("core.rows", "main.small"))
    with pytest.raises(ValueError, match="circle"):
        models._ordered({one.table: one})
    stranger = small(SMALL.replace("core.rows", "main.elsewhere"))
    with pytest.raises(ValueError, match=r"found main\.elsewhere"):
        models._ordered({stranger.table: stranger})


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("coins,", "coins as apples,", "in the glossary, found apples"),
        ("coins,", "coins::integer as coins,", r"main\.small\.coins as BIGINT, found INTEGER"),
        ('["date"]', '["date", "asset"]', "to have a column asset"),
        ('key = ["date"]', 'key = ["date"]\nnotes = {asset = "None."}', "to have a column asset"),
    ],
)
def test_a_column_that_breaks_the_contract_makes_no_table(
    connection: duckdb.DuckDBPyConnection, old: str, new: str, complaint: str
) -> None:
    connection.execute("create schema core")
    connection.execute("create table core.rows (date date, coins bigint, supply_usd double)")
    with pytest.raises(ContractViolated, match=complaint):
        models.create(connection, small(SMALL.replace(old, new)))
    assert connection.execute("select * from duckdb_tables() where table_name = 'small'").fetchall() == []


def test_judging_counts_the_rows_that_break_each_rule(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema core")
    connection.execute(
        "create table core.rows as "
        "select * from (values (date '2024-12-01', 1::bigint, 1.0::double), ('2024-12-02', 0, 1), "
        "('2024-12-02', null, 'inf'), (null, 2, 'nan'), ('2024-12-04', -1, null)) "
        "rows(date, coins, supply_usd)"
    )
    model = small()
    models.create(connection, model)
    assert models.check_promise(connection, model) == [
        Judgement("the key is unique", success=False, failing_rows=2, example='{"date":"2024-12-02"}'),
        Judgement("the key is never unknown", success=False, failing_rows=1, example='{"date":null}'),
        Judgement("every number is finite", success=False, failing_rows=2, example='{"date":"2024-12-02"}'),
        Judgement("coins > 0", success=False, failing_rows=2, example='{"date":"2024-12-02"}'),
    ]


def test_judging_an_empty_table_finds_nothing_wrong(connection: duckdb.DuckDBPyConnection) -> None:
    build(connection, {})
    for model in models.models():
        assert broken_rules(connection, model) == []


# Generated histories.

FIRST = date(2024, 1, 1)
DAYS = 330
SERIES = 260
NOON_AFTER = timedelta(days=1, hours=12)
CURRENCIES = {
    "ecb_assets": "EUR",
    "euro_m2": "EUR",
    "boj_assets": "JPY",
    "japan_m2": "JPY",
    "pboc_assets": "CNY",
    "china_m2": "CNY",
}
NOT_GENERATED = {
    *("borrow_apr", "borrow_apr_max", "supply_apr_max", "utilization", "yield_3m"),
    "change_52w",  # the history is too short
    # Too few weeks and quarters of it have every day for a year of values.
    *("korean_turnover_percentile", "coinbase_premium_percentile", "global_liquidity_percentile"),
}
NOT_FILLED = {name for model in models.models() for name, note in model.notes.items() if note.startswith("Not filled")}


def drawn(rng: random.Random, rows: int, draw: Callable[[random.Random], Any]) -> pl.Series:
    return pl.Series([draw(rng) for _ in range(rows)])


def grid(rng: random.Random, names: list[str], days: int, kept: float = 0.95) -> pl.DataFrame:
    """Rows for most days of each series, which has its own span of days; a few rows come late."""
    starts = [FIRST + timedelta(days=rng.randrange(DAYS - days + 1)) for _ in names]
    rows = (
        pl.DataFrame({"name": names, "start": starts})
        .join(pl.DataFrame({"day": range(days)}), how="cross")
        .select("name", date=pl.col("start") + pl.duration(days=pl.col("day")))
    )
    rows = rows.filter(drawn(rng, rows.height, lambda rng: rng.random() < kept))
    hours = drawn(rng, rows.height, lambda rng: rng.randrange(30, 1000) if rng.random() < 0.05 else 25)
    midnight = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return rows.with_columns(hours=hours).select(
        "name", "date", available_at=midnight + pl.duration(hours=pl.col("hours"))
    )


def spans(rng: random.Random, names: list[str], days: int, kept: float = 0.99) -> pl.DataFrame:
    """Rows as `grid` makes them; those of the first two names cover all days, so that a percentile has its year."""
    return pl.concat([grid(rng, names[2:], days), grid(rng, names[:2], DAYS, kept=kept)])


def number(rng: random.Random, rows: pl.DataFrame, name: str, *values: float) -> pl.DataFrame:
    return rows.with_columns(drawn(rng, rows.height, lambda rng: rng.choice(values)).alias(name))


def with_prices(rng: random.Random, rows: pl.DataFrame, currency: str, unit: float) -> pl.DataFrame:
    """Candles near one unit, in steps that are coarse enough for ties."""
    near = [unit * (1 + step / 100) for step in range(-10, 11)]
    for name, values in {
        "open": near,
        "close": near,
        "high": [unit * (1.15 + step / 100) for step in range(20)],
        "low": [unit * 0.85],
        "volume": [unit * rng.random() for _ in range(100)],
    }.items():
        rows = number(rng, rows, f"{name}_{currency}", *values)
    return rows


def open_interest(rng: random.Random, names: list[str]) -> pl.DataFrame:
    """Venues with one contract or two, in coins, in dollars or in both, and a venue that is known weekly."""
    venues = pl.DataFrame(
        {"venue": ["binance", "bybit", "bybit"], "contract": ["USDT", "USDT", "USD"], "cadence": ["daily"] * 3}
    )
    daily = spans(rng, names, 70).rename({"name": "asset"}).join(venues, how="cross")
    daily = daily.filter(drawn(rng, daily.height, lambda rng: rng.random() < 0.9))
    weekly = grid(rng, names[:30], 200, kept=0.15).rename({"name": "asset"})
    weekly = weekly.with_columns(venue=pl.lit("cme"), contract=pl.lit("CME"), cadence=pl.lit("weekly"))
    rows = pl.concat([daily, weekly], how="diagonal")
    rows = number(rng, rows, "open_interest_coins", 10.0, 11.0, 12.0)
    rows = number(rng, rows, "open_interest_usd", 1000.0, 1100.0)
    rows = number(rng, rows, "flush_usd", 0.0, 50.0)
    ends = number(rng, number(rng, rows, "open_interest_usd_high", 1200.0), "open_interest_usd_low", 900.0)
    usdt, bybit = pl.col("contract") == "USDT", pl.col("venue") == "bybit"
    dollars = ("open_interest_usd", "open_interest_usd_high", "open_interest_usd_low")
    return ends.with_columns(
        *(pl.when(~(usdt & bybit)).then(pl.col(name)).alias(name) for name in dollars),
        open_interest_coins=pl.when(pl.col("contract") != "USD").then(pl.col("open_interest_coins")),
    )


def dollars(rng: random.Random, names: list[str]) -> pl.DataFrame:
    """Daily candles at one venue in USDT and at two in dollars, and the price of USDT."""
    spot = spans(rng, names, 70).rename({"name": "asset"})
    venues = pl.DataFrame(
        {
            "venue": ["binance", "coinbase", "kraken"],
            "quote": ["USDT", "USD", "USD"],
            "source": ["first", "second", "third"],
        }
    )
    spot = spot.join(venues, how="cross")
    spot = spot.filter(drawn(rng, spot.height, lambda rng: rng.random() < 0.9))
    usdt = grid(rng, ["USDT"], DAYS).rename({"name": "asset"})
    usdt = usdt.with_columns(venue=pl.lit("coinbase"), quote=pl.lit("USD"), source=pl.lit("second"))
    return pl.concat([with_prices(rng, spot, "usd", 100.0), with_prices(rng, usdt, "usd", 1.0)])


def hours(rng: random.Random, days: pl.DataFrame) -> pl.DataFrame:
    """The hours of some days; each venue lacks a few."""
    rows = days.join(pl.DataFrame({"hour": range(24)}), how="cross").with_columns(
        opened_at=pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.duration(hours=pl.col("hour"))
    )
    return rows.filter(drawn(rng, rows.height, lambda rng: rng.random() < 0.97)).drop("hour")


def history(rng: random.Random) -> dict[str, pl.DataFrame]:
    """More than a thousand series, with gaps, late rows, ties and sources that come and go."""
    names = ["BTC", "ETH", *(f"A{number:03}" for number in range(2, SERIES))]
    lent = ["USDT", "USDC", *names[2:]]
    spot = dollars(rng, names)
    priced = spot.filter(pl.col("asset").is_in(names[:12])).select("date", "asset", "venue", "quote", "available_at")
    sectors = pl.DataFrame(
        {
            "asset": names * 2,
            "sector": [rng.choice(["l1", "l2", "ai"]) for _ in range(2 * SERIES)],
            "valid_from": [FIRST] * SERIES + [FIRST + timedelta(days=120)] * SERIES,
            "valid_to": [FIRST + timedelta(days=119)] * SERIES + [None] * SERIES,
        }
    )
    won = pl.concat([grid(rng, ["USDT", "USDC"], DAYS), grid(rng, names[:20], 200)]).rename({"name": "asset"})
    won = won.join(pl.DataFrame({"venue": ["upbit", "bithumb"]}), how="cross")
    won = won.filter(drawn(rng, won.height, lambda rng: rng.random() < 0.9)).with_columns(
        day_boundary=pl.when(pl.col("venue") == "upbit").then(pl.lit("UTC")).otherwise(pl.lit("KST"))
    )
    by_the_hour = won.filter(pl.col("asset") == "USDT").select("date", "asset", "venue", "available_at")
    paid = spans(rng, names, 45, kept=1).rename({"name": "asset"})
    paid = paid.join(pl.DataFrame({"hour": [0, 8, 16]}), how="cross").with_columns(
        venue=pl.lit("binance"),
        interval_hours=8,
        settled_at=pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        + pl.duration(hours=pl.col("hour")),
    )
    paid = paid.filter(drawn(rng, paid.height, lambda rng: rng.random() < 0.998))
    borrowed = spans(rng, lent, 240).rename({"name": "asset"})
    coins = grid(rng, names, 60).rename({"name": "asset"})
    coins = coins.join(pl.DataFrame({"chain": ["ALL", "ethereum"]}), how="cross")
    coins = number(rng, coins, "supply", *(rng.random() * 1e9 for _ in range(20)))
    levels = {
        "fed_assets": (6.9e12, 7e12, 7.1e12),
        "tga": (7e11, 8e11),
        "rrp": (0.0, 1e11, 2e11),
        "target_low": (0.0425, 0.045),
        "target_high": (0.045, 0.0475),
        "effective_rate": (0.0433, 0.0458),
        "yield_1y": (0.041, 0.042, 0.043),
        "ecb_assets": (6.3e12, 6.4e12),
        "boj_assets": (7.4e14, 7.5e14),
        "pboc_assets": (4.4e13, 4.5e13),
        "us_m2": (2.13e13, 2.14e13),
        "euro_m2": (1.54e13, 1.55e13),
        "japan_m2": (1.25e15, 1.26e15),
        "china_m2": (3.1e14, 3.2e14),
    }
    macro = [
        number(
            rng,
            grid(rng, [series], DAYS, kept=0.3).rename({"name": "series"}),
            "rate_apr" if max(values) < 1 else "amount",
            *values,
        ).with_columns(currency=pl.lit(CURRENCIES.get(series, "USD")))
        for series, values in levels.items()
    ]
    legs = pl.DataFrame({"outcome": ["cut_25", "cut_over_25", "hold"], "outcomes": [2, 2, 1]})
    legs = grid(rng, ["2024-07-31", "2024-09-18", "2024-11-07", "2024-12-18"], 200).join(legs, how="cross")
    legs = number(rng, legs.filter(drawn(rng, legs.height, lambda rng: rng.random() < 0.9)), "probability", 0.3, 0.6)
    rates = {"KRW": (1_380.0, 1_400.0, 1_420.0), "EUR": (0.9, 0.96), "JPY": (145.0, 150.0), "CNY": (7.1, 7.3)}
    fixings = pl.concat(
        number(rng, grid(rng, [currency], DAYS, kept=0.5).rename({"name": "currency"}), "rate_per_usd", *values)
        for currency, values in rates.items()
    )
    pools = spans(rng, lent, 240).rename({"name": "asset"})
    closed = grid(rng, names[:30], DAYS).rename({"name": "asset"})
    closed = closed.join(pl.DataFrame({"venue": ["bitfinex", "gate"]}), how="cross")
    for side in ("long_usd", "short_usd"):
        closed = number(rng, closed, side, 0.0, 0.1, 1e6, 2e6 / 3)
    others = random.Random(7)  # sums of a provider over all exchanges
    everywhere = grid(others, ["ALL"], DAYS).rename({"name": "asset"}).with_columns(venue=pl.lit("ALL"))
    for side in ("long_usd", "short_usd"):
        everywhere = number(others, everywhere, side, 1e8, 2e8)
    deposits = number(rng, pools.with_columns(source=pl.lit("first")), "supply_apr", 0.01, 0.02, 0.03, 0.031)
    both_sides = number(rng, deposits.with_columns(source=pl.lit("second")), "borrow_apr", 0.04, 0.05).filter(
        drawn(rng, deposits.height, lambda rng: rng.random() < 0.8)
    )
    worth = pl.concat([spans(rng, names, 70).with_columns(source=pl.lit(name)) for name in ("first", "second")])
    return {
        "assets": sectors,
        "spot_prices": spot,
        "hourly_prices": number(rng, hours(rng, priced), "hour_close_usd", 99.0, 100.0, 101.0),
        "krw_prices": pl.concat(
            [
                with_prices(rng, won.filter(pl.col("asset").str.starts_with("USD")), "krw", 1_400.0),
                with_prices(rng, won.filter(~pl.col("asset").str.starts_with("USD")), "krw", 140_000.0),
            ]
        ),
        "hourly_krw_prices": number(rng, hours(rng, by_the_hour), "hour_volume_krw", 1e6, 2e6 / 3, 1.1),
        "exchange_rates": fixings.with_columns(pl.col("available_at").dt.offset_by("-10h")),
        "liquidations": pl.concat([closed, everywhere]).with_columns(
            total_usd=pl.col("long_usd") + pl.col("short_usd"), largest_usd="short_usd", accounts=pl.lit(7)
        ),
        "funding_rates": number(rng, paid, "funding_rate", 0.0001, 0.00005, -0.00003, 0.0007),
        "open_interest": open_interest(rng, names),
        "lending_rates": pl.concat([deposits, both_sides], how="diagonal").with_columns(
            protocol=pl.lit("aave-v3"),
            chain=pl.lit("ethereum"),
            supply_apr_last="supply_apr",
            supply_apy_realised="supply_apr",
            borrow_apr_last="borrow_apr",
            borrow_apy_realised="borrow_apr",
            available_usd=pl.when(pl.col("borrow_apr").is_null()).then(1e8),
            sampling=pl.lit("daily_last"),
        ),
        "borrow_rates": number(rng, borrowed, "borrow_apr", 0.01, 0.02, 0.03, 0.031).with_columns(
            borrow_apr_max=pl.col("borrow_apr"), venue=pl.lit("okx"), samples=24, sampling=pl.lit("hourly_mean")
        ),
        "market_values": number(rng, worth.rename({"name": "asset"}), "market_cap_usd", 1e9, 1.1e9),
        "stablecoin_supply": coins.with_columns(supply_usd="supply"),
        "meeting_probabilities": legs.with_columns(meeting_date=pl.col("name").str.to_date()).drop("name"),
        "macro_series": pl.concat(macro, how="diagonal").with_columns(
            currency=pl.when(pl.col("amount").is_not_null()).then(pl.col("currency"))
        ),
    }


def known_at(tables: Mapping[str, pl.DataFrame], instant: datetime) -> dict[str, pl.DataFrame]:
    return {
        name: rows.filter(pl.col("available_at") <= instant) if "available_at" in rows.columns else rows
        for name, rows in tables.items()
    }


def finished(model: Model, rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows whose day, or whole month, is over by the end of a day."""
    if "month" in model.key:
        return rows.filter(pl.col("month").dt.month_end() <= day)
    return rows.filter(pl.col("date") <= day)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_row_changes_when_later_days_arrive(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    rng = random.Random(seed)
    tables = history(rng)
    cut = FIRST + timedelta(days=rng.randrange(DAYS - 50, DAYS - 5))
    noon = datetime(cut.year, cut.month, cut.day, tzinfo=UTC) + NOON_AFTER
    build(connection, tables)
    with duckdb.connect() as earlier:
        build(earlier, known_at(tables, noon), until=cut)
        for model in models.models():
            if model.name == "signal_outcomes":
                continue  # it looks ahead by definition, and no model reads it
            then = finished(model, rows_of(earlier, model.table), cut)
            now = finished(model, rows_of(connection, model.table), cut)
            by_hand = set(model.reads) <= {f"core.{name}" for name in curated()}
            assert then.height > 100 or "month" in model.key or by_hand, model.name
            assert then.equals(now), model.name
            never = {name for name in then.columns if then.get_column(name).null_count() == then.height}
            assert never <= {*NOT_FILLED, *NOT_GENERATED}, model.name
            assert broken_rules(connection, model) == [], model.name
    named = {"asset", "venue", "chain", "series", "currency"}
    histories = [rows.select(named & set(rows.columns)).n_unique() for rows in tables.values()]
    assert sum(histories) > 1000


@pytest.mark.parametrize("seed", [1, 2])
def test_a_percentile_is_what_its_definition_says(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    rng = random.Random(seed)
    values = {
        date(2023, 1, 1) + timedelta(days=day): rng.choice([None, 0.0, 0.01, 0.02, 0.03, rng.random()])
        for day in range(900)
        if rng.random() < 0.8
    }
    pools = pl.DataFrame({"date": list(values), "supply_apr": list(values.values())}).with_columns(
        protocol=pl.lit("aave-v3"), chain=pl.lit("ethereum"), asset=pl.lit("USDC"), borrow_apr=0.1
    )
    build(connection, {"lending_rates": pools}, with_what_it_reads("lending_rates_daily"))
    rows = rows_of(connection, "main.lending_rates_daily")
    found = dict(rows.select("date", "percentile_1y").iter_rows())

    def by_definition(day: date) -> float | None:
        own = values[day]
        known = [
            value for other, value in values.items() if day - timedelta(days=364) <= other <= day and value is not None
        ]
        if own is None or len(known) < 180:
            return None
        below = sum(value < own for value in known)
        equal = sum(value == own for value in known)
        return (below + (equal + 1) / 2) / len(known)

    expected = {day: by_definition(day) for day in values}
    assert sum(value is not None for value in expected.values()) > 100
    for day, value in expected.items():
        assert (found[day] is None) == (value is None), day
        if value is not None:
            assert math.isclose(found[day], value, rel_tol=1e-12), day


# How far back a number reads.

FOR_EVER = 36_500
TWO_YEARS = 800
LAST = FIRST + timedelta(days=TWO_YEARS - 1)


def reach_of(wanted: Sequence[Model]) -> dict[str, int]:
    """For each dataset that some models read, how many days they carry its values forward."""
    return {dataset_of(table): days for model in wanted for table, days in model.reach.items()}


def cut_off(tables: Mapping[str, pl.DataFrame], first: date, reach: Mapping[str, int]) -> dict[str, pl.DataFrame]:
    """The same tables without the days before the first, or before the days whose values are carried to it."""
    return {
        name: rows.filter(pl.col("date") >= first - timedelta(days=reach.get(name, 0)))
        if "date" in rows.columns
        else rows
        for name, rows in tables.items()
    }


@pytest.fixture(scope="module")
def two_years() -> dict[str, pl.DataFrame]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.build.test_models.DAYS", TWO_YEARS)
        patched.setattr("tests.build.test_models.SERIES", 24)
        return history(random.Random(4))


@pytest.fixture(scope="module")
def whole(two_years: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        build(connection, two_years)
        yield connection


LOOKBACKS = sorted(
    {model.days_back(column) for model in models.models() for column in ("date", *model.lookback)} - {FOR_EVER}
)


@pytest.mark.parametrize("days", LOOKBACKS)
def test_nothing_moves_when_what_lies_before_the_lookback_is_gone(
    whole: duckdb.DuckDBPyConnection, two_years: dict[str, pl.DataFrame], days: int
) -> None:
    told: dict[str, tuple[pl.DataFrame, list[str], str, date]] = {}
    for model in models.models():
        every = rows_of(whole, model.table)
        held = [column for column in every.columns if model.days_back(column) <= days]
        if model.schema == "main" and days in map(model.days_back, held):
            day = "month" if "month" in model.key else "date"
            newest = every.filter(pl.col(day) <= LAST - timedelta(days=9)).get_column(day).sort()[-1]
            told[model.name] = (every, held, day, newest)
    names = {name for mart in told for name in (model.name for model in with_what_it_reads(mart))}
    wanted = [model for model in models.models() if model.name in names]
    first = min(newest for *_, newest in told.values()) - timedelta(days=days)
    with duckdb.connect() as short:
        build(short, cut_off(two_years, first, reach_of(wanted)), wanted, until=LAST)
        for mart, (every, held, day, newest) in told.items():
            then = every.filter(pl.col(day) == newest).select(held)
            now = rows_of(short, f"main.{mart}").filter(pl.col(day) == newest).select(held)
            assert then.height > 0, mart
            assert now.height == then.height, mart
            moved = [column for column in held if not now.get_column(column).equals(then.get_column(column))]
            assert not moved, mart
