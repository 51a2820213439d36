"""FRED's API: the same statistics as its files, with a key as a parameter."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests
from polars.testing import assert_frame_equal

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Request
from flows.sources import fred, fred_api
from flows.steps.collect import drive
from tests.asking import ANY_KEY, Wire, answer, ask_of, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import broken_rules, rows_of
from tests.recordings.test_venues import kinds
from tests.replay import Replay
from tests.tool import SHARED, Tool
from transforms.macro_series.fred_api import normalize

pytestmark = [pytest.mark.slow, pytest.mark.marts("global_liquidity", "policy_rates")]

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 9)
FILES, API = feed_of(fred.SOURCE, "macro_series"), feed_of(fred_api.SOURCE, "macro_series")
RECORDED = SHARED / "recordings" / "fred" / "observations_DEXKOUS.json"
SERVED = {"WALCL", "RRPONTSYD", "DFF", "DGS1"}  # of the series used, by the replay


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_one_page_is_asked_for_and_the_key_is_no_part_of_the_request() -> None:
    ask = ask_of("fred_api", "macro_series", "fed_assets", date(2024, 12, 5), date(2024, 12, 9))
    (request,) = walk(fred_api.plan_observations(ask), [{"count": 2, "limit": 100_000, "offset": 0}])
    assert request.address == (
        "https://api.stlouisfed.org/fred/series/observations?series_id=WALCL&file_type=json"
        "&observation_start=2024-11-25&observation_end=2024-12-09"
    )
    assert fred_api.SOURCE.key is not None
    assert fred_api.SOURCE.key.setting == "TIDEMARK_KEY_FRED"


@pytest.mark.parametrize(
    "page",
    [
        {"count": 3, "limit": 2, "offset": 0},
        {"count": 3, "limit": 100_000, "offset": 1},
        {"count": 100_001},
        {"count": "3"},
        {},
        [],
    ],
)
def test_a_page_that_is_cut_is_refused(page: object) -> None:
    with pytest.raises(PayloadChanged, match="expected"):
        walk(fred_api.plan_observations(ask_of("fred_api", "macro_series", "fed_assets")), [page])


@pytest.mark.parametrize(
    ("envelope", "fits"),
    [
        ({"count": 2}, True),
        ({"count": 2, "limit": 100_000, "offset": 0}, True),
        ({"count": 5, "limit": 2, "offset": 0}, True),
        ({"count": 5, "limit": 100_000, "offset": 3}, True),
        ({"count": 5}, False),
        ({"count": 5, "limit": 2, "offset": 4}, False),
        ({"count": 5, "limit": 3, "offset": 0}, False),
        ({"count": 2, "limit": 1, "offset": 0}, False),
        ({"count": True, "limit": 2, "offset": 0}, False),
    ],
)
def test_a_page_holds_what_its_envelope_says(envelope: dict[str, object], fits: bool) -> None:
    page = {"units": "lin", "observations": [{"date": f"2024-12-0{day}", "value": "1"} for day in (4, 5)], **envelope}
    if fits:
        assert normalize(page, fred_id="DGS1").height == 2
        return
    with pytest.raises(PayloadChanged, match="expected"):
        normalize(page, fred_id="DGS1")


def through_both_doors(series: str, fetch: Callable[[Request], Answer]) -> tuple[pl.DataFrame, pl.DataFrame]:
    mine, files = (
        rows_of(name, "macro_series", drive(feed, ask_of(name, "macro_series", series, FIRST, LAST), fetch))
        for name, feed in (("fred_api", API), ("fred", FILES))
    )
    return mine, files


@pytest.mark.parametrize("series", [one.name for one in API.series])
def test_it_tells_what_the_files_tell(wire: Wire, series: str) -> None:
    mine, files = through_both_doors(series, wire.fetch)
    assert mine.height > 10  # months at least
    assert_frame_equal(mine.drop("observed_at", "snapshot"), files.drop("observed_at", "snapshot"))
    valued = mine.filter(pl.col("amount").is_not_null() | pl.col("rate_apr").is_not_null())
    assert broken_rules("macro_series", valued) == set()


def test_a_renamed_field_and_a_lost_row_fail(wire: Wire) -> None:
    ask = ask_of("fred_api", "macro_series", "effective_rate", FIRST, LAST)
    for rule in (
        Misbehaviour("observations", "shape", key="value", rename="level"),
        Misbehaviour("observations", "drop"),
        Misbehaviour("observations", "empty"),
    ):
        wire.simulator.misbehave([rule])
        with pytest.raises(PayloadChanged):
            rows_of("fred_api", "macro_series", drive(API, ask, wire.fetch))


@pytest.mark.parametrize(("code", "kind"), [(429, SourceUnavailable), (500, SourceUnavailable), (400, SourceRefused)])
def test_an_error_in_a_200_is_one(code: int, kind: type[Exception]) -> None:
    request = next(fred_api.plan_observations(ask_of("fred_api", "macro_series", "fed_assets")))
    assert type(fred_api.refusal(answer(request, {"error_code": code, "error_message": ""}))) is kind
    assert fred_api.refusal(answer(request, {"observations": []})) is None


def test_marts_take_the_files_first_and_the_interface_where_they_are_missing(tmp_path: Path, wire: Wire) -> None:
    key = {"TIDEMARK_KEY_FRED": ANY_KEY}
    narrow = ("--series", "fed_assets")
    tool = Tool(tmp_path / "home", wire.simulator.url, sources="fred,fred_api", start="2024-11-01", now=NIGHT)
    assert tool("backfill", "2024-11-01", "2024-11-30", *narrow, "--source", "fred", **key).code == 0
    assert tool("backfill", "2024-11-01", "2024-12-15", *narrow, "--source", "fred_api", **key).code == 0
    told = "select source, min(date), max(date) from core.macro_series_preferred group by all order by all"
    assert tool.ask(told) == [
        ("fred", date(2024, 11, 6), date(2024, 11, 27)),
        ("fred_api", date(2024, 12, 4), date(2024, 12, 11)),
    ]


@pytest.mark.skipif(not RECORDED.exists(), reason="the shared recordings are not there")
def test_a_recorded_answer(wire: Wire) -> None:
    page = json.loads(RECORDED.read_bytes())
    rows = normalize(page, fred_id="DGS1")  # another series in the same shape
    assert rows["date"].to_list()[:2] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert rows["rate_apr"][0] == pytest.approx(14.398)
    mine = wire.fetch(next(fred_api.plan_observations(ask_of("fred_api", "macro_series", "fed_assets")))).json()
    assert kinds(mine) == kinds(page)


@pytest.mark.skipif(not REPLAY.exists(), reason="the shared replay is not there")
def test_the_replay_has_the_same_through_both_doors() -> None:
    with Replay(REPLAY, datetime(2024, 12, 10, 0, 30, tzinfo=UTC)) as replay:

        def fetch(request: Request) -> Answer:
            key = f"&api_key={ANY_KEY}" if "api.stlouisfed.org" in request.url else ""
            sent = requests.get(f"{replay.url}/{request.address.removeprefix('https://')}{key}", timeout=10)
            return answer(request, sent.content, status=sent.status_code)

        for series in (one.name for one in API.series if one.symbol in SERVED):
            mine, files = through_both_doors(series, fetch)
            assert mine.height > 40, series
            assert_frame_equal(mine.drop("observed_at", "snapshot"), files.drop("observed_at", "snapshot"))
