"""Prices, turnover, returns and premiums."""

from expectations.contract import Column

COLUMNS = {
    "open_usd": Column("number", "USD", "price", "First price of the UTC day."),
    "high_usd": Column("number", "USD", "price", "Highest price of the UTC day."),
    "low_usd": Column("number", "USD", "price", "Lowest price of the UTC day."),
    "close_usd": Column("number", "USD", "price", "Last price of the UTC day."),
    "volume_usd": Column("number", "USD", "flow", "Turnover of the day, each trade counted once."),
    "volume_base": Column(
        "number", "units of the asset", "flow", "Quantity traded in the day, each trade counted once."
    ),
    "open_krw": Column("number", "KRW", "price", "First price of the day."),
    "high_krw": Column("number", "KRW", "price", "Highest price of the day."),
    "low_krw": Column("number", "KRW", "price", "Lowest price of the day."),
    "close_krw": Column("number", "KRW", "price", "Last price of the day."),
    "volume_krw": Column(
        "number", "KRW", "flow", "Turnover in won, each trade counted once; turnover, not net inflow."
    ),
    "volume_is_estimated": Column(
        "flag",
        "true or false",
        "label",
        "Whether the turnover is quantity times last price, because the exact sum is not available.",
    ),
    "rate_per_usd": Column(
        "number", "units of the currency per US dollar", "price", "Reference exchange rate of the day."
    ),
    "return_1d": Column("number", "fraction", "rate", "Last price divided by the last price one day earlier, minus 1."),
    "return_7d": Column("number", "fraction", "rate", "Last price divided by the last price 7 days earlier, minus 1."),
    "return_30d": Column(
        "number", "fraction", "rate", "Last price divided by the last price 30 days earlier, minus 1."
    ),
    "return_1d_median": Column("number", "fraction", "rate", "Median one-day return of the members."),
    "worst_asset": Column("text", "upper-case ticker", "label", "The member with the lowest one-day return."),
    "worst_return_1d": Column("number", "fraction", "rate", "The lowest one-day return among the members."),
    "share_falling": Column("number", "fraction", "rate", "Share of the members whose price fell that day."),
    "members": Column("count", "assets", "stock", "Assets of the sector with a one-day return."),
    "peak_high_usd": Column(
        "number", "USD", "price", "Highest price up to and including this day, over the days held."
    ),
    "peak_since": Column("date", "UTC day", "label", "First day held: earlier peaks are not known."),
    "drawdown": Column("number", "fraction", "rate", "Last price divided by the highest price so far, minus 1."),
    "intraday_range": Column(
        "number", "fraction", "rate", "Highest divided by lowest price of the day, minus 1, whichever came first."
    ),
    "low_vs_previous_close": Column(
        "number", "fraction", "rate", "Lowest price of the day divided by the last price of the day before, minus 1."
    ),
    "market_cap_usd": Column("number", "USD", "stock", "Market value of the circulating supply at the day's end."),
    "coinbase_premium": Column(
        "number", "fraction", "rate", "Coinbase's last USD price divided by Binance's last USDT price, minus 1."
    ),
    "coinbase_premium_usd": Column(
        "number", "USD", "price", "Coinbase's last USD price minus Binance's last USDT price."
    ),
    "coinbase_premium_mean": Column(
        "number",
        "fraction",
        "rate",
        "Mean of the hourly Coinbase premiums; unknown with fewer than 20 hours present on both.",
    ),
    "coinbase_premium_usdt_adjusted": Column(
        "number",
        "fraction",
        "rate",
        "Coinbase premium with the Binance leg converted to dollars at the day's USDT/USD price.",
    ),
    "kraken_premium": Column(
        "number", "fraction", "rate", "Kraken's last USD price divided by Binance's last USDT price, minus 1."
    ),
    "kraken_premium_mean": Column(
        "number",
        "fraction",
        "rate",
        "Mean of the hourly Kraken premiums; unknown with fewer than 20 hours present on both.",
    ),
    "usdt_usd": Column("number", "USD", "price", "The day's last price of one USDT in dollars."),
    "kimchi_premium_fx": Column(
        "number",
        "fraction",
        "rate",
        "Upbit's won price divided by Binance's price converted at the bank rate of won per dollar, minus 1.",
    ),
    "kimchi_premium_usdt": Column(
        "number",
        "fraction",
        "rate",
        "Upbit's won price divided by Binance's price converted at Upbit's own price of USDT, minus 1.",
    ),
    "usdt_krw_premium": Column(
        "number", "fraction", "rate", "Upbit's won price of USDT divided by the bank rate of the dollar, minus 1."
    ),
    "fx_stale_days": Column("count", "days", "label", "Age of the exchange rate used: 0 on the day it was fixed."),
    "venues": Column("names", "lower-case names", "label", "The venues that the row sums over."),
    "days_covered": Column("count", "days", "label", "Days of the month for which at least one value is held."),
    "ratio_to_january": Column(
        "number",
        "ratio",
        "rate",
        "Daily mean turnover divided by that of January of the same year, over the markets present in both.",
    ),
}
