"""What assets are worth."""

from expectations.contract import Column

COLUMNS = {
    "price_usd": Column("number", "USD", "price", "Price of one coin."),
}
