"""Real answers, recorded by others, through the real transforms.

They are outside the repository and are not copied into it: if the folder is absent, nothing here is collected.
What cannot be compared with a recording (DefiLlama's pools and coins, the funding archive as a zip) is stated in the
source's `verified` and docstring.
"""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.contract import datasets
from expectations.errors import PayloadChanged, PipelineError, SourceRefused
from expectations.interval import Interval
from expectations.suite import run_suite
from flows.clock import Clock
from flows.http import error_in
from flows.source import Answer, Gathered, Request
from flows.sources import sources
from flows.steps.normalize import normalize
from tests.asking import ask_of
from tests.tool import SHARED
from transforms.payload import Form

pytestmark = pytest.mark.slow

RECORDINGS = SHARED / "recordings"
if not RECORDINGS.is_dir():
    pytest.skip("no recorded answers beside the repository (../shared/recordings)", allow_module_level=True)

FETCHED = datetime(2026, 9, 9, tzinfo=UTC)  # after the newest recording


def read(
    name: str,
    source: str,
    dataset: str,
    labels: Mapping[str, str],
    *,
    form: Form = "json",
    status: int = 200,
    transform: str = "normalize",
) -> pl.DataFrame:
    """The rows of a recorded answer, checked and read as by the pipeline."""
    request = Request("https://recorded.invalid/", form=form, labels=labels, transform=transform)
    answer = Answer(request, status, (RECORDINGS / name).read_bytes(), FETCHED, name)
    problem = error_in(answer, {}, sources()[source].refusal, Clock(FETCHED))
    if problem is not None:
        raise problem
    ask = ask_of(source, dataset, "whatever the file is about")
    rows = normalize(datasets()[dataset], source, Gathered(ask, (answer,), None))
    return rows.with_columns(series=pl.lit("recorded"), source=pl.lit(source))


def broken_rules(dataset: str, rows: pl.DataFrame) -> dict[str, int]:
    """The declared checks that rows break, and how many of them."""
    found = {check.name: rows.filter(check.failing()).height for check in datasets()[dataset].checks}
    return {name: count for name, count in found.items() if count}


def values(rows: pl.DataFrame, place: int, *names: str) -> tuple[object, ...]:
    return rows.select(names).row(place)


def test_binance_klines_of_168_days() -> None:
    rows = read("binance/spot_klines_BTCUSDT_1d_2020-09_2021-02.json", "binance", "spot_prices", {"asset": "BTC"})
    assert rows.height == 168
    assert rows["date"].to_list() == [date(2020, 9, 1) + timedelta(days=number) for number in range(168)]
    prices = ("open_usd", "high_usd", "low_usd", "close_usd", "volume_base", "volume_usd")
    assert values(rows, 0, *prices) == (11649.51, 12050.85, 11515.0, 11921.97, 78148.193668, 928047313.48896665)
    assert values(rows, -1, *prices) == (48580.47, 49010.92, 45570.79, 47911.1, 79398.156784, 3782219060.66472205)
    assert rows["available_at"][-1] == datetime(2021, 2, 16, tzinfo=UTC)
    assert broken_rules("spot_prices", rows) == {}


def test_a_market_in_another_coin_is_read_but_does_not_pass_for_bitcoin_in_dollars() -> None:
    rows = read("binance/spot_klines_ETHBTC_1d_2023-01.json", "binance", "spot_prices", {"asset": "BTC"})
    assert rows.height == 6
    assert broken_rules("spot_prices", rows) == {"BTC closes at 100 to 2,000,000 USD": 6}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("binance/spot_klines_BTCUSDT_1h_page1_limit1000.json", "end with their day"),
        ("binance/spot_klines_1m_10rows.json", "end with their day"),
    ],
)
def test_candles_of_another_length_are_refused(name: str, sentence: str) -> None:
    with pytest.raises(PayloadChanged, match=sentence):
        read(name, "binance", "spot_prices", {"asset": "BTC"})


