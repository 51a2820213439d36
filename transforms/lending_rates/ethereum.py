"""Lending rates from Ethereum itself, as rows of `lending_rates`: Aave's event log, Compound's state."""

from datetime import date
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from expectations.interval import ONE_DAY, day_start
from transforms.formats.ethereum_rpc import (
    DAY_SECONDS,
    Clock,
    address_of,
    block_of,
    quantity,
    results,
    was_removed,
    words,
)
from transforms.payload import member
from transforms.refused import refuse
from transforms.units import day_of, end_of, per_second_to_apr, seconds_to_instant

# keccak-256 of ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)
RESERVE_DATA_UPDATED = "0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a"
AAVE_POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
RESERVES = {
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": "USDC",
    "0xdac17f958d2ee523a2206206994597c13d831ec7": "USDT",
}

RAY = 10**27  # Aave's unit: rates are fractions per year, indices begin at 1
WAD = 10**18  # Compound's unit
YEAR_SECONDS = 31_536_000  # of 365 days, to Aave and to Compound

UPDATES = pl.Schema(
    {
        "asset": pl.String(),
        "block": pl.Int64(),
        "place": pl.Int64(),
        "at": pl.Float64(),
        "supply": pl.Float64(),
        "borrow": pl.Float64(),
        "supply_index": pl.Float64(),
        "borrow_index": pl.Float64(),
    }
)
RATES = ("apr", "apr_max", "apr_last", "apy_realised")
# The columns of a day whose rate at its start is unknown.
UNKNOWN_DAY = pl.Schema(
    {
        "asset": pl.String(),
        **{f"{side}_{rate}": pl.Float64() for side in ("supply", "borrow") for rate in RATES},
        "stamped_at": pl.Datetime("us", "UTC"),
    }
)


def normalize(payload: Any, *, day: str) -> pl.DataFrame:
    """Turn the logs around one day into one row per reserve.

    `ReserveDataUpdated` states the rates from its block on: they hold until the next one. So the day's figure is their
    mean, each weighted with the seconds of the day for which it held; the first of them was set before the day began.
    Of several logs in one block only the last ever held. Rates are `liquidityRate` and `variableBorrowRate`, simple
    fractions per year in units of 1e-27; nobody borrows at the stable rate any more.

    The indices show the same in another way: what one token that was deposited, or owed, had become. Their growth over
    the day is stated beside the rates, compounded to a year. The borrow index grows at exactly the borrow rate, so a
    log that is missing or misread shows as a difference between the two; the deposit index also grows by the fees of
    flash loans.

    A log whose block was replaced is marked `removed`, and is refused; nodes may omit the mark otherwise. A log is
    timed by `blockTimestamp` where the node states it, else by the blocks in the same batch.

    Args:
        payload: The batch's answers: first the logs of the pool, then some blocks of the same range, its first and its
            last among them.
        day: The UTC day, as ISO text; the range reaches beyond it on both sides.

    Returns:
        Rows of `lending_rates` of that day: fractions per year.
    """
    logs, *headers = results(payload)
    clock = Clock(block_of(header) for header in headers)
    wanted = date.fromisoformat(day)
    clock.require_around(wanted)
    start, end = (int(day_start(bound).timestamp()) for bound in (wanted, wanted + ONE_DAY))
    updates = pl.DataFrame(updates_of(logs, clock), schema=UPDATES, orient="row")
    days = [
        _day(updates.filter(pl.col("asset") == asset).sort("block", "place"), asset, start, end)
        for asset in RESERVES.values()
    ]
    unknown = pl.lit(None, pl.Float64)
    return pl.concat(days, how="diagonal").with_columns(
        date=pl.lit(wanted),
        protocol=pl.lit("aave-v3"),
        chain=pl.lit("ethereum"),
        utilization=unknown,
        available_usd=unknown,
        sampling=pl.lit("time_weighted"),
        available_at=end_of(pl.lit(wanted)),
    )


def is_update(log: Any) -> bool:
    """Whether a log is an update of a reserve of Aave's pool."""
    topics = member(log, "topics")
    return bool(member(log, "address").lower() == AAVE_POOL and topics[0] == RESERVE_DATA_UPDATED and len(topics) == 2)  # noqa: PLR2004


