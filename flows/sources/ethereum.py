"""Ethereum, through a public node: lending rates and liquidations that protocols wrote on the chain.

Requests are batches by POST; errors come in a 200, for the whole batch or for one call. Logs come for at most 10,000
blocks at a time, which is at least 33 hours and 20 minutes: a whole day and nine hours before it. A block's number
does not give its time, so blocks are searched by time. A node may answer a batch in any order, and returns `null` for
a block that it lacks, but an empty list for logs that it lacks. So the pool's updates of a reserve, of which every
hour has some, are requested along with its liquidations: a third of a day without one means a node that lacks logs.
The node is Tenderly's public gateway, free and keyless, without a published limit.
"""

from collections.abc import Callable, Generator
from datetime import date, timedelta
from functools import partial
from typing import Any

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.interval import ONE_DAY, Interval, day_start
from expectations.releases import every_day
from flows.ethereum_rpc import MERGE, answered, batch, block_before, header_call, logs_call, refusal, state_call
from flows.source import Answer, Ask, Feed, Limit, Lost, Plan, Request, Series, Source, piece
from transforms.formats.ethereum_rpc import Block, Clock, block_of, quantity, topic_of, words
from transforms.lending_rates.ethereum import AAVE_POOL, RESERVE_DATA_UPDATED, RESERVES
from transforms.liquidation_events.ethereum import LIQUIDATION_CALL, liquidations_of, parts_of

HOST = "mainnet.gateway.tenderly.co"
NODE = f"https://{HOST}/"
LONGEST_RANGE = 10_000  # blocks, both ends included
ANCHORS_EVERY = 1_000  # blocks, three hours and twenty minutes
FEW_ANCHORS_EVERY = 2_500  # enough to know on which day a log was written, except near midnight
AFTER_THE_DAY = 10 * 60  # seconds: the range ends at most this long after the day
BEFORE_THE_END = 10 * 60  # seconds: a state at the end of a day is at most this old
# A block can no longer be replaced after 20 minutes, hardly ever more.
SETTLED = every_day(timedelta(minutes=25))

COMET_USDC = "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
# The first four bytes of keccak-256 of getUtilization(), getSupplyRate(uint256) and getBorrowRate(uint256).
GET_UTILIZATION = "0x7eb71131"
GET_SUPPLY_RATE = "0xd955759d"
GET_BORROW_RATE = "0x9fa83b5a"


def plan_rates(ask: Ask) -> Plan:
    """The rates of one protocol, day by day."""
    return day_by_day(ask, updates_on if ask.series.symbol == AAVE_POOL else compound_on)


def day_by_day(ask: Ask, one_day: Callable[[Ask, date, Block], Generator[Request, Answer, Block]]) -> Plan:
    """Each day by itself, so that a lost day fails alone; a block found for one day is passed to the next."""
    known = MERGE
    lost: list[Lost] = []
    for day in ask.days:
        outcome = yield from piece(Interval(day, day + ONE_DAY), one_day(ask, day, known))
        if isinstance(outcome, Lost):
            lost.append(outcome)
        else:
            known = outcome
    return lost


def updates_on(ask: Ask, day: date, known: Block) -> Generator[Request, Answer, Block]:
    """The pool's logs of the 10,000 blocks that end soon after a day, and some blocks that give their time."""
    topics = [RESERVE_DATA_UPDATED, [topic_of(reserve) for reserve in RESERVES]]
    known = yield from _soon_after(day, known)
    first = known.number - LONGEST_RANGE + 1
    anchors = [*range(first, known.number, ANCHORS_EVERY), known.number]
    answer = yield batch(
        NODE,
        logs_call(ask.series.symbol, topics, first, known.number),
        *map(header_call, anchors),
        transform="normalize",
        labels={"day": day.isoformat()},
    )
    answered(answer)
    return known


def plan_liquidations(ask: Ask) -> Plan:
    """The pool's liquidations, day by day."""
    return day_by_day(ask, liquidations_on)