def test_binance_klines_of_futures_have_the_same_shape() -> None:
    rows = read("binance/usdm_klines_BTCUSDT_1d_2019.json", "binance", "spot_prices", {"asset": "BTC"})
    assert (rows.height, rows["date"][0], rows["date"][-1]) == (116, date(2019, 9, 8), date(2020, 1, 1))


BTC = {"asset": "BTC", "symbol": "BTCUSDT", "interval_hours": "8"}


def test_binance_funding_of_january_2020() -> None:
    rows = read("binance/usdm_fundingRate_BTCUSDT_2020-01.json", "binance", "funding_rates", BTC)
    assert rows["funding_rate"].to_list() == [-0.00012359, -0.00012383, -0.00009664, 0.00003662, 0.0001, 0.00000104]
    # The fourth is stamped 2 ms after the hour.
    assert values(rows, 3, "settled_at", "stamped_at") == (
        datetime(2020, 1, 2, tzinfo=UTC),
        datetime(2020, 1, 2, microsecond=2000, tzinfo=UTC),
    )
    assert broken_rules("funding_rates", rows) == {}


def test_binance_funding_of_the_newest_hundred_payments() -> None:
    rows = read("binance/usdm_fundingRate_BTCUSDT_default100.json", "binance", "funding_rates", BTC)
    assert rows.height == 100
    assert set(rows["settled_at"].dt.hour()) == {0, 8, 16}
    assert rows["settled_at"].diff().drop_nulls().unique().to_list() == [timedelta(hours=8)]
    # The last day has only its midnight payment: a day that is not whole is noticed.
    assert broken_rules("funding_rates", rows) == {
        "the day's intervals add up to 24 hours, unless the interval changes that day": 1
    }


def test_binance_funding_of_another_symbol_is_refused() -> None:
    with pytest.raises(PayloadChanged, match="expected payments of BTCUSDT, found LTCUSDT"):
        read("binance/usdm_fundingRate_LTCUSDT_one.json", "binance", "funding_rates", BTC)


def test_binance_funding_taken_for_another_interval_is_noticed() -> None:
    """The interval is the distance of the payments, whatever the list says; that of the first payment is unknown."""
    name = "binance/usdm_fundingRate_BTCUSDT_2020-01.json"
    labels = BTC | {"interval_hours": "4"}
    with pytest.raises(PayloadChanged, match="or 4 hours apart, found one at 2020-01-01 00:00"):
        read(name, "binance", "funding_rates", labels)
    rows = read(name, "binance", "funding_rates", labels | {"first": "2020-01-02"})
    assert rows["interval_hours"].to_list() == [8, 8, 8]
    assert broken_rules("funding_rates", rows) == {}
    wrong = rows.with_columns(interval_hours=pl.lit(4, pl.Int64))
    assert broken_rules("funding_rates", wrong) == {
        "the day's intervals add up to 24 hours, unless the interval changes that day": 3,
        "payments come as often as their interval says, but for a gap": 2,
    }


def test_binance_funding_archive_as_quoted() -> None:
    name = "doc-examples/binance-vision/um_fundingRate_BTCUSDT.csv"
    rows = read(name, "binance", "funding_rates", {"asset": "BTC"}, form="csv", transform="normalize_archive")
    assert rows.select("settled_at", "funding_rate", "interval_hours").rows() == [
        (datetime(2025, 6, 1, tzinfo=UTC), -0.00000582, 8),
        (datetime(2025, 6, 1, 8, tzinfo=UTC), 0.00002335, 8),
    ]


def test_binance_funding_as_documented() -> None:
    rows = read("doc-examples/binance/usdm_fundingRate.json", "binance", "funding_rates", BTC)
    assert rows["funding_rate"].to_list() == [-0.0375, 0.0001]


def test_binance_list_of_adjusted_symbols() -> None:
    listed = json.loads((RECORDINGS / "binance/usdm_fundingInfo.json").read_bytes())
    assert len(listed) == 25
    assert {row["fundingIntervalHours"] for row in listed} <= {1, 2, 4, 8}


