"""Binance funding payments, from its REST answers and from its monthly archive, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import rows, text_columns
from transforms.units import day_of, decimal_text, epoch_to_instant


def _settlements(stamped: pl.DataFrame, asset: str) -> pl.DataFrame:
    """Name each payment by its hour: Binance's stamps are a few milliseconds late."""
    settled_at = pl.col("stamped_at").dt.round("1h")
    return stamped.select(
        date=day_of(settled_at),
        settled_at=settled_at,
        asset=pl.lit(asset),
        venue=pl.lit("binance"),
        funding_rate=decimal_text(pl.col("rate")),
        interval_hours=pl.col("interval_hours"),
        stamped_at=pl.col("stamped_at"),
        available_at=settled_at,
    )


def normalize(payload: Any, *, asset: str, symbol: str, interval_hours: str) -> pl.DataFrame:
    """Turn one page of REST funding history into payments.

    The answer does not tell the interval, so the source states what Binance's list of adjusted symbols said when
    the page was asked for. Where that is not true of an older day, the day's intervals do not add up to 24 hours
    and the check holds the day back until the archive, which states the interval, is out.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        symbol: Binance's name of the perpetual; an answer about another one is refused.
        interval_hours: Hours between two payments.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts.
    """
    page = rows(payload, symbol=pl.String, fundingTime=pl.Int64, fundingRate=pl.String)
    others = page.filter(pl.col("symbol") != symbol)
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['symbol'][0]}")
    return _settlements(
        page.select(
            stamped_at=epoch_to_instant(pl.col("fundingTime")),
            rate=pl.col("fundingRate"),
            interval_hours=pl.lit(int(interval_hours), pl.Int64),
        ),
        asset,
    )


def normalize_archive(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one monthly archive file into payments; each row states its own interval.

    Args:
        payload: The CSV of the zip file, as text columns.
        asset: Our name of the asset.

    Returns:
        Rows of `funding_rates`, as `normalize` returns them.
    """
    lines = text_columns(payload, "calc_time", "funding_interval_hours", "last_funding_rate")
    return _settlements(
        lines.select(
            stamped_at=epoch_to_instant(pl.col("calc_time").cast(pl.Int64, strict=True)),
            rate=pl.col("last_funding_rate"),
            interval_hours=pl.col("funding_interval_hours").cast(pl.Int64, strict=True),
        ),
        asset,
    )
