"""Stablecoins: what exists, and what was issued."""

from expectations.contract import Column

COLUMNS = {
    "supply": Column("number", "units of the coin", "stock", "Coins in circulation at the end of the UTC day."),
    "supply_usd": Column(
        "number", "USD", "stock", "The circulating supply of stablecoins, each counted at one dollar."
    ),
    "net_issuance_1d": Column(
        "number", "units of the coin", "flow", "Supply less the supply one day earlier; unknown when either is missing."
    ),
    "net_issuance_7d": Column(
        "number", "units of the coin", "flow", "Supply less the supply 7 days earlier; unknown when either is missing."
    ),
    "net_issuance_7d_usd": Column(
        "number",
        "USD",
        "flow",
        "Sum of 7-day net issuance over the families of coins that are known whole on both days, at one dollar each.",
    ),
    "family": Column(
        "text", "upper-case name", "key", "Coins that are exchanged for each other one for one, or a coin by itself."
    ),
    "coins": Column("count", "coins", "stock", "Coins that the row sums over."),
    "peak_7d_1y_usd": Column(
        "number",
        "USD",
        "flow",
        "Highest 7-day net issuance in the 365 days up to this one; unknown under 180 days with a value.",
    ),
    "share_of_peak": Column("number", "fraction", "rate", "7-day net issuance over its peak of the trailing year."),
    "position_1y": Column(
        "number",
        "fraction",
        "rate",
        "Where supply_usd stands between its lowest (0) and highest (1) of the trailing year; unknown under 180 days.",
    ),
}
