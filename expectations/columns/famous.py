"""Figures that others reported."""

from expectations.contract import Column

COLUMNS = {
    "metric": Column("text", "name", "key", "What the figure is about, and who reported it where reports differ."),
    "value": Column("number", "given in the row's unit", "label", "The figure."),
    "statement": Column("text", "one sentence", "label", "The figure in a sentence."),
    "source_url": Column("text", "address", "label", "The page that reports the figure."),
}
