"""Collect: send the requests of a batch; every answer is archived as it arrives."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from expectations.errors import (
    FAULTS,
    HomeRefused,
    NetworkAbsent,
    PayloadChanged,
    PipelineError,
    RunStopped,
    described,
)
from flows.clock import Clock
from flows.http import Budgets, Earlier, Fetcher, Traffic
from flows.settings import Settings
from flows.source import Answer, Ask, Feed, Gathered, Lost, Plan, Request, Source
from flows.steps.plan import Batch
from warehouse.store.archive import Recorder

Identity = tuple[str, str, str | None]
"""The key by which two requests count as the same: method, address and body."""


class Collector:
    """Sends the requests of a run. A request that serves the whole run is sent once, by the first batch that needs it.

    Attributes:
        settings: The gateway, the keys and the clock.
        sources: The sources whose limits are enforced.
        traffic: What was sent and received.
        stopping: Set when the run should end.
    """

    def __init__(
        self, settings: Settings, sources: Sequence[Source], recorder: Recorder, *, paced: bool = True
    ) -> None:
        """Set up; nothing is sent yet.

        Args:
            settings: The gateway, the keys and the clock.
            sources: The sources whose limits are enforced.
            recorder: Archives the answers.
            paced: Whether requests are throttled; not for a simulated market.
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
        """The clock of the run."""
        return self.settings.clock

    def keep(self, identity: Identity, answer: Answer) -> None:
        """Reuse an archived answer that was never read, if the same request is made."""
        self._kept[identity] = answer

    def stop_if_asked(self) -> None:
        """End between two steps if the run should stop.

        Raises:
            RunStopped: The run should stop.
        """
        if self.stopping.is_set():
            raise RunStopped("the run was stopped: what it had published stays, the rest is asked for again")

    @cached_property
    def _budgets(self) -> Budgets:
        return Budgets(self.sources, self.clock, enforced=self._paced)

    def fetcher(self, source: Source) -> Fetcher:
        """The fetcher of a source; there is one per source."""
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
        """The answer to a request: shared by the run, left by an interrupted run, or newly fetched.

        Args:
            batch: The batch that needs it.
            ask: The ask of the batch.
            request: The request.
            earlier: The last complete answer to the same request, for a conditional request.
        """
        if request.shared:
            # One lock per request, so that other requests do not wait for it.
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
    """No earlier answer; for callers without history."""


def collect(collector: Collector, batch: Batch, previous: Previous = nothing_before) -> list[Gathered]:
    """Fetch all asks of a batch.

    Args:
        collector: Sends the requests.
        batch: The batch.
        previous: Finds the last complete answer to the same request, for feeds with a whole history.
    """

    def gather(ask: Ask) -> Gathered:
        return drive(
            batch.feed, ask, lambda request: collector.answer(batch, ask, request, previous(batch, ask, request))
        )

    with ThreadPoolExecutor(max_workers=batch.source.connections) as pool:
        return list(pool.map(gather, batch.asks))


def drive(feed: Feed, ask: Ask, fetch: Callable[[Request], Answer]) -> Gathered:
    """Run the plan of an ask: send each request that it yields, and pass it the answer."""
    followed = follow(feed.plan(ask), fetch, ask.series.name)
    return Gathered(ask, followed.answers, followed.error, followed.lost)


class Followed(NamedTuple):
    """The result of a plan.

    Attributes:
        answers: The answers in order, without those of lost pieces.
        error: Why the plan failed; None if it completed.
        lost: The files and pages that could not be fetched or read.
    """

    answers: tuple[Answer, ...]
    error: PipelineError | None = None
    lost: tuple[Lost, ...] = ()


def follow(plan: Plan, fetch: Callable[[Request], Answer], what: str) -> Followed:
    """Send the requests of a plan and pass it each answer; an error ends only this plan.

    Args:
        plan: The plan.
        fetch: Sends one request.
        what: The name of the plan in error messages.

    Raises:
        RunStopped: A person stopped the run.
        HomeRefused: Answers can no longer be archived.
        NetworkAbsent: No provider can be reached.
    """
    answers: list[Answer] = []
    try:
        request = next(plan)
        while True:
            try:
                answer = fetch(request)
            except PipelineError as problem:
                if request.days is None or isinstance(problem, HomeRefused | NetworkAbsent):
                    raise
                request = plan.throw(problem)  # an independent piece: the plan may continue without it
            else:
                answers.append(answer)
                request = plan.send(answer)
    except StopIteration as end:
        lost: tuple[Lost, ...] = tuple(end.value or ())
        kept = tuple(answer for answer in answers if not any(part.costs(answer.request) for part in lost))
        return Followed(kept, None, lost)
    except (RunStopped, HomeRefused, NetworkAbsent):
        raise
    except PipelineError as problem:
        return Followed(tuple(answers), problem)
    except FAULTS as fault:
        changed = PayloadChanged(f"expected the shape that the plan for {what} reads, found {described(fault)}")
        changed.__cause__ = fault
        return Followed(tuple(answers), changed)
