"""Rates in an unknown unit: what Gate and KuCoin are asked, their rows, and that no mart reads them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Source
from flows.sources import gate, kucoin
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import Tool
from warehouse.build.models import models

pytestmark = pytest.mark.slow

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
BOTH = pytest.mark.parametrize("source", [gate.SOURCE, kucoin.SOURCE], ids=["gate", "kucoin"])


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asked(wire: Wire, source: Source, count: int, coin: str = "USDT") -> pl.DataFrame:
    ask = ask_of(source, "unconfirmed_rates", coin, days_back(count, LAST), LAST, now=NIGHT)
    return rows_of(source.name, "unconfirmed_rates", drive(feed_of(source, "unconfirmed_rates"), ask, wire.fetch))


def test_gate_is_asked_for_a_page_that_holds_each_day_whole() -> None:
    ask = ask_of("gate", "unconfirmed_rates", "USDT", date(2024, 12, 7), date(2024, 12, 9))
    requests_made = walk(gate.plan_rates(ask), [{}] * 3)
    assert requests_made[-1].address == (
        "https://api.gateio.ws/api/v4/unified/history_loan_rate?currency=USDT&tier=1&page=1&limit=100"
    )
    assert requests_made[-1].labels == {"asset": "USDT", "first": "2024-12-09", "last": "2024-12-09"}
    assert [one.params["page"] for one in requests_made] == [1, 1, 1]


def test_no_border_between_two_pages_comes_near_a_day_whatever_the_hour_of_asking() -> None:
    for hours_ago in range(24 * 31):
        newest, oldest = max(hours_ago - gate.SLACK, 0), hours_ago + 24 + gate.SLACK
        page, size = gate.page_of(newest, oldest)
        assert (page - 1) * size <= newest < oldest < page * size
        assert size <= gate.RATES_PAGE


@pytest.mark.parametrize("coin", ["USDT", "USDC"])
@pytest.mark.parametrize(("source", "count"), [(gate.SOURCE, 1), (gate.SOURCE, 30), (kucoin.SOURCE, 6)])
def test_every_day_comes_exactly_once_and_whole(wire: Wire, source: Source, count: int, coin: str) -> None:
    wire.sent.clear()
    rows = asked(wire, source, count, coin)
    ask = ask_of(source, "unconfirmed_rates", coin, days_back(count, LAST), LAST, now=NIGHT)
    assert rows["date"].sort().to_list() == list(ask.days)
    assert rows["samples"].unique().to_list() == [24]
    assert broken_rules("unconfirmed_rates", rows) == set()
    feed = feed_of(source, "unconfirmed_rates")
    assert Counter(one.host for one in wire.sent) == feed.requests(ask)


@BOTH
def test_the_running_day_and_a_day_of_few_hours_are_held_back(wire: Wire, source: Source) -> None:
    ask = ask_of(source, "unconfirmed_rates", "USDT", date(2025, 1, 1), date(2025, 1, 1), now=NIGHT)
    rows = rows_of(source.name, "unconfirmed_rates", drive(feed_of(source, "unconfirmed_rates"), ask, wire.fetch))
    assert rows["samples"].to_list() == [1]
    assert broken_rules("unconfirmed_rates", rows) == {"samples are those of 20 hours or more"}


@BOTH
def test_a_renamed_field_fails_and_dropped_hours_hold_the_day_back(wire: Wire, source: Source) -> None:
    field = {"gate": "rate", "kucoin": "marketInterestRate"}[source.name]
    wire.simulator.misbehave([Misbehaviour("Rate|rate", "shape", key=field, rename="value")])
    with pytest.raises(PayloadChanged):
        asked(wire, source, 1)
    wire.simulator.misbehave([Misbehaviour("Rate|rate", "drop", drop_every=3)])
    assert "samples are those of 20 hours or more" in broken_rules("unconfirmed_rates", asked(wire, source, 1))
    wire.simulator.misbehave([Misbehaviour("Rate|rate", "empty")])
    assert asked(wire, source, 1).is_empty()


@BOTH
def test_an_error_in_a_200_is_one(wire: Wire, source: Source) -> None:
    wire.simulator.misbehave([Misbehaviour(".", "envelope")])
    feed = feed_of(source, "unconfirmed_rates")
    answer = wire.fetch(next(feed.plan(ask_of(source, "unconfirmed_rates", "USDT"))))
    assert answer.status == 200
    assert isinstance(source.refusal(answer), SourceUnavailable)


def test_a_home_keeps_them_in_core_and_in_no_mart(tmp_path: Path, simulator: Simulator) -> None:
    simulator.misbehave([])
    tool = Tool(tmp_path / "home", simulator.url, sources="gate,kucoin", start="2024-12-01", now=NIGHT)
    said = tool("backfill", "2024-12-01", "2024-12-31", "--dataset", "unconfirmed_rates")
    assert said.code == 0, said.err
    kept = tool.ask("select source, asset, count(*), min(date) from core.unconfirmed_rates group by all order by all")
    assert kept == [
        ("gate", "USDC", 30, date(2024, 12, 2)),
        ("gate", "USDT", 30, date(2024, 12, 2)),
        ("kucoin", "USDC", 6, date(2024, 12, 26)),
        ("kucoin", "USDT", 6, date(2024, 12, 26)),
    ]
    assert tool.states("source = 'kucoin' and series = 'USDT' and date < '2025-01-01'") == {"loaded": 6, "perished": 25}
    assert not [model.name for model in models() if any("unconfirmed" in table for table in model.reads)]


def test_kucoin_tells_168_hours_up_to_the_running_one(wire: Wire) -> None:
    page = requests.get(
        f"{wire.simulator.url}/api.kucoin.com/api/v3/project/marketInterestRate?currency=USDT", timeout=9
    )
    times = [row["time"] for row in page.json()["data"]]
    assert len(times) == 168
    assert (times[0], times[-1]) == (f"{NIGHT - timedelta(hours=167):%Y%m%d%H}00", "202501010000")


def test_gate_pages_run_from_the_newest_hour_without_a_gap(wire: Wire) -> None:
    def page(number: int, size: int) -> list[int]:
        query = f"currency=USDT&tier=1&page={number}&limit={size}"
        answer = requests.get(f"{wire.simulator.url}/api.gateio.ws/api/v4/unified/history_loan_rate?{query}", timeout=9)
        return [row["time"] for row in answer.json()["rates"]]

    assert page(1, 100) + page(2, 100) == page(1, 50) + page(2, 50) + page(3, 50) + page(4, 50)
    assert {earlier - later for later, earlier in zip(page(1, 100)[1:], page(1, 100), strict=False)} == {3_600_000}
