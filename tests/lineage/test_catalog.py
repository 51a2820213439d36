"""The data dictionary: it is current and complete, and all of it derives from declarations."""

import json
import re

import duckdb
import pytest

from expectations.contract import datasets, glossary
from flows.catalog import pages
from flows.sources import sources
from flows.verification import declarations
from tests.tool import ROOT, Tool
from warehouse.build import models
from warehouse.build.database import OPS
from warehouse.build.models import Model
from warehouse.build.views import dataset_of
from warehouse.lineage.catalog import FOLDER
from warehouse.lineage.columns import formulas
from warehouse.lineage.tables import ancestors, parents, readers, sources_of, supply


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages()


def test_the_pages_are_what_the_promises_say(written: dict[str, str]) -> None:
    folder = ROOT / FOLDER
    there = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.md")}
    assert there == written, "stale: run python -m flows.catalog"


def test_every_link_leads_to_a_file(written: dict[str, str]) -> None:
    links = [(page, link) for page, text in written.items() for link in re.findall(r"\]\(([^)#]+)\)", text)]
    leads = [(page, link, (ROOT / FOLDER / page).parent.joinpath(link).resolve()) for page, link in links]
    assert [(page, link) for page, link, file in leads if not file.exists()] == []
    assert {(ROOT / FOLDER / page).resolve() for page in written} <= {file for *_, file in leads}


def test_every_word_of_the_glossary_is_used(written: dict[str, str]) -> None:
    used = {name for dataset in datasets().values() for name in dataset.lake_columns}
    used |= {name for _, _, columns in OPS.values() for name in columns} | {"valid_from", "valid_to"}
    used |= {f"ops.{table}.{name}" for table, (_, _, columns) in OPS.items() for name in columns}
    used |= {line.split("`")[1] for text in written.values() for line in text.splitlines() if line.startswith("| `")}
    used |= {name for model in models.models() for name in formulas(model)}
    assert set(glossary()) - used == set()


def test_every_mart_has_its_page_and_steps_that_are_dropped_are_looked_through(written: dict[str, str]) -> None:
    for model in marts_alone():
        assert f"(main/{model.name}.md)" in written["README.md"]
        assert written[f"main/{model.name}.md"].startswith(f"# {model.table}\n\n{model.sentence}\n")
    assert not [page for page, text in written.items() if "intermediate." in text]


def test_every_column_has_a_unit_and_a_meaning() -> None:
    for name, column in glossary().items():
        assert column.unit, name
        assert column.meaning.endswith("."), name
        assert column.measure in {"key", "stock", "flow", "rate", "price", "label"}, name


def test_rates_and_money_are_named_by_their_unit() -> None:
    for name, column in glossary().items():
        if name.endswith(("_apr", "_apr_7d", "_apr_max")):
            assert column.unit == "fraction per year, simple", name
        # A change of an amount is a fraction, whatever the unit of the amount.
        if name.endswith("_usd") and not name.endswith("_per_usd") and not name.startswith("change_"):
            assert column.unit == "USD", name
        if name.endswith("_krw"):
            assert column.unit == "KRW", name
        if name.endswith("_at"):
            assert column.type == "instant", name


def test_every_dataset_is_supplied_and_preferred() -> None:
    supplied = {feed.dataset.name for source in sources().values() for feed in source.feeds}
    assert supplied == set(datasets())


# Lineage.


def test_every_mart_comes_from_sources_or_from_what_is_kept_by_hand() -> None:
    supplied = supply(declarations(sources().values(), {}))
    assert set(supplied) == {f"core.{name}" for name in datasets()}
    for model in models.models():
        if model.schema == "main":
            assert sources_of(model.table, supplied) or model.name == "famous_days", model.name
    assert set(sources_of("main.stablecoin_flows_total", supplied)) == set(supplied["core.stablecoin_supply"])
    assert set(sources_of("main.signal_outcomes", supplied)) >= set(sources_of("main.leverage_gauge", supplied))


