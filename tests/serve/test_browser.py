"""The interface in headless Chromium: it fills the form and watches the run, and its pages call no other host."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.serve.forms import backfill_form
from flows.simulator import Simulator
from tests.browsing import LEFT_OPEN, WITH_CHROMIUM, Page, browser, expect
from tests.served import Served, serving
from tests.tool import NOW, Tool, series_of
from warehouse.reports.completeness import PAGE

pytestmark = [pytest.mark.slow, LEFT_OPEN, WITH_CHROMIUM]
WITHIN_MS = 60_000
PRICES, RATES = series_of("upbit"), series_of("frankfurter")
SERIES = PRICES + RATES


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with Simulator(NOW) as market:
        home = tmp_path_factory.mktemp("browsed") / "home"
        yield Tool(home, market.url, sources="upbit,frankfurter,coinbase", start="2024-12-05")


@pytest.fixture(scope="module")
def served(tool: Tool) -> Iterator[Served]:
    with serving(tool, PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="5") as running:
        yield running


@pytest.fixture(scope="module")
def foreign() -> list[str]:
    """Every request of the pages to another origin."""
    return []


@pytest.fixture(scope="module")
def page(served: Served, foreign: list[str]) -> Iterator[Page]:
    with browser() as started:
        opened = started.new_page(viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(WITHIN_MS)
        own = (served.address, f"ws{served.address.removeprefix('http')}", "blob:", "data:")
        opened.on("request", lambda asked: None if asked.url.startswith(own) else foreign.append(asked.url))
        opened.on("websocket", lambda asked: None if asked.url.startswith(own) else foreign.append(asked.url))
        yield opened


def kept(page: Page, name: str) -> None:
    """Keep a picture if SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.wait_for_timeout(3000)  # the animations have ended
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def pick(page: Page, day: str) -> None:
    """Fill the next empty date of a form."""
    page.get_by_text("Pick a date").first.click()
    field = page.get_by_label("Date (yyyy-MM-dd)")
    field.fill(day)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)


def choose(page: Page, field: str, *names: str) -> None:
    """Choose some options of a drop-down."""
    page.get_by_label(field).first.click()
    for name in names:
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")


def deployment(page: Page, served: Served, name: str) -> None:
    """Go from the front page to a deployment by links."""
    page.goto(served.address)
    page.get_by_role("link", name="Deployments").first.click()
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("button", name="Run").first).to_be_visible()


def completed(page: Page, name: str) -> None:
    """Wait until the run that is shown has this name and has completed."""
    expect(page.get_by_text(name, exact=True).first).to_be_visible(timeout=WITHIN_MS)
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=2 * WITHIN_MS)


def reads(page: Page, text: str) -> None:
    """Expect a text in the artifact that is open; its hidden source does not count."""
    expect(page.get_by_test_id("markdown-display").get_by_text(text)).to_be_visible()


def artifact(page: Page, key: str) -> None:
    """Open one of the run's artifacts."""
    page.get_by_role("tab", name="Artifacts").click()
    page.locator('a[href*="/artifacts/artifact/"]').filter(has=page.get_by_text(key, exact=True)).first.click()


def test_a_backfill_from_the_form_to_the_rows(page: Page, served: Served, tool: Tool) -> None:
    deployment(page, served, "backfill")
    page.get_by_role("button", name="Run").first.click()
    page.get_by_text("Custom run").click()
    pick(page, "2024-12-05")
    pick(page, "2024-12-09")
    choose(page, "sources", "upbit", "frankfurter")
    kept(page, "backfill-form")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="View run").click()
    completed(page, "backfill 2024-12-05 to 2024-12-09, 2 sources")
    page.reload()
    expect(page.get_by_text(f"krw_prices from upbit, 2024-12-05 to 2024-12-09: {5 * PRICES} loaded")).to_be_visible()
    kept(page, "backfill-run")
    run = page.url
    artifact(page, "plan")
    reads(page, f"{5 * SERIES} series-days, about {SERIES} requests")
    expect(page.get_by_role("cell", name="exchange_rates")).to_be_visible()
    page.goto(run)
    artifact(page, "outcome")
    loaded = 5 * SERIES - 2 * RATES  # the ECB publishes no exchange rate on the two days of the weekend
    reads(page, f"{loaded} series-days loaded, 0 values restated, {SERIES} requests.")
    page.get_by_role("link", name="Results of the checks").click()
    expect(page.get_by_text("krw_prices").first).to_be_visible()
    assert page.url == f"{served.address}/reports/checks/000001.html"
    coins = "select asset from krw_stablecoin_daily where date = '2024-12-09' and venue = 'upbit'"
    assert {("USDC",), ("USDT",)} <= set(tool.ask(coins))
    assert tool.states("source = 'upbit' and date >= '2024-12-05' and state = 'loaded'") == {"loaded": 5 * PRICES}


def test_a_quick_run_of_daily(page: Page, served: Served, tool: Tool) -> None:
    deployment(page, served, "daily")
    page.get_by_role("button", name="Run").first.click()
    page.get_by_text("Quick run").click()
    page.get_by_role("button", name="View run").click()
    completed(page, "daily 2024-12-09")
    artifact(page, "status")
    reads(page, "Nothing is missing.")
    rows = tool.one("select count(*) from core.spot_prices where source = 'coinbase'")
    assert rows == 5 * series_of("coinbase", "spot_prices")


def test_a_combination_that_makes_no_sense_says_so_in_the_run(page: Page, served: Served) -> None:
    deployment(page, served, "backfill")
    page.get_by_role("button", name="Run").first.click()
    page.get_by_text("Custom run").click()
    pick(page, "2024-12-09")
    pick(page, "2024-12-05")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="View run").click()
    expect(page.get_by_text("Failed").first).to_be_visible(timeout=WITHIN_MS)
    page.reload()
    expect(page.get_by_text("the end 2024-12-05 lies before the start 2024-12-09").first).to_be_visible()


def test_a_link_of_the_completeness_page_opens_the_form_filled_in(page: Page, served: Served, tool: Tool) -> None:
    link = backfill_form(tool.home, {"start": "2024-12-06", "end": "2024-12-08", "sources": ["upbit"],
                                     "datasets": ["krw_prices"], "series": ["BTC", "USDT"]})  # fmt: skip
    assert link.startswith(f"{served.address}/form/backfill?")
    page.goto(f"{served.address}/reports/{PAGE}")
    expect(page.get_by_text("What is there, and what is not")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    assert page.url.startswith(f"{served.address}/v2/deployments/deployment/")
    kept(page, "backfill-filled-in")
    runs = served.call("/flow_runs/count", {})
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="View run").click()
    completed(page, "backfill 2024-12-06 to 2024-12-08, upbit, krw_prices, 2 series")
    assert served.call("/flow_runs/count", {}) == runs + 1


def test_the_pages_asked_nobody_but_their_own_origin(page: Page, served: Served, foreign: list[str]) -> None:
    page.goto(f"{served.address}/v2/dashboard")
    expect(page.get_by_text("Flow Runs").first).to_be_visible()
    assert foreign == []
