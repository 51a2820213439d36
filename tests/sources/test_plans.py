"""The plans: driven by hand for what they ask, and against the simulator for their rows."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import polars as pl
import pytest

from expectations.contract import Dataset
from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.interval import ONE_DAY, Interval, milliseconds
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.packing import packed
from flows.source import Answer, Ask, Feed, Gathered, Source, Verification, bound_by
from flows.sources import binance, coinbase, defillama, frankfurter, fred, sources, upbit
from flows.steps import normalize as steps_normalize
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from transforms.conform import Conformed, conform, conform_by_day
from transforms.funding_rates import binance as funding_rates

pytestmark = pytest.mark.slow

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
FEEDS = [(source, feed) for source in sources().values() for feed in source.feeds]
EVERY_FEED = pytest.mark.parametrize(
    ("source", "feed"), FEEDS, ids=[f"{source.name}-{feed.dataset.name}" for source, feed in FEEDS]
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def gather(wire: Wire, source: str, dataset: str, ask: Ask) -> Gathered:
    return drive(feed_of(sources()[source], dataset), ask, wire.fetch)


def kept(feed: Feed, first: date, last: date) -> Interval:
    """An interval, or the newest days that the provider still keeps."""
    if feed.kept_for is None or NEW_YEARS_NIGHT - feed.kept_for < Interval.of_days(first, last).starts_at:
        return Interval.of_days(first, last)
    oldest = (NEW_YEARS_NIGHT - feed.kept_for).date() + timedelta(days=1)
    return Interval.of_days(max(first, oldest), LAST)


def rows_of(gathered: Gathered, source: str, dataset: Dataset) -> pl.DataFrame:
    """The rows of the days that were asked for, each as often as the answers have it."""
    days = gathered.ask.days
    frames = [normalize(dataset, source, Gathered(gathered.ask, (one,), None)) for one in gathered.answers]
    rows = pl.concat(frames)
    return rows.filter(pl.col("date") >= days.start, pl.col("date") < days.end)


# What every source declares ------------------------------------------------------------------------------------------


@EVERY_FEED
def test_every_source_states_its_facts(source: Source, feed: Feed) -> None:
    assert source.docs.startswith("https://")
    assert source.terms
    assert source.attribution
    assert source.verified in get_args(Verification)
    assert source.connections >= 1
    assert feed.days_per_ask >= 1
    assert len({series.name for series in feed.series}) == len(feed.series) > 0
    assert source.verified_against


@EVERY_FEED
def test_every_host_that_is_asked_has_a_limit(source: Source, feed: Feed, wire: Wire) -> None:
    for series in feed.series:
        days = series.valid(kept(feed, date(2024, 10, 20), LAST))
        if days is None:
            continue
        gathered = drive(feed, Ask(series, days, NEW_YEARS_NIGHT), wire.fetch)
        assert gathered.error is None
    assert all(bound_by(source.limits, request.place) for request in wire.sent)
    assert {request.url[:8] for request in wire.sent} == {"https://"}
    assert all(0 < limit.burst < limit.requests for limit in source.limits.values())


@EVERY_FEED
def test_asks_of_one_day_bring_that_day_of_every_series(source: Source, feed: Feed, wire: Wire) -> None:
    year = list(kept(feed, date(2024, 1, 1), date(2024, 12, 20)))
    for series in feed.series:
        release = series.release
        keeps = feed.lasts is None or feed.lasts > timedelta(days=30)
        known = (day for day in reversed(year) if release.expects(day) and release.public_at(day) <= NEW_YEARS_NIGHT)
        day = next(known) if keeps else LAST
        only = Interval.of_days(day, day)
        if series.valid(only) is None:
            continue
        gathered = drive(feed, Ask(series, only, NEW_YEARS_NIGHT), wire.fetch)
        assert gathered.error is None
        assert set(rows_of(gathered, source.name, feed.dataset)["date"]) == {day}, series.name


@EVERY_FEED
def test_answers_that_are_conformed_together_say_what_each_of_them_says(
    source: Source, feed: Feed, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = kept(feed, date(2024, 12, 29), LAST)
    found: list[Answer] = []
    for ask in (Ask(feed.series[0], span, NEW_YEARS_NIGHT) for span in (days, Interval(days.start, LAST))):
        gathered = drive(feed, ask, wire.fetch)
        assert gathered.error is None
        found += gathered.answers  # those of the second ask tell the days of the first again
    every = Gathered(ask, tuple(found), None)
    calls: list[int] = []

    def counted(frame: pl.DataFrame, dataset: Dataset, *, beside: Sequence[str] = ()) -> Conformed:
        calls.append(frame.height)
        return conform_by_day(frame, dataset, beside=beside)

    monkeypatch.setattr(steps_normalize, "conform_by_day", counted)
    together = steps_normalize.normalize_by_day(feed.dataset, source.name, every)
    assert len(calls) == 1
    monkeypatch.setattr(steps_normalize, "_at_once", lambda *_: None)
    one_by_one = steps_normalize.normalize_by_day(feed.dataset, source.name, every)
    columns = together.rows.columns
    assert together.rows.sort(columns).equals(one_by_one.rows.sort(columns))
    assert (together.refused, together.lost) == (one_by_one.refused, one_by_one.lost)


def test_only_whole_histories_are_asked_for_at_once_and_compared_whole() -> None:
    whole = {(source.name, feed.dataset.name) for source, feed in FEEDS if feed.whole_history}
    assert whole == {
        ("aave", "lending_rates"),
        ("bis", "macro_series"),
        ("bitcoindata", "open_interest_witness"),
        ("boj", "macro_series"),
        ("coingecko", "market_values"),
        ("coinmetrics", "market_values"),
        ("coinmetrics", "stablecoin_supply"),
        ("defillama", "lending_rates"),
        ("defillama", "stablecoin_supply"),
        ("ecb", "macro_series"),
        ("fed", "macro_series"),
        ("fred", "macro_series"),
        ("fred_api", "macro_series"),
        ("oecd", "macro_series"),
        ("kraken", "hourly_prices"),
        ("kraken", "spot_prices"),
        ("krakenfutures", "funding_rates"),
    }


# How many requests ---------------------------------------------------------------------------------------------------

PAGED = [
    ("binance", "spot_prices", "BTC", 1, LAST),
    ("binance", "spot_prices", "BTC", 999, LAST),
    ("binance", "spot_prices", "BTC", 1000, LAST),
    ("binance", "spot_prices", "BTC", 1001, LAST),
    ("binance", "spot_prices", "BTC", 2000, LAST),
    ("coinbase", "spot_prices", "BTC", 299, LAST),
    ("coinbase", "spot_prices", "BTC", 300, LAST),
    ("coinbase", "spot_prices", "BTC", 301, LAST),
    ("upbit", "krw_prices", "BTC", 199, LAST),
    ("upbit", "krw_prices", "BTC", 200, LAST),
    ("upbit", "krw_prices", "BTC", 201, LAST),
    ("upbit", "krw_prices", "BTC", 401, LAST),
    ("frankfurter", "exchange_rates", "KRW", 400, LAST),
    ("fred", "macro_series", "fed_assets", 400, date(2024, 12, 18)),
    ("fred", "macro_series", "us_m2", 400, date(2024, 11, 30)),
    ("ecb", "macro_series", "ecb_assets", 400, date(2024, 12, 20)),
    ("ecb", "macro_series", "euro_m2", 400, date(2024, 10, 31)),
    ("ecb", "exchange_rates", "CNY", 400, LAST),
    ("boj", "macro_series", "japan_m2", 400, date(2024, 11, 30)),
    ("bis", "macro_series", "pboc_assets", 400, date(2024, 9, 30)),
    ("oecd", "macro_series", "china_m2", 400, date(2024, 10, 31)),
    ("defillama", "lending_rates", "aave-v3-ethereum-usdc", 400, date(2024, 12, 30)),
    ("defillama", "stablecoin_supply", "USDT", 400, date(2024, 12, 30)),
]


@pytest.mark.parametrize(("source", "dataset", "series", "count", "last"), PAGED)
def test_walks_bring_every_day_exactly_once_in_the_stated_requests(
    wire: Wire, source: str, dataset: str, series: str, count: int, last: date
) -> None:
    feed = feed_of(sources()[source], dataset)
    ask = ask_of(source, dataset, series, days_back(count, last), last, now=NEW_YEARS_NIGHT)
    assert len(ask.days) == count
    gathered = gather(wire, source, dataset, ask)
    assert gathered.error is None
    rows = rows_of(gathered, source, feed.dataset)
    if dataset == "stablecoin_supply":
        rows = rows.filter(pl.col("chain") == "ALL")
    expected = [day for day in ask.days if ask.series.release.expects(day)]
    assert sorted(rows["date"]) == expected
    assert Counter(request.host for request in wire.sent) == feed.requests(ask)


PAYMENTS_ALONE = Feed(
    feed_of(binance.SOURCE, "funding_rates").dataset, lambda ask: binance.plan_payments(ask, ask.days), (), 366
)


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (37, 1), (38, 2), (366, 10)])
def test_funding_walks_bring_every_payment_exactly_once(wire: Wire, count: int, pages: int) -> None:
    ask = ask_of("binance", "funding_rates", "BTC", days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    gathered = drive(PAYMENTS_ALONE, ask, wire.fetch)
    rows = rows_of(gathered, "binance", PAYMENTS_ALONE.dataset)
    hours = [ask.days.starts_at + timedelta(hours=8 * number) for number in range(3 * count)]
    assert rows["settled_at"].to_list() == hours
    assert len([request for request in wire.sent if not request.shared]) == pages


def test_funding_takes_released_months_from_the_archive_and_the_rest_from_rest(wire: Wire) -> None:
    """On New Year's night the archive has November; December is whole but comes on 6 January."""
    ask = ask_of("binance", "funding_rates", "BTC", date(2024, 10, 20), LAST, now=NEW_YEARS_NIGHT)
    feed = feed_of(binance.SOURCE, "funding_rates")
    gathered = drive(feed, ask, wire.fetch)
    rows = rows_of(gathered, "binance", feed.dataset)
    hours = [ask.days.starts_at + timedelta(hours=8 * number) for number in range(3 * len(ask.days))]
    assert sorted(rows["settled_at"]) == hours
    assert [request.url.rpartition("/")[2] for request in wire.sent if request.host == binance.ARCHIVE_HOST] == [
        "BTCUSDT-fundingRate-2024-11.zip",
        "BTCUSDT-fundingRate-2024-11.zip.CHECKSUM",
    ]
    # What is shared by a whole run is asked for once, and not counted.
    assert Counter(request.host for request in wire.sent if not request.shared) == feed.requests(ask)
    assert feed.requests(ask) == {binance.ARCHIVE_HOST: 2, binance.FUNDING_HOST: 2}


