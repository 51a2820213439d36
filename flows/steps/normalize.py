"""Normalize: from the answers for one ask to conformed rows, and the days that cannot be read."""

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
    """As `normalize_by_day`, for those who want every row or none.

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
    """What the answers for one ask hold.

    Attributes:
        rows: Conformed rows, each with the answer that it came from.
        refused: Days with a row that cannot be read, and why; they have no rows, whatever other answers say of them.
        lost: Files and pages that stand by themselves and could not be had or read.
    """

    rows: pl.DataFrame
    refused: Mapping[date, str] = {}
    lost: tuple[Lost, ...] = ()

    @property
    def problems(self) -> dict[date, PipelineError]:
        """Days that cannot be told, and why."""
        spoken_for = {day: each.problem for each in reversed(self.lost) for day in each.days}
        return spoken_for | {day: PayloadChanged(reason) for day, reason in self.refused.items()}


def nothing(dataset: Dataset) -> Normalized:
    """What no answer holds."""
    return Normalized(_together(dataset, ()))


def normalize_by_day(dataset: Dataset, source: str, gathered: Gathered) -> Normalized:
    """The rows of all answers for one ask, conformed, and the days of those that cannot be read.

    Raises:
        PayloadChanged: An answer cannot be read that does not stand by itself.
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
            if not any(answer.request in each.requests for each in gathered.lost):
                lost.append(Lost(answer.request.days, changed, (answer.request,)))
            continue
        refused |= fitted.refused
        frames.append(
            fitted.rows.with_columns(observed_at=pl.lit(answer.observed_at), snapshot=pl.lit(answer.snapshot))
        )
    rows = _together(dataset, frames)
    told = without_contradictions(dataset, rows.filter(~pl.col("date").is_in([*refused])) if refused else rows, refused)
    return Normalized(told.rows, told.refused, tuple(lost))


def _conformed(dataset: Dataset, source: str, answer: Answer) -> Conformed:
    """The rows of one answer; whatever goes wrong in reading it is named."""
    request = answer.request
    module = importlib.import_module(f"transforms.{dataset.name}.{source}")
    try:
        transform = getattr(module, str(request.transform))
        # Of a reading nobody but its arrival tells the time; a transform that needs it names it.
        told = {"observed_at": answer.observed_at} if "observed_at" in signature(transform).parameters else {}
        return conform_by_day(transform(answer.document, **request.labels, **told), dataset)
    except PayloadChanged as changed:
        file = request.file
        if file is None or file in str(changed):
            raise
        raise PayloadChanged(f"{file}: {changed}") from changed
    except FAULTS as fault:
        raise PayloadChanged(f"expected values that {module.__name__} reads, found {described(fault)}") from fault


def readable(answer: Answer, dataset: str, source: str) -> bool:
    """Whether the transform of an answer can read it; one that holds no rows is read by its plan alone."""
    if answer.request.transform is None or answer.status not in OK:
        return True
    try:
        _conformed(datasets()[dataset], source, answer)
    except PayloadChanged:
        return False
    return True


def _together(dataset: Dataset, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of several answers, each row once."""
    if not frames:
        return pl.DataFrame(schema={**dataset.schema(), "observed_at": INSTANT, "snapshot": pl.String()})
    # Conform drops repetitions within one answer.
    rows = frames[0]
    if len(frames) > 1:
        rows = pl.concat(frames).unique([*dataset.schema()], keep="first", maintain_order=True)
    return first_told(dataset, rows).sort(dataset.key) if dataset.quiet else rows


def first_told(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """Events, of which each counts once: on the day and at the instant of its earliest stamp."""
    identity = [name for name in dataset.key if name != "date"]
    return rows.sort("stamped_at", maintain_order=True).unique(identity, keep="first", maintain_order=True)
