"""The BIS and the OECD, which pass on China's figures: what is asked, the rows, and when a value is published."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.sources import bis, oecd, sources
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from transforms.macro_series.bis import normalize as of_bis
from transforms.payload import decode

NIGHT = datetime(2025, 1, 15, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asked(wire: Wire, source: str, series: str, last: date = date(2025, 1, 14)) -> pl.DataFrame:
    ask = ask_of(source, "macro_series", series, date(2023, 1, 1), last, now=NIGHT)
    return rows_of(source, "macro_series", drive(feed_of(sources()[source], "macro_series"), ask, wire.fetch))


def test_an_area_is_asked_for_whole_and_china_s_money_from_two_months_before() -> None:
    (assets,) = walk(bis.plan_assets(ask_of("bis", "macro_series", "pboc_assets")), [b""])
    assert assets.address == "https://stats.bis.org/api/v2/data/dataflow/BIS/WS_CBTA/1.0/M.CN?format=csv"
    (money,) = walk(oecd.plan_money(ask_of("oecd", "macro_series", "china_m2")), [b""])
    assert money.address == (
        "https://sdmx.oecd.org/public/rest/data/OECD.SDD.STES,DSD_STES@DF_MONAGG,/CHN.M.MABM.XDC....."
        "?startPeriod=2024-09&format=csvfilewithlabels"
    )


@pytest.mark.parametrize(
    ("source", "series", "currency", "level"),
    [
        ("bis", "pboc_assets", "CNY", 44e12),
        ("bis", "boj_assets", "JPY", 755e12),
        ("bis", "ecb_assets_monthly", "EUR", 6.4e12),
        ("bis", "fed_assets_monthly", "USD", 7e12),
        ("oecd", "china_m2", "CNY", 310e12),
    ],
)
def test_every_month_that_is_out_comes_once(wire: Wire, source: str, series: str, currency: str, level: float) -> None:
    rows = asked(wire, source, series)
    days, release = rows["date"].to_list(), ask_of(source, "macro_series", series).series.release
    due = [day for day in days if release.public_at(day) <= NIGHT]
    assert days == [day for day in pl.date_range(date(2023, 1, 1), days[-1], "1d", eager=True) if release.expects(day)]
    # Every value that counts as published is there.
    assert due
    assert release.public_at(due[-1] + timedelta(days=31)) > NIGHT
    assert rows["currency"].unique().to_list() == [currency]
    assert rows["amount"].to_list()[-1] == pytest.approx(level, rel=0.05)
    assert broken_rules("macro_series", rows) == set()
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("source", "series"), [("bis", "pboc_assets"), ("oecd", "china_m2")])
@pytest.mark.parametrize("key", ["TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE", "REF_AREA"])
def test_a_renamed_column_fails_the_days(wire: Wire, source: str, series: str, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour(source, "shape", "always", key=key, rename="SOMETHING")])
    with pytest.raises(PayloadChanged):
        asked(wire, source, series)


@pytest.mark.parametrize(("source", "series"), [("bis", "pboc_assets"), ("oecd", "china_m2")])
def test_a_table_without_lines_has_no_rows(wire: Wire, source: str, series: str) -> None:
    wire.simulator.misbehave([Misbehaviour(source, "empty", "always")])
    assert asked(wire, source, series).is_empty()


def bis_table(*lines: str) -> Any:
    header = "FREQ,REF_AREA,UNIT_MEASURE,TRANSFORMATION,UNIT_MULT,TIME_PERIOD,OBS_VALUE"
    return decode("\n".join([header, *lines]).encode(), "csv")


def test_a_month_told_twice_alike_is_one_row_and_one_told_differently_breaks_the_key() -> None:
    line = "M,CN,XDC,N,9,2024-08,44000"
    assert of_bis(bis_table(line, line), area="CN").unique().height == 1
    assert of_bis(bis_table(line, "M,CN,XDC,N,9,2024-08,44001"), area="CN")["date"].is_duplicated().all()


@pytest.mark.parametrize("multiplier", ["9", "9.0", "9e+00", "+9"])
def test_a_multiplier_is_compared_as_a_number(multiplier: str) -> None:
    assert of_bis(bis_table(f"M,CN,XDC,N,{multiplier},2024-08,4.4e+04"), area="CN")["amount"].to_list() == [4.4e13]


@pytest.mark.parametrize("multiplier", ["6", "90", "", "nine", "NaN"])
def test_another_multiplier_is_refused(multiplier: str) -> None:
    with pytest.raises(PayloadChanged, match="expected UNIT_MULT 9"):
        of_bis(bis_table(f"M,CN,XDC,N,{multiplier},2024-08,44000"), area="CN")


def test_the_eurosystem_s_month_is_a_friday_and_its_publication_that_of_the_month() -> None:
    rows = of_bis(bis_table("M,XM,XDC,N,9,2024-12,6360", "M,XM,XDC,N,9,2024-11,6400"), area="XM").sort("date")
    assert rows.select("date", "available_at").rows() == [
        (date(2024, 11, 29), datetime(2025, 3, 5, 12, tzinfo=UTC)),
        (date(2025, 1, 3), datetime(2025, 4, 5, 12, tzinfo=UTC)),
    ]


def test_quarters_and_dollars_are_left_out() -> None:
    rows = of_bis(
        bis_table("M,CN,XDC,N,9,2024-08,44000", "Q,CN,XDC,N,9,2024-Q3,1", "M,CN,USD,N,9,2024-08,6200"), area="CN"
    )
    assert rows.select("date", "amount").rows() == [(date(2024, 8, 31), 4.4e13)]
