"""DefiLlama's supply of one stablecoin, in total and per chain, as rows of `stablecoin_supply`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import member, members, numbers
from transforms.units import day_of, seconds_to_instant

DOLLAR = "peggedUSD"


def normalize(payload: Any, *, asset: str, coin_id: str) -> pl.DataFrame:
    """Turn one coin's history into one row per chain and UTC day.

    A point stamped midnight holds the first clean reading after it, so it shows how the *previous* day ended. A point
    with another stamp is a live reading of the current day and is left out. We take `circulating`, in coins: coins that
    are minted but not released are not supply, and a dollar value would count every move of the price as issuance. An
    amount that is zero or unknown has no key at all, so the two cannot be told apart: unknown. The newest midnight may
    be served with the latest reading in it; it is requested again on the following days.

    Args:
        payload: The decoded answer.
        asset: Our name of the coin.
        coin_id: DefiLlama's number of the coin; an answer about another one is refused.

    Returns:
        Rows of `stablecoin_supply`: supply in coins, supply_usd at one dollar each for stablecoins of the dollar.
    """
    if str(member(payload, "id")) != coin_id:
        raise PayloadChanged(f"expected the coin {coin_id}, found {payload['id']}")
    peg = member(payload, "pegType")
    points = {"ALL": member(payload, "tokens")} | {
        chain.lower(): member(balances, "tokens") for chain, balances in members(payload, "chainBalances").items()
    }
    frames = [_chain(chain, tokens, peg) for chain, tokens in points.items()]
    stamped = pl.concat(frames).with_columns(stamped_at=seconds_to_instant(pl.col("stamp")))
    midnights = stamped.filter(pl.col("stamped_at") == pl.col("stamped_at").dt.truncate("1d"))
    at_par = pl.col("supply") if peg == DOLLAR else pl.lit(None, pl.Float64)
    return midnights.select(
        date=day_of(pl.col("stamped_at")).dt.offset_by("-1d"),
        asset=pl.lit(asset),
        chain=pl.col("chain"),
        supply=pl.col("supply"),
        supply_usd=at_par,
        stamped_at=pl.col("stamped_at"),
        # Answers are cached for half an hour.
        available_at=pl.col("stamped_at").dt.offset_by("30m"),
    )


def _amount(circulating: Any, peg: str) -> Any:
    """The amount of one point; unknown where it has no key, or where a bare 0 stands for the whole object."""
    return None if circulating in (0, {}) else circulating.get(peg)


def _chain(chain: str, tokens: Any, peg: str) -> pl.DataFrame:
    try:
        stamps = [int(point["date"]) for point in tokens]
        supply = [_amount(point["circulating"], peg) for point in tokens]
    except (KeyError, TypeError, ValueError, AttributeError) as odd:
        raise PayloadChanged(f"expected points with date and circulating on {chain}, found {odd!r}") from odd
    columns = [pl.Series("stamp", stamps, pl.Int64), numbers("supply", supply)]
    return pl.DataFrame(columns).with_columns(chain=pl.lit(chain))
