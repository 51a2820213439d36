"""The daily brief: every sentence is in a table, both of its forms say the same, and a browser shows it offline."""

import os
import re
import shutil
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import duckdb
import pytest
from markupsafe import escape

from expectations.curated import curated
from expectations.errors import BadRequest
from tests.browsing import LEFT_OPEN, WITH_CHROMIUM, opened
from tests.tool import Tool
from warehouse.reports.brief import (
    LATEST,
    Brief,
    as_markdown,
    as_page,
    dollars,
    percentile,
    read_brief,
    sections,
    write_report,
    write_reports,
)
from warehouse.reports.stale import stale_days
from warehouse.store.home import Home, open_home

pytestmark = pytest.mark.slow

DAY = date(2024, 12, 9)
LONGEST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def brief(demo: Tool) -> Brief:
    return read_brief(demo.home / "warehouse.duckdb", DAY)


def test_both_forms_are_written_and_the_page_is_small(demo: Tool) -> None:
    reports = demo.home / "reports"
    page = (reports / LATEST).read_bytes()
    assert page == (reports / f"{DAY}.html").read_bytes()
    assert len(page) < LONGEST_BYTES
    assert "SIMULATED" in (reports / f"{DAY}.md").read_text(encoding="utf-8")
    assert re.findall(rb"(?:src|href)=[\"']?(?!https://|completeness\.html|#|data:)[^\"' >]+", page) == []


def test_every_sentence_is_one_of_a_table(demo: Tool, brief: Brief) -> None:
    told = {row[0] for row in demo.ask("select statement from brief where date = '2024-12-09'")}
    spoken = {row[0] for row in demo.ask("select message from signals where date = '2024-12-09'")}
    assert set(brief.headlines) < told
    assert {row["text"] for row in brief.leading} <= told | spoken
    assert {row["statement"] for rows in brief.sections.values() for row in rows} < told
    assert spoken <= {row["text"] for row in brief.leading}
    assert len(brief.headlines) == curated()["brief_topics"].rows["is_headline"].sum()


def test_both_forms_say_the_same(brief: Brief) -> None:
    page = unescape(re.sub(r"<[^>]+>", "", as_page(brief, simulated=True)))
    text = as_markdown(brief)
    sentences = [*brief.headlines, *(row["text"] for row in brief.leading)]
    sentences += [row["statement"] for rows in brief.sections.values() for row in rows]
    sentences += [row["statement"] for row in brief.famous]
    sentences += [row["terms"] for row in brief.sources]
    for sentence in sentences:
        assert sentence in page, sentence
        assert sentence in text, sentence
    headings = [*sections().values(), "The gauge", "Beside famous days", "Sources and terms"]
    headings += ["What speaks, and what is unusual", "Missing, late, held back, disagreeing"]
    for heading in headings:
        assert heading in page, heading
        assert f"\n## {heading}\n" in text, heading


def test_a_percentile_says_of_what_it_is(brief: Brief) -> None:
    page = as_page(brief, simulated=True)
    told = [row for rows in brief.sections.values() for row in rows if row["percentile_1y"] is not None]
    assert len(told) > 20
    for row in told:
        share, of = percentile(row["percentile_1y"]), escape(row["percentile_of"])
        item = f"{escape(row['statement'])} <small>{share} percentile of its year (of {of})</small>"
        assert item in page, row["topic"]
    assert "(of the close)" in page


def test_a_borrow_rate_is_that_of_one_venue_on_both_of_its_days(demo: Tool) -> None:
    rates = {
        (day, asset, venue): apr
        for day, asset, venue, apr in demo.ask("select date, asset, venue, borrow_apr from borrow_rates_daily")
    }
    sentences = demo.ask(
        "select date, upper(replace(topic, 'borrow_', '')), value, change_1d, statement, "
        "regexp_extract(statement, ' at ([a-z0-9]+)', 1) from brief where topic like 'borrow%'"
    )
    assert len({venue for *_, venue in sentences}) > 1, "the dearest venue is not always the same"
    for day, asset, value, change, statement, venue in sentences:
        assert value == rates[day, asset, venue], statement
        before = rates.get((day - timedelta(days=1), asset, venue))
        assert change == (None if before is None else pytest.approx(value - before)), statement
        assert ("a week ago" in statement) == ((day - timedelta(days=7), asset, venue) in rates), statement


