"""The verbs in order, as plain functions: plan, collect, archive, normalize, conform, check, publish, build.

Knows no Prefect. A batch (one dataset of one source over a span of days) shares nothing with another but the
archive, the lake and the ledger, to which each appends.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from expectations.errors import FAULTS, BadRequest, ClockWrong, HomeRefused, PipelineError, RunStopped, unforeseen
from expectations.interval import Interval
from flows.alerts import announce
from flows.jobs import Job, enabled, home_start
from flows.remedies import stretches
from flows.settings import Settings
from flows.sources import sources
from flows.steps.collect import Collector, collect
from flows.steps.plan import Batch, Mode, expected_days, validity
from flows.steps.publish import give_up, publish
from flows.steps.replay import left_behind, read_again, replayable
from flows.steps.run import BatchOutcome, Run
from flows.steps.settle import named
from flows.verification import declarations, latest
from transforms.assets import memberships
from warehouse.build.database import Built, Inputs, build
from warehouse.reports.brief import write_reports
from warehouse.reports.checks import write_check_pages
from warehouse.reports.completeness import read_ledger, write_completeness
from warehouse.store.archive import Archive, Recorder
from warehouse.store.files import clear
from warehouse.store.home import Home, Origin, claim_home, open_home, writing
from warehouse.store.ledger import Books, Ledger, found_event
from warehouse.store.outside import require_free_for_warehouse

if TYPE_CHECKING:
    from flows.source import Gathered

DAILY = "run"  # the kind of run that announces new alerts
HORIZON_DAYS = 14  # far enough ahead to know when the next value of every series falls due
HEEDS_INTERRUPTS = 0.2  # seconds
Tell = Callable[[str], None]
RunEnd = Literal["done", "incomplete", "failed"]


def silent(_: str) -> None:
    """For callers that want no progress."""


def origin(settings: Settings, *, simulated: bool = False) -> Origin:
    """Where the data of a run come from."""
    if simulated:
        return "simulated"
    return "gateway" if settings.gateway else "live"


def existing_home(settings: Settings) -> Home | None:
    """The home of the settings, if there is one; none where a run would make it or refuse it."""
    try:
        home = open_home(settings.home)
    except HomeRefused:
        return None
    return home if home.origin == origin(settings) else None


def plan(settings: Settings, job: Job) -> list[Batch]:
    """The batches that a job would take, without touching anything."""
    books = Ledger(settings.home / "ledger").read()
    planned = job.choose_days(existing_home(settings) or planned_home(settings), books)
    if job.mode is Mode.replay:
        return [batch for batch, _ in replayable(planned, books)]
    return planned


def planned_home(settings: Settings) -> Home:
    """The home that a run would make."""
    return Home(settings.home, origin(settings), home_start(settings))


def nothing_due(settings: Settings, job: Job) -> bool:
    """Whether a home lacks nothing that a job could fetch, and no earlier run of it was cut off."""
    home = existing_home(settings)
    if home is None or not home.warehouse.exists():
        return False
    books = Ledger(home.ledger).read()
    return not books.interrupted_runs and not job.choose_days(home, books)


@contextmanager
def begin(
    settings: Settings,
    job: Job,
    *,
    wait: bool = True,
    simulated: bool = False,
    tell: Tell = silent,
) -> Iterator[Run]:
    """Open a home for writing and plan a run on it.

    Args:
        settings: Where and when.
        job: What to do; its batches are made once the lock is held and the ledger is read.
        wait: Whether to wait for another writer.
        simulated: Whether the data are invented.
        tell: Where to say what is going on.

    Yields:
        The run; its recorder is closed afterwards.

    Raises:
        HomeRefused: The home may not be used.
        HomeBusy: Another writer holds it and `wait` is off.
        BadRequest: Now lies before what the home already holds.
    """
    asked_at = settings.clock.now()
    start = home_start(settings)
    home = claim_home(settings.home, origin=origin(settings, simulated=simulated), start=start, now=asked_at)
    with writing(home.folder, who=f"tidemark {job.kind}", wait=wait, tell=tell):
        now = settings.clock.now()  # another writer may have been waited for
        books = Ledger(home.ledger).read()
        require_forward(now, books)
        clear(home.staging)
        run_id = f"{books.next_run:06d}"
        archive = Archive(home.raw)
        recorder = Recorder(archive, run_id, now)
        run = Run(
            settings=settings,
            home=home,
            run_id=run_id,
            kind=job.kind,
            books=books,
            batches=job.choose_days(home, books),
            collector=Collector(settings, list(job.chosen), recorder, paced=not home.simulated),
            recorder=recorder,
            announced=dict(books.partitions),
        )
        run.write(
            [
                {
                    "event": "run",
                    "run_id": run_id,
                    "kind": job.kind,
                    "at": now,
                    "message": "cut off, or still running",
                }
            ]
        )
        found = run.lake.undecided(books.partitions)
        if found:
            run.write([found_event(run_id, now, found)])
            run.announced |= {name: frozenset({one}) for name, one in found.items()}
        if job.mode is Mode.replay:
            run.batches = list(read_again(replayable(run.batches, books), archive, now))
        elif job.mode is Mode.missing:
            for identity, answer in left_behind(archive, books, job.chosen, settings):
                run.collector.keep(identity, answer)
        try:
            yield run
        except RunStopped:
            raise
        except FAULTS as fault:
            run.recorder.close()
            with suppress(HomeRefused):  # a home that cannot be written is what ended it
                close(run, "failed", named(fault))
            raise
        finally:
            run.recorder.close()


def perform(
    run: Run,
    tell: Callable[[BatchOutcome], None],
    *,
    how: Callable[[Run, Batch], BatchOutcome] | None = None,
    end: Callable[[Run], object] | None = None,
) -> None:
    """Work through all batches, and finish whatever becomes of them: only an interrupt keeps a run from its end.

    Args:
        run: What to work through.
        tell: Told of each outcome.
        how: What is done with a batch; `ingest`, or something around it.
        end: What is done at the end; `finish`, or something around it.

    Raises:
        RunStopped: A person ended the run.
        PipelineError: What ended the batches early, or kept the warehouse from being built.
    """
    problems: list[PipelineError] = []
    try:
        ingest_all(run, tell, how)
    except (RunStopped, ClockWrong):
        raise
    except FAULTS as fault:
        problems.append(unforeseen(fault, f"run {run.run_id}"))
        with held_back(problems, "the books"):
            close(run, "failed", named(problems[0]))
    with held_back(problems, "the end of the run"):
        (end or finish)(run)
    if problems:
        raise problems[0]


def ingest_all(
    run: Run, tell: Callable[[BatchOutcome], None], how: Callable[[Run, Batch], BatchOutcome] | None = None
) -> None:
    """Work through all batches; sources side by side, the batches of one in order.

    Args:
        run: What to work through.
        tell: Told of each outcome, by the thread that worked it out.
        how: What is done with a batch; `ingest`, or something around it.
    """
    one = how or ingest
    per_source: dict[str, list[Batch]] = {}
    for batch in run.batches:
        per_source.setdefault(batch.source.name, []).append(batch)

    def work(mine: list[Batch]) -> None:
        for batch in mine:
            run.collector.stop_if_asked()
            tell(one(run, batch))

    with ThreadPoolExecutor(max_workers=max(len(per_source), 1)) as pool:
        # What surrounds the caller, such as Prefect's flow run, surrounds its threads too.
        working = [pool.submit(copy_context().run, work, mine) for mine in per_source.values()]
        try:
            # Once Polars is imported, an interrupt does not end a wait; it is seen after it.
            while wait_for(working, timeout=HEEDS_INTERRUPTS).not_done:
                pass
        except BaseException:  # a person's interrupt, or a cancellation
            run.collector.stopping.set()
            raise
    for done in working:
        done.result()


def ingest(run: Run, batch: Batch) -> BatchOutcome:
    """Collect, archive, normalize, conform, check and publish one batch; its failure stays its own.

    Raises:
        RunStopped: A person ended the run.
        HomeRefused: The home cannot be written any more.
        ClockWrong: This machine's clock is not the providers', so that nothing can be judged.
    """
    gathered: list[Gathered] = []
    try:
        gathered = list(batch.archived) or collect(run.collector, batch, run.previous)
        run.recorder.sync()
        run.require_true_clock()
        outcome = publish(run, batch, gathered)
    except (RunStopped, HomeRefused, ClockWrong):
        raise
    except FAULTS as fault:
        outcome = give_up(run, batch, gathered, unforeseen(fault, batch.name))
    run.outcomes.append(outcome)
    return outcome


def reading_instant(home: Home, settings: Settings) -> datetime:
    """The instant by which a home is judged; in an invented market, time stands still at its last run."""
    if home.simulated and settings.now is None:
        return Ledger(home.ledger).read().last_recorded_at or settings.clock.now()
    return settings.clock.now()


def inputs(home: Home, settings: Settings, *, known_by: datetime | None = None) -> Inputs:
    """What the warehouse is told besides the lake, as known at an instant, or now."""
    now = reading_instant(home, settings)
    horizon = max(now.date(), home.start) + timedelta(days=HORIZON_DAYS)
    days = Interval(home.start, horizon)
    declared = declarations(sources().values(), latest(home.folder, known_by=known_by))
    expected = expected_days(enabled(settings).values(), days)
    return Inputs(expected, memberships(), validity(sources().values()), now, declared)


def finish(run: Run) -> Built:
    """Close a run's books, build the warehouse and write every page that it changes; the daily run alerts people.

    Where one of these fails, the others are still done.

    Raises:
        StorageDamaged: A partition is not what was written.
        ContractViolated: A mart broke its promise.
        Unforeseen: Anything else; the first of several.
    """
    failed = sum(outcome.failed_days for outcome in run.outcomes)
    run.recorder.close()
    close(
        run,
        "incomplete" if failed else "done",
        f"{failed} series-days failed" if failed else "everything asked for is there",
    )
    problems: list[PipelineError] = []
    with held_back(problems, "the pages of the checks"):
        write_check_pages(run.home, Ledger(run.home.ledger).read(), run.run_id)
    built: Built | None = None
    with held_back(problems, "the warehouse"):
        facts = inputs(run.home, run.settings)
        built = build(run.home, facts)
    if built is not None:
        with held_back(problems, "the brief"):
            write_reports(run.home)
        with held_back(problems, "the calendar of what is there"):
            draw_completeness(run.home, facts)
        with held_back(problems, "the alerts"):
            if run.kind == DAILY:
                announce(run)
    if built is None or problems:
        raise problems[0]
    return built


@contextmanager
def held_back(problems: list[PipelineError], what: str) -> Iterator[None]:
    """Note what goes wrong inside, so that what comes after is done all the same."""
    try:
        yield
    except FAULTS as fault:
        problems.append(unforeseen(fault, what))


def close(run: Run, state: RunEnd, message: str) -> None:
    """Write how a run ended, once: whatever comes later does not change it.

    Args:
        run: The run.
        state: `done`; `incomplete`, something that was tried is not there; `failed`, it ended early.
        message: The same for people.
    """
    if run.closed:
        return
    run.write(
        [
            {
                "event": "run_end",
                "run_id": run.run_id,
                "at": run.now(),
                "state": state,
                "requests": run.traffic.requests,
                "bytes": run.traffic.bytes,
                "rows": sum(outcome.versions for outcome in run.outcomes),
                "message": message,
            }
        ]
    )
    run.closed = True


def draw_completeness(home: Home, facts: Inputs) -> Path:
    """Write the calendar of what is there, as the warehouse has it, with what retries the rest."""
    ledger, as_of = read_ledger(home.warehouse)
    return write_completeness(home, ledger, stretches(home, ledger, facts.expected), as_of)


def lacking(outcomes: Iterable[BatchOutcome]) -> str | None:
    """What was tried and is not there, in one sentence; none where everything is."""
    named = [f"{outcome.name}: {outcome.failed_days:,} series-days" for outcome in outcomes if outcome.problems]
    return f"expected everything asked for, found missing {'; '.join(named)}" if named else None


def require_forward(now: datetime, books: Books) -> None:
    """Refuse to write at an instant before the home's latest.

    Raises:
        BadRequest: Now lies before what the home already holds.
    """
    newest = books.last_recorded_at
    if newest is not None and now < newest:
        raise BadRequest(
            f"now is {now.isoformat()}, but the home was last written at {newest.isoformat()}: "
            "time only runs forward; set TIDEMARK_NOW to that instant or later, or unset it; if a clock that ran ahead "
            "wrote there, `tidemark rewind` takes that back"
        )


def rebuild(settings: Settings, *, as_of: datetime | None, out: Path | None, wait: bool, tell: Tell = silent) -> Built:
    """Build the warehouse of a home anew, as known at an instant, perhaps into another file.

    Raises:
        BadRequest: The other file would take the place of something else, or now lies before what the home holds.
    """
    home = open_home(settings.home)
    if out is not None:
        require_free_for_warehouse(out, home.folder)
    with writing(home.folder, who="tidemark build", wait=wait, tell=tell):
        require_forward(reading_instant(home, settings), Ledger(home.ledger).read())
        return build(home, inputs(home, settings, known_by=as_of), as_of=as_of, out=out)
