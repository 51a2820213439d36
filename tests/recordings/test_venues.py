"""Answers of further venues as others recorded them, read by the transforms and compared with the simulator's.

As in `test_recordings`, nothing is collected where the folder is absent.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests

from expectations.contract import datasets
from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.source import Answer, Gathered, Request
from flows.sources import bybit, kraken, okx
from flows.steps.check import check
from flows.steps.collect import drive
from flows.steps.normalize import normalize_by_day
from tests.asking import Wire, answer, ask_of
from tests.gathering import rows_of
from tests.recordings.test_recordings import RECORDINGS, broken_rules, read, values
from tests.replay import Replay
from transforms.conform import conform
from transforms.funding_rates.deribit import normalize as normalize_deribit
from transforms.funding_rates.okx import normalize_archive
from transforms.payload import decode
from transforms.spot_prices.bybit import normalize

NOT_WHOLE = "the day's intervals add up to 24 hours, unless the interval changes that day"
PRICES = ("open_usd", "high_usd", "low_usd", "close_usd", "volume_base", "volume_usd")


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=datetime(2024, 12, 10, 0, 30, tzinfo=UTC)) as served:
        yield Wire(served)


def kinds(value: Any) -> Any:
    """A document without its values: the keys and the kinds of the first row."""
    if isinstance(value, dict):
        return {key: kinds(each) for key, each in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return [kinds(value[0])]
    if isinstance(value, list):
        return [kinds(each) for each in value]
    return type(value).__name__


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_bytes())


def test_okx_days_and_the_running_one_left_out() -> None:
    rows = read("okx/candles_BTC-USDT_1Dutc.json", "okx", "spot_prices", {"asset": "BTC"})
    assert rows["date"].to_list() == [date(2024, 2, day) for day in (18, 19, 20, 21)]
    assert values(rows, 0, *PRICES) == (51646.0, 52399.5, 51154.0, 52138.3, 5329.60450143, 276082048.484725241)
    assert values(rows, -1, *PRICES) == (52265.5, 52371.4, 50533.8, 51848.0, 12009.96359497, 616016280.81464957)
    assert broken_rules("spot_prices", rows) == {}


def test_okx_documented_candles_of_no_day_are_refused() -> None:
    with pytest.raises(PayloadChanged, match="start at 00:00 UTC"):
        read("doc-examples/okx/history_candles.json", "okx", "spot_prices", {"asset": "BTC"})


def test_okx_funding_as_documented() -> None:
    labels = {"asset": "BTC", "symbol": "BTC-USD-SWAP"}
    rows = read("doc-examples/okx/funding_rate_history.json", "okx", "funding_rates", labels)
    # Eight hours after the older one; the realised rate, not the predicted one.
    assert values(rows, 0, "settled_at", "funding_rate", "interval_hours") == (
        datetime(2023, 12, 20, 8, tzinfo=UTC),
        0.0000746572360545,
        8,
    )
    assert rows.height == 1


def test_bybit_funding_of_a_week() -> None:
    labels = {"asset": "BTC", "symbol": "BTCUSDT"}
    rows = read("bybit/funding_history_BTCUSDT.json", "bybit", "funding_rates", labels)
    assert rows.height == 20
    assert rows["settled_at"].diff().drop_nulls().unique().to_list() == [timedelta(hours=8)]
    assert rows["interval_hours"].unique().to_list() == [8]
    newest = (datetime(2026, 9, 8, 16, tzinfo=UTC), 0.00005769)
    assert values(rows, -1, "settled_at", "funding_rate") == newest
    # The interval of the oldest payment, of 2 September 00:00, is unknown: its day alone is not whole.
    assert rows.filter(pl.col("date") == date(2026, 9, 2)).height == 2
    assert broken_rules("funding_rates", rows) == {NOT_WHOLE: 2}


def read_by_day(name: str, source: str, labels: Mapping[str, str]) -> tuple[pl.DataFrame, Mapping[date, str]]:
    """The payments of a recorded answer that can be read, and the days that cannot."""
    request = Request("https://recorded.invalid/", labels=labels)
    told = Answer(request, 200, (RECORDINGS / name).read_bytes(), datetime(2026, 9, 9, tzinfo=UTC), name)
    ask = ask_of(source, "funding_rates", "BTC")
    rows, refused, _ = normalize_by_day(datasets()["funding_rates"], source, Gathered(ask, (told,), None))
    return rows.with_columns(series=pl.lit("BTC"), source=pl.lit(source)), refused


def covered(rows: pl.DataFrame) -> dict[date, tuple[int, int]]:
    """Of the days that are not covered for 24 hours: how many payments there are, and the hours."""
    days = rows.group_by("date").agg(pl.len(), hours=pl.col("interval_hours").sum()).filter(pl.col("hours") != 24)
    return {day: (payments, hours) for day, payments, hours in days.sort("date").iter_rows()}


def test_hyperliquid_from_its_first_payment_on() -> None:
    """Every eight hours up to 8 June 2023 00:00, then every hour; one late stamp costs its day, and no other."""
    name = "hyperliquid/fundingHistory_BTC_2023-05_2023-07.json"
    rows, refused = read_by_day(name, "hyperliquid", {"asset": "BTC", "coin": "BTC"})
    assert dict(refused) == {
        date(2023, 5, 12): "expected payments whose distances tell their intervals, "
        "found none that tells that of 2023-05-12 00:00",
        date(2023, 5, 23): "expected payments stamped at full hours, found 2023-05-23 08:23:53",
    }
    assert rows["date"].n_unique() == 67 - 2  # 12 May to 17 July
    change = datetime(2023, 6, 8, tzinfo=UTC)
    assert rows.filter(pl.col("settled_at") <= change)["interval_hours"].unique().to_list() == [8]
    assert rows.filter(pl.col("settled_at") > change)["interval_hours"].unique().to_list() == [1]
    # The day of the change, the one of which an hour is missing, and the one that was not over.
    assert covered(rows) == {date(2023, 6, 8): (24, 31), date(2023, 7, 2): (23, 23), date(2023, 7, 17): (22, 22)}
    assert broken_rules("funding_rates", rows) == {NOT_WHOLE: 23 + 22}


def test_hyperliquid_read_by_the_hour_throughout_is_held_back() -> None:
    """The rate for eight hours on 8 June 2023 would count eight times: its hours add up to 24 by coincidence."""
    name = "hyperliquid/fundingHistory_BTC_2023-05_2023-07.json"
    rows, _ = read_by_day(name, "hyperliquid", {"asset": "BTC", "coin": "BTC"})
    hourly = rows.with_columns(interval_hours=pl.lit(1, pl.Int64), snapshot=pl.lit("recorded"))
    held = check(datasets()["funding_rates"], hourly).held["date"].unique().sort()
    wrong = rows.filter(pl.col("interval_hours") == 8)["date"].unique().sort()
    assert wrong[-1] == date(2023, 6, 8)
    assert held.to_list() == wrong.to_list()


def test_bitmex_where_a_day_becomes_eight_hours() -> None:
    rows, refused = read_by_day(
        "bitmex/funding_testnet_XBTUSD_2016.json", "bitmex", {"asset": "BTC", "symbol": "XBTUSD"}
    )
    assert not refused
    assert rows.height == 50
    first_of_eight = datetime(2016, 6, 1, 12, tzinfo=UTC)
    assert rows.filter(pl.col("settled_at") < first_of_eight)["interval_hours"].unique().to_list() == [24]
    assert rows.filter(pl.col("settled_at") >= first_of_eight)["interval_hours"].unique().to_list() == [8]
    assert covered(rows) == {date(2016, 6, 1): (2, 16)}
    assert broken_rules("funding_rates", rows) == {NOT_WHOLE: 2}


def test_deribit_one_hour_as_quoted() -> None:
    rows = read("deribit/funding_rate_history_one_row.json", "deribit", "funding_rates", {"asset": "BTC"})
    assert values(rows, 0, "settled_at", "funding_rate", "interval_hours") == (
        datetime(2026, 9, 18, 1, tzinfo=UTC),
        1.257606590607552e-06,
        1,
    )


def test_deribit_hours_of_five_weeks() -> None:
    """The recorder normalised these rows; they are put back into the shape of the provider's answer."""
    told = recorded("deribit/funding_rate_history_BTC-PERPETUAL_2026-07_08_normalised.json")
    names = [name.replace("timestamp_ms", "timestamp") for name in told["columns"]]
    wire_rows = [dict(zip(names, (row[0], *map(float, row[1:])), strict=True)) for row in told["records"]]
    rows = conform(normalize_deribit({"result": wire_rows}, asset="BTC"), datasets()["funding_rates"])
    assert rows.height == len(wire_rows)
    named = rows.with_columns(series=pl.lit("BTC"), source=pl.lit("deribit"))
    first, last = rows["date"].min(), rows["date"].max()
    assert broken_rules("funding_rates", named.filter(~pl.col("date").is_in([first, last]))) == {}
    # Eight hourly rates add up to what the eighth states of them.
    eight = sum(row["interest_1h"] for row in wire_rows[:8])
    assert eight == pytest.approx(wire_rows[7]["interest_8h"], rel=0.01)


