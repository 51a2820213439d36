"""An odd row among good ones costs its day, and no other."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from expectations.contract import datasets
from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.errors import PayloadChanged
from transforms.conform import conform, conform_by_day
from transforms.formats.forced_closings import events
from transforms.formats.interest_readings import days_of
from transforms.macro_series.nyfed import normalize as operations
from transforms.macro_series.treasury import normalize as statements
from transforms.payload import decode
from transforms.refused import refuse
from transforms.units import epoch_to_instant, seconds_to_instant

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


# Contradictions ------------------------------------------------------------------------------------------------------


def test_two_rows_that_differ_under_one_key_cost_their_day_and_repetitions_cost_nothing() -> None:
    frame = pl.concat([rates([1400.0, 1410.0, 1430.0]), rates([1400.0, 1411.0, 1430.0])])
    rows, refused = conform_by_day(frame, EXCHANGE_RATES)
    assert rows["rate_per_usd"].to_list() == [1400.0, 1430.0]
    assert refused == {DAYS[1]: "expected one row of exchange_rates for each date, currency, found several that differ"}


def test_an_event_that_is_told_again_later_is_no_contradiction_but_two_amounts_of_one_stamp_are() -> None:
    first = datetime(2024, 12, 9, 1, tzinfo=UTC)
    later = datetime(2024, 12, 9, 2, tzinfo=UTC)
    closed = {
        "asset": ["BTC", "BTC", "ETH"],
        "event": ["1", "1", "2"],
        "side": ["long"] * 3,
        "amount_usd": [100.0, 90.0, 5.0],
        "stamped_at": [first, later, first],
    }
    assert conform_by_day(events(pl.DataFrame(closed), venue="okx"), LIQUIDATION_EVENTS).refused == {}
    closed["stamped_at"] = [first, first, first]
    rows, refused = conform_by_day(events(pl.DataFrame(closed), venue="okx"), LIQUIDATION_EVENTS)
    assert rows.is_empty()
    assert list(refused) == [date(2024, 12, 9)]


def readings(*told: tuple[int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [(datetime(2024, 12, day, hour, 55, tzinfo=UTC), coins, 90_000 * coins) for day, hour, coins in told],
        schema={"stamped_at": pl.Datetime("us", "UTC"), "coins": pl.Float64, "usd": pl.Float64},
        orient="row",
    )


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_readings_that_contradict_each_other_under_one_stamp_refuse_their_day_whichever_it_is(hour: int) -> None:
    told = readings((8, hour, 80.0), (8, 23, 80.0), (8, hour, 41.0), (9, 23, 70.0), (9, 23, 70.0))
    days = days_of(told, asset="BTC", venue="binance", contract="BTCUSDT")
    rows, refused = conform_by_day(days, datasets()["open_interest"])
    assert rows["open_interest_coins"].to_list() == [70.0]
    (reason,) = refused.values()
    assert list(refused) == [date(2024, 12, 8)]
    assert reason.startswith(f"expected one reading for each instant, found several at 2024-12-08 {hour:02}:55")


def test_two_amounts_of_one_operation_are_not_added_up() -> None:
    def operation(day: int, amount: int, number: int = 1) -> dict[str, object]:
        return {
            "operationId": f"RP {day} {number}",
            "operationDate": f"2024-12-{day:02}",
            "totalAmtAccepted": amount,
            "note": "",
        }

    listed = [operation(5, 100), operation(5, 100), operation(6, 100), operation(6, 101), operation(9, 1, 2)]
    found = conform_by_day(operations({"repo": {"operations": listed}}), datasets()["macro_series"])
    assert dict(found.rows.select("date", "amount").iter_rows()) == {DAYS[0]: 100.0, DAYS[2]: 1.0}
    assert list(found.refused) == [DAYS[1]]


def test_two_balances_under_one_name_are_not_one_of_them() -> None:
    def row(day: int, balance: str) -> dict[str, str]:
        name = "Treasury General Account (TGA) Closing Balance"
        stated = {"account_type": name, "open_today_bal": balance, "close_today_bal": "null"}
        return {"record_date": f"2024-12-{day:02}", **stated}

    listed = [row(5, "700000"), row(6, "735000"), row(6, "71500"), row(9, "720000"), row(9, "720000")]
    found = conform_by_day(statements({"data": listed}), datasets()["macro_series"])
    assert found.rows["amount"].to_list() == [700e9, 720e9]
    assert list(found.refused) == [DAYS[1]]


def test_an_object_that_says_two_things_under_one_name_is_refused() -> None:
    with pytest.raises(PayloadChanged, match=r"expected one value of 'b', found 1 and 2"):
        decode(b'{"a": [{"b": 1, "c": "x", "b": 2}]}', "json")
    assert decode(b'{"a": 1, "b": "\\"quoted\\" \\u0022", "a": 1}', "json") == {"a": 1, "b": '"quoted" "'}


def test_a_stamp_that_no_date_can_hold_refuses_its_row() -> None:
    for to_instant, stamp in ((epoch_to_instant, 2**62), (seconds_to_instant, 2**60), (epoch_to_instant, -(2**63))):
        assert pl.select(to_instant(pl.lit(stamp, pl.Int64))).item() is None
    assert pl.select(seconds_to_instant(pl.lit(1_733_788_800, pl.Int64))).item() == datetime(2024, 12, 10, tzinfo=UTC)
