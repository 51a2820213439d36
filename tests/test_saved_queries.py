"""Saved questions: each states its question and its meaning, and has an answer from a home."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from tests.tool import ROOT, Tool
from warehouse.saved_queries import listed, parse, question, questions

NAMES = sorted(questions())


def test_each_file_is_one_and_says_what_it_means() -> None:
    assert sorted(path.stem for path in (ROOT / "warehouse" / "queries").glob("*.sql")) == NAMES
    assert NAMES
    for asked in questions().values():
        assert asked.question.endswith("?")
        assert asked.meaning.endswith(".")
        assert asked.caveats
        assert all(caveat.endswith(".") for caveat in asked.caveats), asked.name
    assert len({asked.question for asked in questions().values()}) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_answers_from_the_demo(demo: Tool, name: str) -> None:
    said = demo("sql", "--saved", name, "--format", "json")
    assert said.code == 0, said.err
    assert json.loads(said.out) or question(name).empty, f"{name} has no rows, and does not say why"


@pytest.mark.parametrize("name", NAMES)
def test_a_home_that_holds_next_to_nothing_is_no_error(small: Tool, name: str) -> None:
    said = small("sql", "--saved", name, "--format", "json")
    assert said.code == 0, said.err


@pytest.mark.parametrize("name", NAMES)
def test_rows_come_in_an_order_of_their_own(name: str) -> None:
    assert re.search(r"\norder by [^()]+(?:\([^)]*\)[^()]*)*\s*\Z|\nlimit \d+\s*\Z", question(name).sql), name


@pytest.mark.parametrize("name", NAMES)
def test_columns_that_are_explained_are_there(demo: Tool, name: str) -> None:
    """Each word of the text with an underscore is a column of the answer, a signal, a question, or in the catalog."""
    asked = question(name)
    told = " ".join((asked.meaning, *asked.caveats))
    words = set(re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", told))
    described = demo.ask(f"select column_name from (describe {asked.sql})")
    known = {column for (column,) in described}
    known |= {signal for (signal,) in demo.ask("select signal from core.signal_numbers")}
    for row in demo.ask('select distinct "column", split_part("table", \'.\', 2), unit from ops.catalog'):
        known.update(re.findall(r"\w+", " ".join(row)))
    assert words - known - set(NAMES) == set()


def test_the_list_names_every_question(small: Tool) -> None:
    said = small("sql", "--list")
    assert said.code == 0
    assert said.out == listed() + "\n"
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert "What did it cost to borrow dollars in the week before each of the ten worst days?" in said.out


def test_a_list_needs_no_home(tmp_path: Path) -> None:
    said = Tool(tmp_path / "nowhere")("sql", "--list")
    assert said.code == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_is_unknown_is_answered_with_the_list(small: Tool) -> None:
    said = small("sql", "--saved", "nothing")
    assert said.code == 2
    assert "no saved question 'nothing'" in said.err
    assert all(name in said.err for name in NAMES)
    assert said.out == ""


@pytest.mark.parametrize(
    "words", [["select 1", "--list"], ["select 1", "--saved", "completeness"], ["--list", "--saved", "x"]]
)
def test_one_thing_at_a_time(small: Tool, words: list[str]) -> None:
    said = small("sql", *words)
    assert said.code == 2
    assert "one of QUERY, --saved and --list at a time" in said.err


def test_what_it_means_is_told_beside_a_table_and_never_within_the_answer(small: Tool, tmp_path: Path) -> None:
    drawn = small("sql", "--saved", "completeness")
    asked = question("completeness")
    assert drawn.err.splitlines()[0] == asked.question
    assert " ".join(drawn.err.split()) == " ".join(" ".join(asked.about).split())
    assert "│ krw_prices" in drawn.out
    csv = small("sql", "--saved", "completeness", "--format", "csv")
    assert csv.err == ""
    assert csv.out.startswith("dataset,source,series_days,")
    parquet = small("sql", "--saved", "completeness", "--format", "parquet")
    (tmp_path / "answer.parquet").write_bytes(parquet.raw)
    assert pl.read_parquet(tmp_path / "answer.parquet")["dataset"].to_list() == ["exchange_rates", "krw_prices"]


GOOD = """/*
How much?

One row is a sum.

- Of what is held,
  and no more.
- Twice.

No rows: there are none.
*/
select 1
"""


def test_a_file_is_read_as_it_is_written() -> None:
    asked = parse("sum", GOOD)
    assert asked.question == "How much?"
    assert asked.meaning == "One row is a sum."
    assert asked.caveats == ("Of what is held, and no more.", "Twice.")
    assert asked.empty == "there are none."
    assert asked.sql == "select 1\n"
    assert asked.about[-1] == "No rows: there are none."


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "/* How much? */ ",
        "/*\nHow much?\n*/\nselect 1",
        "/*\nA sum.\n\nOne row.\n\n- Known.\n*/\nselect 1",
        "/*\nHow much?\n\nOne row.\n\nKnown.\n*/\nselect 1",
        "/*\nHow much?\n\nOne row.\n\n- Known.\n\nMore.\n*/\nselect 1",
    ],
)
def test_a_file_that_does_not_say_what_it_means_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected sum\.sql to"):
        parse("sum", text)
