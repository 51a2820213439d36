"""Bitfinex's liquidations, as rows of `liquidation_events`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, brief
from transforms.formats.forced_closings import days_within, events, without_events
from transforms.payload import table
from transforms.units import epoch_to_instant

VENUE = "bitfinex"
FIELDS = 12
POSITION = "pos"
EXECUTED = 1

# Perpetuals in USDT, and margin pairs in dollars or USDT; long names have a colon.
MARKET = r"^t([A-Z0-9]{2,}?)(?:F0:USTF0|:?USD|:?UST)$"
# Bitfinex's ticker, then the usual one.
NAMES = {
    "ALG": "ALGO",
    "ATO": "ATOM",
    "BCHN": "BCH",
    "DSH": "DASH",
    "IOT": "IOTA",
    "QTM": "QTUM",
    "UDC": "USDC",
    "UST": "USDT",
}
# Perpetuals on indices, currencies and metals, and the markets of paper trading.
NOT_COINS = r"IX$|^(?:AUD|CHF|EUR|EUT|GBP|JPY|XAG|XAU|XPD|XPT)$|^TEST"


def told_of(payload: Any) -> list[list[Any]]:
    """The rows of an answer, each taken out of its own list."""
    if not isinstance(payload, list) or not all(isinstance(group, list) for group in payload):
        raise PayloadChanged(f"expected lists of positions, found {brief(payload, 80)}")
    positions = [row for group in payload for row in group]
    odd = [row for row in positions if not isinstance(row, list) or len(row) != FIELDS or row[0] != POSITION]
    if odd:
        raise PayloadChanged(f"expected positions of {FIELDS} fields, found {brief(odd[0], 120)}")
    return positions


def normalize(payload: Any) -> pl.DataFrame:
    """Turn a page of liquidations into rows.

    A row is stamped with its instant. A position has one row when its liquidation is triggered and one when it is
    executed, which may repeat: the first executed row of each position is taken. Positions that Bitfinex took over and
    has not sold yet are left out. The sign of the amount is the position's side. The value is the coins times the price
    at which the position was acquired from its holder; where that is missing, times its entry price. Markets in other
    coins and currencies than dollars and USDT are left out, and so is what is not a coin.

    Args:
        payload: The decoded answer: lists of one list each, newest first.

    Returns:
        Rows of `liquidation_events`, and a row without a value for each day that the answer covers wholly.
    """
    positions = told_of(payload)
    page = table(
        [[row[place] for place in (1, 2, 4, 5, 6, 8, 11)] for row in positions],
        position=pl.Int64,
        stamp=pl.Int64,
        symbol=pl.String,
        amount=pl.Float64,
        entered=pl.Float64,
        step=pl.Int64,
        acquired=pl.Float64,
    ).with_columns(
        stamped_at=epoch_to_instant(pl.col("stamp")),
        name=pl.col("symbol").str.extract(MARKET),
        price_usd=pl.coalesce("acquired", "entered"),
    )
    closed = (
        page.filter(pl.col("step") == EXECUTED, pl.col("name").is_not_null(), ~pl.col("name").str.contains(NOT_COINS))
        .sort("stamped_at", maintain_order=True)
        .unique("position", keep="first", maintain_order=True)
    )
    rows = closed.select(
        "stamped_at",
        "price_usd",
        asset=pl.col("name").replace(NAMES),
        event=pl.col("position").cast(pl.String),
        side=pl.when(pl.col("amount") > 0).then(pl.lit("long")).otherwise(pl.lit("short")),
        amount_usd=pl.col("amount").abs() * pl.col("price_usd"),
    )
    quiet = days_within(page["stamped_at"].drop_nulls())
    return pl.concat([events(rows, venue=VENUE), without_events(quiet, venue=VENUE)])
