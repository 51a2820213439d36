"""Tables kept by hand: read as they are written, and refused if something in them does not fit."""

from datetime import date

import pytest

from expectations.contract import glossary
from expectations.curated import curated, parse

GOOD = """
meaning = "What was said."
grain = "one figure of one day"
key = ["date", "metric"]
columns = ["date", "metric", "value", "source_url"]
nullable = ["source_url"]

[notes]
metric = "Here: a word."

[[row]]
date = 2024-12-09
metric = "said"
value = 2

[[row]]
date = 2024-12-08
metric = "said"
value = 1.5
source_url = "https://example.org"
"""


def test_a_file_is_read_in_the_glossarys_types_and_in_the_order_of_its_key() -> None:
    table = parse("told", GOOD)
    assert table.rows.rows() == [
        (date(2024, 12, 8), "said", 1.5, "https://example.org"),
        (date(2024, 12, 9), "said", 2.0, None),
    ]
    assert table.about == "What was said. One row: one figure of one day."
    assert table.column("metric").meaning.endswith("Here: a word.")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('grain = "one figure of one day"', "", "grain"),
        ("[notes]", "typo = 1\n[notes]", "typo"),
        ("value = 2", "value = 2\nextra = 1", "extra"),
        ("value = 2\n", "", "value"),
        ("2024-12-09", "2024-12-08", "two alike"),
        ("value = 1.5", 'value = "much"', "much"),
    ],
)
def test_what_does_not_fit_is_named(before: str, after: str, found: str) -> None:
    assert before in GOOD
    with pytest.raises((ValueError, TypeError), match=found):
        parse("told", GOOD.replace(before, after))


def test_every_table_kept_by_hand_is_described() -> None:
    assert "famous_days" in curated()
    for table in curated().values():
        assert table.rows.height
        assert set(table.rows.columns) <= set(glossary())
        assert set(table.notes) <= set(table.rows.columns)
