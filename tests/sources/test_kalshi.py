"""Kalshi: what its plan asks, live or historical, its rows, and when the Committee meets."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.contract import datasets
from expectations.curated import curated
from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.interval import Interval
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.pages import kalshi as page
from flows.source import Gathered, Request
from flows.sources import kalshi
from flows.steps.collect import drive
from flows.steps.normalize import normalize_by_day
from flows.steps.plan import Batch
from flows.steps.settle import Knowledge, read
from tests.asking import Wire, answer, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import Tool

pytestmark = pytest.mark.marts("policy_rates")

MORNING = datetime(2024, 12, 10, 5, 15, tzinfo=UTC)
MEETING = "2024-12-18"
FEED = feed_of(kalshi.SOURCE, "meeting_probabilities")
MEETINGS = curated()["fomc_meetings"].rows
C25 = {"ticker": "KXFEDDECISION-24DEC-C25", "custom_strike": {"Cut": "25"}}
C26 = {"ticker": "KXFEDDECISION-24DEC-C26", "custom_strike": {"Cut": ">25"}}
H0 = {"ticker": "KXFEDDECISION-24DEC-H0", "custom_strike": {"Hike": "0"}}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=MORNING) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def gathered(wire: Wire, meeting: str, first: date, last: date) -> Gathered:
    return drive(FEED, ask_of("kalshi", "meeting_probabilities", meeting, first, last, now=MORNING), wire.fetch)


# When the Committee meets --------------------------------------------------------------------------------------------


def test_there_are_eight_meetings_a_year_on_wednesdays_and_rarely_another_day() -> None:
    years = MEETINGS.group_by(pl.col("meeting_date").dt.year().alias("year")).len().sort("year")
    assert years.rows() == [(2022, 8), (2023, 8), (2024, 8), (2025, 8), (2026, 8), (2027, 8), (2028, 1)]
    others = [day for day in MEETINGS["meeting_date"] if day.weekday() != 2]
    assert others == [date(2024, 11, 7)]  # Thursday, after the elections
    assert all(33 <= (after - before).days <= 56 for before, after in pairwise(MEETINGS["meeting_date"]))


def test_every_meeting_was_public_long_before_and_has_its_page() -> None:
    for row in MEETINGS.iter_rows(named=True):
        assert row["source_url"].startswith("https://www.federalreserve.gov/"), row
    # No meeting was the next one before its date was public.
    for before, after in pairwise(MEETINGS.iter_rows(named=True)):
        assert after["known_by"] <= before["meeting_date"], after


def test_every_meeting_since_may_2023_has_its_event() -> None:
    series = {one.name: one for one in FEED.series}
    assert min(series) == "2023-05-03"
    assert set(series) == {f"{day}" for day in MEETINGS["meeting_date"] if day >= date(2023, 5, 3)}
    assert set(kalshi.EVENTS) <= set(MEETINGS["meeting_date"])
    assert series[MEETING].symbol == "KXFEDDECISION-24DEC"
    assert series["2024-01-31"].symbol == "FEDDECISION-24JAN31"
    assert series["2026-12-09"].symbol == "KXFEDDECISION-26DEC"
    assert all(one.until == date.fromisoformat(one.name) > one.since for one in FEED.series)


def test_a_meeting_is_asked_for_from_the_day_on_which_it_is_known_to_be_listed() -> None:
    series = {one.name: one for one in FEED.series}
    # All of these were listed, and quoted on both sides, on 21 August 2026.
    recorded = date(2026, 8, 21)
    coming = [name for name in series if name > f"{recorded}"]
    assert len(coming) == 12
    assert coming[-1] == "2028-01-26"
    assert all(series[name].since <= recorded for name in coming)
    assert series["2026-12-09"].since == recorded
    assert series["2026-09-16"].since == date(2026, 1, 28)  # its first trading day


# What is asked -------------------------------------------------------------------------------------------------------


def test_markets_are_listed_and_then_asked_for_day_by_day() -> None:
    ask = ask_of("kalshi", "meeting_probabilities", MEETING, date(2024, 12, 8), date(2024, 12, 9))
    none: dict[str, Any] = {"candlesticks": []}
    asked = walk(kalshi.plan_meeting(ask), [{"markets": [C25, C26, H0]}, none, none, none])
    assert asked[0].address == f"{kalshi.API}/markets?event_ticker=KXFEDDECISION-24DEC&limit=1000"
    assert asked[0].transform is None
    # A day ends at 05:00 UTC of the next.
    assert asked[1].address == (
        f"{kalshi.API}/series/KXFEDDECISION/markets/KXFEDDECISION-24DEC-C25/candlesticks"
        f"?start_ts={int(datetime(2024, 12, 9, tzinfo=UTC).timestamp())}"
        f"&end_ts={int(datetime(2024, 12, 10, 5, tzinfo=UTC).timestamp())}&period_interval=1440"
    )
    assert [one.labels["outcome"] for one in asked[1:]] == ["cut_25", "cut_over_25", "hold"]
    assert [one.labels["outcomes"] for one in asked[1:]] == ["2", "2", "1"]
    assert {one.labels["meeting_date"] for one in asked[1:]} == {MEETING}


@pytest.mark.parametrize("listed", [[], None])
def test_what_is_not_live_is_historical(listed: object) -> None:
    ask = ask_of("kalshi", "meeting_probabilities", MEETING)
    none: dict[str, Any] = {"candlesticks": []}
    asked = walk(kalshi.plan_meeting(ask), [{"markets": listed}, {"markets": [C25]}, none])
    assert [one.url.removeprefix(kalshi.API) for one in asked] == [
        "/markets",
        "/historical/markets",
        "/historical/markets/KXFEDDECISION-24DEC-C25/candlesticks",
    ]
    assert asked[-1].transform == "normalize_historical"


@pytest.mark.parametrize("live", [True, False])
def test_where_one_endpoint_does_not_know_a_market_the_other_is_asked(live: bool) -> None:
    ask = ask_of("kalshi", "meeting_probabilities", MEETING)
    lists: list[object] = (
        [{"markets": [C25]}] if live else [({"error": {"code": "not_found"}}, 404), {"markets": [C25]}]
    )
    missing = ({"error": {"code": "not_found"}}, 404)
    asked = walk(kalshi.plan_meeting(ask), [*lists, missing, {"candlesticks": []}])
    first, second = asked[-2:]
    assert ("/historical/" in first.url) is not live
    assert ("/historical/" in second.url) is live
    assert first.transform != second.transform
    assert (first.accept, second.accept) == ((404,), ())


@pytest.mark.parametrize("none", [[], None])
def test_an_event_without_markets_is_a_failure(none: object) -> None:
    ask = ask_of("kalshi", "meeting_probabilities", MEETING)
    with pytest.raises(PayloadChanged, match="expected the markets of KXFEDDECISION-24DEC, found none"):
        walk(kalshi.plan_meeting(ask), [{"markets": none}, {"markets": none}])


@pytest.mark.parametrize(
    ("market", "outcome"),
    [
        ({"custom_strike": {"Cut": "25"}}, "cut_25"),
        ({"custom_strike": {"Cut": ">25"}}, "cut_over_25"),
        ({"custom_strike": {"Hike": "0"}}, "hold"),
        ({"custom_strike": {"Hike": "50"}}, "hike_50"),
        ({"custom_strike": {"Hike": "> 50bps"}}, "hike_over_50"),
        ({"custom_strike": {"Hike": 25}}, "hike_25"),
        ({"custom_strike": None, "yes_sub_title": "Cut >25bps"}, "cut_over_25"),
        ({"yes_sub_title": "Fed maintains rate"}, "hold"),
    ],
)
def test_what_a_market_pays_for(market: dict[str, Any], outcome: str) -> None:
    assert kalshi.outcome_of(market) == outcome


@pytest.mark.parametrize(
    "market",
    [
        {},
        {"custom_strike": {"Cut": "26+"}},
        {"custom_strike": {"Cut": "25", "Hike": "25"}},
        {"custom_strike": {"Lower": "25"}},
        {"custom_strike": {"Cut": ">0"}},
        {"custom_strike": "Cut 25"},
        {"yes_sub_title": "Emergency cut"},
    ],
)
def test_what_is_not_said_plainly_is_refused(market: dict[str, Any]) -> None:
    with pytest.raises(PayloadChanged, match="expected a cut or a hike in basis points"):
        kalshi.outcome_of(market)


# The rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("meeting", "live"), [(MEETING, True), ("2024-11-07", True), ("2024-06-12", False)])
def test_every_day_of_every_outcome_comes_once_from_where_it_is_kept(wire: Wire, meeting: str, live: bool) -> None:
    last = min(date.fromisoformat(meeting), date(2024, 12, 9))
    days = Interval.of_days(last - timedelta(days=29), last)
    found = gathered(wire, meeting, days.start, days.last)
    rows = rows_of("kalshi", "meeting_probabilities", found)
    assert rows.select("date", "outcome").is_unique().all()
    assert sorted(rows["date"].unique()) == list(days)
    assert rows["outcome"].n_unique() == 5
    assert rows.height == 5 * len(days)
    assert dict(rows.select("outcome", "outcomes").unique().iter_rows()) == {
        "cut_25": 2,
        "cut_over_25": 2,
        "hold": 1,
        "hike_25": 2,
        "hike_over_25": 2,
    }
    assert broken_rules("meeting_probabilities", rows.drop_nulls("probability")) == set()
    assert any("/historical/" in one.url for one in wire.sent) is not live
    assert rows.filter(pl.col("available_at") != pl.col("stamped_at")).is_empty()
    # By noon after its day a price is known, at any time of the year.
    noon = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.duration(hours=36)
    assert rows.filter(pl.col("available_at") > noon).is_empty()


def test_a_day_is_that_which_began_24_hours_before_the_stamp(wire: Wire) -> None:
    rows = rows_of(
        "kalshi", "meeting_probabilities", gathered(wire, "2024-11-07", date(2024, 11, 2), date(2024, 11, 3))
    )
    ends = dict(rows.select("date", "available_at").unique().iter_rows())
    assert ends == {
        date(2024, 11, 2): datetime(2024, 11, 3, 4, tzinfo=UTC),
        date(2024, 11, 3): datetime(2024, 11, 4, 4, tzinfo=UTC),  # summer time ended: a day of 25 hours
    }
    rows = rows_of("kalshi", "meeting_probabilities", gathered(wire, "2024-03-20", date(2024, 3, 9), date(2024, 3, 11)))
    ends = dict(rows.select("date", "available_at").unique().iter_rows())
    assert ends == {
        date(2024, 3, 9): datetime(2024, 3, 10, 5, tzinfo=UTC),
        date(2024, 3, 10): datetime(2024, 3, 11, 5, tzinfo=UTC),  # summer time began: 01:00 in New York
        date(2024, 3, 11): datetime(2024, 3, 12, 4, tzinfo=UTC),
    }


def candle(end: datetime, **changed: object) -> dict[str, object]:
    quotes = {"yes_bid": {"close_dollars": "0.73"}, "yes_ask": {"close_dollars": "0.75"}}
    price = {"price": {"close_dollars": "0.74"}, "volume_fp": "10.00"}
    return {"end_period_ts": int(end.timestamp()), **quotes, **price, **changed}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (candle(datetime(2024, 12, 9, 6, tzinfo=UTC)), "expected days that begin at 00:00 in New York"),
        (candle(datetime(2024, 12, 9, 5, tzinfo=UTC), price={}), "expected a price"),
    ],
)
def test_an_odd_candle_costs_its_day_and_no_other(odd: dict[str, object], reason: str) -> None:
    before, after = (candle(datetime(2024, 12, day, 5, tzinfo=UTC)) for day in (8, 10))
    labels = {"meeting_date": MEETING, "outcome": "cut_25", "outcomes": "2"}
    request = Request(f"{kalshi.API}/x", labels=labels)
    told = answer(request, {"candlesticks": [before, odd, after]})
    ask = ask_of("kalshi", "meeting_probabilities", MEETING)
    read = normalize_by_day(datasets()["meeting_probabilities"], "kalshi", Gathered(ask, (told,), None))
    assert read.rows["date"].to_list() == [date(2024, 12, 7), date(2024, 12, 9)]
    assert list(read.refused) == [date(2024, 12, 8)]
    assert read.refused[date(2024, 12, 8)].startswith(reason)


def test_a_day_that_is_not_over_is_not_asked_for(wire: Wire) -> None:
    found = gathered(wire, MEETING, date(2024, 12, 8), date(2024, 12, 9))
    assert max(rows_of("kalshi", "meeting_probabilities", found)["date"]) == date(2024, 12, 9)
    beyond = gathered(wire, MEETING, date(2024, 12, 9), date(2024, 12, 10))
    running = rows_of("kalshi", "meeting_probabilities", beyond).filter(pl.col("date") == date(2024, 12, 10))
    assert running.height == 5  # the provider would tell
    assert kalshi.ENDED.public_at(date(2024, 12, 9)) == MORNING


def test_a_price_is_that_of_a_trade_or_lies_between_quotes(wire: Wire) -> None:
    rows = rows_of("kalshi", "meeting_probabilities", gathered(wire, MEETING, date(2024, 11, 1), date(2024, 12, 9)))
    assert set(rows["price_basis"].unique()) == {"trade", "quotes", None}
    unknown = rows.filter(pl.col("probability").is_null())
    assert unknown["price_basis"].is_null().all()
    assert 0 < unknown.height < rows.height / 10
    assert rows.filter(pl.col("probability") == 0.5).is_empty()  # an old price repeated
    cut = rows.filter(pl.col("outcome") == "cut_25").sort("date")["probability"]
    assert cut[-1] > 0.8 > cut[0]


def test_the_mart_knows_the_next_meeting_and_how_likely_a_cut_is(simulator: Simulator, tmp_path: Path) -> None:
    simulator.misbehave([])
    tool = Tool(tmp_path / "home", simulator.url, sources="kalshi,fred", now=MORNING, start="2024-11-01")
    said = tool("backfill", "2024-11-01", "2024-12-09")
    assert said.code == 0, said.err
    rows = tool.ask(
        "select date, next_meeting_date, next_meeting_cut_probability from policy_rates "
        "where date between '2024-11-05' and '2024-12-09' order by date"
    )
    assert [row[1] for row in rows[:4]] == [date(2024, 11, 7)] * 2 + [date(2024, 12, 18)] * 2
    known = [row[2] for row in rows if row[2] is not None]
    assert len(known) > 20
    assert all(0.6 < one <= 1 for one in known)
    by_hand = tool.ask(
        "select date, sum(probability) from core.meeting_probabilities where meeting_date = '2024-12-18' "
        "and outcome in ('cut_25', 'cut_over_25') and date > '2024-11-07' group by date having count(*) = 2"
    )
    found = {row[0]: row[2] for row in rows if row[0] > date(2024, 11, 7) and row[2] is not None}
    assert found == {day: pytest.approx(value) for day, value in by_hand if day >= date(2024, 11, 5)}


def test_a_day_that_nobody_traded_or_quoted_has_no_price_and_one_that_is_not_listed_fails() -> None:
    """A finished candle without either is stated by the venue; a day without a candle is not."""
    nothing = candle(datetime(2024, 12, 8, 5, tzinfo=UTC), price={}, volume_fp="0.00", yes_bid={"close_dollars": "0"})
    told = answer(
        Request(f"{kalshi.API}/x", labels={"meeting_date": MEETING, "outcome": "cut_25", "outcomes": "1"}),
        {"candlesticks": [nothing, candle(datetime(2024, 12, 10, 5, tzinfo=UTC))]},
    )
    ask = ask_of("kalshi", "meeting_probabilities", MEETING, date(2024, 12, 7), date(2024, 12, 9), now=MORNING)
    days = pl.DataFrame({"date": list(ask.days)}).with_columns(
        expected=pl.lit(value=True), due_at=pl.lit(MORNING - timedelta(days=3)), state=pl.lit(None, pl.String)
    )
    batch = Batch(kalshi.SOURCE, FEED, (ask,), days)
    found = read(batch, Gathered(ask, (told,), None), days, Knowledge(MORNING)).days
    assert {day: outcome.state for day, outcome in found.items()} == {
        date(2024, 12, 7): "verified_empty",
        date(2024, 12, 8): "failed",
        date(2024, 12, 9): "loaded",
    }


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["markets", "candlesticks", "custom_strike", "yes_ask", "end_period_ts", "close_dollars"]
)
def test_a_renamed_field_is_noticed(wire: Wire, key: str) -> None:
    titles = Misbehaviour("/markets\\?", "shape", "always", key="yes_sub_title", rename="title")
    wire.simulator.misbehave([Misbehaviour("kalshi", "shape", "always", key=key, rename="other")])
    if key == "custom_strike":
        wire.simulator.misbehave([titles])
        assert gathered(wire, MEETING, date(2024, 12, 8), date(2024, 12, 9)).error is None  # the other one is enough
        return
    found = gathered(wire, MEETING, date(2024, 12, 8), date(2024, 12, 9))
    if found.error is not None:
        assert isinstance(found.error, PayloadChanged)
        return
    with pytest.raises(PayloadChanged, match="expected"):
        rows_of("kalshi", "meeting_probabilities", found)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("internal_server_error", SourceUnavailable), ("bad_request", SourceRefused), ("forbidden", SourceRefused)],
)
def test_an_error_object_is_an_error(code: str, kind: type[Exception]) -> None:
    request = next(kalshi.plan_meeting(ask_of("kalshi", "meeting_probabilities", MEETING)))
    assert type(kalshi.refusal(answer(request, {"error": {"code": code, "message": code}}))) is kind
    assert kalshi.refusal(answer(request, {"markets": []})) is None


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("series/KXFEDDECISION/markets/KXFEDDECISION-24DEC-C25/candlesticks", {"start_ts": "soon"}, 400),
        ("series/KXFEDDECISION/markets/KXFEDDECISION-24DEC-C25/candlesticks", {"start_ts": 1, "end_ts": 2}, 400),
        ("series/FEDDECISION/markets/FEDDECISION-24JUN-C25/candlesticks", {}, 404),
        ("historical/markets/KXFEDDECISION-24DEC-C25/candlesticks", {}, 404),
        ("historical/markets/FEDDECISION-24JUN-C99/candlesticks", {}, 404),
        ("elsewhere", {}, 404),
    ],
)
def test_the_simulator_refuses_in_kalshis_words(
    wire: Wire, path: str, params: dict[str, str | int], status: int
) -> None:
    one = wire.fetch(Request(f"{kalshi.API}/{path}", params=params))
    assert one.status == status
    assert set(one.json()["error"]) == {"code", "message"}


def test_the_simulator_holds_no_meeting_that_the_calendar_does_not() -> None:
    assert page.events()["KXFEDDECISION-24DEC"] == date(2024, 12, 18)
    assert {series.symbol for series in FEED.series} <= set(page.events())
