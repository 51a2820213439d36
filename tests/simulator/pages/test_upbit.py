"""Upbit's pages: candles in won, newest first."""

import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.simulator.client import UPBIT, Client, upbit_pages
from tests.simulator.shapes import order, recorded, shape

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("market", ["KRW-BTC", "KRW-USDT", "KRW-USDC"])
def test_upbit_pages_backward(world: Client, market: str) -> None:
    days = [date.fromisoformat(row["candle_date_time_utc"][:10]) for row in upbit_pages(world, market)]
    assert days[0] == date(2024, 12, 10)
    assert all(later - earlier == timedelta(days=1) for later, earlier in pairwise(days))


def test_upbit_sends_one_candle_unless_asked_and_leaves_the_bound_out(world: Client) -> None:
    assert len(world.json(UPBIT, market="KRW-BTC")) == 1
    until = world.json(UPBIT, market="KRW-BTC", to="2024-12-09T00:00:00Z")
    assert until[0]["candle_date_time_utc"] == "2024-12-08T00:00:00"
    assert until[0]["candle_date_time_kst"] == "2024-12-08T09:00:00"
    assert world.json(UPBIT, market="KRW-BTC", to="2024-12-09 09:00:01+09:00")[0] != until[0]
    refused = [
        world.ask(UPBIT),
        world.ask(UPBIT, market="KRW-BTC", count=201),
        world.ask(UPBIT, market="KRW-BTC", count="many"),
        world.ask(UPBIT, market="KRW-NOPE"),
    ]
    assert [answer.status_code for answer in refused] == [400, 400, 400, 404]
    assert all(set(answer.json()["error"]) == {"name", "message"} for answer in refused)


# Recorded answers, and the request that is answered in the same shape.
RECORDED = {
    "upbit/candles_days_KRW-BTC*.json": f"{UPBIT}?market=KRW-BTC&count=200",
    "upbit/error_missing_market.json": f"{UPBIT}?count=1",
}


@pytest.mark.parametrize(("pattern", "path"), recorded(RECORDED))
def test_pages_have_the_shape_of_recorded_answers(world: Client, pattern: str, path: Path) -> None:
    ours, theirs = world.ask(RECORDED[pattern]).json(), json.loads(path.read_text())
    assert shape(ours) == shape(theirs)
    if len(theirs) > 1:
        assert order(ours) == order(theirs)
