"""The ECB: what its plans ask, the rows from the simulator, and the recorded rates."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.sources import ecb, frankfurter
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import SHARED
from transforms.exchange_rates.ecb import normalize, per_euro
from transforms.payload import decode

NIGHT = datetime(2024, 12, 11, 0, 30, tzinfo=UTC)
STATISTICS, RATES = feed_of(ecb.SOURCE, "macro_series"), feed_of(ecb.SOURCE, "exchange_rates")
RECORDED = SHARED / "recordings" / "ecb" / "exr_historical.csv"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    simulator.now = NIGHT
    return Wire(simulator)


def asked(wire: Wire, dataset: str, series: str, first: date, last: date) -> pl.DataFrame:
    feed = feed_of(ecb.SOURCE, dataset)
    return rows_of("ecb", dataset, drive(feed, ask_of("ecb", dataset, series, first, last, now=NIGHT), wire.fetch))


def test_a_series_is_asked_for_by_its_data_set_and_key_from_two_months_before() -> None:
    ask = ask_of("ecb", "macro_series", "ecb_assets", date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(ecb.plan_statistic(ask), [b""])
    assert request.address == (
        "https://data-api.ecb.europa.eu/service/data/ILM/W.U2.C.T000000.Z5.Z01?startPeriod=2024-09-01&format=csvdata"
    )
    assert request.labels == {"ecb_key": "ILM.W.U2.C.T000000.Z5.Z01"}


@pytest.mark.parametrize(("currency", "key"), [("KRW", "KRW+USD"), ("EUR", "USD"), ("JPY", "JPY+USD")])
def test_a_rate_against_the_dollar_takes_two_quotes_per_euro(currency: str, key: str) -> None:
    ask = ask_of("ecb", "exchange_rates", currency, date(2024, 12, 9), date(2024, 12, 9))
    (request,) = walk(ecb.plan_rates(ask), [b""])
    assert request.address == (
        f"https://data-api.ecb.europa.eu/service/data/EXR/D.{key}.EUR.SP00.A"
        "?startPeriod=2024-12-02&endPeriod=2024-12-09&format=csvdata"
    )


@pytest.mark.parametrize(
    ("series", "last", "low", "high"),
    [("ecb_assets", date(2024, 12, 6), 6e12, 7e12), ("euro_m2", date(2024, 10, 31), 15e12, 16e12)],
)
def test_every_period_that_is_out_comes_once(wire: Wire, series: str, last: date, low: float, high: float) -> None:
    ask = ask_of("ecb", "macro_series", series, date(2023, 1, 1), date(2024, 12, 9), now=NIGHT)
    rows = rows_of("ecb", "macro_series", drive(STATISTICS, ask, wire.fetch))
    assert rows["date"].to_list() == [day for day in ask.days if ask.series.release.expects(day) and day <= last]
    assert low < rows["amount"][-1] < high
    assert rows["currency"].unique().to_list() == ["EUR"]
    assert broken_rules("macro_series", rows) == set()
    assert len(wire.sent) == 1


def test_fridays_statement_is_not_there_before_tuesday_afternoon(wire: Wire) -> None:
    wire.simulator.now = datetime(2024, 12, 10, 13, 59, tzinfo=UTC)
    assert asked(wire, "macro_series", "ecb_assets", date(2024, 12, 6), date(2024, 12, 6)).is_empty()
    wire.simulator.now += timedelta(minutes=1)
    (out,) = asked(wire, "macro_series", "ecb_assets", date(2024, 12, 6), date(2024, 12, 6))["available_at"]
    assert out == wire.simulator.now


def test_the_won_is_what_frankfurter_says(wire: Wire) -> None:
    first, last = date(2024, 3, 20), date(2024, 12, 9)
    mine = asked(wire, "exchange_rates", "KRW", first, last)
    feed = feed_of(frankfurter.SOURCE, "exchange_rates")
    ask = ask_of("frankfurter", "exchange_rates", "KRW", first, last, now=NIGHT)
    theirs = rows_of("frankfurter", "exchange_rates", drive(feed, ask, wire.fetch))
    columns = ["date", "currency", "rate_per_usd", "available_at"]
    # The ECB rounds quotes per euro to five or six digits, so that the quotient differs in the fifth.
    assert_frame_equal(mine.select(columns), theirs.select(columns), rel_tol=1e-4)
    assert broken_rules("exchange_rates", mine) == set()


@pytest.mark.parametrize(("currency", "rate"), [("EUR", 1 / 1.0568), ("JPY", 150.9), ("CNY", 7.264)])
def test_rates_are_units_per_dollar(wire: Wire, currency: str, rate: float) -> None:
    rows = asked(wire, "exchange_rates", currency, date(2024, 12, 9), date(2024, 12, 9))
    assert rows["rate_per_usd"].to_list() == [pytest.approx(rate, rel=1e-4)]
    assert broken_rules("exchange_rates", rows) == set()


@pytest.mark.parametrize("key", ["TIME_PERIOD", "OBS_VALUE", "CURRENCY"])
def test_a_renamed_column_fails_the_days(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("ecb", "shape", "always", key=key, rename="SOMETHING")])
    with pytest.raises(PayloadChanged):
        asked(wire, "exchange_rates", "JPY", date(2024, 12, 9), date(2024, 12, 9))


def test_a_line_told_twice_alike_is_one_row_and_one_told_differently_breaks_the_key() -> None:
    header = b"FREQ,CURRENCY,TIME_PERIOD,OBS_VALUE\nD,USD,2024-12-09,1.25\n"
    twice = decode(header + b"D,USD,2024-12-09,1.25\n", "csv")
    assert normalize(twice, currency="EUR").unique().height == 1
    differently = decode(header + b"D,USD,2024-12-09,1.26\n", "csv")
    assert normalize(differently, currency="EUR")["date"].is_duplicated().all()


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not there")
def test_recorded_quotes_are_read() -> None:
    # The recorder cut the columns to four and lost the dollar; its last line is empty.
    body = RECORDED.read_bytes().rstrip().removesuffix(b",,,")
    recorded = decode(body, "csv")
    won, yen = per_euro(recorded, "KRW"), per_euro(recorded, "JPY")
    assert won.height == yen.height == 309
    assert won.row(0) == (date(2025, 1, 2), 1515.07)
    assert all(RATES.series[0].release.expects(day) for day in won["date"])
    with pytest.raises(PayloadChanged, match="expected quotes of USD"):
        normalize(recorded, currency="KRW")
    with_dollar = decode(body.rstrip() + b"\nD,USD,2025-01-02,1.0321\n", "csv")
    rates = normalize(with_dollar, currency="KRW").drop_nulls("rate_per_usd")
    assert rates["rate_per_usd"].to_list() == [pytest.approx(1467.95, abs=0.01)]
