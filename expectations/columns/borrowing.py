"""What a day's figure was formed from."""

from expectations.contract import Column

COLUMNS = {
    "samples": Column(
        "count", "prints", "flow", "Prints that the day's figure was formed from; unknown where they are not told."
    ),
}
