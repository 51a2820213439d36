"""A run in Prefect: one task per batch, with plan, progress and outcome as artifacts."""

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from expectations.errors import FAULTS, PipelineError, RunStopped, described
from flows import pipeline
from flows.jobs import Job
from flows.serve.artifacts import outcome_markdown, plan_markdown, status_markdown
from flows.serve.environment import end_with_parent
from flows.settings import Settings
from flows.status import report
from flows.steps.estimate import Forecast, forecast
from flows.steps.plan import Batch
from flows.steps.run import BatchOutcome, Run
from warehouse.reports.brief import newest_day
from warehouse.reports.completeness import PAGE
from warehouse.text import by_state, counted

STATUS_KEY = "status"
STATUS_ABOUT = "What is loaded, what is missing and how to retry it"

Verdict = State[None]
Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


def in_tasks(run: Run) -> Callable[[Run, Batch], BatchOutcome]:
    """A function that ingests each batch of a run as its own task.

    A task takes only a number and a name, and returns no data: Prefect inspects all arguments and results, while other
    threads still change the run.
    """
    outcomes: dict[int, BatchOutcome] = {}

    @task(name="ingest", task_run_name="{batch}", cache_policy=NO_CACHE, persist_result=False)
    def ingest(number: int, batch: str) -> Verdict:  # noqa: ARG001  Prefect uses it in the task name
        """Collect, check and publish one batch; it fails if days of it could not be loaded, and others continue."""
        outcome = outcomes[number] = pipeline.ingest(run, run.batches[number])
        if outcome.problems:
            _, reason, _ = outcome.problems[0]
            return Failed(message=f"{outcome.failed_days:,} series-days are not there: {reason}")
        return Completed(message=by_state(outcome.states))

    def take(_: Run, batch: Batch) -> BatchOutcome:
        number = run.batches.index(batch)
        with_prefect(lambda: ingest(number, batch.name, return_state=True))
        return outcomes[number] if number in outcomes else pipeline.ingest(run, batch)

    return take


def finish_in_a_task(run: Run) -> None:
    """Finish the run and rebuild the warehouse file, as its own task."""

    def finish() -> None:
        pipeline.finish(run)

    _build_in_a_task("build the warehouse", finish)


def show_so_far_in_a_task(run: Run, busy: Collection[str]) -> None:
    """Build while slow sources are still asked, as its own task, and publish the brief."""

    def show() -> Verdict:
        if not pipeline.show_so_far(run, busy):
            return Failed(message=run.notices[-1])
        with shown():
            show_brief(run)
        return Completed(message=f"{counted(len(busy), 'source')} still asked")

    _build_in_a_task("build what is there so far", show)


def _build_in_a_task(name: str, work: Callable[[], Verdict | None]) -> None:
    """Build as a task that returns no data, which Prefect would inspect; without a task if Prefect fails before."""
    begun = False

    @task(name="build", task_run_name=name, cache_policy=NO_CACHE, persist_result=False)
    def build() -> Verdict | None:
        """Build the warehouse and its pages."""
        nonlocal begun
        begun = True
        return work()

    with_prefect(lambda: build(return_state=True))
    if not begun:
        work()


def with_prefect(work: Callable[[], object]) -> None:
    """Run work as a task; if Prefect itself fails, log it, and the caller runs the work without Prefect.

    Raises:
        PipelineError: The work failed.
        RunStopped: A person stopped the run.
    """
    try:
        state = work()
        outcome: object = state.result(raise_on_failure=False) if isinstance(state, State) else None
    except FAULTS as fault:
        outcome = fault
    if isinstance(outcome, PipelineError | RunStopped):
        raise outcome
    if isinstance(outcome, BaseException):
        _say_shown(outcome)


@contextmanager
def shown() -> Iterator[None]:
    """Log an error of the block and continue; for output that is only shown."""
    try:
        yield
    except FAULTS as fault:
        _say_shown(fault)


def _say_shown(fault: BaseException) -> None:
    logging.getLogger(__name__).warning("could not report to Prefect: %s", described(fault))