def test_steps_that_are_dropped_are_looked_through_and_views_stand_for_their_dataset() -> None:
    for model in marts_alone():
        for parent in parents(model.table):
            assert not parent.startswith("intermediate.")
            assert not parent.startswith("core.") or parent == f"core.{dataset_of(parent)}"
            assert model.table in readers(parent)
    assert "core.spot_prices" in ancestors("main.brief")
    assert parents("core.spot_prices_preferred") == ("core.spot_prices",)


def test_the_pictures_hold_every_source_and_mart_and_a_line_for_each_link(written: dict[str, str]) -> None:
    drawn = {
        tuple(re.sub(r"[\[(].*", "", end) for end in line.strip().split(" --> "))
        for text in written.values()
        for line in text.splitlines()
        if " --> " in line
    }
    supplied = supply(declarations(sources().values(), {}))
    wanted = {(source, table.replace(".", "_")) for table, named in supplied.items() for source in named}
    wanted |= {
        (parent.replace(".", "_"), model.table.replace(".", "_"))
        for model in marts_alone()
        for parent in parents(model.table)
    }
    assert drawn == wanted


# Formulas.


def marts_alone() -> list[Model]:
    return [model for model in models.models() if model.schema == "main"]


@pytest.mark.parametrize("model", marts_alone(), ids=lambda model: model.name)
def test_every_column_of_a_mart_has_a_formula_that_is_sql(demo: Tool, model: Model) -> None:
    found = formulas(model)
    columns = [name for name, *_ in demo.ask(f"describe {model.table}")]
    assert list(found) == columns
    with duckdb.connect() as parser:
        for formula in found.values():
            if "cases, each in a step of its own" in formula:
                continue
            # Alternatives are joined by `or`, so that they stay SQL; a named window is defined in the model.
            text = f"select {formula.removeprefix('either ')} window known as ()"
            told = parser.execute("select json_serialize_sql(?::varchar)", [text]).fetchall()[0][0]
            assert not json.loads(told)["error"], f"{model.name}: {formula}"


@pytest.mark.parametrize(
    ("mart", "column", "formula"),
    [
        ("asset_daily", "return_7d", "days.close_usd / week_before.close_usd - 1"),
        ("asset_daily", "sector", "core.assets.sector"),
        ("asset_daily", "peak_high_usd", "max(high_usd) over known"),
        ("premiums_daily", "kimchi_premium_usdt", "pairs.upbit_krw / (pairs.binance_usdt * usdt_in_won.close_krw) - 1"),
        ("sector_daily", "share_falling", "(count(*) filter (where return_1d < 0))::double / count(*)"),
        (
            "liquidations_total",
            "share_of_reported",
            "sums.total_usd / nullif(coalesce(counted.total_usd, written_down.total_usd), 0)",
        ),
        ("leverage_gauge", "heat", "max(level) filter (where speaks_of = 'heat')"),
        ("signals", "value", "17 cases, each in a step of its own"),
    ],
)
def test_a_formula_is_what_stands_in_the_model(mart: str, column: str, formula: str) -> None:
    assert formulas(next(model for model in marts_alone() if model.name == mart))[column] == formula


def test_the_catalog_in_the_file_tells_of_every_column(demo: Tool) -> None:
    assert demo.one("select count(*) from ops.catalog where grain is null or reads is null or caveats is null") == 0
    without = demo.ask(
        'select distinct "table" from ops.catalog where "table" like \'main.%\' '
        "and (formula is null or reads_back_days is null or len(reads) = 0)"
    )
    assert without == []
    assert demo.ask(
        "select grain, formula, reads, reads_back_days, sources, len(caveats) > 0 from ops.catalog "
        "where \"table\" = 'main.stablecoin_flows' and \"column\" = 'net_issuance_7d'"
    ) == [
        (
            "one stablecoin on one UTC day",
            "days.supply - week_before.supply",
            ["core.stablecoin_supply"],
            7,
            ["coinmetrics", "defillama"],
            True,
        )
    ]
