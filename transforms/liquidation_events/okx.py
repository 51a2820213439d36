"""OKX's liquidation orders, as rows of `liquidation_events`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.forced_closings import days_within, events, without_events
from transforms.payload import column, member, rows
from transforms.units import contracts_to_coins, decimal_text, epoch_to_instant

VENUE = "okx"
SOLD, BOUGHT = "sell", "buy"
CLOSES = {SOLD: "long", BOUGHT: "short"}


def told_of(payload: Any) -> list[Any]:
    """The orders of an answer, each taken out of its group."""
    return [order for group in member(payload, "data") for order in member(group, "details")]


def normalize(
    payload: Any, *, asset: str, symbol: str, coins: str | None = None, dollars: str | None = None
) -> pl.DataFrame:
    """Turn a page of liquidation orders into rows.

    An order is stamped with its instant. `side` is what it did: it sold a long position, or bought a short one back;
    `posSide` states the position where the account holds both, and must agree. `sz` counts contracts, sized in coins
    or, for a swap that is settled in the coin, in dollars; coins are valued at the order's price, `bkPx`, at which the
    position was bankrupt. An order has no name, so its name is made of all its fields: two orders that are alike to the
    last digit at one instant count once.

    Args:
        payload: The decoded answer: groups under `data`, each with orders under `details`, newest first.
        asset: Our name of the asset.
        symbol: The swap's underlying, as OKX names it; a group about another one is refused.
        coins: The contract size in coins.
        dollars: The contract size in dollars, where it is not in coins.

    Returns:
        Rows of `liquidation_events`, and a row without a value for each day that the answer covers wholly.
    """
    groups = member(payload, "data")
    others = [group for group in groups if member(group, "instId") != f"{symbol}-SWAP"]
    if others:
        raise PayloadChanged(f"expected orders in {symbol}-SWAP, found {others[0]['instId']}")
    orders = told_of(payload)
    page = rows(orders, side=pl.String, posSide=pl.String, bkPx=pl.String, sz=pl.String, ts=pl.String)
    named = page.with_columns(
        column("event", [_name(symbol, order) for order in orders], pl.String),
        stamped_at=epoch_to_instant(pl.col("ts").cast(pl.Int64, strict=True)),
        closed=pl.col("side").replace_strict(CLOSES, default=None, return_dtype=pl.String),
        contracts=decimal_text(pl.col("sz")),
        price_usd=decimal_text(pl.col("bkPx")),
    )
    agrees = (pl.col("posSide") == pl.col("closed")) | ~pl.col("posSide").is_in(list(CLOSES.values()))
    odd = named.filter(~agrees.fill_null(value=False))
    if odd.height:
        raise PayloadChanged(
            f"expected an order that closes its position, found {odd.select('side', 'posSide').row(0)}"
        )
    size = contracts_to_coins(pl.col("contracts"), float(coins)) * pl.col("price_usd") if coins else None
    closings = named.select(
        "stamped_at",
        "event",
        "price_usd",
        asset=pl.lit(asset),
        side=pl.col("closed"),
        amount_usd=pl.col("contracts") * float(dollars) if dollars else size,
    )
    quiet = days_within(named["stamped_at"].drop_nulls())
    return pl.concat([events(closings, venue=VENUE), without_events(quiet, venue=VENUE)])


def _name(symbol: str, order: dict[str, Any]) -> str:
    return " ".join([symbol, *(str(order[field]) for field in ("ts", "side", "posSide", "sz", "bkPx"))])
