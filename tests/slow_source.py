"""A run in which one source is slow: it answers once the first page is there."""

import threading
from collections.abc import Collection, Iterable
from typing import Any

import pytest

from flows import pipeline
from flows.source import Gathered
from flows.steps.collect import Collector, Previous, collect
from flows.steps.estimate import Forecast, forecast
from flows.steps.plan import Batch, Mode
from flows.steps.run import Run
from tests.tool import Tool

SLOW = "frankfurter"


class SlowSource:
    """A run in which one source is slow: it is answered once the first page is there.

    Attributes:
        seen: What stood there then: states by source, facts of the home, the page, `tidemark status`.
        fault: What the slow source raises then, if anything.
        show: Makes the first page.
    """

    def __init__(self, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tool = tool
        self.seen: list[dict[str, Any]] = []
        self.fault: BaseException | None = None
        self._there = threading.Event()
        self.show = pipeline.show_so_far
        monkeypatch.setattr(pipeline, "collect", self._collect)
        monkeypatch.setattr(pipeline, "forecast", self._forecast)
        monkeypatch.setattr(pipeline, "show_so_far", self._show_so_far)

    def _forecast(self, planned: Iterable[Batch], mode: Mode) -> Forecast:
        found = forecast(planned, mode)
        return Forecast(found.lines, 3600.0, SLOW, 3600.0, {**found.by_source, "upbit": 1.0, SLOW: 3600.0})

    def _collect(self, collector: Collector, batch: Batch, previous: Previous) -> list[Gathered]:
        if batch.source.name == SLOW:
            assert self._there.wait(300)
            if self.fault is not None:
                raise self.fault
        return collect(collector, batch, previous)

    def _show_so_far(self, run: Run, busy: Collection[str]) -> bool:
        try:
            done = self.show(run, busy)
            page = run.home.reports / "latest.html"
            self.seen.append(
                {
                    "busy": set(busy),
                    "states": self.tool.ask("select distinct source, state from ops.ledger order by all"),
                    "fetched": self.tool.ask("select key, value from ops.home where starts_with(key, 'fetched')"),
                    "page": page.read_text(encoding="utf-8") if page.exists() else "",
                    "status": self.tool("status").out,
                }
            )
            return done
        finally:
            self._there.set()
