"""Ethereum: the search for blocks, what its plans ask, rates from the simulator, and the simulator's page."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import polars as pl
import pytest

from expectations.errors import NotYetPublished, PayloadChanged, SourceRefused, SourceUnavailable
from flows.ethereum_rpc import MERGE, batch, block_before, header_call, logs_call, refusal, state_call
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import defillama, ethereum
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of
from tests.gathering import broken_rules, rows_of
from tests.keccak import keccak256
from transforms.formats.ethereum_rpc import Block, Clock, address_of, quantity, results, topic_of, words
from transforms.lending_rates.ethereum import AAVE_POOL, RESERVE_DATA_UPDATED, RESERVES

pytestmark = pytest.mark.slow

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
AAVE, COMPOUND = "aave-v3-ethereum", "compound-v3-ethereum-usdc"
RATES = feed_of(ethereum.SOURCE, "lending_rates")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def rates(wire: Wire, series: str, count: int) -> pl.DataFrame:
    ask = ask_of("ethereum", "lending_rates", series, days_back(count, LAST), LAST, now=NIGHT)
    return rows_of("ethereum", "lending_rates", drive(RATES, ask, wire.fetch)).sort("date", "asset")


def calls(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(request.body or "")
    return found


# Constants and words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signature", "constant"),
    [
        (
            "",
            "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
        ),  # the published hash of an empty text
        ("ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)", RESERVE_DATA_UPDATED),
        ("getUtilization()", ethereum.GET_UTILIZATION),
        ("getSupplyRate(uint256)", ethereum.GET_SUPPLY_RATE),
        ("getBorrowRate(uint256)", ethereum.GET_BORROW_RATE),
    ],
)
def test_constants_are_the_hashes_of_their_signatures(signature: str, constant: str) -> None:
    assert keccak256(signature)[: len(constant)] == constant


def test_words_and_addresses() -> None:
    assert words("0x" + f"{7:064x}" + f"{2**255:064x}", 2) == [7, 2**255]
    for token in RESERVES:
        assert address_of(topic_of(token.upper().replace("X", "x"))) == token
    odds: tuple[object, ...] = (None, 7, "12", "0xzz", "0x")
    for odd in odds:
        with pytest.raises(PayloadChanged):
            quantity(odd)


def test_answers_are_put_into_the_order_of_the_calls() -> None:
    assert results([{"id": 1, "result": "b"}, {"id": 0, "result": "a"}]) == ["a", "b"]
    odds: tuple[object, ...] = ([], {}, [{"id": 0, "result": 1}] * 2, [{"id": 1, "result": 1}], [{"id": 0}])
    for odd in odds:
        with pytest.raises(PayloadChanged):
            results(odd)


def log_in(number: int) -> dict[str, str]:
    return {"blockNumber": hex(number)}


def test_a_clock_knows_the_day_but_near_midnight() -> None:
    midnight = 20_000 * 86_400
    clock = Clock([Block(1, midnight - 1201), Block(201, midnight - 1201 + 2400 + 24)])
    days = {number: clock.knows_day(log_in(number)) for number in range(1, 202)}
    # Two turns were missed: from one to three of the blocks around midnight may be of either day.
    assert [number for number, known in days.items() if not known] == [100, 101]
    assert clock.knows_day(log_in(100) | {"blockTimestamp": hex(midnight)})
    for turns in ((-13, -1), (-1, 11), (-1, 23), (11, 23)):
        exact = Clock([*clock.known, *(Block(100 + place, midnight + at) for place, at in enumerate(turns))])
        assert all(exact.knows_day(log_in(number)) for number in (1, 100, 101, 201))
    assert Clock([*clock.known, Block(100, midnight - 1)]).knows_day(log_in(100))


def test_a_clock_is_exact_where_no_turn_was_missed_and_says_how_far_it_may_be_off() -> None:
    clock = Clock([Block(100, 1200), Block(300, 3600 + 24), Block(200, 2400), Block(200, 2400)])
    assert [clock.at(log_in(number)) for number in (100, 101, 199, 200, 300)] == [1200, 1212, 2388, 2400, 3624]
    assert clock.at(log_in(250)) == 2400 + 612
    assert clock.at(log_in(250) | {"blockTimestamp": hex(3000)}) == 3000
    assert clock.bound == 24
    for odd in (99, 301):
        with pytest.raises(PayloadChanged):
            clock.at(log_in(odd))
    for known in ([], [Block(1, 1)], [Block(1, 1), Block(3, 24)]):
        with pytest.raises(PayloadChanged):
            Clock(known)


# The search for a block ----------------------------------------------------------------------------------------------


def searched(wire: Wire, instant: int, within: int, known: Block = MERGE) -> tuple[Block, int]:
    plan = block_before("https://mainnet.gateway.tenderly.co/", instant, within, known=known)
    request = next(plan)
    for count in range(1, 20):
        try:
            request = plan.send(wire.fetch(request))
        except StopIteration as found:
            block: Block = found.value
            return block, count
    raise AssertionError("expected the search to end")


@pytest.mark.parametrize("day", [date(2022, 9, 16), date(2023, 2, 7), date(2024, 2, 29), date(2024, 12, 31)])
def test_a_block_is_found_in_few_steps_from_the_merge_and_in_one_from_the_day_before(wire: Wire, day: date) -> None:
    instant = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    block, steps = searched(wire, instant, 300)
    assert instant - 300 <= block.at <= instant
    assert steps <= 4
    following, steps = searched(wire, instant + 86_400, 300, block) if day < LAST else (block, 1)
    assert steps == 1
    assert searched(wire, instant, 11, following)[0].at == instant - 1  # blocks come at the eleventh second


def test_the_newest_block_is_not_overshot(wire: Wire) -> None:
    block, _ = searched(wire, int(NIGHT.timestamp()) - 60, 60)
    assert block.at <= NIGHT.timestamp()


def test_a_block_that_is_not_there_yet_is_waited_for(wire: Wire) -> None:
    with pytest.raises(NotYetPublished):
        searched(wire, int(NIGHT.timestamp()) + 86_400, 60)


def test_a_node_whose_blocks_do_not_come_nearer_is_not_asked_for_ever() -> None:
    plan = block_before("https://mainnet.gateway.tenderly.co/", MERGE.at + 86_400, 60)

    def stuck(request: Request) -> Any:
        return [{"id": 0, "result": {"number": calls(request)[0]["params"][0], "timestamp": hex(MERGE.at)}}]

    request = next(plan)
    for _ in range(11):
        request = plan.send(answer(request, stuck(request)))
    with pytest.raises(PayloadChanged, match="in 12 steps"):
        plan.send(answer(request, stuck(request)))
    plan = block_before("https://mainnet.gateway.tenderly.co/", MERGE.at + 86_400, 60)
    request = next(plan)
    with pytest.raises(PayloadChanged, match="expected block"):
        plan.send(answer(request, [{"id": 0, "result": {"number": "0x1", "timestamp": "0x1"}}]))


# Rates ---------------------------------------------------------------------------------------------------------------


def test_one_question_holds_a_day_and_the_hours_before_it(wire: Wire) -> None:
    ask = ask_of("ethereum", "lending_rates", AAVE, now=NIGHT)
    request = drive(RATES, ask, wire.fetch).answers[-1].request
    assert (request.method, request.address) == ("POST", "https://mainnet.gateway.tenderly.co/")
    assert request.labels == {"day": "2024-12-09"}
    logs, *headers = calls(request)
    assert logs["method"] == "eth_getLogs"
    wanted = logs["params"][0]
    first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
    assert last - first + 1 == 10_000
    assert wanted["address"] == AAVE_POOL
    assert wanted["topics"] == [RESERVE_DATA_UPDATED, [topic_of(token) for token in RESERVES]]
    assert [call["method"] for call in headers] == ["eth_getBlockByNumber"] * 11
    assert [call["params"][1] for call in headers] == [False] * 11
    numbers = [int(call["params"][0], 16) for call in headers]
    assert (numbers[0], numbers[-1]) == (first, last)
    times = [simulated_time(wire, number) for number in (first, last)]
    day = datetime(2024, 12, 9, tzinfo=UTC)
    assert times[0] < day - timedelta(hours=9)
    assert day + timedelta(days=1) <= times[1] <= day + timedelta(days=1, minutes=10)


def simulated_time(wire: Wire, number: int) -> datetime:
    (header,) = results(wire.fetch(batch(ethereum.NODE, header_call(number))).json())
    return datetime.fromtimestamp(int(header["timestamp"], 16), UTC)


@pytest.mark.parametrize("count", [1, 2, 31])
@pytest.mark.parametrize(("series", "rows_a_day"), [(AAVE, 2), (COMPOUND, 1)])
def test_every_day_comes_exactly_once_in_about_the_stated_requests(
    wire: Wire, series: str, rows_a_day: int, count: int
) -> None:
    rows = rates(wire, series, count)
    ask = ask_of("ethereum", "lending_rates", series, days_back(count, LAST), LAST, now=NIGHT)
    assert rows["date"].to_list() == [day for day in ask.days for _ in range(rows_a_day)]
    assert broken_rules("lending_rates", rows) == set()
    stated = RATES.requests(ask)[ethereum.HOST]
    assert set(Counter(request.host for request in wire.sent)) == {ethereum.HOST}
    assert stated - 3 <= len(wire.sent) <= stated


@pytest.mark.parametrize(("series", "asset", "pool"), [
    (AAVE, "USDC", "aave-v3-ethereum-usdc"),
    (AAVE, "USDT", "aave-v3-ethereum-usdt"),
    (COMPOUND, "USDC", "compound-v3-ethereum-usdc"),
])  # fmt: skip
def test_the_end_of_a_day_is_what_defillama_saw_shortly_before(wire: Wire, series: str, asset: str, pool: str) -> None:
    """The check for live answers fails if they are shifted by a day or are in percent."""
    mine = rates(wire, series, 20).filter(pl.col("asset") == asset)
    ends = mine.select("date", end=pl.coalesce("supply_apr_last", "supply_apr"))
    ask = ask_of("defillama", "lending_rates", pool, days_back(20, LAST), LAST, now=NIGHT)
    theirs = rows_of("defillama", "lending_rates", drive(feed_of(defillama.SOURCE, "lending_rates"), ask, wire.fetch))
    both = theirs.join(ends, on="date")
    assert both.height == 20
    assert both.filter((pl.col("end") / pl.col("supply_apr") - 1).abs() > 1e-6).is_empty()


def test_the_means_are_what_the_indices_say(wire: Wire) -> None:
    rows = rates(wire, AAVE, 31)
    borrowed = rows["borrow_apy_realised"].log1p() / rows["borrow_apr"] - 1
    assert borrowed.abs().max() < 1e-3  # type: ignore[operator]
    earned = rows["supply_apy_realised"].log1p() / rows["supply_apr"] - 1
    assert earned.abs().max() < 1e-3  # type: ignore[operator]
    assert (rows["supply_apr_max"] >= rows["supply_apr"]).all()
    assert (rows["supply_apr_max"] >= rows["supply_apr_last"]).all()
    assert (rows["borrow_apr"] > rows["supply_apr"]).all()


def test_a_rate_that_never_stood_is_nobodys_highest(wire: Wire) -> None:
    """Every seventh hour the simulator's block has a rate half as large again before the last rate of that block."""
    rows = rates(wire, AAVE, 31).filter(pl.col("asset") == "USDC")
    ends = pl.max_horizontal(pl.col("supply_apr_last"), pl.col("supply_apr_last").shift(1))
    calm = rows.slice(1).filter(rows.slice(1)["supply_apr_max"] < 1.2 * rows.select(ends).slice(1).to_series())
    assert calm.height == 30