def test_every_table_of_the_markdown_is_whole(brief: Brief) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", as_markdown(brief), flags=re.MULTILINE)
    assert len(tables) >= 3
    for table in tables:
        head, rule, *rows = table.splitlines()
        assert set(rule) <= set("|-")
        assert rows
        assert {row.count("|") for row in rows} == {head.count("|")}, head


def test_the_day_stands_beside_famous_days_as_they_are_held(demo: Tool, brief: Brief) -> None:
    assert [(row["date"], row["today"]) for row in brief.beside] == [
        (date(2020, 3, 12), False),
        (date(2024, 12, 5), False),
        (DAY, True),
    ]
    before, crash = brief.beside[1:]
    low = demo.one("select low_usd from asset_daily where asset = 'BTC' and date = '2024-12-05'")
    last_close = demo.one("select close_usd from asset_daily where asset = 'BTC' and date = '2024-12-04'")
    assert before["low"] == pytest.approx(low / last_close - 1)
    closed = demo.one("select sum(total_usd) from liquidations_daily where date = '2024-12-09'")
    assert crash["liquidated_usd"] == pytest.approx(closed)
    assert closed > 1e6
    assert crash["reported_usd"] == 1.725e9
    assert brief.beside[0]["return_1d"] is None, "a day that is not held is said to be unknown"
    known_then = read_brief(demo.home / "warehouse.duckdb", date(2024, 12, 8))
    assert [row["today"] for row in known_then.beside] == [False, False, True]
    assert max(row["date"] for row in known_then.famous) == date(2024, 12, 5)


def test_a_day_without_a_gauge_says_so(demo: Tool) -> None:
    early = read_brief(demo.home / "warehouse.duckdb", date(2023, 7, 20))
    assert early.gauge is None
    for text in (as_markdown(early), as_page(early, simulated=True)):
        assert "It says nothing of this day: each part needs half a year of its own past" in text


def test_a_return_is_the_worst_and_a_rate_is_the_highest(demo: Tool) -> None:
    words = "select distinct topic, regexp_extract(statement, ', the (highest|lowest|best|worst)', 1) from brief"
    said = set(demo.ask(words))
    assert {word for topic, word in said if topic == "breadth"} == {"", "best", "worst"}
    assert {word for topic, word in said if topic == "funding_bitcoin"} == {"", "highest", "lowest"}


def test_what_is_missing_late_held_back_or_disputed_is_named(demo: Tool, tmp_path: Path) -> None:
    whole = demo.home / "warehouse.duckdb"
    troubled = tmp_path / "warehouse.duckdb"
    troubled.write_bytes(whole.read_bytes())
    with duckdb.connect(str(troubled)) as connection:
        connection.execute(
            "update ops.ledger set state = 'failed', reason = '<b>expected 200</b>' "
            "where source = 'upbit' and date = '2024-12-09'"
        )
        connection.execute(
            "update ops.disagreements set relative_gap = tolerance * 3 where metric = "
            "(select min(metric) from ops.disagreements where date = '2024-12-09') and date = '2024-12-09'"
        )
    brief = read_brief(troubled, DAY)
    page, text = as_page(brief, simulated=True), as_markdown(brief)
    assert "- upbit, failed: krw_prices (3 series)" in text
    assert "&lt;b&gt;expected 200&lt;/b&gt;" in page
    assert "<b>expected 200" not in page
    assert brief.trouble["disagreeing"]
    for row in brief.trouble["disagreeing"]:
        assert f"- {row['metric']} {row['key']}: {row['source_a']} and {row['source_b']} differ by" in text
    assert "Nothing." not in text.partition("## Missing")[2]


