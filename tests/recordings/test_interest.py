"""Open interest as recorded and as the replay has it, read by the transforms and compared with the simulator's.

As in `test_recordings`, nothing is collected where the folder is absent.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.source import Answer, Ask, Feed, Request
from flows.sources import binance, bybit, cftc, okx
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, feed_of
from tests.gathering import broken_rules, rows_of
from tests.recordings.test_venues import kinds, recorded
from tests.replay import Replay
from transforms.open_interest.binance import normalize as binance_rows
from transforms.open_interest.bybit import normalize as bybit_rows
from transforms.open_interest.cftc import RELEASE
from transforms.open_interest.okx import normalize as okx_rows

NIGHT = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 9)
LINEAR = {"asset": "BTC", "symbol": "BTCUSDT", "category": "linear"}
DAYS = "okx/rubik_open_interest_history_BTC-USDT-SWAP_1D.json"
INTEREST = feed_of(binance.SOURCE, "open_interest")
REPORTS = feed_of(cftc.SOURCE, "open_interest")
END_ALONE = Feed(
    INTEREST.dataset,
    lambda ask: binance.plan_readings(
        ask.series.symbol,
        ask.days.start,
        {"asset": ask.series.name, "symbol": ask.series.symbol, "day": str(ask.days.start)},
    ),
    (),
    1,
)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def fetch_from(replay: Replay, one: Request) -> Answer:
    sent = requests.get(f"{replay.url}/{one.address.removeprefix('https://')}", timeout=10)
    return answer(one, sent.content, status=sent.status_code)


def test_the_simulator_of_binance_has_the_shape_of_what_was_recorded(wire: Wire) -> None:
    asked: dict[str, str | int] = {"symbol": "BTCUSDT", "period": "1h", "limit": 25}
    mine = wire.fetch(Request(binance.READINGS, params=asked)).json()
    assert kinds(mine) == kinds(recorded("binance/usdm_openInterestHist_BTCUSDT_1h_2026.json"))
    assert len(mine) == 25


def test_binance_recorded_readings_of_what_is_settled_in_the_coin(wire: Wire) -> None:
    """Quarterly futures of 2020, in contracts of 100 dollars; the perpetual differs in its name alone."""
    page = recorded("binance/coinm_openInterestHist_BTCUSD_5m.json")
    labels = {"asset": "BTC", "symbol": "BTCUSD_CURRENT_QUARTER", "day": "2020-10-17", "dollars": "100"}
    for row in page:
        row["timestamp"] -= 2 * 3_600_000  # 01:30 of a day is within the day before's last hour
    (day,) = binance_rows(page, **labels).to_dicts()
    assert day["stamped_at"] == datetime(2020, 10, 17, 23, 55, tzinfo=UTC)
    assert (day["open_interest_usd"], day["open_interest_coins"]) == (28_657_400, 2469.68425605)
    assert day["open_interest_usd"] / day["open_interest_coins"] == pytest.approx(11_604, abs=1)
    assert 0 < day["flush_usd"] < 1e5
    with pytest.raises(PayloadChanged, match="expected readings of BTCUSD_PERP"):
        binance_rows(page, **labels | {"symbol": "BTCUSD_PERP"})
    asked: dict[str, str | int] = {"pair": "BTCUSD", "contractType": "PERPETUAL", "period": "5m"}
    assert kinds(wire.fetch(Request(binance.COIN_READINGS, params=asked)).json()) == kinds(page)


def test_the_replay_has_the_coins_of_contracts_of_a_hundred_dollars(replay: Replay) -> None:
    ask = ask_of("binance", "open_interest", "BTC-inverse", date(2024, 12, 5), LAST)
    rows = rows_of("binance", "open_interest", drive(INTEREST, ask, partial(fetch_from, replay)))
    assert rows["date"].to_list() == list(ask.days)
    assert set(rows["contract"]) == {"BTCUSD_PERP"}
    assert rows["stamped_at"][-1] == datetime(2024, 12, 10, tzinfo=UTC)
    prices = (rows["open_interest_usd"] / rows["open_interest_coins"]).to_list()
    assert all(90_000 < price < 105_000 for price in prices)
    assert broken_rules("open_interest", rows) == set()


def test_binance_a_recorded_day_by_the_hour() -> None:
    page = recorded("binance/usdm_openInterestHist_BTCUSDT_1h_2026.json")
    rows = binance_rows(page, asset="BTC", symbol="BTCUSDT", day="2026-09-08").with_columns(series=pl.lit("recorded"))
    assert rows.select("date", "open_interest_coins", "open_interest_usd", "stamped_at").rows() == [
        (date(2026, 9, 8), 106422.356, 8356943211.7272, datetime(2026, 9, 8, 23, tzinfo=UTC))
    ]
    # The day begins an hour after the first row, which belongs to the day before.
    assert rows["open_interest_usd_high"].item() == max(float(row["sumOpenInterestValue"]) for row in page[1:])
    assert broken_rules("open_interest", rows) == set()


def test_binance_a_row_of_an_hour_is_neither_a_running_figure_nor_one_of_its_end() -> None:
    """The open interest 14 minutes after the newest row's stamp is another number, and the hour was not over."""
    newest = recorded("binance/usdm_openInterestHist_BTCUSDT_1h_2026.json")[-1]
    live = recorded("binance/usdm_openInterest_BTCUSDT_2026.json")
    assert 13 * 60_000 < live["time"] - newest["timestamp"] < 15 * 60_000
    assert float(newest["sumOpenInterest"]) != float(live["openInterest"])


