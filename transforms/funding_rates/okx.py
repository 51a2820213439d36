"""OKX funding payments, from its REST answers and from its monthly archive, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.funding_intervals import with_intervals
from transforms.formats.funding_payments import named, nearest_hour, payments
from transforms.payload import member, rows, text_columns
from transforms.units import decimal_text, epoch_to_instant, unless_empty


def _payments(stamped: pl.DataFrame, asset: str) -> pl.DataFrame:
    """Give each payment its hour, and infer its interval from the payment before; the oldest is left out."""
    return payments(with_intervals(named(stamped, nearest_hour())), asset=asset, venue="okx")


def _refuse_others(swaps: pl.Series, symbol: str) -> None:
    others = swaps.filter(swaps.ne_missing(symbol))
    if len(others):
        raise PayloadChanged(f"expected payments of {symbol}, found {others[0]}")


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    `fundingTime` is when the payment was exchanged. We take `realizedRate`, which OKX calls the actual rate;
    `fundingRate` beside it is the predicted one. A row without it is no payment yet. The interval is inferred from the
    distance between payments, as OKX advises, so the oldest payment of a page is left out; the next page begins with
    that payment. A payment stamped more than a minute off its hour, or with an unknown interval, costs its day.

    Args:
        payload: The decoded answer: objects under `data`, newest first.
        asset: Our name of the asset.
        symbol: OKX's name of the swap; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts.
    """
    page = rows(member(payload, "data"), instId=pl.String, fundingTime=pl.String, realizedRate=pl.String)
    _refuse_others(page["instId"], symbol)
    stamped = page.select(
        stamped_at=epoch_to_instant(pl.col("fundingTime").cast(pl.Int64, strict=True)),
        funding_rate=decimal_text(unless_empty(pl.col("realizedRate"))),
    ).drop_nulls("funding_rate")
    return _payments(stamped, asset)


def normalize_archive(payload: Any, *, asset: str, symbol: str, before: str) -> pl.DataFrame:
    """Turn one monthly archive file into payments.

    `funding_time` is when the payment was exchanged, in UTC, up to 24 seconds late; it is given the nearest hour. On 18
    December 2022 two payments are stamped one hour and three hours late: their true hours are unknown, and they cost
    that day, and no other. `funding_rate` is taken to be the realised rate, which the file does not say. The interval
    is inferred as in `normalize`. That of a file's first payment needs the end of the file before, which the source
    hands over; those payments are not listed again.

    Args:
        payload: The CSV of the zip file, as text columns.
        asset: Our name of the asset.
        symbol: OKX's name of the swap; a file about another one is refused.
        before: The newest stamps of the file before, in milliseconds, oldest first, separated by spaces; empty where no
            file was read before. A day or more of them distinguishes an interval that changes where the files meet from
            a missing payment.

    Returns:
        Rows of `funding_rates`, as `normalize` returns them.
    """
    lines = text_columns(payload, "instrument_name", "funding_rate", "funding_time")
    _refuse_others(lines["instrument_name"], symbol)
    stamps = [int(stamp) for stamp in before.split()]
    known = pl.DataFrame({"stamp": pl.Series(stamps, dtype=pl.Int64)}).select(
        stamped_at=epoch_to_instant(pl.col("stamp")), funding_rate=pl.lit(None, pl.Float64)
    )
    stamped = lines.select(
        stamped_at=epoch_to_instant(pl.col("funding_time").cast(pl.Int64, strict=True)),
        funding_rate=decimal_text(pl.col("funding_rate")),
    )
    rows = _payments(pl.concat([known, stamped]), asset)
    listed = known["stamped_at"].dt.round("1h").max()
    return rows if listed is None else rows.filter(pl.col("settled_at") > listed)