def test_okx_archive_and_rest_as_quoted() -> None:
    labels = {"asset": "BTC", "symbol": "BTC-USDT-SWAP", "before": ""}
    lines = decode((RECORDINGS / "okx/fundingrates_archive_quoted_rows.csv").read_bytes(), "csv")
    rows = conform(normalize_archive(lines, **labels), datasets()["funding_rates"])
    assert values(rows, 0, "settled_at", "funding_rate", "interval_hours") == (
        datetime(2026, 9, 1, tzinfo=UTC),
        -0.0000135375417752,
        8,
    )
    one = "okx/funding_rate_history_BTC-USDT-SWAP_2026-09-04_quoted.json"
    assert read(one, "okx", "funding_rates", {"asset": "BTC", "symbol": "BTC-USDT-SWAP"}).height == 0


def test_bybit_documented_candles_of_a_contract_are_refused() -> None:
    with pytest.raises(PayloadChanged, match="expected spot candles of BTCUSDT"):
        read("doc-examples/bybit/kline.json", "bybit", "spot_prices", {"asset": "BTC", "symbol": "BTCUSDT"})


KRAKEN = "kraken/ohlc_BTCUSD_1440_2026-08-20.json"  # which names the pair BTC/USD, the other one XXBTZUSD
XBT = {"asset": "BTC", **next(one.labels for one in kraken.SERIES if one.name == "BTC")}


