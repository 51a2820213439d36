"""Binance spot klines, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import table, text_fields
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, refuse_some, require_midnights

# The twelve fields of a kline. Over REST prices and quantities are text; in the archive every field is.
FIELDS = {
    "open_time": pl.Int64,
    "open": pl.String,
    "high": pl.String,
    "low": pl.String,
    "close": pl.String,
    "volume": pl.String,
    "close_time": pl.Int64,
    "quote_volume": pl.String,
    "trades": pl.Int64,
    "taker_base": pl.String,
    "taker_quote": pl.String,
    "unused": pl.String,
}

# How a header begins, where a file has one; the later names vary.
IN_HEADERS = list(FIELDS)[:7]


def rest_klines(payload: Any) -> pl.DataFrame:
    """Klines of the REST interface: lists of twelve fields."""
    return table(payload, **FIELDS)


def archived_klines(payload: Any) -> pl.DataFrame:
    """Klines of the archive: lines of twelve fields, stamped in milliseconds up to 2024, with or without a header.

    From 2025 on the stamps, also of the close, are microseconds.

    Raises:
        PayloadChanged: Another number of fields, or a header that names them in another order.
    """
    lines = text_fields(payload, *FIELDS)
    first = list(lines.row(0))[: len(IN_HEADERS)] if lines.height else []
    if first[:1] == IN_HEADERS[:1]:
        if first != IN_HEADERS:
            raise PayloadChanged(f"expected a header that begins with {IN_HEADERS}, found {first}")
        lines = lines.slice(1)
    return lines.with_columns(pl.col(name).cast(kind, strict=True) for name, kind in FIELDS.items())


PERIODS = {"day": "1d", "hour": "1h"}


def candles(klines: pl.DataFrame, period: str) -> pl.DataFrame:
    """Klines as numbers, each of which must last as long as requested.

    In an outage of Binance, as in January, February and July 2018, a candle is cut short: it closes when trading
    stopped, at an odd millisecond. It is what was published for its period, and is kept. A longer candle is of another
    interval, and so is a page most of whose candles are short, or whose only candle is short and closes with a full
    second.

    Args:
        klines: The twelve fields.
        period: How long a candle lasts: one of `PERIODS`.

    Returns:
        opened_at, open, high, low, close, volume (units of the asset), turnover (units of the quote); in a page of
        candles one that lasts longer, or ends before it begins, is marked as refused.

    Raises:
        PayloadChanged: Candles of another interval.
    """
    opened = klines.with_columns(opened_at=epoch_to_instant(pl.col("open_time")))
    # The close is the last millisecond (or microsecond) before the next candle.
    ends = epoch_to_instant(pl.col("close_time") + 1)
    due = pl.col("opened_at").dt.offset_by(PERIODS[period])
    impossible = (ends > due) | (ends <= pl.col("opened_at"))
    short = opened.filter(ends < due)
    alone = opened.height == 1 and short.filter(ends == ends.dt.truncate("1s")).height == 1
    if alone or 1 < opened.height < 2 * short.height:
        raise PayloadChanged(f"expected candles that end with their {period}, found {short.row(0)[:7]}")
    held = refuse_some(opened, impossible, f"candles that end with their {period}", "close_time")
    return held.select(
        *marks(held),
        "opened_at",
        *(decimal_text(pl.col(name)).alias(name) for name in ("open", "high", "low", "close", "volume")),
        turnover=decimal_text(pl.col("quote_volume")),
    )


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily klines into candles.

    A kline is stamped with its open; the value is final when the UTC day is over. Turnover is the quote volume (USDT,
    taken at par), which Binance sums trade by trade: volume times a price is not the same.

    Args:
        payload: The decoded answer: lists of twelve fields, prices as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `spot_prices`: prices and turnover in USD (USDT at par), quantity in units of the asset.
    """
    return _days(rest_klines(payload), asset)


def normalize_archive(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn a month's file of daily klines into candles; the fields mean what they mean over REST.

    Args:
        payload: The archive's CSV: twelve columns, as a rule without a header.
        asset: The requested asset; the file does not say.

    Returns:
        Rows of `spot_prices`.
    """
    return _days(archived_klines(payload), asset)


def _days(klines: pl.DataFrame, asset: str) -> pl.DataFrame:
    day = day_of(pl.col("opened_at"))
    held = require_midnights(candles(klines, "day"), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("binance"),
        quote=pl.lit("USDT"),
        open_usd=pl.col("open"),
        high_usd=pl.col("high"),
        low_usd=pl.col("low"),
        close_usd=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_usd=pl.col("turnover"),
        stamped_at=pl.col("opened_at"),
        available_at=end_of(day),
    )
