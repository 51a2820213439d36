"""Binance's open interest: what its plan asks, and the rows from the simulator."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.packing import packed
from flows.source import Request
from flows.sources import binance
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, rows_of
from transforms.open_interest.binance import normalize
from transforms.payload import decode

NIGHT = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 9)
INTEREST = feed_of(binance.SOURCE, "open_interest")
ARCHIVED = "https://data.binance.vision/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2024-12-08.zip"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    simulator.now = NIGHT
    return Wire(simulator)


FILE = packed({"metrics.csv": b"create_time,symbol\n2024-12-08 00:05:00,BTCUSDT\n"})


def test_a_file_and_its_checksum_for_each_day_and_a_page_for_one_that_is_not_out() -> None:
    checksum = f"{hashlib.sha256(FILE).hexdigest()}  BTCUSDT-metrics-2024-12-08.zip\n".encode()
    ask = ask_of("binance", "open_interest", "BTC", date(2024, 12, 8), LAST)
    asked = walk(binance.plan_open_interest(ask), [FILE, checksum, (b"", 404), [{}]])
    assert [request.url for request in asked[:4]] == [
        ARCHIVED,
        f"{ARCHIVED}.CHECKSUM",
        ARCHIVED.replace("-08", "-09"),
        "https://fapi.binance.com/futures/data/openInterestHist",
    ]
    assert asked[3].params == {
        "symbol": "BTCUSDT",
        "period": "5m",
        "startTime": at(2024, 12, 9),
        "endTime": at(2024, 12, 10) - 1,
        "limit": 500,
    }
    assert asked[0].labels == {"asset": "BTC", "symbol": "BTCUSDT", "day": "2024-12-08"}
    assert asked[3].labels["day"] == "2024-12-09"


def test_where_there_are_no_readings_of_five_minutes_the_one_at_the_days_end_is_asked_for() -> None:
    ask = ask_of("binance", "open_interest", "BTC", LAST, LAST)
    asked = walk(binance.plan_open_interest(ask), [(b"", 404), [], []])
    midnight = at(2024, 12, 10)
    assert asked[2].params == {
        "symbol": "BTCUSDT",
        "period": "1d",
        "startTime": midnight,
        "endTime": midnight,
        "limit": 1,
    }
    assert (asked[2].transform, asked[2].labels["day"]) == ("normalize_end", "2024-12-09")


def test_a_day_that_rest_no_longer_has_is_not_asked_of_it() -> None:
    ask = ask_of("binance", "open_interest", "BTC", date(2024, 11, 1), date(2024, 11, 1))
    assert [request.host for request in walk(binance.plan_open_interest(ask), [(b"", 404)])] == [binance.ARCHIVE_HOST]


def test_a_file_that_is_not_what_its_checksum_says_is_lost() -> None:
    """A day that REST no longer has fails with the file's name."""
    day = date(2024, 10, 8)
    checksum = f"{hashlib.sha256(b'others').hexdigest()}  BTCUSDT-metrics-{day}.zip".encode()
    given = iter([FILE, checksum])
    ask = ask_of("binance", "open_interest", "BTC", day, day)
    gathered = drive(INTEREST, ask, lambda request: answer(request, next(given)))
    (lost,) = gathered.lost
    assert isinstance(lost.problem, SourceUnavailable)
    assert f"expected BTCUSDT-metrics-{day}.zip with the checksum" in str(lost.problem)
    assert (list(lost.days), gathered.answers) == ([day], ())