def test_kraken_two_years_and_the_running_day_left_out() -> None:
    rows = read(KRAKEN, "kraken", "spot_prices", XBT)
    assert rows["date"].to_list() == [date(2024, 8, 30) + timedelta(days=number) for number in range(720)]
    assert values(rows, 0, *PRICES[:5]) == (59385.5, 59899.0, 57755.0, 59105.0, 1521.27611375)
    assert rows["volume_usd"][0] == pytest.approx(58775.5 * 1521.27611375)
    assert values(rows, -1, "date", "close_usd") == (date(2026, 8, 19), 69285.0)
    assert broken_rules("spot_prices", rows) == {}


def test_kraken_ten_days_agree_with_the_two_years_and_with_coinbase() -> None:
    ten = read("kraken/ohlc_XXBTZUSD_1440.json", "kraken", "spot_prices", XBT)
    assert ten["date"].to_list() == [date(2026, 8, day) for day in range(8, 17)]
    years = read(KRAKEN, "kraken", "spot_prices", XBT)
    columns = ["date", *PRICES]
    assert ten.select(columns).join(years.select(columns), on=columns).height == 9
    coinbase = read("coinbase/candles_BTC-USD_86400.json", "coinbase", "spot_prices", {"asset": "BTC"})
    both = years.join(coinbase, on="date", suffix="_there")
    assert both.height == 10
    assert both.filter((pl.col("close_usd") / pl.col("close_usd_there") - 1).abs() > 0.0005).is_empty()


