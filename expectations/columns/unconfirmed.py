"""Figures whose unit is not confirmed: the numbers as the provider gives them."""

from expectations.contract import Column

UNIT = "not known: a fraction per hour, per day or per year"

COLUMNS = {
    "rate_mean": Column("number", UNIT, "rate", "Mean of the rates that the provider reported for the day."),
    "rate_max": Column(
        "number", UNIT, "rate", "Highest of these rates; unknown if one figure is reported for the whole day."
    ),
    "rate_last": Column("number", UNIT, "rate", "Last of these rates."),
    "liquidated_volume": Column(
        "number",
        "not known: coins, dollars or contracts",
        "flow",
        "Volume of the positions liquidated in the day, longs and shorts together.",
    ),
}
