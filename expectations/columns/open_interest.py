"""Open interest of futures."""

from expectations.contract import Column


def _change(unit: str, span: str) -> Column:
    return Column(
        "number",
        "fraction",
        "rate",
        f"Change of open_interest_{unit} over {span}, over the contracts present on both days.",
    )


COLUMNS = {
    "contract": Column("text", "the venue's own name", "key", "The traded future or perpetual, or its kind."),
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
        "Sum of the decreases of open interest between consecutive readings while the price moved, each at the later "
        "price: a proxy for forced closing, not liquidations.",
    ),
    "as_of": Column("date", "UTC day", "label", "The day that the value describes."),
    "cadence": Column("text", "daily or weekly", "label", "How often the venue's figure is known."),
    "contracts": Column(
        "names", "venue and the venue's own name", "label", "The contracts that have a value for the day."
    ),
    "contracts_missing": Column(
        "names",
        "venue and the venue's own name",
        "label",
        "The contracts that had a value on one of the days before, have not ended, and have none for the day.",
    ),
    "change_1d_usd": _change("usd", "one day"),
    "change_1d_coins": _change("coins", "one day"),
    "change_7d_usd": _change("usd", "7 days"),
    "change_7d_coins": _change("coins", "7 days"),
    "change_30d_usd": _change("usd", "30 days"),
    "change_30d_coins": _change("coins", "30 days"),
    "open_interest_index": Column(
        "number",
        "100 on the first day held",
        "stock",
        "Open contracts in coins, like for like: chained from day to day over the contracts present on both days.",
    ),
}
