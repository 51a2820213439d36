"""Open interest at CME by the CFTC's weekly report, as rows of `open_interest`."""

from datetime import date, time
from typing import Any, NamedTuple

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import tuesdays_third_day
from transforms.payload import rows
from transforms.units import contracts_to_coins, decimal_text, start_of


class Future(NamedTuple):
    """A future as the report names it.

    Attributes:
        asset: Our name of the asset.
        coins: The contract size in coins.
    """

    asset: str
    coins: float


FUTURES = {
    "BITCOIN - CHICAGO MERCANTILE EXCHANGE": Future("BTC", 5.0),
    "MICRO BITCOIN - CHICAGO MERCANTILE EXCHANGE": Future("BTC", 0.1),
}

# Reports that came late: the day that they describe, and the day on which they were out.
LATE = {
    # Government shutdown, after which two reports a week were published (CFTC, 29 January 2019).
    date(2018, 12, 24): date(2019, 2, 1),
    date(2018, 12, 31): date(2019, 2, 5),
    date(2019, 1, 8): date(2019, 2, 8),
    date(2019, 1, 15): date(2019, 2, 12),
    date(2019, 1, 22): date(2019, 2, 15),
    date(2019, 1, 29): date(2019, 2, 19),
    date(2019, 2, 5): date(2019, 2, 22),
    date(2019, 2, 12): date(2019, 2, 26),
    date(2019, 2, 19): date(2019, 3, 1),
    date(2019, 2, 26): date(2019, 3, 5),
    # A ransomware attack on a clearing firm: the first report came on 24 February, the others one by one until the
    # middle of March (CFTC, 16 February 2023). For those the last day is taken on which they can have come.
    date(2023, 1, 31): date(2023, 2, 24),
    date(2023, 2, 7): date(2023, 3, 17),
    date(2023, 2, 14): date(2023, 3, 17),
    date(2023, 2, 21): date(2023, 3, 17),
    date(2023, 2, 28): date(2023, 3, 17),
    date(2023, 3, 7): date(2023, 3, 17),
    # Another government shutdown (CFTC, 18 November 2025: the table of days).
    date(2025, 9, 30): date(2025, 11, 19),
    date(2025, 10, 7): date(2025, 11, 21),
    date(2025, 10, 14): date(2025, 11, 25),
    date(2025, 10, 21): date(2025, 12, 2),
    date(2025, 10, 28): date(2025, 12, 5),
    date(2025, 11, 4): date(2025, 12, 9),
    date(2025, 11, 10): date(2025, 12, 12),
    date(2025, 11, 18): date(2025, 12, 16),
    date(2025, 11, 25): date(2025, 12, 19),
    date(2025, 12, 2): date(2025, 12, 23),
    date(2025, 12, 9): date(2025, 12, 30),
    date(2025, 12, 16): date(2026, 1, 6),
    date(2025, 12, 23): date(2026, 1, 9),
    date(2025, 12, 30): date(2026, 1, 13),
    date(2026, 1, 6): date(2026, 1, 16),
    date(2026, 1, 13): date(2026, 1, 20),
}
# Out on Fridays at 15:30 in New York, 20:30 UTC in winter; we keep the later hour all year.
RELEASE = tuesdays_third_day(time(20, 30), LATE)


def normalize(payload: Any, *, market: str) -> pl.DataFrame:
    """Turn weekly reports into one row each.

    A report is dated with the day that it describes: Tuesday's close, or Monday's where Tuesday is a holiday.
    `open_interest_all` counts contracts, each once. The report's spacing varies (`MICRO ETHER  - `): names are compared
    with one space between two words. The report does not state their worth in dollars.

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
    named = pl.col("market_and_exchange_names").str.replace_all(r"\s+", " ").str.strip_chars()
    others = page.filter(named.ne_missing(market))
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
