"""Hourly candles: opening time, prices and turnover."""

from expectations.contract import Column

COLUMNS = {
    "opened_at": Column("instant", "UTC", "key", "The first instant of the hour that the row describes."),
    "hour_high_usd": Column("number", "USD", "price", "Highest price of the hour."),
    "hour_low_usd": Column("number", "USD", "price", "Lowest price of the hour."),
    "hour_close_usd": Column("number", "USD", "price", "Last price of the hour."),
    "hour_high_krw": Column("number", "KRW", "price", "Highest price of the hour."),
    "hour_low_krw": Column("number", "KRW", "price", "Lowest price of the hour."),
    "hour_close_krw": Column("number", "KRW", "price", "Last price of the hour."),
    "hour_volume_krw": Column(
        "number", "KRW", "flow", "Turnover of the hour in won, each trade counted once; turnover, not net inflow."
    ),
    "hour_volume_base": Column(
        "number", "units of the asset", "flow", "Quantity traded in the hour, each trade counted once."
    ),
}