def test_a_page_with_holes_says_so_before_its_numbers(demo: Tool, tmp_path: Path) -> None:
    whole = read_brief(demo.home / "warehouse.duckdb", DAY)
    assert whole.lacking.holes == []
    troubled = tmp_path / "warehouse.duckdb"
    troubled.write_bytes((demo.home / "warehouse.duckdb").read_bytes())
    with duckdb.connect(str(troubled)) as connection:
        # Frankfurter has the rates of the ECB: while one of the two is there, nothing is missing.
        connection.execute(
            "update ops.ledger set state = 'failed' where source in ('upbit', 'frankfurter') and date = $day",
            {"day": DAY},
        )
        connection.execute(
            "update ops.ledger set state = 'failed_check' where source = 'okx' and dataset = 'borrow_rates' "
            "and date = $day",
            {"day": DAY},
        )
        connection.execute("delete from main.brief where date = $day and topic = 'won_premium'", {"day": DAY})
    brief = read_brief(troubled, DAY)
    first, second = brief.lacking.holes
    assert first == (
        "This day is not whole. Asked for in vain: upbit (krw prices); held back by a check: okx (borrow rates)."
    )
    assert second.startswith("Told within the week before and not of this day: won premium")
    page, text = as_page(brief, simulated=True), as_markdown(brief)
    for told in (page, text):
        assert told.index(first) < told.index(brief.headlines[0])
    assert brief.made_from != whole.made_from


def copied_reports(demo: Tool, folder: Path) -> Home:
    shutil.copytree(demo.home, folder, ignore=shutil.ignore_patterns("raw", "lake", "reports", "prefect"))
    return open_home(folder)


def test_a_page_is_written_again_when_a_day_that_it_shows_has_changed(demo: Tool, tmp_path: Path) -> None:
    home = copied_reports(demo, tmp_path / "home")
    before = date(2024, 6, 1)
    write_report(home, before)
    assert write_reports(home) == [home.reports / f"{DAY}.html"], "the newest day's alone: nothing has changed"
    old = (home.reports / f"{before}.html").read_bytes()
    assert stale_days(home) == ([], [])
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("update main.asset_daily set close_usd = close_usd * 2 where date = '2024-06-02'")
        connection.execute("update ops.home set value = '2031-01-01T00:00:00+00:00' where key in ('as-of', 'built_at')")
    assert stale_days(home) == ([DAY], []), "an older page does not show the days after it"
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("update main.brief set statement = 'Bitcoin is back.' where date = '2024-06-01'")
    assert write_reports(home) == [home.reports / f"{before}.html", home.reports / f"{DAY}.html"]
    assert b"Bitcoin is back." in (home.reports / f"{before}.html").read_bytes()
    assert old != (home.reports / f"{before}.html").read_bytes()
    assert stale_days(home) == ([], [])
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("delete from main.brief where date = '2024-06-01'")
    write_reports(home)
    assert not (home.reports / f"{before}.html").exists(), "nothing is held of that day any more"
    assert not (home.reports / f"{before}.md").exists()
    assert (home.reports / LATEST).read_bytes() == (home.reports / f"{DAY}.html").read_bytes()


def test_a_backfill_writes_the_brief_of_what_it_fetched(small: Tool) -> None:
    page = (small.home / "reports" / LATEST).read_text(encoding="utf-8")
    assert small.ask("select kind from ops.runs") == [("backfill",)]
    told = small.ask("select statement from brief where date = '2024-12-09' and topic = 'korean_turnover'")
    assert told[0][0] in unescape(page)


def test_a_day_that_is_not_held_is_refused(demo: Tool) -> None:
    with pytest.raises(BadRequest, match="the brief says nothing of 2019-01-01"):
        read_brief(demo.home / "warehouse.duckdb", date(2019, 1, 1))


@pytest.mark.parametrize(
    ("amount", "words"),
    [(None, "unknown"), (1.725e9, "$1.73 billion"), (1e9, "$1.00 billion"), (461_200_000.0, "$461.2 million")],
)
def test_amounts_are_read_by_people(amount: float | None, words: str) -> None:
    assert dollars(amount) == words


@LEFT_OPEN
@WITH_CHROMIUM
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_shows_it_offline_without_a_complaint(demo: Tool, width: int, scheme: str) -> None:
    page = demo.home / "reports" / LATEST
    with opened(page, viewport={"width": width, "height": 900}, color_scheme=scheme) as (tab, told):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.title().startswith("9 December 2024")
        assert tab.locator("span.regime").inner_text() == "flush"
        assert tab.locator("figure svg").count() >= 8
        assert tab.locator("tr.today").count() == 1
        if folder := os.environ.get("SCREENSHOTS"):
            tab.screenshot(path=str(Path(folder) / f"brief-{width}.png"), full_page=True)
        assert told == []
