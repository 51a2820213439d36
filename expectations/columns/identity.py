"""Columns that say what a row is about."""

from expectations.contract import Column

COLUMNS = {
    "date": Column("date", "UTC day", "key", "The UTC day that the row describes."),
    "month": Column("date", "first day of a calendar month", "key", "The calendar month that the row describes."),
    "asset": Column("text", "upper-case ticker, ALL for a total", "key", "The asset that the row is about."),
    "venue": Column("text", "lower-case name", "key", "The exchange where it was traded or lent."),
    "chain": Column("text", "lower-case name, ALL for the coin's own total", "key", "The blockchain."),
    "protocol": Column("text", "lower-case name", "key", "The on-chain lending protocol."),
    "currency": Column("text", "ISO 4217 code", "key", "The currency of the row."),
    "series": Column(
        "text", "name", "key", "What the provider was asked for: an asset, a pool, a market, a statistic."
    ),
    "sector": Column(
        "text", "major, l1, l2, ai, defi, meme, other", "label", "The basket that the asset belongs to on that day."
    ),
    "quote": Column(
        "text", "USD or USDT", "label", "What the price was quoted in; USDT is taken at par with the dollar."
    ),
    "quote_source": Column("text", "lower-case name", "label", "The source whose prices the row uses."),
    "source": Column("text", "lower-case name", "key", "The provider whose answer the row was read from."),
    "settled_at": Column("instant", "UTC", "key", "When the funding payment was exchanged, to the hour."),
    "valid_from": Column("date", "UTC day", "label", "First day on which the statement holds."),
    "valid_to": Column(
        "date", "UTC day", "label", "Last day on which the statement holds; unknown while it still does."
    ),
    "day_boundary": Column(
        "text", "UTC or KST", "label", "The time zone whose midnight bounds the day; date is that zone's calendar day."
    ),
    "is_venues_own_day": Column(
        "flag",
        "true or false",
        "label",
        "Whether the venue publishes the day itself; false if it is the sum of the venue's hours.",
    ),
}
