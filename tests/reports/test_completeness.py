"""The page of completeness: what it draws, what it says, and that a browser shows it without the network."""

import json
import os
import re
import shlex
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from expectations.interval import ONE_DAY
from flows.remedies import MOST_STRETCHES, stretches
from flows.serve.forms import remember_address
from flows.simulator import Simulator
from tests.browsing import LEFT_OPEN, WITH_CHROMIUM, opened
from tests.tool import NOW, ROOT, Tool, series_of
from warehouse.reports.completeness import HEIGHT, PAGE, STATES, calendars, day_states, outline, write_completeness
from warehouse.reports.pages import render
from warehouse.store.home import Home
from warehouse.store.ledger import DayRange, Ledger, State, days_event

SOURCES = "upbit,gate,frankfurter"
FAILED = "SourceUnavailable: expected 200 from api.upbit.com, found 503: b'<h1>Gone</h1><script>alert(1)</script>'"
HELD = "close_krw > 0"
WON = series_of("upbit", "krw_prices")
LEDGER = {"dataset": pl.String, "source": pl.String, "series": pl.String, "date": pl.Date, "state": pl.String,
          "reason": pl.String}  # fmt: skip


def ledger(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=LEDGER, orient="row")


def row(day: int, series: str, state: str, reason: str | None = None) -> tuple[Any, ...]:
    return ("krw_prices", "upbit", series, date(2024, 12, day), state, reason)


def titles(page: str) -> list[tuple[str, str]]:
    """Every stretch that is drawn: its state and its tooltip."""
    return [
        (state, unescape(text))
        for state, text in re.findall(r'<path class="(\w+)" d="[^"]+"><title>([^<]*)</title>', page)
    ]


