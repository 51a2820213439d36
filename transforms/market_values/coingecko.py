"""CoinGecko's market chart of one asset, as rows of `market_values`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import member, table
from transforms.units import day_of, end_of, epoch_to_instant


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one chart into one row per finished UTC day.

    A point stamped midnight is the state at that instant: it shows how the day *before* ended. The last point of a
    chart is the current value and is dropped, as is any other point within a day, because it shows no day's end; where
    half of the points or more are such, the chart is not a daily one. `market_caps` is price times the circulating
    supply, as CoinGecko counts it, in dollars because that was requested; 0 means that it does not know the supply, and
    is unknown here. We take it and not the fully diluted value, which counts coins that do not exist yet.

    Args:
        payload: The decoded answer: pairs of a stamp (milliseconds) and a number under `prices` and `market_caps`.
        asset: Our name of the asset; the answer does not say.

    Returns:
        Rows of `market_values`: market_cap_usd and price_usd in dollars.
    """
    prices = table(member(payload, "prices"), stamp=pl.Int64, price_usd=pl.Float64)
    caps = table(member(payload, "market_caps"), stamp=pl.Int64, market_cap_usd=pl.Float64)
    if not prices["stamp"].equals(caps["stamp"]):
        raise PayloadChanged("expected prices and market values of the same instants, found others")
    chart = prices.with_columns(caps["market_cap_usd"]).with_columns(stamped_at=epoch_to_instant(pl.col("stamp")))
    at_midnight = pl.col("stamped_at") == pl.col("stamped_at").dt.truncate("1d")
    between = chart.filter(~at_midnight)
    if between.height > 1 and between.height * 2 >= chart.height:
        raise PayloadChanged(
            f"expected points at 00:00 UTC and one of now, found {between['stamped_at'][0]} among them"
        )
    day = day_of(pl.col("stamped_at")).dt.offset_by("-1d")
    return chart.filter(at_midnight).select(
        date=day,
        asset=pl.lit(asset),
        market_cap_usd=pl.when(pl.col("market_cap_usd") != 0).then(pl.col("market_cap_usd")),
        price_usd=pl.col("price_usd"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day).dt.offset_by("35m"),
    )