@dataclass
class Progress:
    """The progress bar of a run, and a log line for each batch."""

    total: int
    log: Log
    done: int = 0
    _bar: UUID | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Show an empty bar."""
        with shown():
            bar = create_progress_artifact(0.0, key="progress", description=f"0 of {self.total} batches")
            self._bar = cast("UUID", bar)  # a coroutine only in an async caller

    def tell(self, outcome: BatchOutcome) -> None:
        """Record that one more batch is done."""
        say = self.log.warning if outcome.problems else self.log.info
        say("%s: %s", outcome.name, by_state(outcome.states))
        with self._lock, shown():
            self.done += 1
            if self._bar is not None:
                update_progress_artifact(
                    self._bar, 100 * self.done / self.total, description=f"{self.done} of {self.total} batches"
                )


def guarded(work: Callable[[], Verdict]) -> Verdict:
    """Run the work of a flow; a known error becomes one sentence instead of a traceback."""
    end_with_parent()
    logging.getLogger("prefect.flow_runs").addFilter(_is_news)
    try:
        return work()
    except PipelineError as problem:
        return Failed(message=str(problem))


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log record says more than that the flow failed, which its state already shows."""
    return not record.getMessage().startswith("Engine execution exited with unexpected exception")


def run_job(settings: Settings, job: Job) -> Verdict:
    """Plan, show the plan, execute exactly this plan, and show the outcome.

    Returns:
        Completed, or failed with the names of what was tried and could not be loaded.

    Raises:
        PipelineError: The run failed.
    """
    log = get_run_logger()
    with pipeline.begin(settings, job, tell=log.info) as run:
        planned = forecast(run.batches, job.mode)
        with shown():
            show_plan(planned)
        log.info("run %s: %s", run.run_id, planned.sentence)
        progress = Progress(len(run.batches), log)
        if run.batches:
            progress.begin()
        problems: list[PipelineError] = []
        try:
            pipeline.perform(
                run, progress.tell, how=in_tasks(run), meanwhile=show_so_far_in_a_task, end=finish_in_a_task
            )
        except PipelineError as problem:
            problems.append(problem)
        # What was published stays published, even if a mart failed.
        for show in (show_outcome, show_brief, show_status):
            with shown():
                show(run)
        if problems:
            raise problems[0]
    missing = pipeline.lacking(run.outcomes)
    if missing is not None:
        return Failed(message=missing)
    return Completed(message=_done(run))


def _done(run: Run) -> str:
    if not run.outcomes:
        return "nothing was due"
    return f"{by_state(run.states)} series-days, {counted(run.traffic.requests, 'request')}"


def show_plan(planned: Forecast) -> None:
    """Publish the plan of a run."""
    create_markdown_artifact(plan_markdown(planned), key="plan", description="What this run is about to do")


def show_outcome(run: Run) -> None:
    """Publish the outcome of a run, and a link to the results of its checks."""
    own = os.environ.get("PREFECT_UI_URL")
    reports = f"{own}/reports" if own else run.home.reports.absolute().as_uri()
    where = f"{reports}/checks/{run.run_id}.html"
    for notice in run.notices:
        get_run_logger().warning("%s", notice)
    text = outcome_markdown(run.outcomes, run.traffic.requests, where, f"{reports}/{PAGE}", run.notices)
    create_markdown_artifact(text, key="outcome", description="What was loaded, what failed and why, what was restated")
    create_link_artifact(where, link_text="Results of the checks", key="checks")


def show_brief(run: Run) -> None:
    """Publish the report of the newest day, if there is one."""
    day = newest_day(run.home.warehouse)
    if day is not None:
        text = (run.home.reports / f"{day}.md").read_text(encoding="utf-8")
        create_markdown_artifact(text, key="brief", description=f"The brief of {day}")


def show_status(run: Run) -> None:
    """Publish the output of `tidemark status`, under a fixed key."""
    create_markdown_artifact(status_markdown_of(run.settings), key=STATUS_KEY, description=STATUS_ABOUT)


def status_markdown_of(settings: Settings) -> str:
    """The current status of a home as Markdown."""
    return status_markdown(report(settings))