@pytest.fixture(scope="module")
def troubled(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A home with a failed, a missing, a held-back and a perished day among days that are loaded."""
    tool = Tool(tmp_path_factory.mktemp("troubled") / "home", simulator.url, sources=SOURCES, start="2024-06-01")
    said = tool("backfill", "2024-12-01", "2024-12-09", "--source", "upbit", "--source", "frankfurter")
    assert said.code == 0, said.err
    events = [
        days_event(run_id="000001", at=NOW, dataset="krw_prices", source="upbit", ranges=[one])
        for one in (told(29, "USDT", "failed", FAILED), told(30, "BTC", "failed_check", HELD))
    ]
    Ledger(tool.home / "ledger").append(events, NOW)
    assert tool("build").code == 0
    tool("report")  # there are too few data for a brief, and the page is drawn all the same
    return tool


def told(day: int, series: str, state: State, reason: str) -> DayRange:
    first = date(2024, 11, day)
    return DayRange(series, first, first + ONE_DAY, state, 0, reason, None)


@pytest.fixture(scope="module")
def text(troubled: Tool) -> str:
    return (troubled.home / "reports" / PAGE).read_text(encoding="utf-8")


def test_every_day_of_every_feed_is_drawn_once(troubled: Tool, text: str) -> None:
    drawn = 0
    for _, said in titles(text):
        several = re.search(r", (\d+) days:", said)
        drawn += int(several[1]) if several else 1
    assert drawn == troubled.one("select count(*) from (select distinct dataset, source, date from ops.ledger)")
    for dataset, source in troubled.ask("select distinct dataset, source from ops.ledger"):
        assert f'<section id="{dataset}-{source}">' in text


def test_each_state_is_told_with_its_reason(text: str) -> None:
    said = titles(text)
    assert ("failed", f"Fri 2024-11-29: 1 failed, {WON - 1} missing. {FAILED}") in said
    assert ("failed_check", f"Sat 2024-11-30: 1 held back, {WON - 1} missing. {HELD}") in said
    assert ("missing", f"2024-06-07 to 2024-11-28, 175 days: {WON} missing each day") in said
    assert ("loaded", f"2024-12-01 to 2024-12-09, 9 days: {WON} loaded each day") in said
    assert any(state == "perished" for state, _ in said)
    assert any(state == "verified_empty" and "no value on this day" in text for state, text in said)
    assert any(state == "not_yet" for state, _ in said)


def test_what_a_provider_sent_is_never_markup(text: str) -> None:
    run = {"run_id": "000001", "kind": "run", "started_at": NOW, "state": "done", "message": FAILED}
    for page in (text, render("checks.html.j2", simulated=False, run=run, batches={}, held=[])):
        assert FAILED in unescape(page)
        assert "<script>alert" not in page
        assert page.count("<h1>") == 1


def test_what_is_marked_stands_in_words_with_the_commands_of_status(troubled: Tool, text: str) -> None:
    found = json.loads(troubled("status", "--json").out)["trouble"]
    commands = [unescape(code) for code in re.findall(r"<code>(tidemark backfill [^<]+)</code>", text)]
    assert commands
    for row in found:
        assert not row["reason"] or row["reason"] in unescape(text)
        if row["retry"]:
            wanted, series = row["retry"].rsplit(" --series ", 1)
            (mine,) = [
                one
                for one in commands
                if one.startswith(wanted) and (f"--series {series}" in one or "--series" not in one)
            ]
            assert troubled(*shlex.split(mine)[1:], "--plan").code == 0
    assert "Nothing: it can no longer be had." in text


def test_a_link_fills_in_what_its_command_says(text: str) -> None:
    pairs = re.findall(r'<code>(tidemark backfill [^<]+)</code><a class="form" href="([^"]+)"', text)
    assert pairs
    for command, link in pairs:
        address = urlsplit(unescape(link))
        assert (address.scheme, address.netloc, address.path) == ("http", "127.0.0.1:4200", "/form/backfill")
        given = json.loads(parse_qs(address.query)["parameters"][0])
        words = f"tidemark backfill {given['start']} {given['end']}"
        for option in ("source", "dataset", "series"):
            words += "".join(f" --{option} {name}" for name in given[option if option == "series" else f"{option}s"])
        assert words == unescape(command)


def test_the_links_lead_to_where_the_home_was_served_last(tmp_path: Path) -> None:
    home = Home(tmp_path, "live", date(2024, 12, 1))
    (tmp_path / "prefect").mkdir()
    remember_address(tmp_path, "http://127.0.0.1:4321")
    known = ledger(row(1, "BTC", "missing"))
    calendar = pl.DataFrame(
        [("krw_prices", "upbit", "BTC", date(2024, 12, 1), None)],
        schema={**dict(list(LEDGER.items())[:4]), "perishes_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    (one,) = stretches(home, known, calendar)
    assert one.form is not None
    assert one.form.startswith("http://127.0.0.1:4321/form/backfill?parameters=%7B%22start%22")


def test_a_day_shows_the_worst_state_of_its_series_and_counts_all() -> None:
    days = day_states(
        ledger(
            *(row(1, name, state) for name, state in zip("ABC", ("loaded", "missing", "failed_check"), strict=True)),
            *(row(2, name, "loaded") for name in "AB"),
            row(2, "C", "verified_empty", "listed without a value"),
            *(row(3, name, "verified_empty", "no value on this day") for name in "ABC"),
            row(4, "A", "failed", "one"),
            row(4, "B", "failed", "two"),
            row(4, "C", "not_yet"),
        )
    )
    assert days["worst"].to_list() == ["failed_check", "loaded", "verified_empty", "failed"]
    assert days.select(pl.sum_horizontal(*STATES)).to_series().to_list() == [3, 3, 3, 3]
    (calendar,) = calendars(ledger(row(4, "A", "failed", "one"), row(4, "B", "failed", "two")), [])
    assert titles(calendar.years[0].paths) == [("failed", "Wed 2024-12-04: 2 failed. One of several reasons: one")]


def test_every_state_of_the_ledger_has_a_word_and_a_colour() -> None:
    style = ROOT / "warehouse" / "reports" / "completeness.css"
    assert set(STATES) == set(get_args(State))
    for state in STATES:
        assert style.read_text(encoding="utf-8").count(f"--{state}: #") == 2  # light and dark


@pytest.mark.parametrize(
    ("first", "last"),
    [("2024-12-03", "2024-12-03"), ("2024-12-03", "2024-12-06"), ("2024-11-30", "2024-12-03"),
     ("2024-01-01", "2024-12-31"), ("2024-12-01", "2024-12-02"), ("2023-01-01", "2023-01-09")],
)  # fmt: skip
def test_a_shape_covers_its_days_and_no_other(first: str, last: str) -> None:
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    corners = shape(outline(begins, ends))
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True))
    assert abs(twice) / 2 == ((ends - begins).days + 1) * 36
    assert all(0 <= x <= 324 and 0 <= y <= HEIGHT for x, y in corners)


def shape(path: str) -> list[tuple[int, int]]:
    """The corners of a path of horizontal and vertical lines."""
    corners: list[tuple[int, int]] = []
    x = y = 0
    for move, one, two in re.findall(r"([MHV])(\d+)(?: (\d+))?", path):
        x, y = (int(one), int(two)) if move == "M" else (int(one), y) if move == "H" else (x, int(one))
        corners.append((x, y))
    return corners


def test_a_feed_with_very_many_reasons_is_told_by_state(tmp_path: Path) -> None:
    home = Home(tmp_path, "live", date(2024, 12, 1))
    rows = [row(day, "BTC", "failed", f"SourceUnavailable: number {day}") for day in range(1, MOST_STRETCHES + 2)]
    known = ledger(*rows, row(30, "ETH", "missing"))
    calendar = known.select("dataset", "source", "series", "date", perishes_at=pl.lit(None, pl.Datetime("us", "UTC")))
    failed, missing = stretches(home, known, calendar)
    assert failed.command == "tidemark backfill 2024-12-01 2024-12-25 --source upbit --dataset krw_prices --series BTC"
    assert failed.days == 25
    assert failed.reason is not None
    assert failed.reason.startswith("25 reasons, one is: SourceUnavailable: number ")
    assert missing.series == ("ETH",)


def test_a_home_without_anything_has_a_page_too(tmp_path: Path) -> None:
    home = Home(tmp_path, "simulated", date(2024, 12, 1))
    page = write_completeness(home, ledger(), [], datetime(2024, 12, 10, tzinfo=UTC)).read_text(encoding="utf-8")
    assert "Nothing is missing, failed or held back." in page
    assert "SIMULATED" in page


def test_the_demo_has_its_page_beside_its_brief_and_it_is_small(demo: Tool) -> None:
    page = (demo.home / "reports" / PAGE).read_text(encoding="utf-8")
    assert len(page.encode()) < 2_000_000
    assert 'href="latest.html"' in page
    assert 'href="completeness.html"' in (demo.home / "reports" / "latest.html").read_text(encoding="utf-8")
    assert f"as known at {report_instant(demo)}" in page


def report_instant(tool: Tool) -> str:
    return str(tool.one("select value from ops.home where key = 'as-of'"))[:16].replace("T", " ")


@LEFT_OPEN
@WITH_CHROMIUM
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_a_browser_shows_it_offline_without_a_complaint(troubled: Tool, width: int, scheme: str) -> None:
    page = troubled.home / "reports" / PAGE
    with opened(page, viewport={"width": width, "height": 900}, color_scheme=scheme) as (tab, told):
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        feed = tab.locator("#krw_prices-upbit")
        days = troubled.states("dataset = 'krw_prices' and source = 'upbit'")
        assert (days["failed"], days["failed_check"], days["loaded"]) == (1, 1, 9 * WON)
        assert feed.locator("svg[role=img]").get_attribute("aria-label") == (
            f"2024, krw_prices from upbit: 1 failed, 1 held back, {days['missing']} missing, "
            f"{WON} not out yet, {9 * WON} loaded series-days"
        )
        assert (
            feed.locator("path.failed title").text_content() == f"Fri 2024-11-29: 1 failed, {WON - 1} missing. {FAILED}"
        )
        seen = feed.inner_text()
        for words in (FAILED, HELD, "held back", "tidemark backfill 2024-11-29 2024-11-29 --source upbit"):
            assert words in seen, words
        gone = tab.locator("#liquidations-gate")
        assert "perished" in gone.inner_text()
        assert "it can no longer be had" in gone.inner_text()
        colours = {
            tab.locator(f"path.{state}").first.evaluate("one => getComputedStyle(one).fill")
            for state in ("failed", "failed_check", "missing", "perished", "loaded")
        }
        assert len(colours) == 5
        if folder := os.environ.get("SCREENSHOTS"):
            tab.screenshot(path=str(Path(folder) / f"completeness-{width}.png"), full_page=True)
        assert told == []
