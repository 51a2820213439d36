"""Signals, and what followed them."""

from expectations.contract import Column


def _followed(what: str) -> Column:
    return Column("number", "fraction", "rate", what)


COLUMNS = {
    "signal": Column("text", "name", "key", "What is out of the ordinary."),
    "level": Column("text", "`info`, `watch`, `alert`", "key", "How loudly it speaks."),
    "direction": Column("text", "`at least`, `at most`", "label", "On which side of its threshold it speaks."),
    "threshold": Column("number", "that of the value", "label", "From which value on it speaks at this level."),
    "shown_as": Column("text", "name", "label", "How its figures are written."),
    "lookback_days": Column(
        "count", "days", "label", "How many days before its own the signal's number reads of those cells."
    ),
    "since": Column("date", "UTC day", "label", "The first of the days in a row on which it has spoken, at any level."),
    "occurrences": Column("count", "days", "label", "Days on which it spoke at this level and 30 known days followed."),
    "independent_occurrences": Column(
        "count", "days", "label", "Those of them that had no other within the 30 days before: events, not days."
    ),
    "drawdown_30d_median": _followed("Median of the lowest low of the 30 days after over the day's close, less one."),
    "drawdown_30d_worst": _followed("Worst of the lowest low of the 30 days after over the day's close, less one."),
    "return_30d_median": _followed("Median of the close 30 days after over the day's close, less one."),
    "base_drawdown_30d_median": _followed("The same as drawdown_30d_median, over all days."),
    "base_drawdown_30d_worst": _followed("The same as drawdown_30d_worst, over all days."),
    "base_return_30d_median": _followed("The same as return_30d_median, over all days."),
    "base_days": Column("count", "days", "label", "How many days that is."),
}
