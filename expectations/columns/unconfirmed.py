"""Figures whose unit nobody has confirmed: the numbers as the provider gives them."""

from expectations.contract import Column

UNIT = "not known: a fraction per hour, per day or per year"

COLUMNS = {
    "rate_mean": Column("number", UNIT, "rate", "Mean of the rates that the provider told of the day."),
    "rate_max": Column("number", UNIT, "rate", "Highest of them; unknown where one figure is told for the whole day."),
    "rate_last": Column("number", UNIT, "rate", "The last of them."),
    "liquidated_volume": Column(
        "number",
        "not known: coins, dollars or contracts",
        "flow",
        "What was closed by force in the day, longs and shorts together.",
    ),
}
