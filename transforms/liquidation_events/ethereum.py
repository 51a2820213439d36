"""Aave's liquidations as its pool logs them, as rows of `liquidation_events`."""

from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from expectations.interval import ONE_DAY, day_start
from transforms.formats.ethereum_rpc import Clock, address_of, block_of, quantity, results, was_removed, words
from transforms.formats.ethereum_tokens import COINS, DOLLARS
from transforms.formats.forced_closings import events, without_events
from transforms.lending_rates.ethereum import AAVE_POOL, is_update
from transforms.payload import member
from transforms.refused import refuse
from transforms.units import day_of, seconds_to_instant

# keccak-256 of LiquidationCall(address,address,address,uint256,uint256,address,bool)
LIQUIDATION_CALL = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
VENUE = "aave-v3"
LONGEST_SILENCE = 8 * 3600  # seconds; one reserve's rates change several times an hour
OTHER = "OTHER"

_DECIMALS = {address.lower(): decimals for address, (_, decimals) in DOLLARS.items()}
_TICKERS = {address.lower(): ticker for address, ticker in COINS.items()}
_CLOSINGS = pl.Schema(
    {
        "asset": pl.String(),
        "event": pl.String(),
        "side": pl.String(),
        "amount_usd": pl.Float64(),
        "account": pl.String(),
        "at": pl.Int64(),
    }
)


def normalize(payload: Any, *, day: str) -> pl.DataFrame:
    """Turn the liquidations around one day into rows of that day.

    `LiquidationCall` states who was liquidated (`user`), how much of which debt was repaid, and how much of which
    collateral was taken for it. The value comes from the side in stablecoins, taken at par with the dollar: the debt
    that was repaid, or, where coins were owed, the collateral that was taken, which is higher by the liquidator's bonus
    of some percent. A liquidation without stablecoins on either side, such as of staked ether against ether, is left
    out: nothing in the log gives its value. Coins as collateral for stablecoins are a long position in them,
    stablecoins as collateral for coins a short one; between stablecoins, or with a token that is not in our table, it
    is neither, and its asset is OTHER.

    A log is timed by `blockTimestamp` where the node states it, else by the blocks in the same batch. A log whose day
    these leave open is left out, and then the day does not count as covered. Neither does a day with a liquidation that
    has no stablecoin we know but a token that is not in our table, which may be a stablecoin too.

    A node that lacks the logs of some blocks returns none. So the batch includes other logs of the pool, those of one
    reserve's rates, of which every hour has some: where none was written for a third of the day, the node lacks logs,
    and the day is refused. Older answers have no such logs; they prove nothing about a day without liquidations.

    Args:
        payload: The batch's answers: first the pool's liquidations, then its updates of a reserve, then some blocks of
            the same range, its first and its last among them.
        day: The UTC day, as ISO text; the range reaches beyond it on both sides.

    Returns:
        Rows of `liquidation_events` of that day, and one without a value where the answer covers it wholly.
    """
    logs, others, headers = parts_of(results(payload))
    clock = Clock(block_of(header) for header in headers)
    wanted = date.fromisoformat(day)
    clock.require_around(wanted)
    silence = None if others is None else _silence(others, clock, wanted)
    if silence is not None:
        return refuse(without_events([wanted], venue=VENUE), pl.lit(value=True), pl.lit(silence))
    dated = [log for log in liquidations_of(logs) if clock.knows_day(log)]
    rows = [closing for log in dated if (closing := _closing(log, round(clock.at(log)))) is not None]
    closings = pl.DataFrame(rows, schema=_CLOSINGS, orient="row").with_columns(
        stamped_at=seconds_to_instant(pl.col("at"))
    )
    of_day = closings.filter(day_of(pl.col("stamped_at")) == wanted)
    hidden = any(_may_be_in_dollars(log) for log in dated if _day_at(clock, log) == wanted)
    covered = [wanted] if others is not None and len(dated) == len(logs) and not hidden else []
    return pl.concat([events(of_day, venue=VENUE), without_events(covered, venue=VENUE)])


def parts_of(found: list[Any]) -> tuple[Any, list[Any] | None, list[Any]]:
    """A batch's results: liquidations, other logs of the pool (none in older answers), blocks."""
    logs, *rest = found
    return (logs, rest[0], rest[1:]) if rest and isinstance(rest[0], list) else (logs, None, rest)


def _silence(others: list[Any], clock: Clock, day: date) -> str | None:
    """Why a day is refused: its longest part without another log of the pool; none where that is short enough."""
    odd = [log for log in others if not is_update(log) or was_removed(log)]
    if odd:
        raise PayloadChanged(f"expected final logs of ReserveDataUpdated at Aave's pool, found {repr(odd[0])[:160]}")
    start, end = (day_start(bound).timestamp() for bound in (day, day + ONE_DAY))
    stamps = [stamp for log in others if start < (stamp := clock.at(log)) < end]
    longest, since = max((after - before, before) for before, after in pairwise(sorted([start, *stamps, end])))
    if longest <= LONGEST_SILENCE:
        return None
    bounds = [datetime.fromtimestamp(round(stamp), UTC) for stamp in (since, since + longest)]
    return f"expected other logs of the pool throughout the day, found none from {bounds[0]} to {bounds[1]}"


def liquidations_of(logs: Any) -> list[dict[str, Any]]:
    """The logs, each of which must be a final liquidation at Aave's pool."""
    if not isinstance(logs, list):
        raise PayloadChanged(f"expected a list of logs, found {quoted(logs, 80)}")
    for log in logs:
        topics = member(log, "topics")
        ours = member(log, "address").lower() == AAVE_POOL and topics[0] == LIQUIDATION_CALL
        if not ours or was_removed(log):
            raise PayloadChanged(f"expected final logs of LiquidationCall at Aave's pool, found {quoted(log, 160)}")
    return logs


def _day_at(clock: Clock, log: dict[str, Any]) -> date:
    return datetime.fromtimestamp(round(clock.at(log)), UTC).date()


def _may_be_in_dollars(log: dict[str, Any]) -> bool:
    """Whether a liquidation that is left out has a token that we do not know."""
    _, collateral, debt, _ = member(log, "topics")
    tokens = {address_of(collateral), address_of(debt)}
    return tokens.isdisjoint(_DECIMALS) and not tokens <= _TICKERS.keys()


def _closing(log: dict[str, Any], at: int) -> tuple[str, str, str | None, float, str, int] | None:
    _, collateral, debt, user = member(log, "topics")
    collateral, debt = address_of(collateral), address_of(debt)
    repaid, taken, *_ = words(member(log, "data"), 4)
    if debt in _DECIMALS:
        amount = repaid / 10 ** _DECIMALS[debt]
        asset, side = (_TICKERS[collateral], "long") if collateral in _TICKERS else (OTHER, None)
    elif collateral in _DECIMALS:
        amount = taken / 10 ** _DECIMALS[collateral]
        asset, side = (_TICKERS[debt], "short") if debt in _TICKERS else (OTHER, None)
    else:
        return None
    event = f"{member(log, 'transactionHash')}-{quantity(member(log, 'logIndex'))}"
    return asset, event, side, amount, address_of(user), at