def test_bybit_a_recorded_day_by_the_hour() -> None:
    rows = bybit_rows(recorded("bybit/open_interest_BTCUSDT_1h.json"), **LINEAR).with_columns(series=pl.lit("recorded"))
    # The answer came at 23:14 of 8 September: that day was not over, and of the day before it has only the last hour.
    assert rows.select("date", "stamped_at").rows() == [(date(2026, 9, 7), datetime(2026, 9, 7, 23, tzinfo=UTC))]
    oldest = recorded("bybit/open_interest_BTCUSDT_1h.json")["result"]["list"][-1]
    assert rows["open_interest_coins"].item() == float(oldest["openInterest"]) / 2
    assert rows["open_interest_coins"].item() == pytest.approx(float(oldest["singleOpenInterest"]), abs=0.001)
    assert broken_rules("open_interest", rows) == set()


def test_bybit_the_documented_answer_of_an_inverse_contract_has_no_hours() -> None:
    """It has rows of days, and does not say whether they are of the beginning or the end of the day."""
    page = recorded("doc-examples/bybit/open_interest.json")
    assert bybit_rows(page, asset="BTC", symbol="BTCUSD", category="inverse").is_empty()
    # Rows that contradict each other prove nothing either.
    page["result"]["list"][0]["singleOpenInterest"] = page["result"]["list"][0]["openInterest"]
    assert bybit_rows(page, asset="BTC", symbol="BTCUSD", category="inverse").is_empty()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("bybit/open_interest_BTCUSDT_1h.json", {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h"}),
        ("doc-examples/bybit/open_interest.json", {"category": "inverse", "symbol": "BTCUSD", "intervalTime": "1d"}),
    ],
)
def test_the_simulator_of_bybit_has_the_shape_of_what_was_recorded(name: str, params: dict[str, str | int]) -> None:
    with Simulator(now=datetime(2026, 9, 8, 23, 14, tzinfo=UTC)) as served:
        mine = Wire(served).fetch(Request(bybit.READINGS, params=params)).json()
    assert kinds(mine) == kinds(recorded(name))
    assert all(
        float(row["openInterest"]) == pytest.approx(2 * float(row["singleOpenInterest"]), rel=1e-6)
        for row in mine["result"]["list"]
    )


def test_the_simulator_of_okx_has_the_shape_and_the_days_of_what_was_recorded(wire: Wire) -> None:
    asked: dict[str, str | int] = {"instId": "BTC-USDT-SWAP", "period": "1D", "limit": 5}
    mine = wire.fetch(Request(okx.READINGS, params=asked)).json()
    assert kinds(mine) == kinds(recorded(DAYS))
    for document in (mine, recorded(DAYS)):
        stamps = [int(row[0]) for row in document["data"]]
        assert {stamp % 86_400_000 for stamp in stamps} == {57_600_000}
        assert len(stamps) == 5
        for _, contracts, coins, usd in document["data"]:
            assert float(contracts) == pytest.approx(100 * float(coins), rel=1e-6)
            assert 3_000 < float(usd) / float(coins) < 2_000_000


