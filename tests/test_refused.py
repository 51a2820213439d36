"""An odd row among good ones costs its day, and no other."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from expectations.contract import datasets
from expectations.errors import PayloadChanged
from transforms.conform import conform, conform_by_day
from transforms.refused import refuse

EXCHANGE_RATES = datasets()["exchange_rates"]
DAYS = [date(2024, 12, day) for day in (5, 6, 9)]


def rates(values: list[float]) -> pl.DataFrame:
    at = [datetime(day.year, day.month, day.day, 16, tzinfo=UTC) for day in DAYS]
    return pl.DataFrame(
        {"date": DAYS, "currency": "KRW", "rate_per_usd": values, "stamped_at": at, "available_at": at},
        schema=EXCHANGE_RATES.schema(),
    )


def test_a_marked_row_takes_its_day_out_and_says_why() -> None:
    frame = refuse(
        rates([1400.0, 1.4, 1430.0]), pl.col("rate_per_usd") < 100, pl.format("expected won, found {}", "rate_per_usd")
    )
    rows, refused = conform_by_day(frame, EXCHANGE_RATES)
    assert rows["date"].to_list() == [DAYS[0], DAYS[2]]
    assert refused == {DAYS[1]: "expected won, found 1.4"}
    with pytest.raises(PayloadChanged, match=r"expected won, found 1.4 \(2024-12-06\)"):
        conform(frame, EXCHANGE_RATES)


def test_the_first_reason_stays() -> None:
    once = refuse(rates([1.0, 2.0, 3.0]), pl.col("rate_per_usd") == 2, pl.lit("first"))
    twice = refuse(once, pl.col("rate_per_usd") >= 2, pl.lit("second"))
    assert conform_by_day(twice, EXCHANGE_RATES).refused == {DAYS[1]: "first", DAYS[2]: "second"}


def test_what_is_no_number_costs_its_day() -> None:
    rows, refused = conform_by_day(rates([1400.0, float("inf"), 1430.0]), EXCHANGE_RATES)
    assert rows["rate_per_usd"].to_list() == [1400.0, 1430.0]
    assert refused == {DAYS[1]: "expected finite numbers in exchange_rates, found NaN or infinity"}


def test_a_row_that_cannot_be_read_and_does_not_say_its_day_costs_the_answer() -> None:
    undated = refuse(rates([1400.0, 1.4, 1430.0]), pl.col("rate_per_usd") < 100, pl.lit("expected won")).with_columns(
        date=pl.when(pl.col("rate_per_usd") > 100).then("date")
    )
    with pytest.raises(PayloadChanged, match="expected won"):
        conform_by_day(undated, EXCHANGE_RATES)