def test_funding_of_four_hours_says_so_from_both_places(wire: Wire) -> None:
    ask = ask_of("binance", "funding_rates", "IO", date(2024, 11, 1), date(2024, 12, 9), now=NEW_YEARS_NIGHT)
    rows = rows_of(gather(wire, "binance", "funding_rates", ask), "binance", PAYMENTS_ALONE.dataset)
    assert rows.height == 6 * len(ask.days)
    assert rows["interval_hours"].unique().to_list() == [4]


def test_an_archive_that_is_not_there_is_replaced_by_rest(wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour(r"data\.binance\.vision/.*2024-10", "status", "always", status=404)])
    ask = ask_of("binance", "funding_rates", "BTC", date(2024, 9, 1), date(2024, 11, 30), now=NEW_YEARS_NIGHT)
    gathered = gather(wire, "binance", "funding_rates", ask)
    assert gathered.error is None
    rows = rows_of(gathered, "binance", PAYMENTS_ALONE.dataset)
    assert rows["settled_at"].is_unique().all()
    assert rows.height == 3 * len(ask.days)
    pages = [request for request in wire.sent if request.url == binance.FUNDING]
    assert [request.params["startTime"] for request in pages] == [_ms(2024, 9, 29)]
    assert [request.params["endTime"] for request in pages] == [_ms(2024, 11, 3) - 1]


