"""What assets are worth in all, and reference prices."""

from expectations.contract import Column

COLUMNS = {
    "price_usd": Column(
        "number", "USD", "price", "Reference price at the end of the UTC day, over many venues; not one venue's trade."
    ),
}
