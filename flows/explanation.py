"""An explanation as text and as JSON."""

from dataclasses import asdict
from typing import Any

from warehouse.lineage.explain import MOST_ROWS, Bytes, Explanation, Input
from warehouse.text import columns, counted, first_lines

MOST_ANSWERS = 12


def as_document(found: Explanation) -> dict[str, Any]:
    """The explanation, as `--json` prints it."""
    return asdict(found)


def as_text(found: Explanation) -> str:
    """The explanation as text."""
    row = ", ".join(f"{name} {value}" for name, value in found.key.items())
    text = [
        f"{found.mart}.{found.column} of {row}: {found.value}",
        "",
        f"  meaning   {found.meaning}",
        f"  unit      {found.unit}",
        f"  formula   {found.formula}",
        f"            in {found.model}",
        f"  reads     {_reach(found)}",
    ]
    text += [f"  caveat    {caveat}" for caveat in found.caveats]
    if found.steps:
        text += ["", "Computed in these steps, the last one first:", *(f"  {step}" for step in found.steps)]
    if found.rests_on:
        text += ["", "Computed from:", *(f"  {cell}" for cell in found.rests_on)]
    for read in found.inputs:
        text += ["", *_rows(read)]
    if found.by_hand:
        return "\n".join([*text, "", f"Kept by hand in {found.by_hand}: the row itself names its source."])
    if found.groundless:
        return "\n".join([*text, "", "No core row was found behind it: the lineage is broken."])
    if not found.inputs:
        return "\n".join([*text, "", "It is part of the key of the row, and depends on no core row."])
    text += ["", f"Archived answers, {len(found.answers):,}:"]
    text += first_lines([_answer(answer) for answer in found.answers], MOST_ANSWERS, "--json lists all")
    wrong = len(found.problems)
    text.append(f"  {wrong} of them differ from what was fetched" if wrong else "  all of them match what was fetched")
    return "\n".join(text)


def _reach(found: Explanation) -> str:
    if not found.lookback_days:
        return "its own day"
    return f"{counted(found.lookback_days, 'day')} back"


def _answer(answer: Bytes) -> str:
    if answer.problem:
        return f"{answer.snapshot}: {answer.problem}"
    at = f"{answer.observed_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{answer.snapshot}\n  {answer.url}\n  fetched {at}, status {answer.status}, sha256 {answer.sha256}"


def _rows(read: Input) -> list[str]:
    if not read.count:
        return [f"{read.table}: no row"]
    days = f"of {read.days:,} days, {read.first} to {read.last}" if read.days > 1 else f"of {read.first}"
    title = f"{read.table}: {counted(read.count, 'row')} {days}, from {counted(len(read.snapshots), 'answer')}"
    if read.count > MOST_ROWS:
        title += "; the newest and the oldest"
    named = [name for name in read.rows[0] if any(row[name] is not None for row in read.rows) and name != "snapshot"]
    table = [tuple(named), *(tuple(_cell(row[name]) for name in named) for row in read.rows)]
    return [title, *(f"  {line}" for line in columns(table).splitlines())]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "hour") else str(value)
