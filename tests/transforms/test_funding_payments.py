"""One odd payment among good ones: which days it costs, at each venue."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations.contract import datasets
from tests.transforms.test_fixtures import FIXTURES, load
from transforms.conform import Conformed, conform_by_day
from transforms.funding_rates import bitmex, bybit, deribit, hyperliquid, krakenfutures, okx
from transforms.payload import decode

FUNDING = datasets()["funding_rates"]
MIDNIGHT = datetime(2024, 12, 1, tzinfo=UTC)
DAYS = 5


def iso(instant: datetime) -> str:
    """An instant as BitMEX and Kraken write it."""
    return f"{instant:%Y-%m-%dT%H:%M:%S}.000Z"


def millis(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def of_bitmex(stamps: Iterable[datetime]) -> pl.DataFrame:
    eight = {"symbol": "XBTUSD", "fundingInterval": "2000-01-01T08:00:00.000Z", "fundingRate": 1e-4}
    page = [{"timestamp": iso(stamp), **eight} for stamp in stamps]
    return bitmex.normalize(page, asset="BTC", symbol="XBTUSD")


def of_bybit(stamps: Iterable[datetime]) -> pl.DataFrame:
    rate = {"symbol": "BTCUSDT", "fundingRate": "0.0001"}
    page = [{**rate, "fundingRateTimestamp": str(millis(stamp))} for stamp in stamps]
    return bybit.normalize({"result": {"list": page[::-1]}}, asset="BTC", symbol="BTCUSDT")


def of_okx(stamps: Iterable[datetime]) -> pl.DataFrame:
    rate = {"instId": "BTC-USDT-SWAP", "realizedRate": "0.0001"}
    page = [{**rate, "fundingTime": str(millis(stamp))} for stamp in stamps]
    return okx.normalize({"data": page[::-1]}, asset="BTC", symbol="BTC-USDT-SWAP")


def of_deribit(stamps: Iterable[datetime]) -> pl.DataFrame:
    page = [{"timestamp": millis(stamp), "interest_1h": 1e-5} for stamp in stamps]
    return deribit.normalize({"result": page}, asset="BTC")


def of_hyperliquid(stamps: Iterable[datetime]) -> pl.DataFrame:
    page = [{"coin": "BTC", "fundingRate": "0.00001", "time": millis(stamp)} for stamp in stamps]
    return hyperliquid.normalize(page, asset="BTC", coin="BTC")


def of_kraken(stamps: Iterable[datetime]) -> pl.DataFrame:
    """A payment stamped with the beginning of its hour."""
    page = [
        {"timestamp": iso(stamp - timedelta(hours=1)), "fundingRate": 1.0, "relativeFundingRate": 1e-5}
        for stamp in stamps
    ]
    answer = {"result": "success", "serverTime": iso(MIDNIGHT + timedelta(days=9)), "rates": page}
    return krakenfutures.normalize(answer, asset="BTC")


# The transform of a venue, and how many hours a payment of it is for.
VENUES: Mapping[str, tuple[Any, int]] = {
    "bitmex": (of_bitmex, 8),
    "bybit": (of_bybit, 8),
    "deribit": (of_deribit, 1),
    "hyperliquid": (of_hyperliquid, 1),
    "krakenfutures": (of_kraken, 1),
    "okx": (of_okx, 8),
}


def stamps(every: int) -> list[datetime]:
    """Payments of some days; the first and the last payment belong to the days before and after."""
    return [MIDNIGHT + timedelta(hours=hour) for hour in range(-every, DAYS * 24 + every + 1, every)]


def whole(conformed: Conformed) -> dict[date, int]:
    """The days between, and the hours that their payments cover."""
    inside = conformed.rows.filter(pl.col("date").is_between(date(2024, 12, 1), date(2024, 12, DAYS)))
    hours = inside.group_by("date").agg(pl.col("interval_hours").sum()).sort("date")
    return dict(hours.iter_rows())


@pytest.mark.parametrize("venue", VENUES)
def test_a_stamp_that_names_no_hour_costs_its_day_and_no_other(venue: str) -> None:
    read, every = VENUES[venue]
    late = MIDNIGHT + timedelta(days=2, hours=16)
    odd = [stamp + timedelta(minutes=23) * (stamp == late) for stamp in stamps(every)]
    conformed = conform_by_day(read(odd), FUNDING)
    assert [day for day in conformed.refused if day.month == 12 and day.day <= DAYS] == [date(2024, 12, 3)]
    assert "expected payments stamped at full hours, found 2024-12-03" in conformed.refused[date(2024, 12, 3)]
    assert whole(conformed) == {date(2024, 12, day): 24 for day in (1, 2, 4, 5)}


@pytest.mark.parametrize("venue", VENUES)
def test_a_payment_that_is_missing_is_told_by_the_hours_that_are_covered(venue: str) -> None:
    read, every = VENUES[venue]
    gone = MIDNIGHT + timedelta(days=2, hours=16)
    conformed = conform_by_day(read([stamp for stamp in stamps(every) if stamp != gone]), FUNDING)
    assert whole(conformed) == {date(2024, 12, day): 24 for day in (1, 2, 4, 5)} | {date(2024, 12, 3): 24 - every}
    assert conformed.rows["interval_hours"].unique().to_list() == [every]


@pytest.mark.parametrize("venue", ["bybit", "hyperliquid", "okx"])
def test_intervals_that_change_are_told(venue: str) -> None:
    """Two days of payments every eight hours, then hourly ones: the payment at midnight is the last for eight."""
    read, _ = VENUES[venue]
    change = MIDNIGHT + timedelta(days=2)
    paid = [stamp for stamp in stamps(8) if stamp < change] + [stamp for stamp in stamps(1) if stamp >= change]
    conformed = conform_by_day(read(paid), FUNDING)
    lengths = dict(conformed.rows.select("settled_at", "interval_hours").iter_rows())
    assert {lengths[stamp] for stamp in paid if MIDNIGHT <= stamp <= change} == {8}
    assert {lengths[stamp] for stamp in paid if change < stamp} == {1}
    assert whole(conformed)[date(2024, 12, 3)] == 8 + 23


def test_rows_of_kraken_last_until_the_next_one() -> None:
    """As before 30 September 2022, when payments came every four hours."""
    change = MIDNIGHT + timedelta(days=2)
    begun = [MIDNIGHT + timedelta(hours=hour) for hour in [*range(-4, 48, 4), *range(48, 48 + 60)]]
    conformed = conform_by_day(of_kraken([stamp + timedelta(hours=1) for stamp in begun]), FUNDING)
    lengths = dict(conformed.rows.select("settled_at", "interval_hours").iter_rows())
    assert {hours for stamp, hours in lengths.items() if stamp <= change} == {4}
    assert {hours for stamp, hours in lengths.items() if stamp > change} == {1}
    assert whole(conformed)[date(2024, 12, 2)] == 24
    assert whole(conformed)[date(2024, 12, 3)] == 4 + 23  # the payment at midnight is for the four hours before


def test_two_late_payments_of_okx_cost_their_day_alone() -> None:
    """The file of December 2022, in which two stamps of the 18th are hours late."""
    _, snapshot = load(FIXTURES / "okx" / "funding_rates" / "archive_two_payments_are_hours_late.json")
    rows = okx.normalize_archive(decode(snapshot.body, "zip"), **snapshot.labels)
    conformed = conform_by_day(rows, FUNDING)
    assert [*conformed.refused] == [date(2022, 12, 18)]
    assert conformed.rows.select("settled_at", "interval_hours").rows() == [
        (datetime(2022, 12, day, hour, tzinfo=UTC), 8) for day, hour in ((17, 16), (19, 0), (19, 8), (19, 16))
    ]


def test_an_interval_that_bitmex_does_not_state_costs_its_day() -> None:
    facts = json.loads((FIXTURES / "bitmex" / "funding_rates" / "three_payments_a_day.json").read_text())
    page = json.loads(facts["body"])
    later = [row | {"timestamp": row["timestamp"].replace("-09T", "-10T")} for row in page]
    conformed = conform_by_day(
        bitmex.normalize([*page, later[0] | {"fundingInterval": None}, *later[1:]], asset="BTC", symbol="XBTUSD"),
        FUNDING,
    )
    assert dict(conformed.refused) == {
        date(2024, 12, 10): "expected an interval of whole hours after 2000-01-01, found nothing"
    }
    assert conformed.rows["date"].unique().to_list() == [date(2024, 12, 9)]
