"""Supply and issuance of stablecoins."""

from expectations.contract import Column

COLUMNS = {
    "supply": Column("number", "units of the coin", "stock", "Coins in circulation at the end of the UTC day."),
    "supply_usd": Column(
        "number", "USD", "stock", "The circulating supply of stablecoins, each counted at one dollar."
    ),
    "net_issuance_1d": Column(
        "number", "units of the coin", "flow", "Supply minus the supply one day earlier; unknown if either is missing."
    ),
    "net_issuance_7d": Column(
        "number", "units of the coin", "flow", "Supply minus the supply 7 days earlier; unknown if either is missing."
    ),
    "net_issuance_7d_usd": Column(
        "number",
        "USD",
        "flow",
        "Sum of 7-day net issuance over the families all of whose coins are known on both days, at one dollar each.",
    ),
    "family": Column(
        "text", "upper-case name", "key", "Coins that are exchanged for each other one for one, or a single coin."
    ),
    "coins": Column("count", "coins", "stock", "Number of coins that the row sums over."),
    "peak_7d_1y_usd": Column(
        "number",
        "USD",
        "flow",
        "Highest 7-day net issuance in the 365 days up to this one; unknown with fewer than 180 days with a value.",
    ),
    "share_of_peak": Column(
        "number", "fraction", "rate", "7-day net issuance divided by its peak of the trailing year."
    ),
    "position_1y": Column(
        "number",
        "fraction",
        "rate",
        "Position of supply_usd between its lowest (0) and highest (1) value of the trailing year; unknown with fewer "
        "than 180 days.",
    ),
}
