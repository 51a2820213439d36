"""Columns of `ops`: the pipeline's own books."""

from expectations.contract import Column


def _text(meaning: str, unit: str = "text") -> Column:
    return Column("text", unit, "label", meaning)


def _instant(meaning: str) -> Column:
    return Column("instant", "UTC", "label", meaning)


def _count(meaning: str, unit: str) -> Column:
    return Column("count", unit, "flow", meaning)


COLUMNS = {
    "dataset": Column("text", "table of core, or a mart", "key", "The table that the row is about."),
    "state": _text(
        "What is known about the series-day, or how the run ended.",
        "missing, not_yet, failed, failed_check, verified_empty, loaded, perished; of runs: running, done, incomplete, "
        "cut_off",
    ),
    "rows": _count("Rows published.", "rows"),
    "reason": _text(
        "The error class or rule behind the state; for a loaded day that is only partly covered, how much is covered."
    ),
    "last_attempt": _instant("When it was last requested from the provider."),
    "last_error": _text("The error of the last attempt; empty if it succeeded."),
    "last_date": Column("date", "UTC day", "label", "The newest day that is loaded."),
    "expected_date": Column("date", "UTC day", "label", "The newest day that is due."),
    "lag_days": _count("Days between the newest due and the newest loaded day.", "days"),
    "next_due_at": _instant("When the next day falls due."),
    "perishes_at": _instant("When the oldest missing day can no longer be fetched; unknown if the provider keeps all."),
    "key": Column("text", "JSON, or a name", "key", "The key columns of the row, or the name of the fact."),
    "column": Column("text", "column name", "key", "The column that the row is about."),
    "table": Column("text", "schema.table", "key", "The table that the row is about."),
    "old_value": _text("The previous value, as text; empty if there was none."),
    "new_value": _text("The new value, as text; empty if it was withdrawn."),
    "kind": _text("What the run was asked to do.", "run, backfill, replay, refetch, demo"),
    "started_at": _instant("When the run began."),
    "ended_at": _instant("When the run ended; empty if it was cut off."),
    "requests": _count("Requests sent to providers.", "requests"),
    "bytes": _count("Bytes of the answers.", "bytes"),
    "message": _text("The run's own summary."),
    "check": Column("text", "rule", "key", "The rule that was checked."),
    "severity": _text("Whether a failure holds data back.", "blocking, warning"),
    "success": Column("flag", "true or false", "label", "Whether every row met the rule."),
    "observed": _text("What was found."),
    "expected": _text("What the rule requires."),
    "failing_rows": _count("Rows that broke the rule.", "rows"),
    "checked_at": _instant("When the rule was checked."),
    "rule": _text("The rule that the row broke."),
    "row": _text("The row as it was read.", "JSON"),
    "type": _text("The column's type.", "DuckDB type"),
    "unit": _text("The column's unit."),
    "measure": _text("How the column may be rolled up.", "key, stock, flow, rate, price, label"),
    "meaning": _text("What the column means."),
    "grain": _text("What one row of the table is."),
    "formula": _text(
        "How the column is computed: for a mart, the expression in its model, in the names of the model's steps; "
        "otherwise where it is read from; unknown for columns that only say where a row comes from."
    ),
    "reads": Column(
        "names", "schema.table", "label", "The tables that the table is computed from; empty if there are none."
    ),
    "reads_back_days": Column(
        "count",
        "days",
        "label",
        "How many days before its own a mart's value reads; values may be carried forward longer.",
    ),
    "ops.catalog.sources": Column("names", "lower-case names", "label", "The providers whose data the table may hold."),
    "caveats": Column("names", "sentences", "label", "What a careful reader must know about the table."),
    "ops.home.value": _text("The fact's value."),
    "ops.sources.source": Column("text", "lower-case name", "key", "The provider."),
    "datasets": Column("names", "tables of core", "label", "The datasets that the source supplies."),
    "verified": _text(
        "What the source was last verified against: answers that others recorded, its documentation alone, or its own "
        "live answers (by `tidemark doctor` in this home).",
        "recorded, documented, live",
    ),
    "verified_at": _instant("When the source was last verified."),
    "verified_against": _text("What it was compared with, and which facts about it are only believed."),
    "history_start": Column("date", "UTC day", "label", "The first day that is requested for any of its series."),
    "settles": _text("How long after the end of a day its value is usually public.", "span of time, by dataset"),
    "restates": _text("For how long after its end a day is requested again.", "span of time, by dataset"),
    "kept": _text("For how long after its end the provider still has a day.", "span of time, by dataset"),
    "rate_limit": _text("The requests that tidemark allows itself, within the provider's limit.", "requests by host"),
    "keyed": Column("flag", "true or false", "label", "Whether the source answers only requests with a key."),
    "unofficial": Column(
        "flag", "true or false", "label", "Whether its owner never promised it: it is used only if a person enables it."
    ),
    "attribution": _text("How the source asks to be named."),
    "terms": _text("What its data may be used for."),
    "docs": _text("Where the provider documents it.", "URL"),
    "ops.disagreements.metric": Column(
        "text", "name", "key", "What is compared, by its name in expectations/tolerances.toml."
    ),
    "ops.disagreements.key": Column(
        "text", "JSON", "key", "What the values describe besides the date, and the witness, which is source_b."
    ),
    "source_a": _text("The source that the marts use.", "lower-case name; of a sum, the venues"),
    "value_a": Column("number", "unit of the compared column", "label", "The value from source_a."),
    "source_b": _text("The witness: another source that reports the same thing.", "lower-case name"),
    "value_b": Column("number", "unit of the compared column", "label", "The value from source_b."),
    "relative_gap": Column(
        "number", "fraction", "label", "|value_a - value_b| / max(|value_a|, |value_b|); 0 where both are 0."
    ),
    "tolerance": Column(
        "number",
        "fraction",
        "label",
        "The largest relative_gap that the metric allows; larger where values are so near zero that the metric's floor "
        "applies. A row beyond it fails a warning check.",
    ),
}
