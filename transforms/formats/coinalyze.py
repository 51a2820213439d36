"""Coinalyze's histories of several markets in one answer, as one frame, whatever they are of."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import Kind, member, rows
from transforms.refused import told_once
from transforms.units import require_midnights, seconds_to_instant


def histories(payload: Any, symbols: str, **fields: Kind) -> pl.DataFrame:
    """The daily buckets of the markets that were asked for.

    A bucket is stamped with its start in seconds, 00:00 UTC. A market without a bucket in the window is left out of the
    answer, and so it has no buckets here; whoever sums several must count them. One that nobody asked for, or one that
    comes twice, is refused.

    Args:
        payload: The decoded answer: a list of objects with `symbol` and `history`.
        symbols: Coinalyze's names of the markets, with commas between them, in the order in which they were asked for.
        **fields: What a bucket holds besides its stamp `t`.

    Returns:
        stamped_at, symbol and the fields; repetitions dropped. A bucket of another hour, or one of several of a stamp,
        is marked as refused.
    """
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of histories, found {type(payload).__name__}")
    asked, found = symbols.split(","), [member(one, "symbol") for one in payload]
    if not set(found) <= set(asked) or len(set(found)) < len(found):
        raise PayloadChanged(f"expected the histories of {asked}, found {found}")
    none = rows([], t=pl.Int64, **fields).with_columns(symbol=pl.lit(None, pl.String))
    frames = [
        rows(member(one, "history"), t=pl.Int64, **fields).with_columns(symbol=pl.lit(member(one, "symbol")))
        for one in payload
    ]
    told = pl.concat([none, *frames]).with_columns(stamped_at=seconds_to_instant(pl.col("t"))).drop("t")
    buckets = told_once(told, "stamped_at", "symbol", thing="bucket for each stamp")
    return require_midnights(buckets, "stamped_at").sort("stamped_at", "symbol")
