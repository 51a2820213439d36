"""What assets are worth in all, and reference prices."""

from expectations.contract import Column

COLUMNS = {
    "price_usd": Column("number", "USD", "price", "Price of one coin."),
}
