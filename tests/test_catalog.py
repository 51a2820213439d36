"""The data dictionary: current, complete, and without a second statement of anything."""

from pathlib import Path

from expectations.contract import datasets, glossary
from flows.catalog import page
from flows.sources import sources
from warehouse import marts
from warehouse.build import OPS
from warehouse.catalog import PAGE

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_what_the_promises_say() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "stale: run python -m flows.catalog"


def test_every_word_of_the_glossary_is_used() -> None:
    used = {name for dataset in datasets().values() for name in dataset.lake_columns}
    used |= {name for _, _, columns in OPS.values() for name in columns} | {"valid_from", "valid_to"}
    used |= {f"ops.{table}.{name}" for table, (_, _, columns) in OPS.items() for name in columns}
    used |= {line.split("`")[1] for line in page().splitlines() if line.startswith("| `")}
    assert set(glossary()) - used == set()


def test_every_mart_has_its_entry() -> None:
    text = page()
    mine = {model.table for model in marts.models() if model.schema == "main"}
    assert {table for table in mine if f"### {table}" not in text} == set()
    assert "intermediate." not in text  # steps are dropped, and looked through to what they read


def test_every_column_has_a_unit_and_a_meaning() -> None:
    for name, column in glossary().items():
        assert column.unit, name
        assert column.meaning.endswith("."), name
        assert column.measure in {"key", "stock", "flow", "rate", "price", "label"}, name


def test_rates_and_money_are_named_by_their_unit() -> None:
    for name, column in glossary().items():
        if name.endswith(("_apr", "_apr_7d", "_apr_max")):
            assert column.unit == "fraction per year, simple", name
        # A change of an amount is a fraction, whatever the amount is in.
        if name.endswith("_usd") and not name.endswith("_per_usd") and not name.startswith("change_"):
            assert column.unit == "USD", name
        if name.endswith("_krw"):
            assert column.unit == "KRW", name
        if name.endswith("_at"):
            assert column.type == "instant", name


def test_every_dataset_is_supplied_and_preferred() -> None:
    supplied = {feed.dataset.name for source in sources().values() for feed in source.feeds}
    assert supplied == set(datasets())
