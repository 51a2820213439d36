"""Binance open interest, as rows of `open_interest`."""

from datetime import date
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.interest_readings import days_of, flush_of
from transforms.payload import rows, text_columns
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, spaced_to_instant

PERPETUAL = "PERPETUAL"


def _counted(dollars: str | None) -> dict[str, pl.Expr]:
    """Coins and dollars from a count and its worth: coins and USDT, or contracts sized in dollars and coins."""
    count, worth = decimal_text(pl.col("count")), decimal_text(pl.col("worth"))
    return {"coins": count, "usd": worth} if dollars is None else {"coins": worth, "usd": count * float(dollars)}


def _page(payload: Any, dollars: str | None) -> pl.DataFrame:
    names = {"symbol": pl.String} if dollars is None else {"pair": pl.String, "contractType": pl.String}
    page = rows(payload, **names, sumOpenInterest=pl.String, sumOpenInterestValue=pl.String, timestamp=pl.Int64)
    if dollars is not None:
        kind = pl.when(pl.col("contractType") == PERPETUAL).then(pl.lit("PERP")).otherwise(pl.col("contractType"))
        page = page.with_columns(symbol=pl.format("{}_{}", "pair", kind))
    return page.rename({"sumOpenInterest": "count", "sumOpenInterestValue": "worth"}).select(
        "symbol", stamped_at=epoch_to_instant(pl.col("timestamp")), **_counted(dollars)
    )


def _of(symbol: str, readings: pl.DataFrame) -> pl.DataFrame:
    others = readings.filter(pl.col("symbol").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected readings of {symbol}, found {others['symbol'][0]}")
    return readings


def _day(readings: pl.DataFrame, asset: str, symbol: str, day: str, dollars: str | None) -> pl.DataFrame:
    """The one row of a day.

    A file may hold the first reading of the next day too, which belongs to that day. A line without its numbers is not
    a reading, and one without its instant could be of any day.

    Raises:
        PayloadChanged: A line has no instant.
    """
    undated = readings["stamped_at"].null_count()
    if undated:
        raise PayloadChanged(f"expected an instant in every line, found {undated} without")
    mine = _of(symbol, readings).filter(day_of(pl.col("stamped_at")) == date.fromisoformat(day))
    known = mine.drop_nulls()
    return days_of(known, asset=asset, venue="binance", contract=symbol).with_columns(
        flush_usd=pl.lit(flush_of(known, in_dollars=dollars is not None), pl.Float64)
    )


def normalize(payload: Any, *, asset: str, symbol: str, day: str, dollars: str | None = None) -> pl.DataFrame:
    """Turn a day of five-minute readings from REST into one row.

    A reading is stamped with its instant. `sumOpenInterest` counts coins and `sumOpenInterestValue` their worth in USDT
    or USDC, taken at par with the dollar. For futures that are settled in the coin the first counts contracts sized in
    dollars, and the second is their worth in coins. Both count a contract once.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        symbol: Binance's name of the perpetual; an answer about another one is refused.
        day: The requested UTC day.
        dollars: The contract size in dollars, where it is settled in the coin.

    Returns:
        A row of `open_interest`: coins, USD; none where the day has no reading in its last hour.
    """
    return _day(_page(payload, dollars), asset, symbol, day, dollars)


def normalize_end(payload: Any, *, asset: str, symbol: str, day: str, dollars: str | None = None) -> pl.DataFrame:
    """Turn the one reading at the end of a day into a row: that is the row stamped with the next midnight.

    Args:
        payload: The decoded answer: objects with the fields that `normalize` reads.
        asset: Our name of the asset.
        symbol: Binance's name of the perpetual; an answer about another one is refused.
        day: The requested UTC day.
        dollars: The contract size in dollars, where it is settled in the coin.

    Returns:
        A row of `open_interest`: coins, USD; the day's high and low and its flush are unknown.
    """
    page = _of(symbol, _page(payload, dollars)).drop_nulls()
    last = page.with_columns(date=day_of(pl.col("stamped_at").dt.offset_by("-1us"))).filter(
        pl.col("date") == date.fromisoformat(day), pl.col("stamped_at") == end_of(pl.col("date"))
    )
    return last.select(
        "date",
        "stamped_at",
        asset=pl.lit(asset),
        venue=pl.lit("binance"),
        contract=pl.lit(symbol),
        open_interest_coins=pl.col("coins"),
        open_interest_usd=pl.col("usd"),
        open_interest_usd_high=pl.lit(None, pl.Float64),
        open_interest_usd_low=pl.lit(None, pl.Float64),
        flush_usd=pl.lit(None, pl.Float64),
        cadence=pl.lit("daily"),
        available_at=pl.col("stamped_at"),
    )


def normalize_archive(payload: Any, *, asset: str, symbol: str, day: str, dollars: str | None = None) -> pl.DataFrame:
    """Turn one daily archive file of five-minute readings into one row.

    `create_time` is the reading's instant, in UTC. Readings may be missing, and early files repeat each line. The
    other columns are ratios of accounts and of trading, which may be empty; they are not read.

    Args:
        payload: The CSV of the zip file, as text columns.
        asset: Our name of the asset.
        symbol: Binance's name of the perpetual; a file about another one is refused.
        day: The UTC day that the file is named after.
        dollars: The contract size in dollars, where it is settled in the coin.

    Returns:
        A row of `open_interest`, as `normalize` returns it.
    """
    lines = text_columns(payload, "create_time", "symbol", "sum_open_interest", "sum_open_interest_value")
    readings = lines.rename({"sum_open_interest": "count", "sum_open_interest_value": "worth"}).select(
        "symbol", stamped_at=spaced_to_instant(pl.col("create_time")), **_counted(dollars)
    )
    return _day(readings, asset, symbol, day, dollars)