def _ms(year: int, month: int, day: int) -> int:
    return milliseconds(datetime(year, month, day, tzinfo=UTC))


# Binance, by hand ----------------------------------------------------------------------------------------------------


def _kline(opened: int) -> list[object]:
    return [opened, "1", "1", "1", "1", "1", opened + 86_399_999, "1", 1, "1", "1", "0"]


def test_klines_are_asked_for_with_both_bounds_and_walked_forward() -> None:
    ask = ask_of("binance", "spot_prices", "BTC", date(2022, 3, 15), date(2024, 12, 9))
    first = [_kline(_ms(2022, 3, 15) + number * 86_400_000) for number in range(1000)]
    asked = walk(binance.plan_klines(ask.series, ask.days, ONE_DAY), [first, [_kline(_ms(2024, 12, 9))]])
    assert [request.url for request in asked] == [binance.KLINES, binance.KLINES]
    assert asked[0].params == {
        "symbol": "BTCUSDT",
        "interval": "1d",
        "startTime": _ms(2022, 3, 15),
        "endTime": _ms(2024, 12, 10) - 1,
        "limit": 1000,
    }
    assert asked[1].params["startTime"] == _ms(2024, 12, 8) + 1
    assert asked[0].labels == {"asset": "BTC"}


def test_a_short_page_ends_the_walk() -> None:
    ask = ask_of("binance", "spot_prices", "BTC", date(2024, 1, 1), date(2024, 12, 9))
    assert len(walk(binance.plan_days(ask), [[_kline(_ms(2024, 1, 1))]])) == 1
    assert len(walk(binance.plan_days(ask), [[]])) == 1