@pytest.mark.parametrize("every", [2, 3])
def test_logs_that_are_missing_are_noticed_where_they_matter(wire: Wire, every: int) -> None:
    """The growth of debts shows rates that are missing; on calm days these hardly matter."""
    whole = rates(wire, AAVE, 31)
    wire.simulator.misbehave([Misbehaviour("tenderly.*eth_getLogs", "drop", "always", drop_every=every)])
    holes = rates(wire, AAVE, 31).with_columns(series=pl.lit("one"), source=pl.lit("one"))
    off = holes.join(whole, on=["date", "asset"]).filter(
        (pl.col("borrow_apr") / pl.col("borrow_apr_right") - 1).abs() > 0.011
    )
    rule = "borrow_apr is what debts grew by, within 1 %"
    (check,) = (one for one in feed_checks() if one.name == rule)
    caught = holes.filter(check.failing()).select("date", "asset")
    assert off.join(caught, on=["date", "asset"], how="anti").is_empty()


def feed_checks() -> Any:
    return RATES.dataset.checks


@pytest.mark.parametrize("kind", ["empty", "drop"])
def test_a_page_without_its_logs_is_an_error(wire: Wire, kind: Any) -> None:
    wire.simulator.misbehave([Misbehaviour("tenderly.*eth_getLogs", kind, "always", drop_every=1)])
    with pytest.raises(PayloadChanged, match="expected an update of USDC before the day"):
        rates(wire, AAVE, 1)


