"""Forced closings as rows, and the days that an answer proves to have none."""

from datetime import UTC, date, datetime

import polars as pl

from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from transforms.closings import days_within, events, without_events
from transforms.conform import conform, said_empty


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 12, day, hour, minute, tzinfo=UTC)


def test_only_whole_days_within_the_first_and_the_last_row_are_covered() -> None:
    assert days_within([at(9, 12), at(5, 23, 59), at(9, 13)]) == [date(2024, 12, day) for day in (6, 7, 8)]
    assert days_within([at(7), at(5, 23), at(6, 12)]) == [date(2024, 12, 6)]
    assert days_within([at(5), at(6)]) == days_within([at(5, 1), at(5, 2)]) == []
    assert days_within([at(5)]) == days_within([]) == []


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