def test_a_server_that_repeats_itself_is_not_asked_forever() -> None:
    klines = ask_of("binance", "spot_prices", "BTC", date(2020, 1, 1), date(2024, 12, 9))
    same = [_kline(_ms(2020, 1, 1) + number * 86_400_000) for number in range(1000)]
    with pytest.raises(PayloadChanged, match="expected rows from"):
        walk(binance.plan_klines(klines.series, klines.days, ONE_DAY), [same, same, same])
    funding = ask_of("binance", "funding_rates", "BTC", date(2024, 1, 1), date(2024, 12, 9))
    payments = [
        {"symbol": "BTCUSDT", "fundingTime": _ms(2024, 1, 1) + number, "fundingRate": "0"} for number in range(1000)
    ]
    plan = binance.plan_window(funding, Interval.of_days(date(2024, 1, 3), date(2024, 2, 8)), hours=8)
    with pytest.raises(PayloadChanged, match="expected under 1000 payments of 37 days, found a full page"):
        walk(plan, [payments])
    days = ask_of("upbit", "krw_prices", "BTC", date(2024, 1, 1), date(2024, 12, 9))
    newest = [{"candle_date_time_utc": "2024-12-09T00:00:00"}]
    with pytest.raises(PayloadChanged, match="expected rows before"):
        walk(upbit.plan_days(days), [newest, newest, newest])


@pytest.mark.parametrize(
    ("first", "last", "now", "months"),
    [
        # The month is whole and published, from its first Monday on.
        (date(2024, 11, 1), date(2024, 11, 30), datetime(2024, 12, 2, tzinfo=UTC), [date(2024, 11, 1)]),
        (date(2024, 11, 1), date(2024, 11, 30), datetime(2024, 12, 1, 23, 59, tzinfo=UTC), []),
        # One day is missing at either end.
        (date(2024, 11, 2), date(2024, 11, 30), NEW_YEARS_NIGHT, []),
        (date(2024, 11, 1), date(2024, 11, 29), NEW_YEARS_NIGHT, []),
        # Over the turn of a year, and a February.
        (
            date(2023, 12, 31),
            date(2024, 3, 15),
            datetime(2024, 3, 16, tzinfo=UTC),
            [date(2024, 1, 1), date(2024, 2, 1)],
        ),
        # A month that begins on a Monday is that day's.
        (date(2024, 6, 1), date(2024, 6, 30), datetime(2024, 7, 1, tzinfo=UTC), [date(2024, 6, 1)]),
    ],
)
def test_the_archive_is_asked_for_whole_months_that_are_out(
    first: date, last: date, now: datetime, months: list[date]
) -> None:
    ask = ask_of("binance", "funding_rates", "BTC", first, last, now=now)
    assert list(binance.archived_months(ask)) == months