@pytest.mark.parametrize("key", ["data", "topics", "address", "blockNumber", "logIndex", "timestamp"])
def test_a_renamed_field_is_refused(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("tenderly.*eth_getLogs", "shape", "always", key=key, rename="other")])
    ask = ask_of("ethereum", "lending_rates", AAVE, LAST, LAST, now=NIGHT)
    with pytest.raises(PayloadChanged):
        rows_of("ethereum", "lending_rates", drive(RATES, ask, wire.fetch))


def test_the_running_day_is_not_asked_for(wire: Wire) -> None:
    ask = ask_of("ethereum", "lending_rates", AAVE, date(2025, 1, 1), date(2025, 1, 1), now=NIGHT)
    gathered = drive(RATES, ask, wire.fetch)
    assert isinstance(gathered.lost[0].problem, NotYetPublished)
    due = ask.series.release.public_at(date(2025, 1, 1))
    assert due == datetime(2025, 1, 2, 0, 25, tzinfo=UTC)


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (-32005, "rate limit exceeded", SourceUnavailable),
        (-32603, "internal error", SourceUnavailable),
        (-32000, "header not found", SourceUnavailable),
        (-32005, "query returned more than 10000 results", SourceRefused),
        (-32000, "block range is too large", SourceRefused),
        (-32602, "invalid argument 0", SourceRefused),
        (-32601, "the method does not exist", SourceRefused),
    ],
)
def test_an_error_of_the_batch_or_of_one_call_is_an_error(code: int, message: str, kind: type[Exception]) -> None:
    request = batch(ethereum.NODE, header_call(1))
    error = {"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message}}
    fine = {"jsonrpc": "2.0", "id": 1, "result": "0x"}
    for body in (error, [fine, error]):
        assert type(refusal(answer(request, body))) is kind
    assert refusal(answer(request, [fine])) is None
    assert type(refusal(answer(request, [7]))) is PayloadChanged


# The simulator's page ------------------------------------------------------------------------------------------------


def said(wire: Wire, *asked: tuple[str, list[Any]]) -> list[Any]:
    document = wire.fetch(batch(ethereum.NODE, *asked)).json()
    return sorted(document, key=lambda one: one["id"])


def test_the_simulator_gives_no_more_than_ten_thousand_blocks(wire: Wire) -> None:
    topics = [RESERVE_DATA_UPDATED, [topic_of(token) for token in RESERVES]]
    (fine, refused) = said(wire, *(logs_call(AAVE_POOL, topics, 21_000_000, last) for last in (21_009_999, 21_010_000)))
    assert fine["result"]
    assert refused["error"]["code"] == -32602
    (nothing,) = said(wire, logs_call(AAVE_POOL, ["0x00", []], 21_000_000, 21_000_001))
    assert nothing["result"] == []


def test_the_simulator_knows_blocks_since_the_merge_and_methods(wire: Wire) -> None:
    before, first, future = said(wire, *map(header_call, (MERGE.number - 1, MERGE.number, 40_000_000)))
    assert (before["result"], future["result"]) == (None, None)
    assert int(first["result"]["timestamp"], 16) == MERGE.at
    unknown, odd, elsewhere = said(wire, ("eth_mining", []), ("eth_call", [{}]), state_call("0x00", "0x", MERGE.number))
    assert unknown["error"]["code"] == -32601
    assert odd["error"]["code"] == -32602
    assert elsewhere["result"] == "0x"
    times = [wire.simulator._market.chain.time_of(MERGE.number + number) for number in range(500)]
    assert {after - before for before, after in pairwise(times)} == {12, 24}
    chain = wire.simulator._market.chain
    assert all(
        chain.block_at(time + late) == MERGE.number + number for number, time in enumerate(times) for late in (0, 11)
    )
