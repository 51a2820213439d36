"""The brief."""

from expectations.contract import Column

COLUMNS = {
    "topic": Column("text", "name", "key", "What the sentence is about."),
    "section": Column("text", "name", "label", "The part of the report that the topic stands in."),
    "title": Column("text", "heading", "label", "What stands above the section."),
    "position": Column("count", "place", "label", "The topic's place in the report."),
    "is_headline": Column("flag", "true, false", "label", "Whether the report says it first, on every day."),
    "is_extreme": Column(
        "flag",
        "true, false",
        "label",
        "Whether the sentence says that the number is the highest or the lowest of its kind for at least a month.",
    ),
    "leads": Column(
        "flag",
        "true, false",
        "label",
        "Whether the report begins with it when it is far out in its year; levels that trend do not.",
    ),
    "caveat": Column("text", "one sentence", "label", "What a careful reader must know of the figure."),
    "detail": Column(
        "text", "part of a sentence", "label", "What the number is about, or what else the day says of it."
    ),
    "basis": Column(
        "text",
        "contracts, venues or coins",
        "label",
        "What the number is a total or a mean of; a number of another basis is not compared with it.",
    ),
    "is_told": Column(
        "flag", "true, false", "label", "Whether the day's sentence is about it; otherwise it is there to compare with."
    ),
    "percentile_of": Column(
        "text", "part of a sentence", "label", "Of which number of the sentence the percentile is, in words."
    ),
    "change_1d": Column("number", "that of value", "flow", "The day's value less that of the day before."),
}
