"""Open interest at CME by the CFTC's weekly report, as rows of `open_interest`."""

from datetime import time
from typing import Any, NamedTuple

import polars as pl

from expectations.calendar import tuesdays_third_day
from expectations.errors import PayloadChanged
from transforms.payload import rows
from transforms.units import contracts_to_coins, decimal_text, start_of


class Future(NamedTuple):
    """A future as the report names it.

    Attributes:
        asset: Our name of the asset.
        coins: How many coins one contract is of.
    """

    asset: str
    coins: float


FUTURES = {
    "BITCOIN - CHICAGO MERCANTILE EXCHANGE": Future("BTC", 5.0),
    "MICRO BITCOIN - CHICAGO MERCANTILE EXCHANGE": Future("BTC", 0.1),
}

# Out on Fridays at 15:30 in New York, 20:30 UTC in winter; we keep the later hour all year.
RELEASE = tuesdays_third_day(time(20, 30))


def normalize(payload: Any, *, market: str) -> pl.DataFrame:
    """Turn weekly reports into one row each.

    A report is dated with the day that it describes: Tuesday's close, or Monday's where Tuesday is a holiday.
    `open_interest_all` counts contracts, each once. What they are worth in dollars the report does not say.

    Args:
        payload: The decoded answer: objects, numbers as text.
        market: The report's name of the future; a row about another one is refused.

    Returns:
        Rows of `open_interest`: coins; public when the report is.
    """
    future = FUTURES[market]
    page = rows(
        payload, market_and_exchange_names=pl.String, report_date_as_yyyy_mm_dd=pl.String, open_interest_all=pl.String
    )
    others = page.filter(pl.col("market_and_exchange_names").ne_missing(market))
    if others.height:
        raise PayloadChanged(f"expected reports on {market}, found {others['market_and_exchange_names'][0]}")
    unknown = pl.lit(None, pl.Float64)
    dated = page.with_columns(date=pl.col("report_date_as_yyyy_mm_dd").str.slice(0, 10).str.to_date("%Y-%m-%d"))
    return dated.select(
        "date",
        asset=pl.lit(future.asset),
        venue=pl.lit("cme"),
        contract=pl.lit(market.partition(" - ")[0]),
        open_interest_coins=contracts_to_coins(decimal_text(pl.col("open_interest_all")), future.coins),
        open_interest_usd=unknown,
        open_interest_usd_high=unknown,
        open_interest_usd_low=unknown,
        flush_usd=unknown,
        cadence=pl.lit("weekly"),
        stamped_at=start_of(pl.col("date")),
        available_at=RELEASE.available_at(dated["date"]),
    )
