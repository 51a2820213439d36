"""Yahoo's chart of the front fed funds future: what is asked, the rows, and the replay's 2024."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.interval import Interval
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Gathered, Request
from flows.sources import fred, yahoo
from flows.steps.collect import drive
from flows.steps.normalize import Normalized, normalize_by_day
from tests.asking import Wire, answer, ask_of, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
FEED = feed_of(yahoo.SOURCE, "macro_series")
SERIES = "fed_funds_futures"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_the_source_is_asked_only_where_a_person_wants_it() -> None:
    assert yahoo.SOURCE.unofficial


def test_a_window_of_days_is_asked_for_and_never_a_range() -> None:
    ask = ask_of("yahoo", "macro_series", SERIES, date(2024, 12, 1), date(2024, 12, 9))
    (asked,) = walk(yahoo.plan_chart(ask), [{"chart": {"result": [], "error": None}}])
    start, end = datetime(2024, 11, 21, tzinfo=UTC), datetime(2024, 12, 9, 12, tzinfo=UTC)
    assert asked.address == (
        "https://query1.finance.yahoo.com/v8/finance/chart/ZQ=F"
        f"?interval=1d&period1={start.timestamp():.0f}&period2={end.timestamp():.0f}"
    )


@pytest.mark.parametrize("span", [(date(2024, 2, 1), date(2024, 12, 31)), (date(2024, 12, 9), date(2024, 12, 9))])
def test_every_session_comes_once(wire: Wire, span: tuple[date, date]) -> None:
    ask = ask_of("yahoo", "macro_series", SERIES, *span, now=NIGHT)
    rows = rows_of("yahoo", "macro_series", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == [day for day in ask.days if ask.series.release.expects(day)]
    assert rows["series"].unique().to_list() == [SERIES]
    assert broken_rules("macro_series", rows) == set()


def test_the_running_session_is_not_asked_for(wire: Wire) -> None:
    wire.simulator.now = datetime(2024, 12, 10, 15, tzinfo=UTC)
    ask = ask_of("yahoo", "macro_series", SERIES, date(2024, 12, 2), date(2024, 12, 9), now=wire.simulator.now)
    found = drive(FEED, ask, wire.fetch)
    assert max(rows_of("yahoo", "macro_series", found)["date"]) == date(2024, 12, 9)
    beyond = ask_of("yahoo", "macro_series", SERIES, date(2024, 12, 2), date(2024, 12, 10), now=wire.simulator.now)
    gathered = drive(FEED, beyond, wire.fetch)
    (told,) = gathered.answers[0].json()["chart"]["result"]
    assert told["timestamp"][-1] == wire.simulator.now.timestamp()  # the provider states it, as far as it has come
    assert max(rows_of("yahoo", "macro_series", gathered)["date"]) == date(2024, 12, 9)
    assert ask.series.release.public_at(date(2024, 12, 9)) == datetime(2024, 12, 10, 0, 15, tzinfo=UTC)
    wire.simulator.now = NIGHT


def chart(bars: Mapping[datetime, float | None], **meta: object) -> Normalized:
    """The rows of bars with these stamps and closes."""
    about = {"exchangeTimezoneName": "America/New_York", "dataGranularity": "1d", **meta}
    closes = [{"close": [*bars.values()]}]
    result = {"meta": about, "timestamp": [int(stamp.timestamp()) for stamp in bars], "indicators": {"quote": closes}}
    request = Request(f"{yahoo.CHART}/ZQ=F")
    told = answer(request, {"chart": {"result": [result], "error": None}})
    return normalize_by_day(FEED.dataset, "yahoo", Gathered(ask_of("yahoo", "macro_series", SERIES), (told,), None))


MIDNIGHTS = {datetime(2024, 7, day, 4, tzinfo=UTC): 94.6675 for day in (1, 2, 5)}
RUNNING = datetime(2024, 7, 6, 2, 39, 36, tzinfo=UTC)  # 22:39 on the evening before its session's day


def test_a_half_day_is_read_for_its_date_wherever_it_stands() -> None:
    half = {datetime(2024, 7, 3, 13, 30, tzinfo=UTC): 94.67}  # 09:30 in New York
    read = chart(dict(sorted((MIDNIGHTS | half).items())))
    assert read.rows["date"].to_list() == [date(2024, 7, day) for day in (1, 2, 3, 5)]
    assert read.rows["rate_apr"][2] == pytest.approx(0.0533)
    assert not read.refused
    # As the last bar it is not a running session: that has the time of the last trade, which is stated too.
    last = chart(half, regularMarketTime=datetime(2024, 7, 3, 17, tzinfo=UTC).timestamp())
    assert last.rows["date"].to_list() == [date(2024, 7, 3)]


@pytest.mark.parametrize("meta", [{}, {"regularMarketTime": int(RUNNING.timestamp())}])
def test_the_running_session_is_left_out_though_it_is_stamped_on_the_day_before(meta: dict[str, object]) -> None:
    read = chart(MIDNIGHTS | {RUNNING: 90.0}, **meta)
    assert read.rows["date"].to_list() == [date(2024, 7, day) for day in (1, 2, 5)]
    assert read.rows.filter(pl.col("rate_apr") > 0.06).is_empty()
    assert not read.refused


@pytest.mark.parametrize(
    ("odd", "lost", "reason"),
    [
        (datetime(2024, 7, 3, 22, 0, tzinfo=UTC), 3, "expected bars of a day in New York, stamped before 17:00"),
        (datetime(2024, 7, 2, 13, 30, tzinfo=UTC), 2, "expected one bar of 2024-07-02, found several that differ"),
    ],
)
def test_an_odd_bar_costs_its_day_and_no_other(odd: datetime, lost: int, reason: str) -> None:
    read = chart(dict(sorted((MIDNIGHTS | {odd: 90.0}).items())))
    assert list(read.refused) == [date(2024, 7, lost)]
    assert read.refused[date(2024, 7, lost)].startswith(reason)
    assert read.rows["date"].to_list() == [date(2024, 7, day) for day in (1, 2, 5) if day != lost]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"chart": {"result": None, "error": {"code": "Not Found"}}}, SourceRefused),
        ({"chart": {"result": None, "error": {"code": "Internal Server Error"}}}, SourceUnavailable),
        ({"finance": {"result": None, "error": {"code": "Unauthorized"}}}, SourceRefused),
        (b"<html>", SourceUnavailable),
        (b'\xef\xbb\xbf{"chart": {"result": null, "error": {"code": "Not Found"}}}', SourceRefused),
    ],
)
def test_an_error_inside_a_success_is_an_error(body: object, kind: type[Exception]) -> None:
    request = next(yahoo.plan_chart(ask_of("yahoo", "macro_series", SERIES)))
    assert type(yahoo.SOURCE.refusal(answer(request, body))) is kind
    assert yahoo.SOURCE.refusal(answer(request, {"chart": {"result": [], "error": None}})) is None


@pytest.mark.parametrize("key", ["chart", "meta", "timestamp", "close", "exchangeTimezoneName"])
def test_a_renamed_field_is_noticed(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("yahoo", "shape", "always", key=key, rename="other")])
    found = drive(FEED, ask_of("yahoo", "macro_series", SERIES, now=NIGHT), wire.fetch)
    if key == "timestamp":
        # A window without a session looks the same and has no rows, so the day that was asked for is missing.
        assert rows_of("yahoo", "macro_series", found).is_empty()
        return
    with pytest.raises(PayloadChanged, match="expected"):
        rows_of("yahoo", "macro_series", found)


@pytest.mark.skipif(not REPLAY.exists(), reason="no ../shared/replay")
def test_the_recorded_year_settles_at_the_mean_rate_of_each_month(replay: Replay) -> None:
    """The price on a month's last day is 100 less the mean of its effective rates, to half a basis point."""

    def fetch(request: Request) -> Answer:
        address = f"{replay.url}/{request.address.removeprefix('https://')}"
        got = requests.get(address, headers={"User-Agent": "tidemark-tests"}, timeout=30)
        return answer(request, got.content, status=got.status_code, now=NIGHT)

    def year(source: str, series: str) -> pl.DataFrame:
        ask = ask_of(source, "macro_series", series, date(2024, 1, 1), date(2024, 12, 9), now=NIGHT)
        plan = feed_of(yahoo.SOURCE if source == "yahoo" else fred.SOURCE, "macro_series")
        return rows_of(source, "macro_series", drive(plan, ask, fetch))

    futures, rates = year("yahoo", SERIES), year("fred", "effective_rate")
    assert futures["date"].is_unique().all()
    expects = ask_of("yahoo", "macro_series", SERIES).series.release.expects
    sessions = {day for day in Interval.of_days(date(2024, 1, 2), date(2024, 12, 8)) if expects(day)}
    assert sessions <= set(futures["date"])
    month = pl.col("date").dt.month()
    means = rates.filter(month < 12).group_by(month.alias("month")).agg(mean=pl.col("rate_apr").mean())
    ends = futures.drop_nulls("rate_apr").sort("date").group_by(month.alias("month")).agg(pl.col("rate_apr").last())
    joined = means.join(ends, on="month")
    assert joined.height == 11
    assert joined.filter((pl.col("mean") - pl.col("rate_apr")).abs() > 0.00005).is_empty(), joined
    # Before 18 September, of 30 days, a cut of between a quarter and a half of a point was expected.
    september = futures.filter(pl.col("date") == date(2024, 9, 3))["rate_apr"].item()
    before = rates.filter(pl.col("date") == date(2024, 9, 3))["rate_apr"].item()
    after = (september - before * 18 / 30) * 30 / 12
    assert -0.005 < after - before < -0.0025
