"""Bybit's current borrowing rate: when it is read, for which day, and the documented example."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.sources import bybit
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.recordings.test_venues import kinds
from tests.tool import SHARED, Tool
from transforms.borrow_rates.bybit import normalize

pytestmark = [pytest.mark.slow, pytest.mark.marts("borrow_rates_daily")]

NIGHT = datetime(2024, 12, 10, 0, 35, tzinfo=UTC)
RATES = feed_of(bybit.SOURCE, "borrow_rates")
DOCUMENTED = SHARED / "recordings" / "doc-examples" / "bybit" / "spot_margin_data.json"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def test_the_rate_for_those_without_a_discount_is_asked_for() -> None:
    (request,) = walk(bybit.plan_rates(ask_of("bybit", "borrow_rates", "USDT")), [{}])
    assert request.address == "https://api.bybit.com/v5/spot-margin-trade/data?vipLevel=No+VIP&currency=USDT"
    assert request.labels == {"asset": "USDT"}


@pytest.mark.parametrize("coin", ["USDT", "USDC"])
def test_the_first_reading_after_a_day_is_that_day(wire: Wire, coin: str) -> None:
    gathered = drive(RATES, ask_of("bybit", "borrow_rates", coin, now=NIGHT), wire.fetch)
    rows = rows_of("bybit", "borrow_rates", gathered)
    assert rows["date"].to_list() == [date(2024, 12, 9)]
    assert rows["available_at"].to_list() == [NIGHT]
    assert 0.05 < rows["borrow_apr"].item() < 1  # a daily rate taken for an hourly one would be 1/24 of it
    assert broken_rules("borrow_rates", rows) == set()


def test_a_renamed_field_and_an_empty_page_fail(wire: Wire) -> None:
    ask = ask_of("bybit", "borrow_rates", "USDT", now=NIGHT)
    for rule in (
        Misbehaviour("margin", "shape", key="hourlyBorrowRate", rename="rate"),
        Misbehaviour("margin", "empty"),
    ):
        wire.simulator.misbehave([rule])
        with pytest.raises(PayloadChanged):
            rows_of("bybit", "borrow_rates", drive(RATES, ask, wire.fetch))


def test_a_day_is_read_within_twelve_hours_of_its_end_or_lost(tmp_path: Path, wire: Wire) -> None:
    tool = Tool(tmp_path / "home", wire.simulator.url, sources="bybit", start="2024-12-08", now=NIGHT)
    narrow = ("--dataset", "borrow_rates", "--series", "USDT")
    assert tool("backfill", "2024-12-08", "2024-12-09", *narrow).code == 0
    wire.simulator.now = late = NIGHT + timedelta(days=1, hours=12)
    tool = Tool(tmp_path / "home", wire.simulator.url, sources="bybit", start="2024-12-08", now=late)
    assert tool("backfill", "2024-12-08", "2024-12-10", *narrow).code == 0
    told = "select date, state from ops.ledger where dataset = 'borrow_rates' and series = 'USDT' order by date"
    assert [(day, state) for day, state in tool.ask(told) if day <= date(2024, 12, 10)] == [
        (date(2024, 12, 8), "perished"),
        (date(2024, 12, 9), "loaded"),
        (date(2024, 12, 10), "perished"),
    ]
    rates = "select date, venue, samples, sampling, borrow_apr_max, source from borrow_rates_daily"
    assert tool.ask(rates) == [(date(2024, 12, 9), "bybit", 1, "daily_last", None, "bybit")]


@pytest.mark.skipif(not DOCUMENTED.exists(), reason="the shared recordings are not there")
def test_the_documented_answer(wire: Wire) -> None:
    page = json.loads(DOCUMENTED.read_bytes())
    (row,) = normalize(page, asset="BTC", observed_at=NIGHT).rows(named=True)
    assert row["borrow_apr"] == pytest.approx(0.000001502122 * 24 * 365)
    mine = wire.fetch(next(bybit.plan_rates(ask_of("bybit", "borrow_rates", "USDT")))).json()
    assert kinds(mine["result"]) == kinds(page["result"])