def liquidations_on(ask: Ask, day: date, known: Block) -> Generator[Request, Answer, Block]:
    """The pool's liquidations of a day, and enough blocks to know on which day each of them was.

    Its updates of a reserve are requested along with them: a node that lacks logs returns none.
    """
    witness = [RESERVE_DATA_UPDATED, [topic_of(next(iter(RESERVES)))]]
    known = yield from _soon_after(day, known)
    first = known.number - LONGEST_RANGE + 1
    logs = [logs_call(ask.series.symbol, topics, first, known.number) for topics in ([LIQUIDATION_CALL], witness)]
    blocks = {*range(first, known.number, FEW_ANCHORS_EVERY), known.number}
    labels = {"day": day.isoformat()}
    answer = yield batch(NODE, *logs, *map(header_call, sorted(blocks)), transform="normalize", labels=labels)
    doubtful = _doubtful(answered(answer))
    if doubtful:
        blocks |= doubtful
        answer = yield batch(NODE, *logs, *map(header_call, sorted(blocks)), transform="normalize", labels=labels)
        answered(answer)
    return known


def _doubtful(found: list[Any]) -> set[int]:
    """The blocks of logs so near midnight that they may be of either day."""
    logs, _, headers = parts_of(found)
    clock = Clock(block_of(header) for header in headers)
    return {quantity(log["blockNumber"]) for log in liquidations_of(logs) if not clock.knows_day(log)}


def _soon_after(day: date, known: Block) -> Generator[Request, Answer, Block]:
    """A block that was made within ten minutes after a day."""
    instant = int(day_start(day + ONE_DAY).timestamp()) + AFTER_THE_DAY
    return block_before(NODE, instant, AFTER_THE_DAY, known=known)


def compound_on(ask: Ask, day: date, known: Block) -> Generator[Request, Answer, Block]:
    """The market's utilization at the end of a day, and the rates at that utilization."""
    end = int(day_start(day + ONE_DAY).timestamp()) - 1
    known = yield from block_before(NODE, end, BEFORE_THE_END, known=known)
    at = partial(state_call, ask.series.symbol, number=known.number)
    answer = yield batch(NODE, at(GET_UTILIZATION))
    (utilization,) = words(answered(answer)[0], 1)
    answer = yield batch(
        NODE,
        at(GET_UTILIZATION),
        at(f"{GET_SUPPLY_RATE}{utilization:064x}"),
        at(f"{GET_BORROW_RATE}{utilization:064x}"),
        header_call(known.number),
        transform="normalize_compound",
        labels={**ask.series.labels, "utilization": str(utilization)},
    )
    answered(answer)
    return known


def requests_of(ask: Ask) -> dict[str, int]:
    """A block search for each day, longer for the first one, and the calls on its blocks."""
    requests_a_day = 2 if ask.series.symbol == AAVE_POOL else 3
    return {HOST: 3 + len(ask.days) * requests_a_day}


SOURCE = Source(
    name="ethereum",
    feeds=(
        Feed(
            LENDING_RATES,
            plan_rates,
            (
                Series("aave-v3-ethereum", AAVE_POOL, date(2023, 2, 7), SETTLED),
                Series("compound-v3-ethereum-usdc", COMET_USDC, date(2023, 2, 7), SETTLED, labels={"asset": "USDC"}),
            ),
            days_per_ask=31,
            restates_for=timedelta(0),
            count=requests_of,
        ),
        Feed(
            LIQUIDATION_EVENTS,
            plan_liquidations,
            (Series("aave-v3-ethereum", AAVE_POOL, date(2023, 2, 7), SETTLED),),
            days_per_ask=31,
            restates_for=timedelta(0),
            count=requests_of,
        ),
    ),
    limits={HOST: Limit(120, 60, burst=4)},
    docs="https://ethereum.org/en/developers/docs/apis/json-rpc/",
    terms="public chain; a public gateway's fair use, no published limit",
    attribution="Ethereum",
    verified="documented",
    verified_against=(
        "logs of Aave's pool were recorded by others, and their rates, indices and blocks agree with each "
        "other; the envelopes, liquidations and Compound's calls are documented only. That this node takes "
        "10,000 blocks and has the state of old ones, which Compound needs, others have measured; that it "
        "takes batches is believed"
    ),
    refusal=refusal,
    connections=2,
)
