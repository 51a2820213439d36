"""Collect: ask for what a batch wants; every answer is archived as it arrives."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from expectations.errors import FAULTS, HomeRefused, PayloadChanged, PipelineError, RunStopped, described
from flows.clock import Clock
from flows.http import Budgets, Earlier, Fetcher, Traffic
from flows.settings import Settings
from flows.source import Answer, Ask, Feed, Gathered, Lost, Plan, Request, Source
from flows.steps.plan import Batch
from warehouse.store.archive import Recorder

Identity = tuple[str, str, str | None]
"""What makes two requests the same: method, address and body."""


class Collector:
    """Sends the requests of a run. What serves the whole run is asked for once, by whoever needs it first.

    Attributes:
        settings: Whom to ask through, and the clock.
        sources: Whose limits are kept.
        traffic: What was sent and received.
        stopping: Set when the run is to end.
    """

    def __init__(
        self, settings: Settings, sources: Sequence[Source], recorder: Recorder, *, paced: bool = True
    ) -> None:
        """Nothing is sent yet.

        Args:
            settings: Whom to ask through, and the clock.
            sources: Whose limits are kept.
            recorder: Where answers are archived.
            paced: Whether limits are waited for; an invented market has none.
        """
        self.settings = settings
        self.sources = sources
        self.traffic = Traffic()
        self.stopping = threading.Event()
        self._recorder = recorder
        self._paced = paced
        self._fetchers: dict[str, Fetcher] = {}
        self._shared: dict[Identity, Answer] = {}
        self._turns: dict[Identity, threading.Lock] = {}
        self._kept: dict[Identity, Answer] = {}
        self._lock = threading.RLock()

    @property
    def clock(self) -> Clock:
        """What tells the time."""
        return self.settings.clock

    def keep(self, identity: Identity, answer: Answer) -> None:
        """Use an answer that was archived and never came to be read, where the same is asked."""
        self._kept[identity] = answer

    def stop_if_asked(self) -> None:
        """Leave between two steps when the run is to end.

        Raises:
            RunStopped: It is.
        """
        if self.stopping.is_set():
            raise RunStopped("the run was stopped: what it had published stays, the rest is asked for again")

    @cached_property
    def _budgets(self) -> Budgets:
        return Budgets(self.sources, self.clock, enforced=self._paced)

    def fetcher(self, source: Source) -> Fetcher:
        """The one fetcher of a source."""
        with self._lock:
            if source.name not in self._fetchers:
                self._fetchers[source.name] = Fetcher(
                    source,
                    gateway=self.settings.gateway,
                    recorder=self._recorder,
                    clock=self.clock,
                    traffic=self.traffic,
                    budgets=self._budgets,
                    key=self.settings.key(source.key),
                )
            return self._fetchers[source.name]

    def answer(self, batch: Batch, ask: Ask, request: Request, earlier: Earlier | None = None) -> Answer:
        """An answer: one that serves the whole run, one that an interrupted run left, or a new one.

        Args:
            batch: What it is for.
            ask: What of the batch.
            request: What is sent.
            earlier: The last whole answer to the same request, to ask whether it still holds.
        """
        if request.shared:
            # A lock of its own: nobody else waits while it is asked for.
            with self._lock:
                turn = self._turns.setdefault(request.identity, threading.Lock())
            with turn:
                if request.identity not in self._shared:
                    self._shared[request.identity] = self._fetch(batch, ask, request, earlier)
                return self._shared[request.identity]
        kept = self._kept.get(request.identity)
        if kept is not None and kept.observed_at >= ask.series.release.public_at(ask.days.last):
            return replace(kept, request=request)
        return self._fetch(batch, ask, request, earlier)

    def _fetch(self, batch: Batch, ask: Ask, request: Request, earlier: Earlier | None) -> Answer:
        self.stop_if_asked()
        dataset, series = batch.feed.dataset.name, ask.series.name
        return self.fetcher(batch.source).fetch(request, dataset=dataset, series=series, earlier=earlier)


Previous = Callable[[Batch, Ask, Request], Earlier | None]


def nothing_before(_: Batch, __: Ask, ___: Request) -> None:
    """For those who have no earlier answers."""


def collect(collector: Collector, batch: Batch, previous: Previous = nothing_before) -> list[Gathered]:
    """Ask for everything in a batch.

    Args:
        collector: Who asks.
        batch: For what.
        previous: Finds the last whole answer to the same request, of feeds whose answers hold a whole history.
    """

    def gather(ask: Ask) -> Gathered:
        return drive(
            batch.feed, ask, lambda request: collector.answer(batch, ask, request, previous(batch, ask, request))
        )

    with ThreadPoolExecutor(max_workers=batch.source.connections) as pool:
        return list(pool.map(gather, batch.asks))


def drive(feed: Feed, ask: Ask, fetch: Callable[[Request], Answer]) -> Gathered:
    """Perform a plan: send what it yields, hand it each answer."""
    followed = follow(feed.plan(ask), fetch, ask.series.name)
    return Gathered(ask, followed.answers, followed.error, followed.lost)


class Followed(NamedTuple):
    """What came of a plan.

    Attributes:
        answers: What came back, in order, without what was lost.
        error: Why the plan did not come to its end.
        lost: The files and pages that could not be had.
    """

    answers: tuple[Answer, ...]
    error: PipelineError | None = None
    lost: tuple[Lost, ...] = ()


def follow(plan: Plan, fetch: Callable[[Request], Answer], what: str) -> Followed:
    """Send what a plan yields and hand it each answer; whatever goes wrong is named, and costs this plan only.

    Args:
        plan: Whose requests are sent.
        fetch: Sends one.
        what: What the plan is for, as its errors call it.

    Raises:
        RunStopped: A person ended the run.
        HomeRefused: Answers cannot be archived any more.
    """
    answers: list[Answer] = []
    try:
        request = next(plan)
        while True:
            try:
                answer = fetch(request)
            except PipelineError as problem:
                if request.days is None or isinstance(problem, HomeRefused):
                    raise
                request = plan.throw(problem)  # a piece that stands by itself: the plan may go on without it
            else:
                answers.append(answer)
                request = plan.send(answer)
    except StopIteration as end:
        lost: tuple[Lost, ...] = tuple(end.value or ())
        kept = tuple(answer for answer in answers if not any(each.costs(answer.request) for each in lost))
        return Followed(kept, None, lost)
    except (RunStopped, HomeRefused):
        raise
    except PipelineError as problem:
        return Followed(tuple(answers), problem)
    except FAULTS as fault:
        changed = PayloadChanged(f"expected the shape that the plan for {what} reads, found {described(fault)}")
        changed.__cause__ = fault
        return Followed(tuple(answers), changed)
