"""The pipeline's own books."""

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
        "The error class or rule behind the state; of a loaded day, how much of it is covered, if not all."
    ),
    "last_attempt": _instant("When the provider was last asked for it."),
    "last_error": _text("What went wrong at the last attempt; empty when it went well."),
    "last_date": Column("date", "UTC day", "label", "The newest day that is loaded."),
    "expected_date": Column("date", "UTC day", "label", "The newest day that is due."),
    "lag_days": _count("Days between the newest due and the newest loaded day.", "days"),
    "next_due_at": _instant("When the next day falls due."),
    "perishes_at": _instant("When the oldest missing day can no longer be had; unknown where the provider keeps all."),
    "key": Column("text", "JSON, or a name", "key", "The key columns of the row, or the name of the fact."),
    "column": Column("text", "column name", "key", "The column that the row is about."),
    "table": Column("text", "schema.table", "key", "The table that the row is about."),
    "old_value": _text("The value before, as text; empty when there was none."),
    "new_value": _text("The value after, as text; empty when it was withdrawn."),
    "kind": _text("What the run was asked to do.", "run, backfill, replay, refetch, demo"),
    "started_at": _instant("When the run began."),
    "ended_at": _instant("When the run ended; empty when it was cut off."),
    "requests": _count("Requests sent to providers.", "requests"),
    "bytes": _count("Bytes of the answers.", "bytes"),
    "message": _text("What the run says of itself."),
    "check": Column("text", "rule", "key", "The rule that was judged."),
    "severity": _text("Whether failing holds data back.", "blocking, warning"),
    "success": Column("flag", "true or false", "label", "Whether every row kept the rule."),
    "observed": _text("What was found."),
    "expected": _text("What the rule asks for."),
    "failing_rows": _count("Rows that broke the rule.", "rows"),
    "checked_at": _instant("When it was judged."),
    "rule": _text("The rule that the row broke."),
    "row": _text("The row as it was read.", "JSON"),
    "type": _text("The column's type.", "DuckDB type"),
    "unit": _text("The column's unit."),
    "measure": _text("How the column may be rolled up.", "key, stock, flow, rate, price, label"),
    "meaning": _text("What the column means."),
    "grain": _text("What one row of the table is."),
    "formula": _text(
        "What makes the column: of a mart the expression of its model, in the names of the model's steps, else where "
        "it is read; unknown for what only says where a row comes from."
    ),
    "reads": Column("names", "schema.table", "label", "The tables that the table is made of; none for what is read."),
    "reads_back_days": Column(
        "count", "days", "label", "How many days before its own a value of a mart reads; values may be carried longer."
    ),
    "ops.catalog.sources": Column(
        "names", "lower-case names", "label", "The providers that the table may hold something of."
    ),
    "caveats": Column("names", "sentences", "label", "What a careful reader of the table must know."),
    "ops.home.value": _text("The fact."),
    "ops.sources.source": Column("text", "lower-case name", "key", "The provider."),
    "datasets": Column("names", "tables of core", "label", "What the source supplies."),
    "verified": _text(
        "Against what the source was last verified: answers that others recorded, its documentation alone, or, by "
        "`tidemark doctor` in this home, its own live answers.",
        "recorded, documented, live",
    ),
    "verified_at": _instant("When that was."),
    "verified_against": _text("What it was held against, and what of it is only believed."),
    "history_start": Column("date", "UTC day", "label", "The first day that is asked for of any of its series."),
    "settles": _text("How long after the end of a day its value is usually public.", "span of time, by dataset"),
    "restates": _text("How long after its end a day is asked for again.", "span of time, by dataset"),
    "kept": _text("How long after its end the provider still has a day.", "span of time, by dataset"),
    "rate_limit": _text("The requests that we allow ourselves, within what the provider allows.", "requests by host"),
    "keyed": Column("flag", "true or false", "label", "Whether the source answers only those who have a key."),
    "unofficial": Column(
        "flag", "true or false", "label", "Whether its owner never promised it: asked only where a person wants it."
    ),
    "attribution": _text("How the source asks to be named."),
    "terms": _text("What one may do with its data."),
    "docs": _text("Where the provider documents it.", "URL"),
    "ops.disagreements.metric": Column(
        "text", "name", "key", "What is compared, as expectations/tolerances.toml names it."
    ),
    "ops.disagreements.key": Column(
        "text", "JSON", "key", "What the values are of, beside the date, and the witness, which is source_b."
    ),
    "source_a": _text("The source that the marts take for it.", "lower-case name; of a sum, the venues"),
    "value_a": Column("number", "that of the column compared", "label", "What source_a says."),
    "source_b": _text("The witness: another source that tells of the same thing.", "lower-case name"),
    "value_b": Column("number", "that of the column compared", "label", "What source_b says."),
    "relative_gap": Column(
        "number", "fraction", "label", "|value_a - value_b| / max(|value_a|, |value_b|); 0 where both are 0."
    ),
    "tolerance": Column(
        "number",
        "fraction",
        "label",
        "The largest relative_gap that the metric allows; wider where values lie so near zero that the metric's floor "
        "decides. A row beyond it fails a warning check.",
    ),
}