def test_what_the_archive_leaves() -> None:
    days = Interval(date(2024, 1, 10), date(2024, 5, 3))
    held = [date(2024, 2, 1), date(2024, 4, 1)]
    assert list(binance.without(days, held)) == [
        Interval(date(2024, 1, 10), date(2024, 2, 1)),
        Interval(date(2024, 3, 1), date(2024, 4, 1)),
        Interval(date(2024, 5, 1), date(2024, 5, 3)),
    ]
    assert list(binance.without(days, [])) == [days]
    assert list(binance.without(Interval(date(2024, 2, 1), date(2024, 3, 1)), held[:1])) == []


NOVEMBER = ask_of("binance", "funding_rates", "BTC", date(2024, 11, 1), date(2024, 11, 30))
NAME = "BTCUSDT-fundingRate-2024-11.zip"
LINES = b"calc_time,funding_interval_hours,last_funding_rate\n1730419200000,8,0.0001\n"
ARCHIVE = packed({"BTCUSDT-fundingRate-2024-11.csv": LINES})


def test_the_archive_is_believed_with_its_checksum() -> None:
    checksum = f"{hashlib.sha256(ARCHIVE).hexdigest()}  {NAME}\n".encode()
    asked = walk(binance.plan_funding(NOVEMBER), [ARCHIVE, checksum])
    assert [request.url for request in asked] == [
        f"https://data.binance.vision/data/futures/um/monthly/fundingRate/BTCUSDT/{NAME}",
        f"https://data.binance.vision/data/futures/um/monthly/fundingRate/BTCUSDT/{NAME}.CHECKSUM",
    ]
    assert [request.transform for request in asked] == ["normalize_archive", None]
    assert [request.form for request in asked] == ["zip", "csv"]


@pytest.mark.parametrize(
    "checksum",
    [
        f"{'0' * 64}  {NAME}\n",
        f"{hashlib.sha256(ARCHIVE).hexdigest()}  BTCUSDT-fundingRate-2024-10.zip\n",
        "",
        "<html>later</html>",
        "\u00e9",
    ],
)
def test_an_archive_with_another_checksum_is_not_believed_and_its_month_is_asked_of_rest(checksum: str) -> None:
    given = iter([ARCHIVE, checksum.encode(), [], []])
    gathered = drive(feed_of(binance.SOURCE, "funding_rates"), NOVEMBER, lambda request: answer(request, next(given)))
    (lost,) = gathered.lost
    assert isinstance(lost.problem, SourceUnavailable)
    assert f"expected {NAME} with the checksum" in str(lost.problem)
    assert list(lost.days) == list(NOVEMBER.days)
    assert [read.request.url for read in gathered.answers] == [binance.FUNDING_INFO, binance.FUNDING]


def test_without_an_archive_the_month_comes_from_rest_with_two_days_on_either_side_and_todays_interval() -> None:
    info = [{"symbol": "BTCUSDT", "fundingIntervalHours": 4}]
    asked = walk(binance.plan_funding(NOVEMBER), [(b"<Error/>", 404), info, []])
    assert [request.url for request in asked][1:] == [binance.FUNDING_INFO, binance.FUNDING]
    assert asked[1].shared
    assert asked[2].params == {
        "symbol": "BTCUSDT",
        "startTime": _ms(2024, 10, 30),
        "endTime": _ms(2024, 12, 3) - 1,
        "limit": 1000,
    }
    assert asked[2].labels == {
        "asset": "BTC",
        "symbol": "BTCUSDT",
        "interval_hours": "4",
        "first": "2024-11-01",
        "last": "2024-11-30",
    }
    asked = walk(binance.plan_funding(NOVEMBER), [(b"<Error/>", 404), [], []])
    assert asked[2].labels["interval_hours"] == "8"