def test_binance_error_body_is_refused() -> None:
    name = "binance/error_coinm_klines_200day_window.json"
    with pytest.raises(SourceRefused, match="Maximum time interval is 200 days"):
        read(name, "binance", "spot_prices", {"asset": "BTC"})
    with pytest.raises(SourceRefused, match="expected 200"):
        read(name, "binance", "spot_prices", {"asset": "BTC"}, status=400)


def test_coinbase_days() -> None:
    rows = read("coinbase/candles_BTC-USD_86400.json", "coinbase", "spot_prices", {"asset": "BTC"})
    assert rows["date"].to_list() == [date(2026, 8, day) for day in range(1, 11)]
    prices = ("open_usd", "high_usd", "low_usd", "close_usd", "volume_base", "volume_usd")
    assert values(rows, 0, *prices) == (62826.69, 63093.0, 62209.81, 62764.2, 3060.55404241, None)
    assert values(rows, -1, *prices) == (64848.68, 65341.83, 63733.03, 63911.88, 6197.02944527, None)
    assert broken_rules("spot_prices", rows) == {}


def test_coinbase_minutes_are_no_days() -> None:
    with pytest.raises(PayloadChanged, match="start at 00:00 UTC"):
        read("coinbase/candles_BTC-USD_60s_window.json", "coinbase", "spot_prices", {"asset": "BTC"})


@pytest.mark.parametrize(
    ("name", "days", "first", "last"),
    [
        (
            "upbit/candles_days_KRW-BTC.json",
            3,
            None,
            (108747000.0, 108838000.0, 108360000.0, 108580000.0, 7935076007.51553, 73.08298871),
        ),
        (
            "upbit/candles_days_KRW-BTC_2022-03-23_raw.json",
            1,
            (51689000.0, 51886000.0, 51300000.0, 51465000.0, 57777413849.17576, 1119.6018876),
            (51689000.0, 51886000.0, 51300000.0, 51465000.0, 57777413849.17576, 1119.6018876),
        ),
    ],
)
def test_upbit_days(name: str, days: int, first: tuple[float, ...] | None, last: tuple[float, ...]) -> None:
    rows = read(name, "upbit", "krw_prices", {"asset": "BTC", "market": "KRW-BTC"})
    columns = ("open_krw", "high_krw", "low_krw", "close_krw", "volume_krw", "volume_base")
    assert rows.height == days
    assert values(rows, -1, *columns) == last
    assert first is None or values(rows, 0, *columns) == first
    assert broken_rules("krw_prices", rows) == {}


def test_upbit_of_another_market_minutes_and_the_error_body_are_refused() -> None:
    with pytest.raises(PayloadChanged, match="expected candles of KRW-USDT, found KRW-BTC"):
        read("upbit/candles_days_KRW-BTC.json", "upbit", "krw_prices", {"asset": "USDT", "market": "KRW-USDT"})
    with pytest.raises(PayloadChanged, match="start at 00:00 UTC"):
        read("upbit/candles_minutes_3_KRW-BTC.json", "upbit", "krw_prices", {"asset": "BTC", "market": "KRW-BTC"})
    for status in (200, 400):
        with pytest.raises(SourceRefused, match="Missing request parameter"):
            read(
                "upbit/error_missing_market.json",
                "upbit",
                "krw_prices",
                {"asset": "BTC", "market": "KRW-BTC"},
                status=status,
            )


@pytest.mark.parametrize(
    ("currency", "first", "last"), [("CNY", 6.7945, 6.8002), ("INR", 95.25, 95.56), ("JPY", 162.71, 162.49)]
)
def test_frankfurter_range(currency: str, first: float, last: float) -> None:
    rows = read("frankfurter/timeseries_USD_2026-07.json", "frankfurter", "exchange_rates", {"currency": currency})
    assert rows["date"].to_list() == [date(2026, 7, day) for day in (1, 2, 3, 6, 7, 8)]
    assert (rows["rate_per_usd"][0], rows["rate_per_usd"][-1]) == (first, last)
    assert rows["available_at"][0] == datetime(2026, 7, 1, 15, tzinfo=UTC)


