"""The Treasury's cash and its par yields, as rows of `macro_series`."""

from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import market_days, office_days_next_day
from transforms.formats.published import amounts, rates
from transforms.payload import member, rows, text_columns
from transforms.units import decimal_text, millions_to_units, percent_to_fraction

# The statement comes at 16:00 in New York on the next working day, 21:00 UTC in winter, which we keep all year.
# The yields come by 18:00 on their own day, 23:00 UTC in winter: they are taken to be public when the UTC day is over.
STATEMENTS = office_days_next_day(time(21, 0))
YIELDS = market_days(timedelta(days=1, minutes=15))

# The account that holds the cash, and the field of its balance at the day's end, from the oldest name to the newest.
ACCOUNTS = {
    "Federal Reserve Account": "close_today_bal",
    "Treasury General Account (TGA)": "close_today_bal",
    # A row of its own since April 2022: the opening balance of this row is the day's closing one.
    "Treasury General Account (TGA) Closing Balance": "open_today_bal",
}
TENORS = {"yield_3m": "3 Mo", "yield_1y": "1 Yr"}
NOT_SAID = ["null", "", "N/A"]


def normalize(payload: Any) -> pl.DataFrame:
    """Turn a page of Daily Treasury Statements into one row per day.

    `record_date` is the day at whose end the balance held. Amounts are in millions of dollars, as text; unknown is the
    text `null`. The row and the field that hold the balance changed twice: the account's name decides, not the day, and
    of two names on one day the newer one counts. A day that lists none of the names is a change of shape.

    Args:
        payload: The decoded answer.

    Returns:
        Rows of `macro_series` for `tga_daily`, in USD.
    """
    text = pl.String
    listed = rows(
        member(payload, "data"), record_date=text, account_type=text, open_today_bal=text, close_today_bal=text
    )
    names = list(ACCOUNTS)
    balance = pl.coalesce(
        pl.when(pl.col("account_type") == name).then(pl.col(field)) for name, field in ACCOUNTS.items()
    )
    known = (
        listed.filter(pl.col("account_type").is_in(names))
        .with_columns(
            era=pl.col("account_type").replace_strict({name: place for place, name in enumerate(names)}),
            amount=millions_to_units(decimal_text(balance.replace(NOT_SAID, None))),
        )
        .filter(pl.col("era") == pl.col("era").max().over("record_date"))
    )
    days = sorted(set(listed["record_date"]))
    # The first and the last day of a page may be cut by it.
    whole = days[1:-1] if known.height else days
    nameless = [day for day in whole if day not in set(known["record_date"])]
    if nameless:
        raise PayloadChanged(f"expected one of the accounts {names} on {nameless[0]}, found none")
    values = known.select("amount", date=pl.col("record_date").str.to_date("%Y-%m-%d")).sort("date")
    return amounts(values, series="tga_daily", available_at=STATEMENTS.available_at(values["date"]))


def normalize_yields(payload: Any) -> pl.DataFrame:
    """Turn a year's par yields into two rows per day: 3 months and 1 year.

    A row is stamped with the trading day. Yields are in percent a year, bond-equivalent, as everyone else quotes them.
    A maturity without a yield on the day is empty.

    Args:
        payload: The CSV as text columns; the maturities listed differ by year.

    Returns:
        Rows of `macro_series` for `yield_3m` and `yield_1y`.
    """
    listed = text_columns(payload, "Date", *TENORS.values())
    days = listed.with_columns(date=pl.col("Date").str.to_date("%m/%d/%Y"))
    return pl.concat(
        rates(
            days.select("date", rate_apr=percent_to_fraction(decimal_text(pl.col(tenor).replace(NOT_SAID, None)))),
            series=series,
            available_at=YIELDS.available_at(days["date"]),
        )
        for series, tenor in TENORS.items()
    )
