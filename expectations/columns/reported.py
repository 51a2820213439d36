"""Figures of the Bank of Korea, to compare ours with."""

from expectations.contract import Column

COLUMNS = {
    "daily_mean_krw": Column("number", "KRW", "label", "Reported mean turnover per day of the month."),
    "disputed": Column("flag", "true or false", "label", "Whether reports contradict each other about the figure."),
}
