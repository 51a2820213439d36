"""Where a row came from and which version of it this is."""

from expectations.contract import Column

COLUMNS = {
    "stamped_at": Column("instant", "UTC", "label", "The provider's own stamp."),
    "available_at": Column(
        "instant", "UTC", "label", "When the provider made the value public, by its stamp or by the feed's rule."
    ),
    "observed_at": Column("instant", "UTC", "label", "When tidemark fetched the answer."),
    "recorded_at": Column("instant", "UTC", "key", "When tidemark published this version."),
    "run_id": Column("text", "run number, name", "key", "The run that wrote the row; ties in time are ordered by run."),
    "snapshot": Column("text", "file@offset+length in raw/", "label", "The archived answer that it was read from."),
    "cause": Column(
        "text",
        "first, late_data, source_changed, method_changed, withdrawn",
        "label",
        "Why this version exists.",
    ),
    "withdrawn": Column(
        "flag", "true or false", "label", "Whether a later complete answer no longer contains the row."
    ),
}
