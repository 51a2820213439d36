"""FRED's pages: one table of a series, as CSV."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.simulator.client import CRASH, FRED, Client
from tests.simulator.shapes import recorded, table_shape

pytestmark = pytest.mark.slow


def test_fred_cuts_at_both_bounds_and_lists_holidays_as_empty(world: Client) -> None:
    whole = world.table("RRPONTSYD", cosd="2024-11-01", coed="2024-12-09")
    halves = world.table("RRPONTSYD", cosd="2024-11-01", coed="2024-11-20") | world.table(
        "RRPONTSYD", cosd="2024-11-21", coed="2024-12-09"
    )
    assert whole == halves
    assert [day for day, value in whole.items() if not value] == [date(2024, 11, 11), date(2024, 11, 28)]
    assert all(day.weekday() < 5 for day in whole)
    assert {day.weekday() for day in world.table("WALCL")} == {2}
    assert len({day.weekday() for day in world.table("DFF")}) == 7
    assert re.fullmatch(r"\d\.\d\d", world.table("DGS1")[CRASH - timedelta(days=3)])
    wrong = world.ask(FRED, id="NOPE")
    assert (wrong.status_code, "html" in wrong.headers["Content-Type"]) == (404, True)
    assert world.ask(FRED, id="DFF", cosd="soon").status_code == 400


# Recorded tables, and the request that is answered in the same shape.
RECORDED = {
    "fred/fredgraph_WALCL.csv": f"{FRED}?id=WALCL",
    "fred/fredgraph_RRPONTSYD.csv": f"{FRED}?id=RRPONTSYD",
    "fred/fredgraph_DFF.csv": f"{FRED}?id=DFF",
}


@pytest.mark.parametrize(("pattern", "path"), recorded(RECORDED))
def test_tables_have_the_shape_of_recorded_ones(world: Client, pattern: str, path: Path) -> None:
    assert table_shape(world.ask(RECORDED[pattern]).text) == table_shape(path.read_text())
