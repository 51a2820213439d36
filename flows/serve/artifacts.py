"""The Markdown artifacts of a run: its plan and its outcome."""

from collections.abc import Iterable, Sequence
from typing import Any

from flows.status import being_written, feed_rows, lost, retryable
from flows.steps.estimate import Forecast
from flows.steps.run import BatchOutcome
from warehouse.text import by_state, counted, gap_in_words, instant, markdown_table

MOST_ROWS = 400  # lines of one table; nobody reads a longer one


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table of at most `MOST_ROWS` rows; text in it is never read as HTML."""
    every = [[value.replace("<", "&lt;") if isinstance(value, str) else value for value in row] for row in rows]
    if len(every) > MOST_ROWS:
        every = [*every[:MOST_ROWS], [f"{len(every) - MOST_ROWS:,} more", *[None] * (len(titles) - 1)]]
    return markdown_table(titles, every)


def plan_markdown(found: Forecast) -> str:
    """The plan of a run."""
    rows = [
        (line.dataset, line.source, line.series, line.days, line.first, line.last, line.requests, line.perishes_at)
        for line in found.lines
    ]
    head = ("dataset", "source", "series", "series-days", "from", "to", "requests", "perishes at")
    return f"{found.sentence}\n\n{_table(head, rows)}" if rows else found.sentence


def outcome_markdown(
    outcomes: Sequence[BatchOutcome], requests: int, checks: str, calendar: str, notices: Sequence[str] = ()
) -> str:
    """What was loaded, what failed and why, and what was restated.

    Args:
        outcomes: The outcome of each batch.
        requests: How many requests were made.
        checks: The address of the check results.
        calendar: The address of the completeness calendar.
        notices: Warnings that are not about the data.
    """
    rows = [
        (batch.name, by_state(batch.states), batch.versions, batch.restated, batch.snapshots)
        for batch in sorted(outcomes, key=lambda batch: (not batch.problems, batch.dataset, batch.source, batch.name))
    ]
    total = sum(batch.states.get("loaded", 0) for batch in outcomes)
    restated = sum(batch.restated for batch in outcomes)
    text = [
        f"{total:,} series-days loaded, {restated:,} values restated, {counted(requests, 'request')}.",
        *(f"**Warning:** {notice}" for notice in notices),
        f"[Results of the checks]({checks}) · [Every day of every source]({calendar})",
        _table(("batch", "series-days", "new versions", "restated", "answers read"), rows),
    ]
    problems = [
        (batch.dataset, batch.source, series, days, reason)
        for batch in outcomes
        for series, reason, days in batch.problems
    ]
    if problems:
        text += [
            "### Not there, and why",
            _table(("dataset", "source", "series", "days", "reason"), problems),
        ]
    return "\n\n".join(text)


def status_markdown(found: dict[str, Any]) -> str:
    """The status of a home, as `tidemark status` reports it."""
    text = [f"**{found['warning']}**"] if found["warning"] else []
    text += [
        f"{found['home']} ({found['origin']}), {instant(found['now'])}",
        *being_written(found),
        _table(("dataset", "source", "last day", "due", "lag", "series-days", "perishes at"), feed_rows(found)),
    ]
    if trouble_left := retryable(found):
        trouble = [
            (
                f"{row['dataset']} {row['series']} ({row['source']})",
                f"{row['days']:,} {row['state']}, {row['first']} to {row['last']}",
                row["reason"],
                row["perishes_at"],
                f"`{row['retry']}`",
            )
            for row in trouble_left
        ]
        text += [
            "### Not there, and what retries it",
            _table(("what", "days", "reason", "perishes at", "command"), trouble),
        ]
    else:
        text.append("Nothing is missing." if not lost(found) else "Nothing is missing that can still be had.")
    if gone := lost(found):
        text += ["### Can no longer be had", *(f"- {line}" for line in gone)]
    if found["disagreements"]:
        text.append("### Sources that disagree by more than is allowed")
        text.append("\n".join(f"- {gap_in_words(gap)}" for gap in found["disagreements"]))
    if found["skipped"]:
        text += ["### Not asked", *(f"- {source}: {reason}" for source, reason in found["skipped"].items())]
    return "\n\n".join(text)
