"""The brief."""

from expectations.contract import Column

COLUMNS = {
    "topic": Column("text", "name", "key", "What the sentence is about."),
    "section": Column("text", "name", "label", "The section of the report that the topic belongs to."),
    "title": Column("text", "heading", "label", "The heading of the section."),
    "position": Column("count", "place", "label", "The topic's place in the report."),
    "is_headline": Column("flag", "true, false", "label", "Whether the report shows it first, every day."),
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
        "Whether the report may begin with it when its percentile is extreme; false for levels that trend.",
    ),
    "caveat": Column("text", "one sentence", "label", "What a careful reader must know about the figure."),
    "detail": Column(
        "text", "part of a sentence", "label", "What the number is about, or further facts of the day about it."
    ),
    "basis": Column(
        "text",
        "contracts, venues or coins",
        "label",
        "What the number is a total or a mean of; numbers with different bases are not compared.",
    ),
    "is_told": Column(
        "flag", "true, false", "label", "Whether the day's sentence uses it; otherwise it serves only for comparison."
    ),
    "percentile_of": Column(
        "text", "part of a sentence", "label", "Which number of the sentence the percentile refers to, in words."
    ),
    "change_1d": Column("number", "unit of value", "flow", "The day's value minus the value of the day before."),
}
