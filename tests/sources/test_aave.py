"""Aave: what its plan asks, the rows from the simulator, and that DefiLlama is preferred to it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import orjson
import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.preferences import preferences
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import aave, defillama
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
POOL = "aave-v3-ethereum-usdc"
(HISTORY,) = aave.SOURCE.feeds


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asked(*, chain: str = "1", **changes: str) -> Request:
    """The question for a pool, of another chain or with other variables."""
    request = next(aave.plan_history(ask_of("aave", "lending_rates", POOL)))
    assert request.body is not None
    question = orjson.loads(request.body)
    question["variables"] |= changes
    question["query"] = question["query"].replace("chainId:1", f"chainId:{chain}")
    return Request(request.url, method="POST", body=orjson.dumps(question).decode())


def test_both_sides_of_one_pool_of_version_three_are_asked_for_at_once() -> None:
    (request,) = walk(aave.plan_history(ask_of("aave", "lending_rates", "aave-v3-ethereum-usdt")), [{}])
    assert (request.method, request.address) == ("POST", "https://api.v3.aave.com/graphql")
    question = orjson.loads(request.body or "")
    assert question["variables"] == {
        "market": "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2",
        "token": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    }
    assert question["query"].startswith("query($market:EvmAddress!,$token:EvmAddress!){")
    assert question["query"].count("chainId:1}") == 2
    for side in ("supplyAPYHistory(request:", "borrowAPYHistory(request:"):
        assert side in question["query"]
    assert question["query"].count("window:LAST_YEAR") == 2
    assert question["query"].count("{") == question["query"].count("}")
    assert request.labels == {"protocol": "aave-v3", "chain": "ethereum", "asset": "USDT"}


def test_pools_are_those_of_the_same_name_at_defillama() -> None:
    theirs = {series.name: series.labels for series in feed_of(defillama.SOURCE, "lending_rates").series}
    assert {series.name: series.labels for series in HISTORY.series}.items() <= theirs.items()


@pytest.mark.parametrize("pool", sorted(aave.POOLS))
@pytest.mark.parametrize("count", [1, 30, 360])
def test_days_come_exactly_once_with_both_sides(wire: Wire, pool: str, count: int) -> None:
    ask = ask_of("aave", "lending_rates", pool, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("aave", "lending_rates", drive(HISTORY, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == 1
    assert rows["supply_apr", "borrow_apr"].null_count().row(0) == (0, 0)
    assert (rows["borrow_apr"] > rows["supply_apr"]).all()
    assert broken_rules("lending_rates", rows) == set()


def test_the_provider_keeps_a_little_more_than_we_count_on(wire: Wire) -> None:
    ask = ask_of("aave", "lending_rates", POOL, days_back(500, LAST), date(2025, 1, 1), now=NIGHT)
    rows = rows_of("aave", "lending_rates", drive(HISTORY, ask, wire.fetch))
    assert rows.height == 365
    assert rows["date"][-1] == date(2025, 1, 1)  # the running day, which is not asked for
    assert HISTORY.kept_for is not None
    assert rows["date"][0] < (NIGHT - HISTORY.kept_for).date()


def test_the_average_of_a_day_lies_between_defillamas_readings_around_it(wire: Wire) -> None:
    """The check for live answers fails if they are shifted by a day."""
    ask = ask_of("aave", "lending_rates", POOL, days_back(60, LAST), LAST, now=NIGHT)
    averages = rows_of("aave", "lending_rates", drive(HISTORY, ask, wire.fetch)).select("date", "supply_apr")
    feed = feed_of(defillama.SOURCE, "lending_rates")
    readings = ask_of("defillama", "lending_rates", POOL, days_back(61, LAST), LAST, now=NIGHT)
    last = rows_of("defillama", "lending_rates", drive(feed, readings, wire.fetch)).select(
        "date", after="supply_apr", before=pl.col("supply_apr").shift(1)
    )

    def odd(shift: int) -> int:
        moved = averages.with_columns(pl.col("date") + timedelta(days=shift)).join(last, on="date")
        low, high = pl.min_horizontal("before", "after") - 1e-9, pl.max_horizontal("before", "after") + 1e-9
        return moved.filter(~pl.col("supply_apr").is_between(low, high)).height

    assert odd(0) == 0
    assert odd(1) > 20
    assert odd(-1) > 20


def test_what_is_exact_comes_first_and_readings_whose_day_is_known_next() -> None:
    assert preferences()["lending_rates"] == ("ethereum", "defillama", "aave", "defillama_lendborrow")


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([{"message": "x", "extensions": {"code": "BAD_USER_INPUT"}}], SourceRefused),
        ([{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], SourceUnavailable),
        ([{"message": "x", "extensions": None}], SourceUnavailable),
        ([{"message": "x"}], SourceUnavailable),
        (["x"], SourceUnavailable),
        ("x", SourceUnavailable),
    ],
)
def test_errors_beside_or_instead_of_data_are_errors(errors: object, kind: type[Exception]) -> None:
    assert type(aave.refusal(answer(asked(), {"data": {}, "errors": errors}))) is kind
    assert aave.refusal(answer(asked(), {"data": {}})) is None
    assert aave.refusal(answer(asked(), {"data": {}, "errors": []})) is None


@pytest.mark.parametrize("key", ["data", "supplyAPYHistory", "borrowAPYHistory", "avgRate", "value", "date"])
def test_a_renamed_field_is_refused(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("aave", "shape", "always", key=key, rename="something_else")])
    gathered = drive(HISTORY, ask_of("aave", "lending_rates", POOL, LAST, LAST, now=NIGHT), wire.fetch)
    with pytest.raises(PayloadChanged):
        rows_of("aave", "lending_rates", gathered)


def test_the_simulator_answers_graphql_and_knows_its_pools(wire: Wire) -> None:
    document = wire.fetch(asked()).json()
    newest, before = document["data"]["supplyAPYHistory"][:2]
    assert newest["date"] == "2025-01-01T00:00:00+00:00"
    assert before["date"] == "2024-12-31T00:00:00+00:00"
    assert set(newest) == {"date", "avgRate"}
    assert isinstance(newest["avgRate"]["value"], str)
    assert 0 < float(newest["avgRate"]["value"]) < 1
    for other in ({"chain": "10"}, {"market": "0x0"}, {"token": "0x0"}):
        assert wire.fetch(asked(**other)).json()["data"] == {"supplyAPYHistory": [], "borrowAPYHistory": []}
    assert "errors" in wire.fetch(Request(aave.GRAPHQL, method="POST", body="{}")).json()
    elsewhere = orjson.dumps({"query": "{markets}", "variables": {"market": "", "token": ""}}).decode()
    refused = wire.fetch(Request(aave.GRAPHQL, method="POST", body=elsewhere))
    assert (refused.status, type(aave.refusal(refused))) == (200, SourceRefused)
