"""What a day's figure was formed from, and by whom it was told."""

from expectations.contract import Column

COLUMNS = {
    "samples": Column(
        "count", "prints", "flow", "Prints that the day's figure was formed from; unknown where they are not told."
    ),
    "borrow_source": Column(
        "text",
        "lower-case name",
        "label",
        "The provider whose answer the borrowing rate was read from; unknown where there is none.",
    ),
    "available_source": Column(
        "text",
        "lower-case name",
        "label",
        "The provider whose answer the available deposits were read from; unknown where there is none.",
    ),
}
