"""Coinglass' envelope and its daily buckets, as a frame, whatever they measure."""

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.payload import NUMBER_OR_TEXT, Kind, member, rows
from transforms.refused import told_once
from transforms.units import epoch_to_instant, require_midnights


def buckets(payload: Any, *fields: str, to_instant: Callable[[pl.Expr], pl.Expr] = epoch_to_instant) -> pl.DataFrame:
    """The buckets of an answer, each stamped with its start, 00:00 UTC.

    Values come as numbers from some endpoints and as text from others, and the documentation is not always right about
    which; both are read.

    Args:
        payload: The decoded answer: objects under `data`, oldest first.
        *fields: What a bucket holds besides its stamp `time`.
        to_instant: What the stamp counts: milliseconds, or seconds at some endpoints.

    Returns:
        stamped_at and the fields; repetitions dropped. A bucket at another hour, or one of several with one stamp, is
        marked as refused.
    """
    values: dict[str, Kind] = dict.fromkeys(fields, NUMBER_OR_TEXT)
    page = rows(member(payload, "data"), time=pl.Int64, **values)
    stamped = page.with_columns(stamped_at=to_instant(pl.col("time"))).drop("time")
    return require_midnights(told_once(stamped, "stamped_at", thing="bucket for each stamp"), "stamped_at")