def test_okx_recorded_rows_of_days_are_not_taken_for_the_ends_of_days() -> None:
    assert okx_rows(recorded(DAYS), asset="BTC", symbol="BTC-USDT-SWAP").is_empty()


def test_okx_recorded_rows_of_days_are_priced_as_of_their_beginning() -> None:
    """The price that a row implies lies within the day on which its bar begins, and for some beyond the next one's."""
    candles = recorded("kraken/ohlc_BTCUSD_1440_2026-08-20.json")["result"]
    days = {
        datetime.fromtimestamp(row[0], UTC).date(): (float(row[3]), float(row[2]))
        for row in next(rows for name, rows in candles.items() if name != "last")
    }
    beyond = 0
    for stamp, _, coins, usd in recorded(DAYS)["data"]:
        begins = datetime.fromtimestamp(int(stamp) / 1000, UTC).date()
        price = float(usd) / float(coins)
        low, high = days[begins]
        assert low < price < high
        low, high = days[begins + timedelta(days=1)]
        beyond += not low < price < high
    assert beyond >= 3


def test_the_replay_has_two_readings_a_day_and_of_a_day_that_is_not_archived_its_end(replay: Replay) -> None:
    """Its REST has no rows of five minutes, and at half past midnight the file of 9 December is not out."""

    fetch = partial(fetch_from, replay)

    ask = ask_of("binance", "open_interest", "BTC", date(2024, 11, 1), LAST)
    rows = rows_of("binance", "open_interest", drive(INTEREST, ask, fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert rows["open_interest_coins"].to_list()[-2:] == [89998.02, 90559.9]
    assert rows["open_interest_usd"].to_list()[-2:] == pytest.approx([9099662903.0118, 8809348301.151999])
    assert rows["stamped_at"][-1] == datetime(2024, 12, 10, tzinfo=UTC)
    assert rows["flush_usd"].null_count() == 1
    # What the file will say of that day's end.
    later = ask_of("binance", "open_interest", "BTC", date(2024, 12, 7), date(2024, 12, 7))
    from_rest = drive(END_ALONE, later, fetch)
    end = rows_of("binance", "open_interest", from_rest)
    there = rows.filter(pl.col("date") == date(2024, 12, 7))
    assert end["open_interest_coins"].item() == there["open_interest_coins"].item() == 89234.19
    fallen = rows.filter(pl.col("date") == date(2024, 12, 7))
    assert fallen["flush_usd"].item() == pytest.approx((90052.95 - 89234.19) * 8908426763.7381 / 89234.19)
    grown = rows.filter(pl.col("date") == date(2024, 12, 8))
    assert grown["flush_usd"].item() == 0
    assert broken_rules("open_interest", rows) == set()


def test_the_reports_of_the_replay_and_the_shape_of_the_simulator(replay: Replay, wire: Wire) -> None:
    fetch = partial(fetch_from, replay)

    ask: Ask = ask_of("cftc", "open_interest", "BTC", date(2024, 1, 1), date(2024, 12, 9))
    gathered = drive(REPORTS, ask, fetch)
    rows = rows_of("cftc", "open_interest", gathered)
    assert rows["date"].to_list() == [day for day in ask.days if RELEASE.expects(day) and day <= date(2024, 12, 3)]
    assert rows.filter(pl.col("date") == date(2024, 12, 3))["open_interest_coins"].item() == 37_021 * 5
    assert broken_rules("open_interest", rows) == set()
    mine = drive(REPORTS, ask, wire.fetch)
    # The replay leaves out most columns of a report; ours has the contract's size too, which `tidemark doctor` reads.
    assert set(mine.answers[0].json()[0]) == {*gathered.answers[0].json()[0], "contract_units"}
    there = rows_of("cftc", "open_interest", mine)
    assert there["open_interest_coins"][-1] == pytest.approx(rows["open_interest_coins"][-1], rel=0.1)
