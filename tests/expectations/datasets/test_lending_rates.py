"""Deposit rates in percent are blocked."""

import polars as pl
import pytest

from expectations.contract import datasets
from tests.expectations.cases import batch_of, blocked, failures
from transforms.lending_rates import defillama as lending

pytestmark = pytest.mark.slow


def test_lending_rates_in_percent_are_blocked() -> None:
    points = [
        {"timestamp": f"2024-12-0{day}T23:01:00.000Z", "tvlUsd": 1e8, "apyBase": percent}
        for day, percent in enumerate((0.9, 1.5, 2.0, 2.5, 2.9), start=1)
    ]
    rows = lending.normalize({"status": "success", "data": points}, protocol="aave-v3", chain="ethereum", asset="USDC")
    assert blocked("lending_rates", rows) == set()
    in_percent = rows.with_columns(pl.col("supply_apr") * 100)
    assert blocked("lending_rates", in_percent) == {"half of the supply_apr are below 0.5, over 5 rows or more"}


def test_a_whole_batch_of_percents_is_held_back_through_great_expectations() -> None:
    dataset = datasets()["lending_rates"]
    batch = batch_of(dataset, {"percent": [{"day": day, "supply_apr": 2.0} for day in range(5)]})
    assert {name: rows.height for name, rows in failures(dataset, batch).items()} == {
        "half of the supply_apr are below 0.5, over 5 rows or more": 5
    }