@pytest.mark.parametrize(
    ("name", "pair", "sentence"),
    [
        (KRAKEN, "XETHZUSD", "expected an object with 'XETHZUSD'"),
        ("kraken/ohlc_XXBTZUSD_1m_2017.json", "XXBTZUSD", "start at 00:00 UTC"),
    ],
)
def test_kraken_of_another_pair_and_minutes_are_refused(name: str, pair: str, sentence: str) -> None:
    with pytest.raises(PayloadChanged, match=sentence):
        read(name, "kraken", "spot_prices", {"asset": "BTC", "pair": pair})


def test_kraken_from_the_first_to_the_last_day_of_the_replay(replay: Replay) -> None:
    def fetch(one: Request) -> Answer:
        sent = requests.get(f"{replay.url}/{one.address.removeprefix('https://')}", timeout=10)
        return answer(one, sent.content, status=sent.status_code)

    ask = ask_of("kraken", "spot_prices", "BTC", date(2024, 8, 1), date(2024, 12, 9))
    rows = rows_of("kraken", "spot_prices", drive(kraken.SOURCE.feeds[0], ask, fetch))
    assert rows["date"].to_list() == [date(2024, 8, 30) + timedelta(days=number) for number in range(102)]
    assert rows["date"].max() == date(2024, 12, 9)
    assert broken_rules("spot_prices", rows.with_columns(series=pl.lit("replayed"))) == {}
    assert rows["low_usd"][-1] == pytest.approx(94_150, rel=0.01)


def test_bybit_days_of_a_perpetual_as_the_replay_has_them(replay: Replay) -> None:
    """Spot is not served; but for the category its candles have the same shape."""
    asked = "category=linear&symbol=BTCUSDT&interval=D&limit=5"
    document = requests.get(f"{replay.url}/api.bybit.com/v5/market/kline?{asked}", timeout=10).json()
    with pytest.raises(PayloadChanged, match="found \\('linear', 'BTCUSDT'\\)"):
        normalize(document, asset="BTC", symbol="BTCUSDT")
    document["result"]["category"] = "spot"
    rows = normalize(document, asset="BTC", symbol="BTCUSDT").with_columns(series=pl.lit("replayed"))
    assert sorted(rows["date"]) == [date(2024, 12, day) for day in (6, 7, 8, 9)]  # the running day is left out
    assert broken_rules("spot_prices", rows) == {}


@pytest.mark.parametrize(
    ("name", "url", "params"),
    [
        ("okx/candles_BTC-USDT_1Dutc.json", okx.CANDLES, {"instId": "BTC-USDT", "bar": "1Dutc"}),
        ("doc-examples/okx/history_candles.json", okx.CANDLES, {"instId": "BTC-USDT", "bar": "1Dutc"}),
        ("doc-examples/okx/funding_rate_history.json", okx.FUNDING, {"instId": "BTC-USDT-SWAP"}),
        ("bybit/funding_history_BTCUSDT.json", bybit.FUNDING, {"category": "linear", "symbol": "BTCUSDT"}),
        ("doc-examples/bybit/funding_history.json", bybit.FUNDING, {"category": "linear", "symbol": "BTCUSDT"}),
        ("kraken/ohlc_XXBTZUSD_1440.json", kraken.OHLC, {"pair": "XBTUSD", "interval": 1440}),
        (
            "doc-examples/bybit/kline.json",
            bybit.KLINES,
            {"category": "spot", "symbol": "BTCUSDT", "interval": "D"},
        ),
    ],
)
def test_the_simulator_has_the_shape_of_what_was_recorded(
    wire: Wire, name: str, url: str, params: dict[str, str | int]
) -> None:
    assert kinds(wire.fetch(Request(url, params=params)).json()) == kinds(recorded(name))
