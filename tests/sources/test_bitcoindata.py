"""bitcoin-data.com: one answer with all series, which are compared and which no mart sums."""

from pathlib import Path

import pytest

from flows.simulator import Simulator
from flows.sources import bitcoindata
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.paying import LAST, NIGHT
from tests.tool import Tool
from transforms.open_interest_witness.bitcoindata import VENUES
from warehouse.build import models

pytestmark = pytest.mark.slow

WITNESS = feed_of(bitcoindata.SOURCE, "open_interest_witness")


def test_everything_is_asked_for_once() -> None:
    (request,) = walk(WITNESS.plan(ask_of("bitcoindata", "open_interest_witness", "BTC")), [[]])
    assert request.address == "https://bitcoin-data.com/v1/open-interest-futures"
    limit = bitcoindata.SOURCE.limits[bitcoindata.HOST]
    assert (limit.requests, limit.seconds) == (8, 3600)


@pytest.mark.parametrize("count", [1, 400])
def test_every_day_comes_once_for_each_exchange(count: int) -> None:
    ask = ask_of("bitcoindata", "open_interest_witness", "BTC", days_back(count, LAST), LAST, now=NIGHT)
    with Simulator(now=NIGHT) as served:
        rows = rows_of("bitcoindata", "open_interest_witness", drive(WITNESS, ask, Wire(served).fetch))
    assert set(rows["date"]) == set(ask.days)
    assert rows.select("date", "venue").is_unique().all()
    assert rows.height == count * len(VENUES)
    assert broken_rules("open_interest_witness", rows) == set()


def test_it_is_held_in_core_and_enters_no_mart(tmp_path: Path) -> None:
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="bitcoindata", start="2024-12-01", now=NIGHT)
        assert tool("backfill", "2024-12-01", "2024-12-30").code == 0
    assert tool.one("select count(*) from core.open_interest_witness") == 30 * len(VENUES)
    for mart in ("open_interest_daily", "open_interest_total"):
        assert tool.one(f"select count(*) from {mart}") == 0
    assert not any("open_interest_witness" in table for model in models.models() for table in model.reads)
