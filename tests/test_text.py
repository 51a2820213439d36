"""Tables and parts of sentences, as people read them."""

from datetime import UTC, date, datetime

import pytest

from warehouse.text import (
    by_state,
    columns,
    counted,
    expected_ends,
    first_lines,
    instant,
    listed,
    markdown_table,
    wrapped,
)

AT = datetime(2024, 12, 10, 0, 30, 59, tzinfo=UTC)
ROWS = [("what", "days", "until"), ("a|b", 1234, AT), ("an\nother", None, date(2024, 12, 9))]


def test_columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() -> None:
    rows = [("what", "days", "until"), ("spot prices", 1234, AT), ("funding", 0, None)]
    assert columns(rows).splitlines() == [
        "what         days   until",
        "spot prices  1,234  2024-12-10 00:30 UTC",
        "funding      0",
    ]
    assert columns([]) == ""


def test_a_row_with_a_cell_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        columns([("one", "two"), ("one",)])


def test_a_markdown_table_escapes_what_would_end_a_cell() -> None:
    titles, *rows = ROWS
    assert markdown_table([str(title) for title in titles], rows).splitlines() == [
        "| what | days | until |",
        "|---|---|---|",
        r"| a\|b | 1,234 | 2024-12-10 00:30 UTC |",
        "| an other |  | 2024-12-09 |",
    ]


def test_ends_come_in_order_and_have_their_day_if_it_is_not_the_same_for_all() -> None:
    soon, late = AT.replace(hour=1), AT.replace(day=11)
    assert expected_ends({"b": soon, "a": AT}, 8) == "a until about 00:30, b until about 01:30 (UTC)"
    assert expected_ends({"b": soon, "a": AT}, 1) == "a until about 00:30 and 1 more (UTC)"
    assert (
        expected_ends({"b": late, "a": AT}, 8)
        == "a until about 2024-12-10 00:30 UTC, b until about 2024-12-11 00:30 UTC"
    )


def test_an_instant_has_its_zone_and_a_count_its_noun() -> None:
    assert instant(AT) == "2024-12-10 00:30 UTC"
    assert [counted(count, "row") for count in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]


def test_states_are_counted_by_name_or_in_the_order_that_is_given() -> None:
    counts = {"verified_empty": 3, "loaded": 1200, "failed": 0}
    assert by_state(counts) == "1,200 loaded, 3 verified empty"
    assert by_state(counts, {"verified_empty": "empty", "loaded": "there", "missing": "gone"}) == "3 empty, 1,200 there"
    assert by_state({}) == "no days"
    assert by_state({"failed": 0}, none="nothing") == "nothing"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more, see below"),
        (["a"] * 2002, "a, a and 2,000 more, see below"),
    ],
)
def test_names_beyond_the_first_are_counted(names: list[str], expected: str) -> None:
    assert listed(names, 2, ", see below") == expected


def test_lines_beyond_the_first_are_counted() -> None:
    assert first_lines(["a", "b\n  b"], 2, "see there") == ["  a", "  b\n    b"]
    assert first_lines(["a", "b", "c"], 2, "see there") == ["  a", "  b", "  and 1 more: see there"]


def test_a_list_item_is_indented_below_its_dash() -> None:
    assert wrapped("- one two three", 8).splitlines() == ["- one", "  two", "  three"]
    assert wrapped("one two three", 8).splitlines() == ["one two", "three"]
