"""Bitfinex's loans: what the plan asks, the candles from the simulator, and the recorded order of their fields."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.sources import bitfinex, sources
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of
from tests.paying import LAST, NIGHT
from tests.tool import SHARED

LOANS = feed_of(bitfinex.SOURCE, "borrow_rates")
DAILY = "api-pub.bitfinex.com/v2/candles/trade:1D:fUST:p2/hist"
RECORDED = SHARED / "recordings" / "bitfinex" / "candles_tBTCUSD_1m.json"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_loans_over_two_days_are_asked_for_with_both_bounds() -> None:
    ask = ask_of("bitfinex", "borrow_rates", "USDT", date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(LOANS.plan(ask), [[]])
    assert request.url == "https://api-pub.bitfinex.com/v2/candles/trade:1D:fUST:p2/hist"
    assert request.params == {"start": at(2024, 12, 1), "end": at(2024, 12, 9), "limit": 10_000, "sort": 1}
    assert request.labels == {"asset": "USDT"}


@pytest.mark.parametrize("count", [1, 100, 1500])
def test_one_page_brings_every_day_exactly_once(wire: Wire, count: int) -> None:
    ask = ask_of("bitfinex", "borrow_rates", "USDT", days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("bitfinex", "borrow_rates", drive(LOANS, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == 1
    assert broken_rules("borrow_rates", rows) == set()
    assert rows["samples"].null_count() == count
    assert rows["borrow_apr_max"].null_count() == 0


def test_a_rate_per_day_becomes_one_per_year_and_the_last_loan_is_the_day(wire: Wire) -> None:
    ask = ask_of("bitfinex", "borrow_rates", "USDT", LAST, LAST, now=NIGHT)
    gathered = drive(LOANS, ask, wire.fetch)
    ((stamp, _, close, high, _, _),) = gathered.answers[0].json()
    (row,) = rows_of("bitfinex", "borrow_rates", gathered).to_dicts()
    assert stamp == at(2024, 12, 31)
    assert 1e-5 < close < 1e-3
    assert (row["borrow_apr"], row["borrow_apr_max"]) == (close * 365, high * 365)


def test_it_costs_about_what_another_exchange_asks(wire: Wire) -> None:
    def means(source: str) -> float:
        ask = ask_of(source, "borrow_rates", "USDT", days_back(60, LAST), LAST, now=NIGHT)
        rows = rows_of(source, "borrow_rates", drive(feed_of(sources()[source], "borrow_rates"), ask, wire.fetch))
        return float(rows.select(pl.col("borrow_apr").mean()).item())

    assert 0.7 < means("bitfinex") / means("okx") < 1.4


def test_what_was_not_lent_yet_is_not_there(wire: Wire) -> None:
    early = ask_of("bitfinex", "borrow_rates", "USDT", date(2019, 5, 1), date(2019, 6, 3), now=NIGHT)
    rows = rows_of("bitfinex", "borrow_rates", drive(LOANS, early, wire.fetch))
    assert rows["date"].to_list() == [date(2019, 6, day) for day in (1, 2, 3)]


def test_fields_in_another_order_are_held_back(wire: Wire) -> None:
    """Read as open, high, low, close, the day's dearest loan would be its cheapest."""
    ask = ask_of("bitfinex", "borrow_rates", "USDT", days_back(30, LAST), LAST, now=NIGHT)
    rows = rows_of("bitfinex", "borrow_rates", drive(LOANS, ask, wire.fetch))
    swapped = rows.with_columns(borrow_apr="borrow_apr_max", borrow_apr_max=pl.col("borrow_apr") * 0.9)
    assert broken_rules("borrow_rates", swapped) == {"borrow_apr_max is not below borrow_apr"}


def test_the_simulator_has_the_running_day_and_obeys_its_clock(simulator: Simulator) -> None:
    url = f"{simulator.url}/{DAILY}"
    newest = requests.get(url, timeout=10).json()
    assert len(newest) == 100
    assert newest[0][0] == at(2025, 1, 1)
    running, before = newest[0], newest[1]
    assert running[1] == running[2]  # half an hour of the day: the first rate is the last
    assert running[5] < before[5]
    bounds = {"start": at(2024, 12, 9), "end": at(2024, 12, 11), "sort": 1}
    assert [row[0] for row in requests.get(url, bounds, timeout=10).json()] == [
        at(2024, 12, day) for day in (9, 10, 11)
    ]
    assert requests.get(url.replace("fUST:p2", "fUST:p30"), timeout=10).json() == []
    assert requests.get(url.replace("fUST:p2", "fUST"), timeout=10).status_code == 404


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the repository")
def test_candles_of_loans_have_the_order_of_recorded_candles(simulator: Simulator) -> None:
    real = json.loads(RECORDED.read_text(encoding="utf-8"))
    ours = requests.get(f"{simulator.url}/{DAILY}", timeout=10).json()
    for candles in (real, ours):
        assert {len(candle) for candle in candles} == {6}
        assert all(
            low <= min(opened, close) <= max(opened, close) <= high for _, opened, close, high, low, _ in candles
        )
        assert candles[0][0] > candles[-1][0] > 1e12


def test_an_error_inside_a_200_is_no_day_without_loans(wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("fUST", "envelope", "always")])
    ask = ask_of("bitfinex", "borrow_rates", "USDT", LAST, LAST, now=NIGHT)
    gathered = drive(LOANS, ask, wire.fetch)
    assert bitfinex.refusal(gathered.answers[0]) is not None
    with pytest.raises(PayloadChanged):
        rows_of("bitfinex", "borrow_rates", gathered)


def test_days_without_a_loan_are_missing(wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("fUST", "drop", "always", drop_every=3)])
    ask = ask_of("bitfinex", "borrow_rates", "USDT", days_back(30, LAST), LAST, now=NIGHT)
    rows = rows_of("bitfinex", "borrow_rates", drive(LOANS, ask, wire.fetch))
    assert rows["date"].n_unique() == rows.height < 30
    assert rows["date"].diff().max() == timedelta(days=2)
