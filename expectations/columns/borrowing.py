"""What a day's figure was computed from, and which provider reported it."""

from expectations.contract import Column

COLUMNS = {
    "samples": Column(
        "count",
        "prints",
        "flow",
        "Prints that the day's figure was computed from; unknown if the provider does not say.",
    ),
    "borrow_source": Column(
        "text",
        "lower-case name",
        "label",
        "The provider whose answer the borrowing rate was read from; unknown if there is no rate.",
    ),
    "available_source": Column(
        "text",
        "lower-case name",
        "label",
        "The provider whose answer the available deposits were read from; unknown if there is no value.",
    ),
}
