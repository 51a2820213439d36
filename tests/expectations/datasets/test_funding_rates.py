"""Funding rates in another unit, and payments with a wrong interval, are blocked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.contract import datasets
from flows.steps.check import check
from tests.expectations.cases import blocked
from transforms.funding_rates import binance as funding

pytestmark = pytest.mark.slow


def payments(rates: Mapping[str, str]) -> pl.DataFrame:
    """Binance's payments of one day, all of an asset at its rate."""
    frames = []
    for asset, funding_rate in rates.items():
        page = [
            {"symbol": asset, "fundingTime": 1733702400000 + slot * 28_800_000, "fundingRate": funding_rate}
            for slot in range(3)
        ]
        rows = funding.normalize(page, asset=asset, symbol=asset, interval_hours="8")
        frames.append(rows.with_columns(series=pl.lit(asset)))
    return pl.concat(frames)


CALM = {"BTC": "0.0001", "ETH": "0.0001", "ADA": "0.0001", "SOL": "0.00005", "XRP": "-0.00002"}


def test_funding_in_percent_is_blocked() -> None:
    assert blocked("funding_rates", payments(CALM)) == set()
    percent = {asset: str(100 * float(text)) for asset, text in CALM.items()}
    assert blocked("funding_rates", payments(percent)) == {
        "funding_rate of BTC and ETH is between -0.008 and 0.008",
        "half of the day's rates are within 0.004, over 5 assets or more",
    }


def paid_at(hours: Mapping[int, int]) -> pl.DataFrame:
    """Payments at these hours after a midnight, each with the interval that is stated for it."""
    midnight = datetime(2023, 6, 7, tzinfo=UTC)
    made = [
        {
            "date": (midnight + timedelta(hours=hour)).date(),
            "settled_at": midnight + timedelta(hours=hour),
            "asset": "BTC",
            "venue": "anywhere",
            "funding_rate": 1e-5,
            "interval_hours": interval,
        }
        for hour, interval in hours.items()
    ]
    schema = {name: kind for name, kind in datasets()["funding_rates"].schema().items() if name in made[0]}
    return pl.DataFrame(made, schema=schema).with_columns(series=pl.lit("BTC"))


def held_days(rows: pl.DataFrame) -> list[date]:
    """The days that the checks hold back."""
    checked = check(datasets()["funding_rates"], rows.with_columns(snapshot=pl.lit("here")))
    assert checked.batch_rule is None
    return sorted(checked.held["date"].unique())


EVERY_EIGHT = (0, 8, 16)
THEN_EVERY_HOUR = tuple(range(24, 48))


def test_eight_hours_read_as_one_are_held_back_on_the_day_too_that_adds_up_to_24_by_coincidence() -> None:
    """Hyperliquid, 7 and 8 June 2023: the payment at midnight is for eight hours, the 23 after it are for one."""
    as_paid = dict.fromkeys(EVERY_EIGHT, 8) | {24: 8} | dict.fromkeys(THEN_EVERY_HOUR[1:], 1)
    assert held_days(paid_at(as_paid)) == []
    hourly = paid_at(dict.fromkeys((*EVERY_EIGHT, *THEN_EVERY_HOUR), 1))
    assert hourly.filter(pl.col("date") == date(2023, 6, 8))["interval_hours"].sum() == 24
    assert held_days(hourly) == [date(2023, 6, 7), date(2023, 6, 8)]
    # The first day is held back also where it is judged alone.
    assert held_days(hourly.filter(pl.col("date") == date(2023, 6, 7))) == [date(2023, 6, 7)]


@pytest.mark.parametrize(
    ("hours", "interval"),
    [
        (range(0, 72, 8), 4),  # Binance's list states the interval of today
        (range(0, 72, 8), 2),
        (range(0, 72, 4), 1),
        (range(0, 72, 12), 4),
        (range(0, 72, 4), 8),
        (range(72), 8),
        (range(72), 24),
        (range(0, 72, 8), 24),
        ([0, 8, 16, 32, 40, 48, 56], 1),  # and a payment is missing
    ],
)
def test_a_wrong_interval_is_held_back_on_every_day(hours: Sequence[int], interval: int) -> None:
    rows = paid_at(dict.fromkeys(hours, interval))
    assert held_days(rows) == sorted(rows["date"].unique())


@pytest.mark.parametrize(
    ("every", "missing"), [(1, [20]), (1, [30, 33, 34, 37]), (8, [24]), (4, [28, 36]), (1, [25, 47])]
)
def test_a_payment_that_is_missing_holds_nothing_back_and_is_warned_of(every: int, missing: Sequence[int]) -> None:
    rows = paid_at({hour: every for hour in range(0, 72, every) if hour not in missing})
    checked = check(datasets()["funding_rates"], rows.with_columns(snapshot=pl.lit("here")))
    assert checked.held.is_empty()
    (warned,) = [result for result in checked.results if not result.success]
    assert (warned.severity, warned.check) == (
        "warning",
        "the day's intervals add up to 24 hours, unless the interval changes that day",
    )


def test_the_day_on_which_a_stated_interval_becomes_shorter_is_published() -> None:
    """As at BitMEX in 2016: 16 hours between the last payment for 24 hours and the first for 8 are in no interval."""
    rows = paid_at({-12: 24, 12: 24, 36: 8, 44: 8, 52: 8, 60: 8, 68: 8})
    assert held_days(rows) == []
    assert rows.filter(pl.col("date") == date(2023, 6, 8))["interval_hours"].sum() == 16


def test_a_payment_told_twice_is_held_back() -> None:
    twice = pl.concat([paid_at(dict.fromkeys(range(0, 72, 8), 8)), paid_at({33: 8})])
    assert held_days(twice) == [date(2023, 6, 8)]
    stretched = paid_at(
        {0: 8, 8: 8, 16: 8, 24: 8, 32: 16, 48: 8}
    )  # the payment before the gap states an interval that ends after it
    assert date(2023, 6, 8) in held_days(stretched)
