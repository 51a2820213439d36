"""Normalize: turn the answers of one ask into conformed rows, and find the days that cannot be read."""

import importlib
from collections.abc import Mapping, Sequence
from datetime import date
from inspect import signature
from typing import NamedTuple

import polars as pl

from expectations.contract import Dataset, datasets
from expectations.errors import FAULTS, PayloadChanged, PipelineError, described
from flows.http import OK
from flows.source import Answer, Gathered, Lost
from transforms.conform import Conformed, conform_by_day, without_contradictions

INSTANT = pl.Datetime("us", "UTC")
OBSERVED_AT, SNAPSHOT = "observed_at", "snapshot"


def normalize(dataset: Dataset, source: str, gathered: Gathered) -> pl.DataFrame:
    """Like `normalize_by_day`, but all rows or an error.

    Raises:
        PayloadChanged: An answer or a row cannot be read.
    """
    normalized = normalize_by_day(dataset, source, gathered)
    for lost in normalized.lost:
        raise lost.problem
    for day, reason in normalized.refused.items():
        raise PayloadChanged(f"{reason} ({day})")
    return normalized.rows


class Normalized(NamedTuple):
    """The content of the answers of one ask.

    Attributes:
        rows: Conformed rows, each with the snapshot of its answer.
        refused: Days with an unreadable row, and the reason; they have no rows, even from other answers.
        lost: Independent files and pages that could not be fetched or read.
    """

    rows: pl.DataFrame
    refused: Mapping[date, str] = {}
    lost: tuple[Lost, ...] = ()

    @property
    def problems(self) -> dict[date, PipelineError]:
        """Days that cannot be read, with the errors."""
        lost_days = {day: lost.problem for lost in reversed(self.lost) for day in lost.days}
        return lost_days | {day: PayloadChanged(reason) for day, reason in self.refused.items()}


def nothing(dataset: Dataset) -> Normalized:
    """The result without any answer."""
    return Normalized(_together(dataset, ()))


def normalize_by_day(dataset: Dataset, source: str, gathered: Gathered) -> Normalized:
    """The conformed rows of all answers of one ask, and the days that cannot be read.

    Raises:
        PayloadChanged: An answer that is not an independent piece cannot be read.
    """
    answers = [answer for answer in gathered.answers if answer.request.transform is not None and answer.status in OK]
    at_once = _at_once(dataset, source, answers) if len(answers) > 1 else None
    if at_once is not None:
        return Normalized(_together(dataset, [at_once]), {}, tuple(gathered.lost))
    frames: list[pl.DataFrame] = []
    refused: dict[date, str] = {}
    lost = list(gathered.lost)
    for answer in answers:
        try:
            fitted = _conformed(dataset, source, answer)
        except PayloadChanged as changed:
            if answer.request.days is None:
                raise
            if not any(answer.request in piece.requests for piece in gathered.lost):
                lost.append(Lost(answer.request.days, changed, (answer.request,)))
            continue
        refused |= fitted.refused
        frames.append(
            fitted.rows.with_columns(
                pl.lit(answer.observed_at).alias(OBSERVED_AT), pl.lit(answer.snapshot).alias(SNAPSHOT)
            )
        )
    rows = _together(dataset, frames)
    kept = rows.filter(~pl.col("date").is_in([*refused])) if refused else rows
    consistent = without_contradictions(dataset, kept, refused)
    return Normalized(consistent.rows, consistent.refused, tuple(lost))


def _at_once(dataset: Dataset, source: str, answers: Sequence[Answer]) -> pl.DataFrame | None:
    """The conformed rows of several answers, conformed together, which is cheaper than one by one.

    None if anything about them is odd: then each is read for itself, so that it is known which one it was.
    """
    try:
        read = [_transformed(dataset, source, answer) for answer in answers]
        arrivals = [answer.observed_at for answer, rows in zip(answers, read, strict=True) for _ in range(rows.height)]
        places = [answer.snapshot for answer, rows in zip(answers, read, strict=True) for _ in range(rows.height)]
        rows = pl.concat(read).with_columns(
            pl.Series(OBSERVED_AT, arrivals, INSTANT), pl.Series(SNAPSHOT, places, pl.String)
        )
        fitted = conform_by_day(rows, dataset, beside=(OBSERVED_AT, SNAPSHOT))
    except FAULTS:
        return None
    return None if fitted.refused else fitted.rows


def _transformed(dataset: Dataset, source: str, answer: Answer) -> pl.DataFrame:
    """The rows of one answer as its transform makes them."""
    transform = getattr(importlib.import_module(f"transforms.{dataset.name}.{source}"), str(answer.request.transform))
    # A reading has no other time than that of its arrival; a transform that needs it declares the parameter.
    arrival = {OBSERVED_AT: answer.observed_at} if OBSERVED_AT in signature(transform).parameters else {}
    rows: pl.DataFrame = transform(answer.document, **answer.request.labels, **arrival)
    return rows


def _conformed(dataset: Dataset, source: str, answer: Answer) -> Conformed:
    """The conformed rows of one answer; any error becomes a `PayloadChanged`."""
    try:
        return conform_by_day(_transformed(dataset, source, answer), dataset)
    except PayloadChanged as changed:
        file = answer.request.file
        if file is None or file in str(changed):
            raise
        raise PayloadChanged(f"{file}: {changed}") from changed
    except FAULTS as fault:
        module = f"transforms.{dataset.name}.{source}"
        raise PayloadChanged(f"expected values that {module} reads, found {described(fault)}") from fault


def readable(answer: Answer, dataset: str, source: str) -> bool:
    """Whether the transform of an answer can read it; an answer without rows is read only by its plan."""
    if answer.request.transform is None or answer.status not in OK:
        return True
    try:
        _conformed(datasets()[dataset], source, answer)
    except PayloadChanged:
        return False
    return True


def _together(dataset: Dataset, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of several answers, without duplicates."""
    if not frames:
        return pl.DataFrame(schema={**dataset.schema(), OBSERVED_AT: INSTANT, SNAPSHOT: pl.String()})
    # Conform has removed duplicates within each answer.
    rows = frames[0]
    if len(frames) > 1:
        rows = pl.concat(frames).unique([*dataset.schema()], keep="first", maintain_order=True)
    return first_told(dataset, rows).sort(dataset.key) if dataset.quiet else rows


def first_told(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """Deduplicate events: each keeps the day and the instant of its earliest stamp."""
    identity = [name for name in dataset.key if name != "date"]
    return rows.sort("stamped_at", maintain_order=True).unique(identity, keep="first", maintain_order=True)
