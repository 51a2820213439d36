"""Signals, and what followed them."""

from expectations.contract import Column


def _followed(what: str) -> Column:
    return Column("number", "fraction", "rate", what)


COLUMNS = {
    "signal": Column("text", "name", "key", "What is unusual."),
    "level": Column("text", "`info`, `watch`, `alert`", "key", "How urgent the signal is."),
    "direction": Column(
        "text", "`at least`, `at most`", "label", "On which side of the threshold the signal is active."
    ),
    "threshold": Column(
        "number", "unit of the value", "label", "The value from which the signal is active at this level."
    ),
    "shown_as": Column("text", "name", "label", "How its figures are formatted."),
    "lookback_days": Column(
        "count", "days", "label", "How many days before its own the signal's number reads the cells of rests_on."
    ),
    "since": Column(
        "date", "UTC day", "label", "The first of the consecutive days on which it has been active, at any level."
    ),
    "occurrences": Column(
        "count", "days", "label", "Days on which it was active at this level and 30 known days followed."
    ),
    "independent_occurrences": Column(
        "count", "days", "label", "Occurrences with no other in the 30 days before: events, not days."
    ),
    "drawdown_30d_median": _followed(
        "Median over the occurrences of the lowest low of the next 30 days divided by the day's close, minus 1."
    ),
    "drawdown_30d_worst": _followed(
        "Worst over the occurrences of the lowest low of the next 30 days divided by the day's close, minus 1."
    ),
    "return_30d_median": _followed(
        "Median over the occurrences of the close 30 days later divided by the day's close, minus 1."
    ),
    "base_drawdown_30d_median": _followed("As drawdown_30d_median, over all days."),
    "base_drawdown_30d_worst": _followed("As drawdown_30d_worst, over all days."),
    "base_return_30d_median": _followed("As return_30d_median, over all days."),
    "base_days": Column("count", "days", "label", "Number of days behind the base figures."),
}
