"""Bithumb, Coinone, Korbit and GOPAX: what is asked, where their days begin, and the rows."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from expectations.contract import datasets
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from expectations.interval import milliseconds
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Ask, Gathered, Request
from flows.sources import bithumb, coinone, gopax, korbit, sources
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.simulator.shapes import shape
from tests.tool import NOW, SHARED, Tool

pytestmark = [pytest.mark.slow, pytest.mark.marts("krw_stablecoin_daily")]

DATASET = datasets()["krw_prices"]
NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
VENUES = (bithumb, coinone, korbit, gopax)
BOUNDARY = {venue.SOURCE.name: "UTC" if venue is gopax else "KST" for venue in VENUES}
EVERY_VENUE = pytest.mark.parametrize("venue", VENUES, ids=[venue.SOURCE.name for venue in VENUES])
ONE_DAY = timedelta(days=1)
SEOUL_AHEAD = timedelta(hours=9)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    simulator.now = NEW_YEARS_NIGHT
    return Wire(simulator)


def asked(venue: ModuleType, first: date, last: date, *, asset: str = "USDT", now: datetime = NEW_YEARS_NIGHT) -> Ask:
    return ask_of(venue.SOURCE.name, "krw_prices", asset, first, last, now=now)


def gather(venue: ModuleType, ask: Ask, wire: Wire) -> Gathered:
    return drive(feed_of(venue.SOURCE, "krw_prices"), ask, wire.fetch)


def rows_of(venue: ModuleType, gathered: Gathered) -> pl.DataFrame:
    """Every row of every answer, also those outside the ask."""
    assert gathered.error is None
    frames = [normalize(DATASET, venue.SOURCE.name, Gathered(gathered.ask, (one,), None)) for one in gathered.answers]
    return pl.concat(frames).sort("date")


# Paging --------------------------------------------------------------------------------------------------------------


@EVERY_VENUE
@pytest.mark.parametrize("count", [1, 29, 30, 31, 61, 365])
def test_walks_bring_every_day_exactly_once_in_the_stated_requests(
    venue: ModuleType, count: int, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue, "PAGE", 30)
    ask = asked(venue, days_back(count, LAST), LAST)
    rows = rows_of(venue, gather(venue, ask, wire))
    assert rows["date"].to_list() == list(ask.days)
    assert Counter(request.host for request in wire.sent) == {venue.HOST: -(-count // 30)}
    assert feed_of(venue.SOURCE, "krw_prices").requests(ask) == {venue.HOST: -(-count // 30)}


@EVERY_VENUE
def test_the_stated_page_is_what_the_provider_answers_at_most(venue: ModuleType, wire: Wire) -> None:
    ask = asked(venue, days_back(396, LAST), LAST)
    rows = rows_of(venue, gather(venue, ask, wire))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == (1 if venue.PAGE == 500 else 2)


@EVERY_VENUE
def test_before_the_first_candle_there_is_nothing(venue: ModuleType, wire: Wire) -> None:
    ask = asked(venue, date(2023, 11, 1), LAST, asset="USDC")
    found = gather(venue, ask, wire)
    rows = rows_of(venue, found).unique(DATASET.columns)  # the oldest are asked for twice
    assert (rows["date"].min(), rows["date"].max()) == (date(2024, 6, 7), LAST)
    assert rows["date"].is_unique().all()
    begins = feed_of(venue.SOURCE, "krw_prices").begins
    assert begins is not None
    assert begins(found.answers)
    assert not begins(gather(venue, asked(venue, date(2024, 11, 1), LAST), wire).answers)


@EVERY_VENUE
def test_a_page_that_was_cut_off_does_not_begin_a_history(venue: ModuleType, wire: Wire) -> None:
    """Every page has only its newest 60 candles, and older pages have none."""
    seen: set[int] = set()

    def fetch(request: Request) -> Answer:
        given = wire.fetch(request)
        document = given.json()
        rows = document if isinstance(document, list) else document.get("chart", document.get("data"))
        stamps = venue.stamps_of(given)
        newest = {stamp for stamp in sorted(stamps)[-60:] if not seen or stamp >= min(seen)}
        seen.update(newest)
        kept = [row for row, stamp in zip(rows, stamps, strict=True) if stamp in newest]
        rows[:] = kept if len(wire.sent) == 1 else []
        if venue is coinone:
            document["is_last"] = False
        return answer(request, document)

    found = drive(feed_of(venue.SOURCE, "krw_prices"), asked(venue, days_back(180, LAST), LAST), fetch)
    begins = feed_of(venue.SOURCE, "krw_prices").begins
    assert begins is not None
    assert len(rows_of(venue, found)) == 60
    assert not begins(found.answers)


@EVERY_VENUE
def test_halves_give_the_rows_of_the_whole(venue: ModuleType, wire: Wire) -> None:
    whole = rows_of(venue, gather(venue, asked(venue, date(2024, 10, 1), LAST), wire))
    first = rows_of(venue, gather(venue, asked(venue, date(2024, 10, 1), date(2024, 11, 15)), wire))
    second = rows_of(venue, gather(venue, asked(venue, date(2024, 11, 16), LAST), wire))
    assert pl.concat([first, second]).equals(whole)


# Days ----------------------------------------------------------------------------------------------------------------


@EVERY_VENUE
def test_a_day_ends_where_its_boundary_says(venue: ModuleType, wire: Wire) -> None:
    rows = rows_of(venue, gather(venue, asked(venue, date(2024, 12, 1), LAST), wire))
    boundary = BOUNDARY[venue.SOURCE.name]
    assert rows["day_boundary"].unique().to_list() == [boundary]
    ends = ONE_DAY - (SEOUL_AHEAD if boundary == "KST" else timedelta(0))
    for day, available_at in rows.select("date", "available_at").iter_rows():
        assert available_at == datetime(day.year, day.month, day.day, tzinfo=UTC) + ends
    (release,) = {series.release for series in feed_of(venue.SOURCE, "krw_prices").series}
    for day, available_at in rows.select("date", "available_at").iter_rows():
        assert release.public_at(day) >= available_at + timedelta(minutes=5)


@EVERY_VENUE
def test_the_running_day_is_never_brought_home(venue: ModuleType, wire: Wire) -> None:
    for now in (datetime(2024, 12, 10, 0, 5, tzinfo=UTC), datetime(2024, 12, 10, 23, 55, tzinfo=UTC)):
        wire.simulator.now = now
        rows = rows_of(venue, gather(venue, asked(venue, date(2024, 12, 1), date(2024, 12, 9), now=now), wire))
        assert rows["date"][-1] == date(2024, 12, 9)
        assert (rows["available_at"] <= now).all()


def test_a_korean_day_is_the_sum_of_its_hours(wire: Wire) -> None:
    """The simulator's own hours, of which the ninth day's first opens at 15:00 UTC of the eighth."""
    day = rows_of(bithumb, gather(bithumb, asked(bithumb, date(2024, 12, 9), date(2024, 12, 9)), wire)).row(
        0, named=True
    )
    hours = wire.fetch(
        Request(
            f"https://{bithumb.HOST}/v1/candles/minutes/60",
            params={"market": "KRW-USDT", "count": 24, "to": "2024-12-10T00:00:00"},
        )
    ).json()
    assert (hours[-1]["candle_date_time_utc"], hours[0]["candle_date_time_utc"]) == (
        "2024-12-08T15:00:00",
        "2024-12-09T14:00:00",
    )
    assert (hours[-1]["opening_price"], hours[0]["trade_price"]) == (day["open_krw"], day["close_krw"])
    assert max(hour["high_price"] for hour in hours) == day["high_krw"]
    assert min(hour["low_price"] for hour in hours) == day["low_krw"]
    assert sum(hour["candle_acc_trade_price"] for hour in hours) == pytest.approx(day["volume_krw"], rel=1e-12)
    assert sum(hour["candle_acc_trade_volume"] for hour in hours) == pytest.approx(day["volume_base"], rel=1e-12)


@EVERY_VENUE
def test_what_comes_home_keeps_the_promise_of_its_dataset(venue: ModuleType, wire: Wire) -> None:
    for asset in ("USDT", "USDC"):
        ask = asked(venue, date(2024, 6, 7), LAST, asset=asset)
        rows = rows_of(venue, gather(venue, ask, wire)).with_columns(series=pl.lit(asset), source=pl.lit("one"))
        assert {rule.name for rule in DATASET.checks if rows.filter(rule.failing()).height} == set()


# By hand -------------------------------------------------------------------------------------------------------------


def test_bithumb_is_asked_in_the_time_of_seoul() -> None:
    ask = asked(bithumb, date(2024, 12, 1), date(2024, 12, 9))
    page = [{"candle_date_time_kst": f"2024-12-{day:02}T00:00:00"} for day in range(9, 4, -1)]
    rest = [{"candle_date_time_kst": f"2024-12-{day:02}T00:00:00"} for day in range(4, 0, -1)]
    first, second = walk(bithumb.plan_days(ask), [page, rest])
    assert first.params == {"market": "KRW-USDT", "count": 9, "to": "2024-12-10T00:00:00"}
    assert second.params == {"market": "KRW-USDT", "count": 4, "to": "2024-12-05T00:00:00"}
    assert first.labels == {"asset": "USDT", "market": "KRW-USDT"}


def _chart(*starts: datetime, last: bool = False) -> dict[str, Any]:
    return {"is_last": last, "chart": [{"timestamp": milliseconds(start)} for start in starts]}


def _starts(first: date, last: date) -> list[datetime]:
    """The instants at which days in Seoul begin, newest first."""
    days = [last - timedelta(days=number) for number in range((last - first).days + 1)]
    return [datetime(day.year, day.month, day.day, tzinfo=UTC) - SEOUL_AHEAD for day in days]


def test_coinone_is_asked_between_two_candles() -> None:
    ask = asked(coinone, date(2024, 12, 1), date(2024, 12, 9))
    pages = [
        _chart(*_starts(date(2024, 12, 5), date(2024, 12, 9))),
        _chart(*_starts(date(2024, 12, 1), date(2024, 12, 4))),
    ]
    first, second = walk(coinone.plan_days(ask), pages)
    assert first.url == "https://api.coinone.co.kr/public/v2/chart/KRW/USDT"
    assert first.params == {
        "interval": "1d",
        "size": 9,
        "timestamp": milliseconds(datetime(2024, 12, 9, 15, tzinfo=UTC)) - 1,
    }
    assert second.params == {
        "interval": "1d",
        "size": 4,
        "timestamp": milliseconds(datetime(2024, 12, 4, 15, tzinfo=UTC)) - 1,
    }


def test_coinone_is_believed_to_have_ended_only_on_a_short_page() -> None:
    ask = asked(coinone, date(2024, 12, 1), date(2024, 12, 9))
    short = _starts(date(2024, 12, 5), date(2024, 12, 9))
    assert len(walk(coinone.plan_days(ask), [_chart(*short, last=True)])) == 1
    longer = asked(coinone, date(2022, 12, 1), date(2024, 12, 9))
    full = _starts(days_back(500), date(2024, 12, 9))
    assert len(walk(coinone.plan_days(longer), [_chart(*full, last=True), _chart(), _chart()])) == 3


@pytest.mark.parametrize(("venue", "empty"), [(bithumb, []), (coinone, {"is_last": True, "chart": []})])
def test_they_are_asked_twice_before_nothing_is_believed(venue: ModuleType, empty: object) -> None:
    ask = asked(venue, date(2024, 12, 1), date(2024, 12, 9))
    first, again = walk(venue.plan_days(ask), [empty, empty])
    assert first == again


@pytest.mark.parametrize(
    ("venue", "newest"),
    [
        (bithumb, [{"candle_date_time_kst": "2024-12-09T00:00:00"}]),
        (coinone, _chart(datetime(2024, 12, 8, 15, tzinfo=UTC))),
    ],
)
def test_a_server_that_repeats_itself_is_not_asked_forever(venue: ModuleType, newest: object) -> None:
    ask = asked(venue, date(2024, 1, 1), date(2024, 12, 9))
    with pytest.raises(PayloadChanged, match="expected rows before"):
        walk(venue.plan_days(ask), [newest, newest, newest])


def test_korbit_is_asked_for_windows_that_a_page_holds() -> None:
    ask = asked(korbit, days_back(201), date(2024, 12, 9))
    first, second = walk(korbit.plan_days(ask), [{"success": True, "data": []}] * 2)
    assert first.url == "https://api.korbit.co.kr/v2/candles"
    assert first.params == {
        "symbol": "usdt_krw",
        "interval": "1D",
        "start": milliseconds(datetime(2024, 5, 22, 15, tzinfo=UTC)),
        "end": milliseconds(datetime(2024, 12, 8, 15, tzinfo=UTC)) - 1,
        "limit": 200,
    }
    assert (second.params["start"], second.params["end"]) == (
        milliseconds(datetime(2024, 12, 8, 15, tzinfo=UTC)),
        milliseconds(datetime(2024, 12, 9, 15, tzinfo=UTC)) - 1,
    )


def test_gopax_is_asked_for_days_of_utc() -> None:
    ask = asked(gopax, days_back(501), date(2024, 12, 9))
    first, second = walk(gopax.plan_days(ask), [[], []])
    assert first.url == "https://api.gopax.co.kr/trading-pairs/USDT-KRW/candles"
    assert first.params == {
        "start": milliseconds(datetime(2023, 7, 28, tzinfo=UTC)),
        "end": milliseconds(datetime(2024, 12, 9, tzinfo=UTC)) - 1,
        "interval": 1440,
    }
    assert second.params["start"] == milliseconds(datetime(2024, 12, 9, tzinfo=UTC))


IN_A_200 = [
    ("bithumb", {"error": {"name": 400, "message": "Type mismatch error."}}, SourceRefused),
    ("bithumb", {"error": {"name": "too_many_requests", "message": "Too many API requests."}}, SourceUnavailable),
    ("bithumb", {"error": "maintenance"}, SourceRefused),
    ("bithumb", {"status": "5600", "message": "CUSTOM NOTICE"}, SourceRefused),
    ("coinone", {"result": "error", "error_code": "108", "error_msg": "Unknown CryptoCurrency"}, SourceRefused),
    ("coinone", {"result": "error", "error_code": 4, "error_msg": "Blocked user access"}, SourceUnavailable),
    ("korbit", {"success": False, "error": {"message": "INVALID_REQUEST"}}, SourceRefused),
    ("gopax", {"errorCode": 10155, "errorMessage": "Invalid trading pair"}, SourceRefused),
]


@pytest.mark.parametrize(("source", "body", "kind"), IN_A_200)
def test_an_error_in_a_200_is_an_error(source: str, body: object, kind: type[PipelineError]) -> None:
    request = Request("https://hand.invalid/")
    assert type(sources()[source].refusal(answer(request, body))) is kind


@EVERY_VENUE
@pytest.mark.parametrize(
    "rule", [Misbehaviour("", "drop", "always", drop_every=3), Misbehaviour("", "empty", "always")]
)
def test_what_an_answer_leaves_out_is_not_made_up(venue: ModuleType, rule: Misbehaviour, wire: Wire) -> None:
    ask = asked(venue, date(2024, 11, 1), LAST)
    whole = rows_of(venue, gather(venue, ask, wire)).drop("observed_at", "snapshot")
    wire.simulator.misbehave([rule])
    left = rows_of(venue, gather(venue, ask, wire)).drop("observed_at", "snapshot").unique()
    assert left.height < whole.height or venue is bithumb or venue is coinone
    assert left.join(whole, on=whole.columns, how="anti").is_empty()


# Recordings ----------------------------------------------------------------------------------------------------------

RECORDINGS = SHARED / "recordings"
RECORDED = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recorded answers beside the repository")
COLUMNS = ("date", "open_krw", "high_krw", "low_krw", "close_krw", "volume_base", "volume_krw", "volume_is_estimated")


def recorded(venue: ModuleType, name: str, **labels: str) -> pl.DataFrame:
    request = Request("https://recorded.invalid/", labels=labels)
    one = answer(request, (RECORDINGS / name).read_bytes(), now=datetime(2026, 9, 9, tzinfo=UTC))
    assert venue.SOURCE.refusal(one) is None
    rows = normalize(DATASET, venue.SOURCE.name, Gathered(asked(venue, LAST, LAST), (one,), None))
    return rows.with_columns(series=pl.lit("recorded"), source=pl.lit(venue.SOURCE.name))


@RECORDED
def test_bithumb_days_as_recorded() -> None:
    rows = recorded(bithumb, "bithumb/candles_days_KRW-BTC.json", asset="BTC", market="KRW-BTC")
    assert rows["date"].to_list() == [date(2026, 8, 28), date(2026, 8, 29), date(2026, 8, 30)]
    assert rows.select(COLUMNS).row(0) == (
        *(date(2026, 8, 28), 110871000.0, 112499000.0, 109038000.0, 110269000.0),
        *(1346.89555548, 148935092962.92813, False),
    )
    assert rows["available_at"][0] == datetime(2026, 8, 28, 15, tzinfo=UTC)
    # The last trade of a day that is over was on that day; the answer was recorded at 04:26 UTC of the last day.
    assert ((rows["stamped_at"] < rows["available_at"]).all(), rows["stamped_at"][-1].day) == (True, 30)
    assert {rule.name for rule in DATASET.checks if rows.filter(rule.failing()).height} == set()


@RECORDED
def test_korbit_days_as_recorded() -> None:
    rows = recorded(korbit, "korbit/candles_v2_btc_krw_1D.json", asset="BTC")
    assert rows["date"].to_list() == [date(2026, 8, 28), date(2026, 8, 29), date(2026, 8, 30)]
    assert rows.select(COLUMNS[:-2]).row(0) == (
        *(date(2026, 8, 28), 110900000.0, 112481000.0, 109068000.0, 110290000.0),
        28.50078578,
    )
    assert rows["volume_krw"][0] == pytest.approx(28.50078578 * 110290000)
    assert rows["volume_is_estimated"].all()
    assert {rule.name for rule in DATASET.checks if rows.filter(rule.failing()).height} == set()


@RECORDED
def test_the_two_recorded_venues_tell_of_the_same_days() -> None:
    """The answers were recorded within a minute: if the days of one venue were shifted, its prices would differ."""
    ours = recorded(bithumb, "bithumb/candles_days_KRW-BTC.json", asset="BTC", market="KRW-BTC")
    theirs = recorded(korbit, "korbit/candles_v2_btc_krw_1D.json", asset="BTC")
    both = ours.join(theirs, on="date", suffix="_theirs")
    for name in ("open_krw", "high_krw", "low_krw", "close_krw"):
        assert ((both[name] / both[f"{name}_theirs"] - 1).abs() < 0.002).all()


@RECORDED
def test_hours_of_korbit_and_minutes_of_gopax_are_no_days() -> None:
    with pytest.raises(PayloadChanged, match="expected days that start at 15:00 UTC, found 2024-02-16 00:00"):
        recorded(korbit, "doc-examples/korbit/candles_v2_60.json", asset="BTC")
    with pytest.raises(PayloadChanged, match="expected days that start at 00:00 UTC, found 2018-03-14 05:07"):
        recorded(gopax, "doc-examples/gopax/trading_pairs_candles.json", asset="BTC")


SAME_SHAPE = {
    "bithumb/candles_days_KRW-BTC.json": f"https://{bithumb.HOST}/v1/candles/days?market=KRW-BTC&count=3",
    "korbit/candles_v2_btc_krw_1D.json": f"https://{korbit.HOST}/v2/candles?symbol=btc_krw&interval=1D&limit=3",
    "doc-examples/gopax/trading_pairs_candles.json": (
        f"https://{gopax.HOST}/trading-pairs/BTC-KRW/candles?start=1735430400000&end=1735603200000&interval=1440"
    ),
}


@RECORDED
@pytest.mark.parametrize("name", SAME_SHAPE)
def test_pages_have_the_shape_of_recorded_answers(name: str, wire: Wire) -> None:
    told = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    ours = wire.fetch(Request(SAME_SHAPE[name])).json()
    assert shape(ours) == shape(told)
    rows, theirs = (document if isinstance(document, list) else document["data"] for document in (ours, told))
    assert _stamps(rows) == sorted(_stamps(rows), reverse=_stamps(theirs) != sorted(_stamps(theirs)))
    assert len(rows) == 3


def _stamps(rows: list[Any]) -> list[int]:
    return [row[0] if isinstance(row, list) else row["timestamp"] for row in rows]


# From the network to the marts ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def korea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with Simulator(now=NOW) as market:
        home = tmp_path_factory.mktemp("korea") / "home"
        venues = ",".join(["frankfurter", "upbit", *BOUNDARY])
        tool = Tool(home, market.url, sources=venues, start="2024-11-20")
        said = tool("backfill", "2024-11-20", "2024-12-09")
        assert said.code == 0, said.err
        yield tool


def test_all_five_venues_are_loaded_day_by_day(korea: Tool) -> None:
    assert set(korea.states("dataset = 'krw_prices' and date < '2024-12-10'")) == {"loaded"}
    venues = (
        "select venue, day_boundary, count(*), min(date), max(date) from krw_stablecoin_daily group by all order by 1"
    )
    first, last = date(2024, 11, 20), date(2024, 12, 9)
    assert korea.ask(venues) == [
        ("bithumb", "UTC", 40, first, last),
        ("coinone", "UTC", 40, first, last),
        ("gopax", "UTC", 40, first, last),
        ("korbit", "UTC", 40, first, last),
        ("upbit", "UTC", 40, first, last),
    ]
    estimated = "select distinct venue from krw_stablecoin_daily where volume_is_estimated order by 1"
    assert korea.ask(estimated) == [("gopax",), ("korbit",)]


def test_a_month_sums_over_all_of_them(korea: Tool) -> None:
    months = "select venues, days_covered from krw_stablecoin_monthly order by month"
    every = ["bithumb", "coinone", "gopax", "korbit", "upbit"]
    assert korea.ask(months) == [(every, 11), (every, 9)]


@EVERY_VENUE
def test_the_days_before_a_history_begins_are_known_to_be_empty(venue: ModuleType, tmp_path: Path) -> None:
    with Simulator(now=NOW) as market:
        tool = Tool(tmp_path / "home", market.url, sources=venue.SOURCE.name, start="2023-11-20")
        said = tool("backfill", "2023-11-20", "2024-01-31", "--series", "USDT")
        assert said.code == 0, said.err
        for feed in venue.SOURCE.feeds:
            mine = f"dataset = '{feed.dataset.name}' and series = 'USDT'"
            assert tool.states(f"{mine} and date < '2023-12-01'") == {"verified_empty": 11}
            assert tool.states(f"{mine} and date between '2023-12-01' and '2024-01-31'") == {"loaded": 62}
