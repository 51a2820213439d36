"""Liquidations among Deribit's trades, as rows of `liquidation_events`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.forced_closings import events, without_events
from transforms.payload import column, member, rows
from transforms.units import epoch_to_instant

VENUE = "deribit"
FLAG = "liquidation"
"""The field that a trade has only if one of its sides was liquidated."""
MAKER, TAKER = "M", "T"
FLAGS = (MAKER, TAKER, MAKER + TAKER)
# Settled in the coin, such as BTC-PERPETUAL and BTC-27DEC24: amounts are in dollars.
INVERSE = r"^{}-(?:PERPETUAL|\d{{1,2}}[A-Z]{{3}}\d{{2}})$"


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn a page of trades into rows for those with a liquidation.

    A trade is stamped with its instant. `liquidation` says whose order was a liquidation: the maker's (M), the taker's
    (T), or both (MT), which are two liquidations. `direction` is the taker's: a liquidated seller was long, a
    liquidated buyer was short. `amount` is in dollars, as all these futures are settled in the coin.

    An order appears as the trades that filled it, so the largest trade may be less than the largest liquidation.

    Args:
        payload: The decoded answer: objects under `result.trades`.
        asset: The requested currency; a trade in anything but its inverse futures is refused.

    Returns:
        Rows of `liquidation_events`, and a row without a value for each day that has a trade. The plan ensures that
        these are all trades of the day.
    """
    trades = member(member(payload, "result"), "trades")
    page = rows(
        trades,
        trade_id=pl.String,
        timestamp=pl.Int64,
        instrument_name=pl.String,
        direction=pl.String,
        amount=pl.Float64,
        price=pl.Float64,
    ).with_columns(
        column("flag", [trade.get(FLAG) for trade in trades], pl.String),
        stamped_at=epoch_to_instant(pl.col("timestamp")),
    )
    _require(page, pl.col("instrument_name").str.contains(INVERSE.format(asset)), f"inverse futures of {asset}")
    _require(page, pl.col("direction").is_in(["buy", "sell"]), "buy or sell")
    _require(page, pl.col("flag").is_in(FLAGS) | pl.col("flag").is_null(), f"the flags {FLAGS}")
    taken = page.filter(pl.col("flag").str.contains(TAKER)).with_columns(
        party=pl.lit(TAKER), sold=pl.col("direction") == "sell"
    )
    made = page.filter(pl.col("flag").str.contains(MAKER)).with_columns(
        party=pl.lit(MAKER), sold=pl.col("direction") == "buy"
    )
    closed = pl.concat([taken, made]).select(
        "stamped_at",
        asset=pl.lit(asset),
        event=pl.format("{}-{}", "trade_id", "party"),
        side=pl.when(pl.col("sold")).then(pl.lit("long")).otherwise(pl.lit("short")),
        amount_usd=pl.col("amount"),
        price_usd=pl.col("price"),
    )
    days = page["stamped_at"].dt.date().unique().sort().to_list()
    return pl.concat([events(closed, venue=VENUE), without_events(days, venue=VENUE)])


def _require(page: pl.DataFrame, fits: pl.Expr, what: str) -> None:
    odd = page.filter(~fits.fill_null(value=False))
    if odd.height:
        raise PayloadChanged(f"expected {what}, found {odd.select('instrument_name', 'direction', 'flag').row(0)}")
