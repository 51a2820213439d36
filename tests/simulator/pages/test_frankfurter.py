"""Frankfurter's pages: the ECB's exchange rates of business days."""

import json
from pathlib import Path

import pytest

from tests.simulator.client import FRANKFURTER, Client
from tests.simulator.shapes import order, recorded, shape

pytestmark = pytest.mark.slow


def test_the_ecb_fixes_on_its_business_days_only(world: Client) -> None:
    def fixed(path: str) -> list[str]:
        return list(world.json(f"{FRANKFURTER}/{path}?base=USD&symbols=KRW")["rates"])

    assert fixed("2024-12-07..2024-12-09") == ["2024-12-06", "2024-12-09"]
    assert fixed("2023-12-23..2024-01-03") == [
        "2023-12-22", "2023-12-27", "2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03",
    ]  # fmt: skip
    assert fixed("2024-03-29..2024-05-02")[:2] == ["2024-03-28", "2024-04-02"]
    assert "2024-05-01" not in fixed("2024-04-30..2024-05-02")
    assert fixed("2024-01-02..2024-06-28") + fixed("2024-07-01..") == fixed("2024-01-02..")
    assert world.json(f"{FRANKFURTER}/2024-12-08?base=USD&symbols=KRW")["date"] == "2024-12-06"
    for path in (
        "2024-12-08?base=USD&symbols=XXX",
        "2024-12-08..2024-12-09",
        "yesterday?base=USD&symbols=KRW",
    ):
        assert world.ask(f"{FRANKFURTER}/{path}").status_code == 404


# Recorded answers, and the request that is answered in the same shape.
RECORDED = {"frankfurter/timeseries_*.json": f"{FRANKFURTER}/2024-12-01..2024-12-09?base=USD&symbols=KRW"}


@pytest.mark.parametrize(("pattern", "path"), recorded(RECORDED))
def test_pages_have_the_shape_of_recorded_answers(world: Client, pattern: str, path: Path) -> None:
    ours, theirs = world.json(RECORDED[pattern]), json.loads(path.read_text())
    assert shape(ours) == shape(theirs)
    assert order(ours) == order(theirs)
