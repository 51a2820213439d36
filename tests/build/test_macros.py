"""The macros of sentences: how a number is written, and when it may be called the highest or the lowest."""

from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files

import duckdb
import pytest

from expectations.curated import curated
from warehouse.reports.brief import percent, percentile

DAY = date(2024, 12, 9)
TOPICS = curated()["brief_topics"].rows
LEVELS = curated()["signal_levels"].rows


@pytest.fixture(scope="module")
def words() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute((files("warehouse") / "models" / "macros.sql").read_text(encoding="utf-8"))
        yield connection


def written(words: duckdb.DuckDBPyConnection, value: float | None, kind: str) -> str | None:
    text: str | None = words.execute("select shown($value::double, $kind)", {"value": value, "kind": kind}).fetchall()[
        0
    ][0]
    return text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1.0, "fraction", "100 %"),
        (0.997, "fraction", "99.7 %"),
        (0.99996, "fraction", "nearly 100 %"),
        (1.003, "fraction", "100.3 %"),
        (1.00001, "fraction", "hardly over 100 %"),
        (0.97, "fraction", "97 %"),
        (-0.997, "fraction", "-99.7 %"),
        (0.0, "fraction", "0 %"),
        (0.0003, "fraction", "0.03 %"),
        (-0.0003, "fraction", "-0.03 %"),
        (0.000004, "fraction", "next to 0 %"),
        (0.08, "fraction", "8.0 %"),
        (None, "fraction", None),
        (0.0003, "gap", "0.03 % more"),
        (-0.000004, "fine gap", "0.0004 % less"),
        (0.0, "move", "stood still"),
        (-0.0003, "move", "lost 0.03 %"),
        (None, "move", None),
        (0.00001, "rate", "0.001 %"),
        (0.0458, "rate", "4.58 %"),
        (1.0, "percentile", "100th percentile"),
        (0.997, "percentile", "99.7th percentile"),
        (0.99996, "percentile", "next to the 100th percentile"),
        (0.995, "percentile", "99.5th percentile"),
        (0.91, "percentile", "91st percentile"),
        (0.924, "percentile", "92nd percentile"),
        (0.03, "percentile", "3rd percentile"),
        (0.11, "percentile", "11th percentile"),
        (0.12, "percentile", "12th percentile"),
        (0.13, "percentile", "13th percentile"),
        (0.0027, "percentile", "0.3rd percentile"),
    ],
)
def test_a_number_reads_as_the_whole_or_as_nothing_only_where_it_is(
    words: duckdb.DuckDBPyConnection, value: float | None, kind: str, text: str | None
) -> None:
    assert written(words, value, kind) == text


@pytest.mark.parametrize("value", [0.0, 0.0003, 0.003, 0.08, 0.11, 0.5, 0.91, 0.97, 0.9951, 0.997, 1.0, 1.003])
def test_the_page_writes_a_share_as_the_sentences_do(words: duckdb.DuckDBPyConnection, value: float) -> None:
    assert percent(value) == (written(words, value, "fraction") if not 0 < value < 0.095 else percent(value))
    assert (percent(value) in ("0 %", "100 %")) == (value in (0.0, 1.0))
    if 0 < value <= 1:
        assert f"{percentile(value)} percentile" == written(words, value, "percentile")


def superlative(words: duckdb.DuckDBPyConnection, alike: int | None, known: int, held: int, since: int = 0) -> str:
    """The words for a highest figure, where one as high was so many days ago."""
    text: str = words.execute(
        "select superlative('highest', $day::date, $alike::date, $known, $held, $since)",
        {
            "day": DAY,
            "alike": None if alike is None else DAY - timedelta(days=alike),
            "known": known,
            "held": held,
            "since": since,
        },
    ).fetchall()[0][0]
    return text


@pytest.mark.parametrize(
    ("alike", "known", "held", "since", "text"),
    [
        (None, 365, 365, 365, ", the highest in a year"),
        (None, 364, 364, 364, ", the highest of the 364 days held"),
        (None, 364, 365, 364, ", the highest of 364 comparable days"),
        (None, 40, 365, 40, ", the highest of 40 comparable days"),
        (None, 29, 29, 29, ""),
        (14, 365, 365, 14, ""),
        (29, 365, 365, 29, ""),
        (30, 365, 365, 30, ", the highest since 9 November 2024"),
        (100, 300, 365, 100, ", the highest since 31 August 2024"),
        (100, 300, 365, 99, ", the highest of the 99 comparable days since 31 August 2024"),
        (100, 300, 365, 29, ""),
    ],
)
def test_a_superlative_is_said_of_the_days_that_it_is_true_of(
    words: duckdb.DuckDBPyConnection, alike: int | None, known: int, held: int, since: int, text: str
) -> None:
    assert superlative(words, alike, known, held, since) == text


def test_what_may_have_either_sign_says_what_is_the_highest(words: duckdb.DuckDBPyConnection) -> None:
    """A largest redemption is a lowest net issuance, and a discount is a lowest premium."""
    kinds = ("USD", "gap", "fine gap", "issued", "move")
    told = {
        kind: words.execute("select superlative_word(true, $1), superlative_word(false, $1)", [kind]).fetchall()[0]
        for kind in kinds
    }
    assert told == {
        "USD": ("highest", "lowest"),
        "gap": ("highest premium", "lowest premium"),
        "fine gap": ("highest premium", "lowest premium"),
        "issued": ("highest net issuance", "lowest net issuance"),
        "move": ("best", "worst"),
    }


@pytest.mark.parametrize("topic", TOPICS["topic"])
def test_what_stands_after_a_week_ago_is_about_nothing_else(topic: str) -> None:
    """Details and superlatives stand before last week's figure; after it they would read as if they were about it."""
    statement = TOPICS.filter(topic=topic)["statement"].item()
    _, found, after = statement.partition("{week_ago}")
    assert not found or after == "."


def test_no_share_of_days_is_said_to_be_exceeded() -> None:
    for row in LEVELS.iter_rows(named=True):
        assert "of the days" not in row["statement"], row["signal"]