def test_frankfurter_without_the_won_is_refused() -> None:
    with pytest.raises(PayloadChanged, match="expected an object with 'KRW'"):
        read("frankfurter/timeseries_USD_2026-07.json", "frankfurter", "exchange_rates", {"currency": "KRW"})


def test_fred_assets_in_millions() -> None:
    rows = read("fred/fredgraph_WALCL.csv", "fred", "macro_series", {"fred_id": "WALCL"}, form="csv")
    assert rows.height == 1233
    assert set(rows["date"].dt.weekday()) == {3}
    assert values(rows, 0, "date", "amount") == (date(2002, 12, 18), 719542e6)
    assert values(rows, -1, "date", "amount") == (date(2026, 7, 29), 6738190e6)
    assert broken_rules("macro_series", rows) == {}


def test_fred_reverse_repo_in_billions_with_empty_days() -> None:
    rows = read("fred/fredgraph_RRPONTSYD.csv", "fred", "macro_series", {"fred_id": "RRPONTSYD"}, form="csv")
    assert rows.height == 6126
    assert values(rows, 0, "date", "amount") == (date(2003, 2, 7), 2.5e9)
    assert values(rows, 1, "date", "amount") == (date(2003, 2, 10), None)
    assert values(rows, -1, "date", "amount") == (date(2026, 7, 31), 2.151e9)
    known = rows.filter(pl.col("amount").is_not_null())
    assert known.height == 3295
    assert known["amount"].max() == pytest.approx(2553.716e9)
    assert broken_rules("macro_series", known) == {}


def test_fred_effective_rate_in_percent() -> None:
    rows = read("fred/fredgraph_DFF.csv", "fred", "macro_series", {"fred_id": "DFF"}, form="csv")
    assert (rows.height, rows["date"][0], rows["date"][-1]) == (1828, date(2019, 12, 26), date(2024, 12, 26))
    by_day = dict(rows.select("date", "rate_apr").iter_rows())
    assert by_day[date(2024, 12, 18)] == pytest.approx(0.0458)
    assert by_day[date(2024, 12, 19)] == pytest.approx(0.0433)
    assert broken_rules("macro_series", rows) == {}


def test_fred_old_header_and_dots_as_a_file_has_them() -> None:
    """The recorded old file is of another series, and has the shape of ours once it is renamed."""
    text = (RECORDINGS / "fred/fredgraph_DEXKOUS.csv").read_text()
    with pytest.raises(PayloadChanged, match="expected the columns observation_date and DGS1"):
        read("fred/fredgraph_DEXKOUS.csv", "fred", "macro_series", {"fred_id": "DGS1"}, form="csv")
    request = Request("https://recorded.invalid/", form="csv", labels={"fred_id": "DGS1"}, transform="normalize")
    renamed = Answer(request, 200, text.replace("DEXKOUS", "DGS1").encode(), FETCHED, "renamed")
    ask = ask_of("fred", "macro_series", "yield_1y")
    rows = normalize(datasets()["macro_series"], "fred", Gathered(ask, (renamed,), None))
    lines = list(csv.reader(io.StringIO(text)))[1:]
    assert rows.height == len(lines) == 1305
    assert rows["rate_apr"].null_count() == sum(1 for _, value in lines if value == ".") > 0
    assert rows["rate_apr"][0] == pytest.approx(11.8456)


