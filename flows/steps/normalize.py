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
    frames: list[pl.DataFrame] = []
    refused: dict[date, str] = {}
    lost = list(gathered.lost)
    for answer in gathered.answers:
        if answer.request.transform is None or answer.status not in OK:
            continue
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
            fitted.rows.with_columns(observed_at=pl.lit(answer.observed_at), snapshot=pl.lit(answer.snapshot))
        )
    rows = _together(dataset, frames)
    kept = rows.filter(~pl.col("date").is_in([*refused])) if refused else rows
    consistent = without_contradictions(dataset, kept, refused)
    return Normalized(consistent.rows, consistent.refused, tuple(lost))


def _conformed(dataset: Dataset, source: str, answer: Answer) -> Conformed:
    """The conformed rows of one answer; any error becomes a `PayloadChanged`."""
    request = answer.request
    module = importlib.import_module(f"transforms.{dataset.name}.{source}")
    try:
        transform = getattr(module, str(request.transform))
        # A reading has no other time than that of its arrival; a transform that needs it declares the parameter.
        arrival = {"observed_at": answer.observed_at} if "observed_at" in signature(transform).parameters else {}
        return conform_by_day(transform(answer.document, **request.labels, **arrival), dataset)
    except PayloadChanged as changed:
        file = request.file
        if file is None or file in str(changed):
            raise
        raise PayloadChanged(f"{file}: {changed}") from changed
    except FAULTS as fault:
        raise PayloadChanged(f"expected values that {module.__name__} reads, found {described(fault)}") from fault


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
        return pl.DataFrame(schema={**dataset.schema(), "observed_at": INSTANT, "snapshot": pl.String()})
    # Conform has removed duplicates within each answer.
    rows = frames[0]
    if len(frames) > 1:
        rows = pl.concat(frames).unique([*dataset.schema()], keep="first", maintain_order=True)
    return first_told(dataset, rows).sort(dataset.key) if dataset.quiet else rows


def first_told(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """Deduplicate events: each keeps the day and the instant of its earliest stamp."""
    identity = [name for name in dataset.key if name != "date"]
    return rows.sort("stamped_at", maintain_order=True).unique(identity, keep="first", maintain_order=True)
