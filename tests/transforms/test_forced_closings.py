"""Forced closings as rows, and the days that an answer proves to have none."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.errors import PayloadChanged
from transforms.conform import conform, said_empty
from transforms.formats.forced_closings import days_within, events, without_events
from transforms.units import epoch_to_instant


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 12, day, hour, minute, tzinfo=UTC)


def within(*stamps: datetime) -> list[int]:
    return [day.day for day in days_within(pl.Series(stamps, dtype=pl.Datetime("us", "UTC")))]


def test_only_whole_days_within_the_first_and_the_last_row_are_covered() -> None:
    assert within(at(9, 13), at(9, 12), at(5, 23, 59)) == [6, 7, 8]
    assert within(at(7), at(6, 12), at(5, 23)) == [6]
    assert within(at(6), at(5)) == within(at(5, 2), at(5, 1)) == []
    assert within(at(5)) == within() == []


def test_a_silence_of_more_than_a_week_is_not_covered() -> None:
    assert within(at(13), at(5)) == [6, 7, 8, 9, 10, 11, 12]
    assert within(at(14), at(5)) == []
    assert within(at(22), at(20), at(9), at(7)) == [8, 21]


def test_a_stamp_of_another_millennium_covers_nothing() -> None:
    strange = epoch_to_instant(pl.lit(10**17))
    stamps = pl.select(at=pl.concat([strange, pl.lit(at(9)), pl.lit(at(7))])).to_series()
    assert days_within(stamps) == [date(2024, 12, 8)]


def test_rows_that_do_not_come_newest_first_are_refused() -> None:
    with pytest.raises(
        PayloadChanged, match="expected rows newest first, found 2024-12-09 00:00:00 after an older one"
    ):
        within(at(10), at(5), at(9))


def test_a_listed_day_is_said_to_be_empty_and_an_event_is_not() -> None:
    quiet = conform(without_events([date(2024, 12, 6), date(2024, 12, 7)], venue="here"), LIQUIDATION_EVENTS)
    assert quiet["date"].to_list() == [date(2024, 12, 6), date(2024, 12, 7)]
    assert quiet.select(said_empty(LIQUIDATION_EVENTS)).to_series().to_list() == [True, True]
    closed = pl.DataFrame({"asset": ["BTC"], "event": ["1"], "amount_usd": [0.0], "stamped_at": [at(9, 23, 59)]})
    rows = conform(events(closed, venue="here"), LIQUIDATION_EVENTS)
    assert rows.select("date", "venue", "side", "price_usd").rows() == [(date(2024, 12, 9), "here", None, None)]
    assert rows["available_at"].to_list() == [at(9, 23, 59)]
    assert rows.select(said_empty(LIQUIDATION_EVENTS)).item() is False
    assert conform(without_events([], venue="here"), LIQUIDATION_EVENTS).is_empty()