def updates_of(logs: Any, clock: Clock) -> list[tuple[str, int, int, float, float, float, float, float]]:
    """What each log says: asset, block, place in it, seconds since 1970, two rates, two indices.

    Raises:
        PayloadChanged: A log is not an update of one of our reserves.
    """
    if not isinstance(logs, list):
        raise PayloadChanged(f"expected a list of logs, found {quoted(logs, 80)}")
    updates = []
    for log in logs:
        if not is_update(log):
            raise PayloadChanged(f"expected ReserveDataUpdated of Aave's pool, found {quoted(log, 120)}")
        asset = RESERVES.get(address_of(member(log, "topics")[1]))
        if asset is None or was_removed(log):
            raise PayloadChanged(f"expected a final log of {sorted(RESERVES.values())}, found {quoted(log, 200)}")
        supply, _, borrow, supply_index, borrow_index = (word / RAY for word in words(member(log, "data"), 5))
        block, place = quantity(member(log, "blockNumber")), quantity(member(log, "logIndex"))
        updates.append((asset, block, place, clock.at(log), supply, borrow, supply_index, borrow_index))
    return updates


def _day(updates: pl.DataFrame, asset: str, start: int, end: int) -> pl.DataFrame:
    """One reserve's day, from its updates in order; refused where none is from before the day."""
    standing = updates.unique("block", keep="last", maintain_order=True)
    before = standing.filter(pl.col("at") <= start)
    if before.is_empty():
        reason = f"expected an update of {asset} before the day, found {updates.height} after its start"
        return refuse(
            pl.DataFrame(schema=UNKNOWN_DAY).clear(1).with_columns(asset=pl.lit(asset)),
            pl.lit(value=True),
            pl.lit(reason),
        )
    until = pl.col("at").shift(-1, fill_value=float(end)).clip(start, end)
    held = standing.with_columns(seconds=until - pl.col("at").clip(start, end)).filter(pl.col("at") < end)
    stood = held.filter(pl.col("seconds") > 0)
    supply_index, borrow_index = _indices(held.tail(1), end)
    supply_index_before, borrow_index_before = _indices(before.tail(1), start)
    return stood.select(
        asset=pl.lit(asset),
        supply_apr=(pl.col("supply") * pl.col("seconds")).sum() / DAY_SECONDS,
        supply_apr_max=pl.col("supply").max(),
        supply_apr_last=pl.col("supply").last(),
        supply_apy_realised=pl.lit((supply_index / supply_index_before) ** 365 - 1),
        borrow_apr=(pl.col("borrow") * pl.col("seconds")).sum() / DAY_SECONDS,
        borrow_apr_max=pl.col("borrow").max(),
        borrow_apr_last=pl.col("borrow").last(),
        borrow_apy_realised=pl.lit((borrow_index / borrow_index_before) ** 365 - 1),
        stamped_at=seconds_to_instant(pl.col("at").last().cast(pl.Int64)),
    )


def _indices(last_update: pl.DataFrame, at: int) -> tuple[float, float]:
    """Both indices at an instant: deposits grow linearly after an update, debts compound every second."""
    years = (at - pl.col("at")) / YEAR_SECONDS
    supply = pl.col("supply_index") * (1 + pl.col("supply") * years)
    borrow = pl.col("borrow_index") * (pl.col("borrow") * years).exp()
    row: tuple[float, float] = last_update.select(supply.alias("supply"), borrow.alias("borrow")).row(0)
    return row


def normalize_compound(payload: Any, *, asset: str, utilization: str) -> pl.DataFrame:
    """Turn the state of Compound's market at the end of a day into a row.

    `getSupplyRate` and `getBorrowRate` return, for a utilization, the rate per second in units of 1e-18, without
    rewards; a year has 31,536,000 seconds. The requested utilization must be the market's own, which is in the same
    batch.

    Args:
        payload: The batch's answers: utilization, deposit rate, borrow rate, and the block after which they held.
        asset: Our name of the asset; the answer does not say.
        utilization: The utilization that the rates were requested for, in units of 1e-18.

    Returns:
        A row of `lending_rates` of the block's day.
    """
    *figures, header = results(payload)
    had, supply, borrow = (words(figure, 1)[0] for figure in figures)
    if str(had) != utilization:
        raise PayloadChanged(f"expected rates at the market's utilization {had}, found {utilization} asked for")
    unknown = pl.lit(None, pl.Float64)
    stamp = seconds_to_instant(pl.lit(block_of(header).at))
    return pl.select(
        date=day_of(stamp),
        protocol=pl.lit("compound-v3"),
        chain=pl.lit("ethereum"),
        asset=pl.lit(asset),
        supply_apr=per_second_to_apr(pl.lit(supply / WAD)),
        supply_apr_max=unknown,
        supply_apr_last=unknown,
        supply_apy_realised=unknown,
        borrow_apr=per_second_to_apr(pl.lit(borrow / WAD)),
        borrow_apr_max=unknown,
        borrow_apr_last=unknown,
        borrow_apy_realised=unknown,
        utilization=pl.lit(had / WAD),
        available_usd=unknown,
        sampling=pl.lit("daily_last"),
        stamped_at=stamp,
        available_at=end_of(day_of(stamp)),
    )
