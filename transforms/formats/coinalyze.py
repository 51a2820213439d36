"""Coinalyze's histories of several markets in one answer, as one frame, whatever they measure."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import Kind, member, rows
from transforms.refused import told_once
from transforms.units import require_midnights, seconds_to_instant


def histories(payload: Any, symbols: str, **fields: Kind) -> pl.DataFrame:
    """The daily buckets of the requested markets.

    A bucket is stamped with its start in seconds, 00:00 UTC. A market without a bucket in the window is left out of the
    answer, so it has no buckets here; code that sums several markets must count them. A market that was not requested,
    or that comes twice, is refused.

    Args:
        payload: The decoded answer: a list of objects with `symbol` and `history`.
        symbols: Coinalyze's names of the markets, with commas between them, in the order of the request.
        **fields: What a bucket holds besides its stamp `t`.

    Returns:
        stamped_at, symbol and the fields; repetitions dropped. A bucket at another hour, or one of several with one
        stamp, is marked as refused.
    """
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of histories, found {type(payload).__name__}")
    asked, answered = symbols.split(","), [member(market, "symbol") for market in payload]
    if not set(answered) <= set(asked) or len(set(answered)) < len(answered):
        raise PayloadChanged(f"expected the histories of {asked}, found {answered}")
    none = rows([], t=pl.Int64, **fields).with_columns(symbol=pl.lit(None, pl.String))
    frames = [
        rows(member(market, "history"), t=pl.Int64, **fields).with_columns(symbol=pl.lit(member(market, "symbol")))
        for market in payload
    ]
    stamped = pl.concat([none, *frames]).with_columns(stamped_at=seconds_to_instant(pl.col("t"))).drop("t")
    buckets = told_once(stamped, "stamped_at", "symbol", thing="bucket for each stamp")
    return require_midnights(buckets, "stamped_at").sort("stamped_at", "symbol")