def payments_of_two_rhythms(listed: str) -> pl.DataFrame:
    """Three days of payments every eight hours, then two of every four, read with the interval that is listed today."""
    stamps = [*range(0, 72, 8), *range(72, 121, 4)]
    page = [
        {"symbol": "BTCUSDT", "fundingTime": _ms(2024, 11, 1) + hour * 3_600_000 + 5, "fundingRate": "0.0001"}
        for hour in stamps
    ]
    labels = {"asset": "BTC", "symbol": "BTCUSDT", "interval_hours": listed}
    return funding_rates.normalize(page, **labels, first="2024-11-02", last="2024-11-05")


@pytest.mark.parametrize("listed", ["4", "8", "1"])
def test_rest_is_read_with_the_intervals_that_the_payments_tell_and_not_with_that_of_the_list(listed: str) -> None:
    rows = conform(payments_of_two_rhythms(listed), PAYMENTS_ALONE.dataset)
    assert rows["date"].unique().sort().to_list() == [date(2024, 11, day) for day in (2, 3, 4, 5)]
    assert rows["interval_hours"].to_list() == [8] * 6 + [8, 4, 4, 4, 4, 4] + [4] * 6


def test_a_renamed_field_stops_the_plan_instead_of_losing_payments() -> None:
    gathered = drive(
        PAYMENTS_ALONE,
        NOVEMBER,
        lambda request: answer(request, [{"symbol": "BTCUSDT", "hours": 8}] if request.shared else []),
    )
    assert isinstance(gathered.error, PayloadChanged)
    assert "fundingIntervalHours" in str(gathered.error)


def test_a_document_that_is_no_list_of_rows_stops_the_plan() -> None:
    ask = ask_of("binance", "spot_prices", "BTC", date(2022, 4, 1), date(2024, 12, 9))
    feed = feed_of(binance.SOURCE, "spot_prices")
    gathered = drive(feed, ask, lambda request: answer(request, [{"t": 1}] * 1000))
    assert isinstance(gathered.error, PayloadChanged)


# The others, by hand -------------------------------------------------------------------------------------------------


def test_coinbase_windows_hold_three_hundred_days_with_both_ends() -> None:
    ask = ask_of("coinbase", "spot_prices", "BTC", days_back(301), date(2024, 12, 9))
    first, second = walk(coinbase.plan_days(ask), [[], []])
    assert first.url == "https://api.exchange.coinbase.com/products/BTC-USD/candles"
    assert first.params == {"granularity": 86400, "start": "2024-02-13T00:00:00Z", "end": "2024-12-08T00:00:00Z"}
    assert (date(2024, 12, 8) - date(2024, 2, 13)).days == 299
    assert second.params == {"granularity": 86400, "start": "2024-12-09T00:00:00Z", "end": "2024-12-09T00:00:00Z"}


def test_upbit_walks_backward_from_an_exclusive_end() -> None:
    ask = ask_of("upbit", "krw_prices", "USDT", date(2024, 12, 1), date(2024, 12, 9))
    oldest = [{"candle_date_time_utc": f"2024-12-{day:02}T00:00:00"} for day in range(9, 4, -1)]
    rest = [{"candle_date_time_utc": f"2024-12-{day:02}T00:00:00"} for day in range(4, 0, -1)]
    asked = walk(upbit.plan_days(ask), [oldest, rest])
    assert asked[0].params == {"market": "KRW-USDT", "count": 9, "to": "2024-12-10T00:00:00Z"}
    assert asked[1].params == {"market": "KRW-USDT", "count": 4, "to": "2024-12-05T00:00:00Z"}
    assert asked[0].labels == {"asset": "USDT", "market": "KRW-USDT"}


