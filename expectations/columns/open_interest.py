"""Open interest of futures."""

from expectations.contract import Column

COLUMNS = {
    "contract": Column(
        "text", "the venue's own name", "key", "The future or perpetual that was traded, or the kind of it."
    ),
    "open_interest_usd": Column(
        "number", "USD", "stock", "Value of the open contracts at the day's end, each counted once."
    ),
    "open_interest_coins": Column(
        "number", "units of the asset", "stock", "Open contracts at the day's end in coins, each counted once."
    ),
    "open_interest_usd_high": Column(
        "number", "USD", "stock", "Highest value of the open contracts among the day's readings."
    ),
    "open_interest_usd_low": Column(
        "number", "USD", "stock", "Lowest value of the open contracts among the day's readings."
    ),
    "flush_usd": Column(
        "number",
        "USD",
        "flow",
        "Sum of the falls of open interest from one reading to the next while the price moved, each at the later "
        "price: a proxy of forced closing, not liquidations.",
    ),
    "as_of": Column("date", "UTC day", "label", "The day that the value describes."),
    "cadence": Column("text", "daily or weekly", "label", "How often the venue's figure is known."),
    "change_30d_usd": Column(
        "number",
        "fraction",
        "rate",
        "open_interest_usd over its value 30 days earlier, less one, over the contracts present on both days.",
    ),
    "change_30d_coins": Column(
        "number",
        "fraction",
        "rate",
        "open_interest_coins over its value 30 days earlier, less one, over the contracts present on both days.",
    ),
}
