"""Bitfinex's open interest: what its plan asks, and the days from the simulator."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest

from flows.simulator import Simulator
from flows.source import Request
from flows.sources import bitfinex
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of
from tests.paying import LAST, NIGHT

INTEREST = feed_of(bitfinex.SOURCE, "open_interest")


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def test_the_last_hour_of_each_day_is_asked_for() -> None:
    ask = ask_of("bitfinex", "open_interest", "ETH", date(2024, 12, 8), date(2024, 12, 9))
    first, second = walk(INTEREST.plan(ask), [[], []])
    assert first.url == "https://api-pub.bitfinex.com/v2/status/deriv/tETHF0:USTF0/hist"
    assert first.params == {"start": at(2024, 12, 8, 23), "end": at(2024, 12, 9) - 1, "limit": 250, "sort": -1}
    assert second.params["end"] == at(2024, 12, 10) - 1
    assert first.labels == {"asset": "ETH", "symbol": "tETHF0:USTF0"}


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
@pytest.mark.parametrize("count", [1, 60])
def test_every_day_comes_once_with_its_last_minute(wire: Wire, asset: str, count: int) -> None:
    wire.sent.clear()
    ask = ask_of("bitfinex", "open_interest", asset, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("bitfinex", "open_interest", drive(INTEREST, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert set(rows["stamped_at"].dt.strftime("%H:%M")) == {"23:59"}
    assert rows["open_interest_usd"].null_count() == count
    assert broken_rules("open_interest", rows) == set()
    assert Counter(request.host for request in wire.sent) == INTEREST.requests(ask)


def test_the_simulator_sends_the_newest_first_with_both_bounds(wire: Wire) -> None:
    start, end = at(2024, 12, 9, 23), at(2024, 12, 10)
    url = f"{bitfinex.STATUS}/tBTCF0:USTF0/hist"
    page = wire.fetch(Request(url, params={"start": start, "end": end, "limit": 250})).json()
    stamps = [row[0] for row in page]
    assert stamps == sorted(stamps, reverse=True)
    assert (stamps[0], stamps[-1], len(stamps)) == (end, start, 61)
    assert {len(row) for row in page} == {23}
    assert wire.fetch(Request(url, params={"limit": 5001})).json() == ["error", 10020, "limit: invalid"]
    oldest = wire.fetch(Request(url, params={"start": start, "limit": 1, "sort": 1})).json()
    assert oldest[0][0] == start