@pytest.mark.parametrize("series", [series.name for series in INTEREST.series])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_every_day_comes_once_in_the_stated_requests(wire: Wire, series: str, count: int) -> None:
    ask = ask_of("binance", "open_interest", series, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("binance", "open_interest", drive(INTEREST, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert set(rows["stamped_at"].dt.strftime("%H:%M")) == {"23:55"}
    assert Counter(request.host for request in wire.sent) == INTEREST.requests(ask)
    assert broken_rules("open_interest", rows) == set()
    assert rows.null_count().transpose().to_series().sum() == 0


def test_the_archive_and_rest_tell_the_same_of_a_day(wire: Wire) -> None:
    ask = ask_of("binance", "open_interest", "BTC", LAST, LAST, now=NIGHT)
    early = rows_of("binance", "open_interest", drive(INTEREST, ask, wire.fetch))
    wire.simulator.now = later = NIGHT + timedelta(hours=2)
    late = rows_of(
        "binance",
        "open_interest",
        drive(INTEREST, ask_of("binance", "open_interest", "BTC", LAST, LAST, now=later), wire.fetch),
    )
    assert [request.host for request in wire.sent].count(binance.ARCHIVE_HOST) == 3
    columns = ["open_interest_coins", "open_interest_usd", "stamped_at"]
    assert early.select(columns).equals(late.select(columns))


def test_what_is_settled_in_the_coin_is_asked_for_elsewhere() -> None:
    checksum = f"{hashlib.sha256(FILE).hexdigest()}  ETHUSD_PERP-metrics-2024-12-08.zip\n".encode()
    ask = ask_of("binance", "open_interest", "ETH-inverse", date(2024, 12, 8), LAST)
    asked = walk(binance.plan_open_interest(ask), [FILE, checksum, (b"", 404), [], []])
    folder = "https://data.binance.vision/data/futures/cm/daily/metrics/ETHUSD_PERP"
    assert asked[0].url == f"{folder}/ETHUSD_PERP-metrics-2024-12-08.zip"
    assert {request.url for request in asked[3:]} == {"https://dapi.binance.com/futures/data/openInterestHist"}
    whom = {"pair": "ETHUSD", "contractType": "PERPETUAL"}
    assert asked[3].params == whom | {
        "period": "5m",
        "startTime": at(2024, 12, 9),
        "endTime": at(2024, 12, 10) - 1,
        "limit": 500,
    }
    midnight = at(2024, 12, 10)
    assert asked[4].params == whom | {"period": "1d", "startTime": midnight, "endTime": midnight, "limit": 1}
    assert asked[4].labels == {"asset": "ETH", "symbol": "ETHUSD_PERP", "day": "2024-12-09", "dollars": "10"}


def test_contracts_of_a_hundred_dollars_are_worth_their_coins(wire: Wire) -> None:
    price = {}
    for series in ("BTC", "BTC-inverse"):
        for day in (date(2024, 12, 8), LAST):  # from the archive, and from REST
            ask = ask_of("binance", "open_interest", series, day, day, now=NIGHT)
            (row,) = rows_of("binance", "open_interest", drive(INTEREST, ask, wire.fetch)).to_dicts()
            price[series, day] = row["open_interest_usd"] / row["open_interest_coins"]
            assert row["contract"] == ask.series.symbol
    for day in (date(2024, 12, 8), LAST):
        assert price["BTC-inverse", day] == pytest.approx(price["BTC", day], rel=1e-4)


@pytest.mark.parametrize("dollars", ["100", None])
def test_a_price_that_swings_is_no_flush_and_a_fall_of_contracts_is(dollars: str | None) -> None:
    """Contracts in dollars are worth fewer coins when the price rises, though nobody closes one."""
    held = 5_580_000 if dollars else 5_580

    def page(counts: list[int]) -> list[dict[str, object]]:
        names = {"pair": "BTCUSD", "contractType": "PERPETUAL"} if dollars else {"symbol": "BTCUSD_PERP"}
        prices = [100_000 if place % 2 else 100_100 for place in range(len(counts))]
        worths = [
            count * 100 / price if dollars else count * price for count, price in zip(counts, prices, strict=True)
        ]
        return [
            {**names, "sumOpenInterest": f"{count}", "sumOpenInterestValue": f"{worth:.8f}", "timestamp": stamp}
            for count, worth, stamp in zip(
                counts, worths, range(at(2024, 12, 9), at(2024, 12, 10), 300_000), strict=True
            )
        ]

    def flush(counts: list[int]) -> float:
        labels = {"asset": "BTC", "symbol": "BTCUSD_PERP", "day": "2024-12-09"} | (
            {"dollars": dollars} if dollars else {}
        )
        found: float = normalize(page(counts), **labels)["flush_usd"].item()
        return found

    assert flush([held] * 288) == 0
    tenth = held // 10
    assert flush([held] * 101 + [held - tenth] * 187) == pytest.approx(55_800_000, rel=1e-6)


def test_the_crash_is_seen_in_coins_and_in_the_flush(wire: Wire) -> None:
    ask = ask_of("binance", "open_interest", "BTC", days_back(10, LAST), LAST, now=NIGHT)
    rows = rows_of("binance", "open_interest", drive(INTEREST, ask, wire.fetch))
    coins, flush = rows["open_interest_coins"].to_list(), rows["flush_usd"].to_list()
    assert coins[-2] == pytest.approx(104_800, rel=0.001)
    assert coins[-1] == pytest.approx(95_300, rel=0.001)
    assert flush[-1] > 1.5 * max(flush[:-1])


def test_files_lack_readings_and_hold_some_twice_and_end_with_the_next_midnight(wire: Wire) -> None:
    ask = ask_of("binance", "open_interest", "BTC", days_back(20, LAST), date(2024, 12, 8), now=NIGHT)
    counts, ends = set(), set()
    for one in drive(INTEREST, ask, wire.fetch).answers:
        if one.request.form == "zip":
            times = decode(one.body, "zip")["create_time"]
            counts.add((times.len(), times.n_unique()))
            ends.add(str(times[-1])[11:])
    assert counts == {(289, 288)}
    assert ends == {"23:55:00", "00:00:00"}


def test_a_renamed_column_fails_the_days(wire: Wire) -> None:
    rule = Misbehaviour("metrics", "shape", "always", key="sum_open_interest", rename="open_interest")
    wire.simulator.misbehave([rule])
    ask = ask_of("binance", "open_interest", "BTC", date(2024, 12, 8), date(2024, 12, 8), now=NIGHT)
    with pytest.raises(PayloadChanged, match="expected CSV columns"):
        rows_of("binance", "open_interest", drive(INTEREST, ask, wire.fetch))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"period": "5m"}, -1102),
        ({"symbol": "BTCUSDT"}, -1102),
        ({"symbol": "BTCUSDT", "period": "7m"}, -1130),
        ({"symbol": "NOUSDT", "period": "5m"}, -1121),
        ({"symbol": "BTCUSDT", "period": "5m", "startTime": at(2024, 11, 1)}, -1130),
        ({"symbol": "BTCUSDT", "period": "5m", "limit": "many"}, -1100),
    ],
)
def test_the_simulator_refuses_in_binance_words(wire: Wire, params: dict[str, str | int], code: int) -> None:
    one = wire.fetch(Request(binance.READINGS, params=params))
    assert (one.status, one.json()["code"]) == (400, code)