@pytest.mark.parametrize(
    ("name", "source", "series"),
    [
        ("fred/fredgraph_WALCL.csv", "fred", "fed_assets"),
        ("fred/fredgraph_RRPONTSYD.csv", "fred", "rrp"),
        ("fred/fredgraph_RRPONTSYD.csv", "nyfed", "rrp"),
        ("fred/fredgraph_DFF.csv", "fred", "effective_rate"),
        ("fred/EFFR_2020-11_dot_and_DATE_header.csv", "nyfed", "effective_rate"),
        ("fred/fredgraph_DGS3MO_seho4080.csv", "fred", "yield_3m"),
        ("fred/fredgraph_DGS3MO_seho4080.csv", "treasury", "yield_3m"),
        ("fred/fredgraph_SOFR_qie2003.csv", "treasury", "yield_3m"),
        ("yahoo/ZQ=F_daily_2014-09_2025-10.csv", "yahoo", "fed_funds_futures"),
    ],
)
def test_every_day_that_a_series_is_expected_on_has_a_value(name: str, source: str, series: str) -> None:
    """A day listed without a value does not count as empty, so every day that is expected must have one."""
    lines = list(csv.reader(io.StringIO((RECORDINGS / name).read_text())))[1:]
    known = {date.fromisoformat(line[0]) for line in lines if line[1] not in {"", "."}}
    feed = next(feed for feed in sources()[source].feeds if feed.dataset.name == "macro_series")
    mine = next(one for one in feed.series if one.name == series)
    days = Interval.of_days(max(min(known), mine.since), max(known))
    assert len(known) > 1000
    assert [day for day in days if mine.release.expects(day) and day not in known] == []


def test_kalshis_candles_over_the_autumn_clock_change() -> None:
    """Each lasts 24 hours from midnight in New York: that of 2 November, of 25 hours, ends at 23:00 there."""
    labels = {"meeting_date": "2025-12-10", "outcome": "cut_25", "outcomes": "2"}
    rows = read("kalshi/MINIMAL_autumn_clock_change.json", "kalshi", "meeting_probabilities", labels)
    assert rows.select("date", "probability", "price_basis", "stamped_at").rows() == [
        (date(2025, 11, 1), 0.1, "trade", datetime(2025, 11, 2, 4, tzinfo=UTC)),
        (date(2025, 11, 2), pytest.approx(0.085), "quotes", datetime(2025, 11, 3, 4, tzinfo=UTC)),
        (date(2025, 11, 3), 0.08, "trade", datetime(2025, 11, 4, 5, tzinfo=UTC)),
    ]


def test_yahoos_bars_of_a_half_day_and_of_a_running_session() -> None:
    """Of another future of the exchange: prices are no rates there, so only the days are looked at."""
    half = read("yahoo/chart_ES=F_2024-07_half_day_excerpt.json", "yahoo", "macro_series", {})
    assert half["date"].to_list() == [date(2024, 7, day) for day in (1, 2, 3, 5)]
    tail = read("yahoo/chart_ES=F_tail_excerpt.json", "yahoo", "macro_series", {})
    assert tail["date"].to_list() == [date(2024, 11, 12), date(2024, 11, 13)]
    assert tail["rate_apr"].to_list() == [pytest.approx((100 - close) / 100) for close in (6013.0, 6016.0)]


def test_recorded_errors_are_never_rows() -> None:
    for name in ("binance/error_coinm_klines_200day_window.json", "upbit/error_missing_market.json"):
        for source, dataset, labels in (
            ("binance", "funding_rates", BTC),
            ("coinbase", "spot_prices", {"asset": "BTC"}),
            ("frankfurter", "exchange_rates", {"currency": "KRW"}),
            ("upbit", "krw_prices", {"asset": "BTC", "market": "KRW-BTC"}),
            ("defillama", "lending_rates", {"protocol": "aave-v3", "chain": "ethereum", "asset": "USDC"}),
            ("defillama", "stablecoin_supply", {"asset": "USDT", "coin_id": "1"}),
        ):
            with pytest.raises(PipelineError):
                read(name, source, dataset, labels)


def test_a_recorded_history_passes_through_great_expectations() -> None:
    rows = read("binance/spot_klines_BTCUSDT_1d_2020-09_2021-02.json", "binance", "spot_prices", {"asset": "BTC"})
    assert [verdict.rule.name for verdict in run_suite(datasets()["spot_prices"], rows) if not verdict.success] == []
