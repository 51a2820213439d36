"""Coinbase's pages: candles, newest first, at most 300 of them."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from tests.simulator.client import COINBASE, Client, day_at
from tests.simulator.shapes import order, recorded, shape

pytestmark = pytest.mark.slow


def test_coinbase_pages_in_windows_of_299_days(world: Client) -> None:
    stamps: list[int] = []
    start, last = date(2022, 1, 1), date(2024, 12, 10)
    while start <= last:
        end = min(start + timedelta(days=299), last)
        page = world.json(f"{COINBASE}/BTC-USD/candles", granularity=86400, start=start, end=end)
        newest_first = [row[0] for row in page]
        assert newest_first == sorted(newest_first, reverse=True)
        stamps += reversed(newest_first)
        start = end + timedelta(days=1)
    assert stamps == list(range(stamps[0], stamps[-1] + 1, 86_400))
    assert day_at(stamps[-1] * 1000) == last


def test_coinbase_refuses_in_its_own_words(world: Client) -> None:
    candles = f"{COINBASE}/BTC-USD/candles"
    too_many = world.ask(candles, granularity=86400, start="2024-01-01", end="2024-10-27")
    assert (too_many.status_code, "exceeds 300" in too_many.json()["message"]) == (400, True)
    assert len(world.json(candles, granularity=86400, start="2024-01-01", end="2024-10-26")) == 300
    assert len(world.json(candles, granularity=3600)) == 300
    assert world.ask(candles, granularity=1234).status_code == 400
    assert world.ask(candles, granularity=86400, start="soon", end="later").status_code == 400
    assert world.ask(f"{COINBASE}/BTC-XXX/candles", granularity=86400).json() == {"message": "NotFound"}
    session = requests.Session()
    session.headers.pop("User-Agent")
    with (
        session,
        session.get(f"{world.simulator.url}/{candles}", headers={"User-Agent": ""}, timeout=5) as bare,
    ):
        assert bare.status_code == 400


# Recorded answers, and the request that is answered in the same shape.
RECORDED = {"coinbase/candles_BTC-USD_86400.json": f"{COINBASE}/BTC-USD/candles?granularity=86400"}


@pytest.mark.parametrize(("pattern", "path"), recorded(RECORDED))
def test_pages_have_the_shape_of_recorded_answers(world: Client, pattern: str, path: Path) -> None:
    ours, theirs = world.json(RECORDED[pattern]), json.loads(path.read_text())
    assert shape(ours) == shape(theirs)
    assert order(ours) == order(theirs)
