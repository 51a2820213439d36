"""Ethereum's liquidations at Aave: what is asked, the day of each, and their sums in the mart."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Gathered, Request
from flows.sources import ethereum
from flows.steps.collect import drive
from flows.steps.normalize import normalize, normalize_by_day
from tests.asking import Wire, answer, ask_of, days_back, feed_of
from tests.gathering import broken_rules, rows_of
from tests.keccak import keccak256
from tests.tool import Tool
from transforms.formats.ethereum_rpc import topic_of
from transforms.formats.ethereum_tokens import COINS, DOLLARS
from transforms.lending_rates.ethereum import AAVE_POOL, RESERVE_DATA_UPDATED, RESERVES
from transforms.liquidation_events.ethereum import LIQUIDATION_CALL

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_daily")]

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
EVENTS = feed_of(ethereum.SOURCE, "liquidation_events")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def gathered(wire: Wire, count: int) -> Gathered:
    ask = ask_of("ethereum", "liquidation_events", "aave-v3-ethereum", days_back(count, LAST), LAST, now=NIGHT)
    return drive(EVENTS, ask, wire.fetch)


def test_the_constant_is_the_hash_of_its_signature() -> None:
    assert keccak256("LiquidationCall(address,address,address,uint256,uint256,address,bool)") == LIQUIDATION_CALL


@pytest.mark.parametrize("address", [*DOLLARS, *COINS])
def test_the_capitals_of_an_address_are_its_checksum(address: str) -> None:
    digits = address.removeprefix("0x").lower()
    signs = keccak256(digits).removeprefix("0x")
    capitals = (digit.upper() if int(sign, 16) > 7 else digit for digit, sign in zip(digits, signs, strict=False))
    assert address == "0x" + "".join(capitals)
    assert len(digits) == 40


def test_no_token_is_both() -> None:
    assert not DOLLARS.keys() & COINS.keys()
    assert {decimals for _, decimals in DOLLARS.values()} == {6, 18}


@pytest.mark.parametrize("count", [1, 31])
def test_every_day_is_told_wholly_in_about_the_stated_requests(wire: Wire, count: int) -> None:
    found = gathered(wire, count)
    rows = rows_of("ethereum", "liquidation_events", found)
    listed = rows.filter(pl.col("amount_usd").is_null())
    assert set(listed["date"]) == set(found.ask.days)
    closings = normalize(EVENTS.dataset, "ethereum", found).filter(pl.col("amount_usd").is_not_null())
    assert closings["event"].is_unique().all()
    assert set(closings["date"]) <= set(found.ask.days)
    assert broken_rules("liquidation_events", closings) == set()
    assert (closings["stamped_at"].dt.date() == closings["date"]).all()
    stated = EVENTS.requests(found.ask)[ethereum.HOST]
    assert stated - 3 <= len(wire.sent) <= stated + 3  # one more where one lies near midnight


def test_only_liquidations_of_the_pool_are_asked_for(wire: Wire) -> None:
    request = gathered(wire, 1).answers[-1].request
    logs, others, *headers = orjson.loads(request.body or "")
    assert logs["params"][0]["topics"] == [LIQUIDATION_CALL]
    assert others["params"][0]["topics"] == [RESERVE_DATA_UPDATED, [topic_of(next(iter(RESERVES)))]]
    assert logs["params"][0] | {"topics": []} == others["params"][0] | {"topics": []}
    assert logs["params"][0]["address"] == AAVE_POOL
    assert len(headers) >= 5
    assert request.labels == {"day": "2024-12-31"}


def test_one_near_midnight_is_asked_about_once_more(wire: Wire) -> None:
    """A log is moved into the first block of the day, of which the few blocks that are known tell only the hour."""
    midnight = int(datetime(2024, 12, 31, tzinfo=UTC).timestamp())
    chain = wire.simulator._market.chain
    block = chain.block_at(midnight + 20)
    assert chain.time_of(block) >= midnight
    moved: list[Request] = []

    def fetch(request: Request) -> Answer:
        given = wire.fetch(request)
        document = given.json()
        for one in document:
            if one["id"] == 0 and isinstance(one["result"], list):
                one["result"] = [log | {"blockNumber": hex(block)} for log in one["result"][:1]]
                moved.append(request)
        return answer(request, document, now=NIGHT)

    ask = ask_of("ethereum", "liquidation_events", "aave-v3-ethereum", LAST, LAST, now=NIGHT)
    found = drive(EVENTS, ask, fetch)
    rows = rows_of("ethereum", "liquidation_events", found).filter(pl.col("amount_usd").is_not_null())
    assert len(moved) == 2
    assert hex(block) in (moved[1].body or "")
    assert hex(block) not in (moved[0].body or "")
    assert rows["stamped_at"].to_list() == [datetime.fromtimestamp(chain.time_of(block), UTC)]


@pytest.mark.parametrize("key", ["data", "topics", "address", "blockNumber", "logIndex", "transactionHash"])
def test_a_renamed_field_is_refused(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("tenderly.*eth_getLogs", "shape", "always", key=key, rename="other")])
    found = gathered(wire, 31)
    if found.error is None:
        with pytest.raises(PayloadChanged):
            rows_of("ethereum", "liquidation_events", found)
    else:
        assert isinstance(found.error, PayloadChanged)


def test_a_log_that_does_not_say_removed_is_there_to_stay(wire: Wire) -> None:
    said = rows_of("ethereum", "liquidation_events", gathered(wire, 3))
    wire.simulator.misbehave([Misbehaviour("tenderly.*eth_getLogs", "shape", "always", key="removed", rename="other")])
    assert rows_of("ethereum", "liquidation_events", gathered(wire, 3)).equals(said)


@pytest.mark.parametrize(("token", "covers"), [("0x" + "ee".rjust(40, "0"), {1, 3}), (next(iter(COINS)), {1, 2, 3})])
def test_a_token_that_is_not_known_leaves_its_own_day_open(wire: Wire, token: str, covers: set[int]) -> None:
    """On one of three days all liquidations are between ether and a token: a coin has no dollars, a stranger may."""
    middle = date(2024, 12, 30)

    def fetch(request: Request) -> Answer:
        given = wire.fetch(request)
        document = given.json()
        logs = [log for one in document if one["id"] == 0 and isinstance(one["result"], list) for log in one["result"]]
        first, last = (datetime(2024, 12, day, tzinfo=UTC).timestamp() for day in (30, 31))
        for log in logs:
            if first <= wire.simulator._market.chain.time_of(int(log["blockNumber"], 16)) < last:
                log["topics"][1:3] = [topic_of(next(iter(COINS)).lower()), topic_of(token.lower())]
        return answer(request, document, now=NIGHT)

    ask = ask_of("ethereum", "liquidation_events", "aave-v3-ethereum", date(2024, 12, 29), LAST, now=NIGHT)
    rows = rows_of("ethereum", "liquidation_events", drive(EVENTS, ask, fetch))
    listed = rows.filter(pl.col("amount_usd").is_null())["date"]
    assert {day.day - 28 for day in listed} == covers
    assert rows.filter(pl.col("date") == middle, pl.col("amount_usd").is_not_null()).is_empty()


EVENTS_STATES = (
    "select date, state, reason from ops.ledger where dataset = 'liquidation_events' and date <= '2024-12-31'"
)
QUIET = date(2024, 12, 5)  # days on which the simulated pool liquidates nobody


def test_a_node_without_logs_does_not_make_a_day_quiet_and_a_quiet_day_asked_alone_is(tmp_path: Path) -> None:
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="ethereum", start=f"{QUIET}", now=NIGHT)
        alone = ("backfill", f"{QUIET}", f"{QUIET}", "--dataset", "liquidation_events")
        served.misbehave([Misbehaviour("tenderly.*eth_getLogs", "empty", "always")])
        assert tool(*alone).code == 1
        ((_, state, reason),) = tool.ask(f"{EVENTS_STATES} and date = '{QUIET}'")
        assert state == "failed"
        assert str(reason).startswith("PayloadChanged: expected other logs of the pool throughout the day, found none")
        served.misbehave([])
        said = tool(*alone)
        assert said.code == 0, said.err
        ((_, state, reason),) = tool.ask(f"{EVENTS_STATES} and date = '{QUIET}'")
        assert (state, reason) == ("verified_empty", "covered by the answer, which has none")


def test_a_node_that_lacks_the_logs_of_one_day_costs_that_day(wire: Wire) -> None:
    """Nor is what it tells of the rest of the day taken for the whole of it."""
    chain = wire.simulator._market.chain
    noon = datetime(2024, 12, 9, 12, tzinfo=UTC).timestamp()
    lost = range(chain.block_at(int(noon)), chain.block_at(int(noon) + 43_200))

    def fetch(request: Request) -> Answer:
        document = wire.fetch(request).json()
        for one in document:
            if isinstance(one["result"], list):
                one["result"] = [log for log in one["result"] if int(log["blockNumber"], 16) not in lost]
        return answer(request, document, now=NIGHT)

    days = (date(2024, 12, 7), date(2024, 12, 11))
    found = drive(EVENTS, ask_of("ethereum", "liquidation_events", "aave-v3-ethereum", *days, now=NIGHT), fetch)
    assert found.error is None
    rows, refused, _ = normalize_by_day(EVENTS.dataset, "ethereum", found)
    assert set(refused) == {date(2024, 12, 9)}
    assert "found none from 2024-12-09 11:" in refused[date(2024, 12, 9)]
    assert set(rows["date"]) == {date(2024, 12, day) for day in (7, 8, 10, 11)}


def test_the_mart_has_sums_sides_and_accounts(tmp_path: Path) -> None:
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="ethereum", start="2024-12-01", now=NIGHT)
        said = tool("backfill", "2024-12-01", "2024-12-31", "--dataset", "liquidation_events")
        wire = Wire(served)
        expected = rows_of("ethereum", "liquidation_events", gathered(wire, 31))
    assert said.code == 0, said.err
    states = "select state, count(*) from ops.ledger where dataset = 'liquidation_events' group by 1"
    counted: dict[Any, Any] = dict(tool.ask(states))
    counted.pop("not_yet")  # the running day
    quiet = 31 - expected.filter(pl.col("amount_usd").is_not_null())["date"].n_unique()
    assert counted == {"loaded": 31 - quiet} | ({"verified_empty": quiet} if quiet else {})
    crash = expected.filter(pl.col("date") == date(2024, 12, 9), pl.col("asset") == "ETH")
    asked = "select long_usd, short_usd, accounts, source, is_lower_bound from liquidations_daily"
    ((longs, shorts, accounts, source, lower),) = tool.ask(
        f"{asked} where date = '2024-12-09' and asset = 'ETH' and venue = 'aave-v3'"
    )
    assert longs == pytest.approx(crash.filter(pl.col("side") == "long")["amount_usd"].sum())
    assert shorts == pytest.approx(crash.filter(pl.col("side") == "short")["amount_usd"].sum())
    assert accounts == crash["account"].n_unique() > 5
    assert (source, lower) == ("ethereum", True)
    assert longs > 5 * shorts
    assert timedelta(minutes=25) == ethereum.SETTLED.public_at(LAST) - datetime(2025, 1, 1, tzinfo=UTC)
