"""The Bank of Japan: its plan by hand, its months against the simulator and against FRED's copy."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.sources import boj, fred
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay
from tests.tool import Tool

pytestmark = [pytest.mark.slow, pytest.mark.marts("global_liquidity")]

NIGHT = datetime(2024, 12, 11, 0, 30, tzinfo=UTC)
PATH = "www.stat-search.boj.or.jp/api/v1/getDataCode"
MONTHS = feed_of(boj.SOURCE, "macro_series")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_the_months_and_two_before_them_are_asked_for() -> None:
    ask = ask_of("boj", "macro_series", "japan_m2", date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(boj.plan_months(ask), [{"NEXTPOSITION": None}])
    assert request.address == (
        f"https://{PATH}?format=json&lang=en&db=MD02&startDate=202409&endDate=202412&code=MAM1NAM2M2MO"
    )
    assert request.labels == {"code": "MAM1NAM2M2MO"}


def test_an_answer_that_goes_on_is_followed_to_its_end() -> None:
    ask = ask_of("boj", "macro_series", "boj_assets")
    asked = walk(boj.plan_months(ask), [{"NEXTPOSITION": 2}, {"NEXTPOSITION": 3}, {"NEXTPOSITION": None}])
    assert [request.params.get("startPosition") for request in asked] == [None, 2, 3]


@pytest.mark.parametrize(
    ("series", "last", "low", "high"),
    [("boj_assets", date(2024, 11, 30), 7.4e14, 7.8e14), ("japan_m2", date(2024, 11, 30), 1.2e15, 1.3e15)],
)
def test_every_month_that_is_out_comes_once(wire: Wire, series: str, last: date, low: float, high: float) -> None:
    ask = ask_of("boj", "macro_series", series, date(2022, 1, 1), date(2024, 12, 9), now=NIGHT)
    rows = rows_of("boj", "macro_series", drive(MONTHS, ask, wire.fetch))
    assert rows["date"].to_list() == [day for day in ask.days if ask.series.release.expects(day) and day <= last]
    assert low < rows["amount"][-1] < high
    assert broken_rules("macro_series", rows) == set()
    assert len(wire.sent) == 1


def test_what_fred_copies_is_the_same(wire: Wire) -> None:
    first, last = date(2023, 1, 1), date(2024, 11, 30)
    mine = rows_of(
        "boj", "macro_series", drive(MONTHS, ask_of("boj", "macro_series", "boj_assets", first, last), wire.fetch)
    )
    copy = feed_of(fred.SOURCE, "macro_series")
    theirs = rows_of(
        "fred", "macro_series", drive(copy, ask_of("fred", "macro_series", "boj_assets", first, last), wire.fetch)
    )
    columns = ["date", "series", "currency", "amount", "available_at"]
    assert mine.height == 23
    assert mine.select(columns).equals(theirs.select(columns))


@pytest.mark.parametrize("key", ["SURVEY_DATES", "VALUES", "UNIT", "SERIES_CODE", "RESULTSET"])
def test_a_renamed_field_fails_the_days(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("stat-search", "shape", "always", key=key, rename="SOMETHING")])
    ask = ask_of("boj", "macro_series", "boj_assets", date(2024, 10, 31), date(2024, 10, 31))
    with pytest.raises(PayloadChanged):
        rows_of("boj", "macro_series", drive(MONTHS, ask, wire.fetch))


@pytest.mark.parametrize(("status", "kind"), [(400, SourceRefused), (500, SourceUnavailable), (503, SourceUnavailable)])
def test_an_error_inside_a_200_is_one(status: int, kind: type[Exception]) -> None:
    request = next(boj.plan_months(ask_of("boj", "macro_series", "boj_assets")))
    assert type(boj.refusal(answer(request, {"STATUS": status, "MESSAGE": ""}))) is kind
    assert type(boj.refusal(answer(request, []))) is SourceUnavailable
    assert boj.refusal(answer(request, {"STATUS": 200})) is None
    assert boj.refusal(answer(request, {"STATUS": "200"})) is None


def test_the_simulator_refuses_inside_a_200(wire: Wire) -> None:
    def said(**query: str) -> tuple[int, object]:
        found = requests.get(f"{wire.simulator.url}/{PATH}", params=query, timeout=10)
        return found.status_code, found.json()["STATUS"]

    assert said(db="BS01", code="MABJMTA") == (200, 200)
    assert said(db="MD02", code="MABJMTA") == (200, 400)
    assert said(db="BS01", code="MABJMTA", startDate="2024") == (200, 400)


def test_the_days_of_a_month_are_settled_with_its_value_and_a_late_month_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """November's money is published on 10 December, at noon at the latest, and is expected on the 16th."""
    with Simulator(now=datetime(2024, 12, 17, 0, 30, tzinfo=UTC)) as served:
        tool = Tool(tmp_path / "home", served.url, sources="boj", start="2024-10-01", now=served.now)
        said = tool("backfill", "2024-10-01", "2024-12-16")
        assert said.code == 0, said.err
        (loaded,) = tool.ask("select count(*) from ops.ledger where state = 'loaded'")
        assert loaded == (4,)
        assert tool.ask("select max(date) from ops.ledger where state = 'verified_empty'") == [(date(2024, 11, 29),)]
        rows = tool.ask("select date, currency, amount > 7e14 from core.macro_series where series = 'boj_assets'")
        assert sorted(rows) == [(date(2024, 10, 31), "JPY", True), (date(2024, 11, 30), "JPY", True)]
    monkeypatch.setattr(
        "flows.steps.run.CLOCK_TOLERANCE", timedelta(days=60)
    )  # time stands still in this market: no month follows
    # On 11 January December's total assets are due and not there: late for two weeks, then failed.
    for now, state, code in (
        (datetime(2025, 1, 11, 0, 30, tzinfo=UTC), "not_yet", 0),
        (datetime(2025, 1, 25, 0, 30, tzinfo=UTC), "failed", 1),
    ):
        with Simulator(now=datetime(2024, 12, 17, 0, 30, tzinfo=UTC)) as served:
            tool = Tool(tmp_path / "home", served.url, sources="boj", start="2024-10-01", now=now)
            said = tool("backfill", "2024-12-01", "2024-12-31", "--series", "boj_assets")
            assert said.code == code, said.out + said.err
            ledger = "select date, state from ops.ledger where series = 'boj_assets' and date >= '2024-12-30'"
            assert tool.ask(f"{ledger} and date < '2025-01-01' order by date") == [
                (date(2024, 12, 30), "verified_empty"),
                (date(2024, 12, 31), state),
            ]


def test_fred_in_the_replay_has_the_levels_of_late_2024(replay: Replay, tmp_path: Path) -> None:
    tool = Tool(
        tmp_path / "home", replay.url, sources="fred", start="2024-01-01", now=datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
    )
    series = [word for name in ("us_m2", "ecb_assets", "boj_assets") for word in ("--series", name)]
    said = tool("backfill", "2024-01-01", "2024-12-09", *series)
    assert said.code == 0, said.err
    newest = "select series, max(date), arg_max(amount, date), currency from core.macro_series group by all order by 1"
    assert tool.ask(newest) == [
        ("boj_assets", date(2024, 10, 31), pytest.approx(756.8635e12), "JPY"),
        ("ecb_assets", date(2024, 11, 29), pytest.approx(6.34e12, rel=0.01), "EUR"),
        ("us_m2", date(2024, 10, 31), pytest.approx(21.3367e12), "USD"),
    ]
    assert not {"failed", "failed_check"} & tool.states().keys()