def test_upbit_is_asked_twice_before_nothing_is_believed() -> None:
    ask = ask_of("upbit", "krw_prices", "USDT", date(2024, 12, 1), date(2024, 12, 9))
    first, again = walk(upbit.plan_days(ask), [[], []])
    assert first == again
    whole = [{"candle_date_time_utc": f"2024-12-{day:02}T00:00:00"} for day in range(9, 0, -1)]
    assert len(walk(upbit.plan_days(ask), [[], whole])) == 2


def test_ranges_begin_before_the_first_day_so_that_quiet_days_are_proved() -> None:
    ask = ask_of("frankfurter", "exchange_rates", "KRW", date(2024, 12, 7), date(2024, 12, 9))
    (request,) = walk(frankfurter.plan_rates(ask), [{}])
    assert request.address == ("https://api.frankfurter.dev/v1/2024-11-30..2024-12-09?base=USD&symbols=KRW")
    ask = ask_of("fred", "macro_series", "fed_assets", date(2024, 12, 5), date(2024, 12, 9))
    (request,) = walk(fred.plan_graph(ask), [b""])
    assert request.address == (
        "https://fred.stlouisfed.org/graph/fredgraph.csv?id=WALCL&cosd=2024-11-25&coed=2024-12-09"
    )
    assert request.labels == {"fred_id": "WALCL"}


def test_defillama_is_asked_once_for_everything() -> None:
    ask = ask_of("defillama", "stablecoin_supply", "USDS", date(2024, 12, 9), date(2024, 12, 9))
    (request,) = walk(defillama.plan_stablecoin(ask), [{}])
    assert request.address == "https://stablecoins.llama.fi/stablecoin/209"
    assert request.labels == {"asset": "USDS", "coin_id": "209"}
    ask = ask_of("defillama", "lending_rates", "compound-v3-ethereum-usdc")
    (request,) = walk(defillama.plan_chart(ask), [{}])
    assert request.address == "https://yields.llama.fi/chart/7da72d09-56ca-4ec5-a45f-59114353e487"
    assert request.labels == {"protocol": "compound-v3", "chain": "ethereum", "asset": "USDC"}


# Errors inside a success ---------------------------------------------------------------------------------------------

IN_A_200 = [
    ("binance", {"code": -1003, "msg": "Too many requests."}, SourceUnavailable),
    ("binance", {"code": -1121, "msg": "Invalid symbol."}, SourceRefused),
    ("coinbase", {"message": "Internal server error"}, SourceUnavailable),
    ("defillama", {"message": "Internal server error"}, SourceUnavailable),
    ("frankfurter", {"message": "internal server error"}, SourceUnavailable),
    ("fred", b"\n<!DOCTYPE html><html></html>", SourceUnavailable),
    ("upbit", {"error": {"name": 500, "message": "Internal Server Error"}}, SourceRefused),
    ("upbit", {"error": "maintenance"}, SourceRefused),
]


@pytest.mark.parametrize(("source", "body", "kind"), IN_A_200)
def test_an_error_in_a_200_is_an_error(source: str, body: object, kind: type[Exception]) -> None:
    feed = sources()[source].feeds[0]
    request = next(feed.plan(Ask(feed.series[0], Interval.of_days(LAST, LAST), NEW_YEARS_NIGHT)))
    problem = sources()[source].refusal(answer(request, body))
    assert type(problem) is kind


@EVERY_FEED
def test_the_simulator_behaving_is_never_refused(source: Source, feed: Feed, wire: Wire) -> None:
    series = feed.series[0]
    day = kept(feed, date(2024, 12, 18), date(2024, 12, 18)).start
    ask = Ask(series, Interval.of_days(day, day), NEW_YEARS_NIGHT)
    for one in drive(feed, ask, wire.fetch).answers:
        assert source.refusal(one) is None


@EVERY_FEED
def test_what_the_simulator_puts_into_a_200_is_refused(source: Source, feed: Feed, wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("", "envelope", "always")])
    ask = Ask(feed.series[0], Interval.of_days(date(2024, 12, 18), date(2024, 12, 18)), NEW_YEARS_NIGHT)
    (one, *_) = [wire.fetch(next(feed.plan(ask)))]
    assert source.refusal(one) is not None
