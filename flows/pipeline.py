"""The steps in order, as plain functions: plan, collect, archive, normalize, conform, check, publish, build.

Does not use Prefect. Batches (one dataset of one source over a span of days) are independent; they share only the
archive, the lake and the ledger, to which each appends.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from expectations.errors import (
    FAULTS,
    BadRequest,
    ClockWrong,
    ContractViolated,
    HomeRefused,
    NetworkAbsent,
    PipelineError,
    RunStopped,
    unforeseen,
)
from expectations.interval import Interval
from flows.alerts import announce
from flows.jobs import Job, enabled, home_start
from flows.remedies import stretches
from flows.settings import Settings
from flows.sources import sources
from flows.steps.collect import Collector, collect
from flows.steps.estimate import forecast
from flows.steps.interim import Interim
from flows.steps.plan import Batch, Mode, expected_days, validity
from flows.steps.publish import give_up, publish
from flows.steps.replay import left_behind, read_again, replayable
from flows.steps.run import BatchOutcome, Run
from flows.steps.settle import named
from flows.verification import declarations, latest
from transforms.assets import memberships
from warehouse.build.compare import differences
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
HORIZON_DAYS = 14  # far enough ahead to include the next due day of every series
HEEDS_INTERRUPTS = 0.2  # seconds between checks for an interrupt
Tell = Callable[[str], None]
RunEnd = Literal["done", "incomplete", "failed"]


def silent(_: str) -> None:
    """Ignore a message; for callers that want no progress output."""


def origin(settings: Settings, *, simulated: bool = False) -> Origin:
    """The origin of the data of a run."""
    if simulated:
        return "simulated"
    return "gateway" if settings.gateway else "live"


def existing_home(settings: Settings) -> Home | None:
    """The home of the settings; None if it does not exist or a run would refuse it."""
    try:
        home = open_home(settings.home)
    except HomeRefused:
        return None
    return home if home.origin == origin(settings) else None


def plan(settings: Settings, job: Job) -> list[Batch]:
    """The batches that a job would run, without changing anything."""
    books = Ledger(settings.home / "ledger").read()
    planned = job.choose_days(existing_home(settings) or planned_home(settings), books)
    if job.mode is Mode.replay:
        return [batch for batch, _ in replayable(planned, books)]
    return planned


def planned_home(settings: Settings) -> Home:
    """The home that a run would create."""
    return Home(settings.home, origin(settings), home_start(settings))


def nothing_due(settings: Settings, job: Job) -> bool:
    """Whether a job has nothing to fetch for a home, and no earlier run of it was interrupted."""
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
        settings: The settings of the run.
        job: What to do; its batches are planned once the lock is held and the ledger is read.
        wait: Whether to wait for another writer.
        simulated: Whether the data are simulated.
        tell: Receives progress messages.

    Yields:
        The run; its recorder is closed afterwards.

    Raises:
        HomeRefused: The home may not be used.
        HomeBusy: Another writer holds it and `wait` is off.
        BadRequest: Now lies before the newest record of the home.
    """
    asked_at = settings.clock.now()
    start = home_start(settings)
    home = claim_home(settings.home, origin=origin(settings, simulated=simulated), start=start, now=asked_at)
    with writing(home.folder, who=f"tidemark {job.kind}", wait=wait, tell=tell):
        now = settings.clock.now()  # waiting for another writer may have taken time
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
        if not home.simulated:
            run.interim = Interim(forecast(run.batches, job.mode).by_source)
        run.until = {source: now + timedelta(seconds=takes) for source, takes in run.interim.slow.items()}
        run.write(
            [
                {
                    "event": "run",
                    "run_id": run_id,
                    "kind": job.kind,
                    "at": now,
                    "message": "cut off, or still running",
                    "until": run.until,
                }
            ]
        )
        hashes = run.lake.undecided(books.partitions)
        if hashes:
            run.write([found_event(run_id, now, hashes)])
            run.announced |= {name: frozenset({digest}) for name, digest in hashes.items()}
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
            with suppress(HomeRefused):  # the run may have failed because the home is not writable
                close(run, "failed", named(fault))
            raise
        finally:
            run.recorder.close()


def perform(
    run: Run,
    tell: Callable[[BatchOutcome], None],
    *,
    how: Callable[[Run, Batch], BatchOutcome] | None = None,
    meanwhile: Callable[[Run, Collection[str]], object] | None = None,
    end: Callable[[Run], object] | None = None,
) -> None:
    """Process all batches, then finish the run even if batches failed; only an interrupt skips that.

    Args:
        run: The run.
        tell: Receives each outcome.
        how: Processes a batch; `ingest`, or a wrapper of it.
        meanwhile: Builds while slow sources are still asked; `show_so_far`, or a wrapper of it.
        end: Finishes the run; `finish`, or a wrapper of it.

    Raises:
        RunStopped: A person stopped the run.
        PipelineError: The batches ended early, or the warehouse could not be built.
    """
    problems: list[PipelineError] = []
    try:
        ingest_all(run, tell, how, meanwhile)
    except (RunStopped, ClockWrong, NetworkAbsent):
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
    run: Run,
    tell: Callable[[BatchOutcome], None],
    how: Callable[[Run, Batch], BatchOutcome] | None = None,
    meanwhile: Callable[[Run, Collection[str]], object] | None = None,
) -> None:
    """Process all batches: sources in parallel, the batches of one source in order.

    Args:
        run: The run.
        tell: Receives each outcome, on the thread of its source.
        how: Processes a batch; `ingest`, or a wrapper of it.
        meanwhile: Builds while slow sources are still asked; `show_so_far`, or a wrapper of it.
    """
    process = how or ingest
    show = meanwhile or show_so_far
    per_source: dict[str, list[Batch]] = {}
    for batch in run.batches:
        per_source.setdefault(batch.source.name, []).append(batch)

    def work(mine: list[Batch]) -> None:
        for batch in mine:
            run.collector.stop_if_asked()
            tell(process(run, batch))

    with ThreadPoolExecutor(max_workers=max(len(per_source), 1)) as pool:
        # The threads inherit the context of the caller, such as Prefect's flow run.
        working = {pool.submit(copy_context().run, work, mine): source for source, mine in per_source.items()}
        try:
            # Once Polars is imported, an interrupt does not end a wait; it is raised after the wait.
            while left := wait_for(working, timeout=HEEDS_INTERRUPTS).not_done:
                busy, published = {working[each] for each in left}, len(run.outcomes)
                if run.interim.is_due(busy, published):
                    with run.interim.building(busy, published):
                        show(run, busy)
        except BaseException:  # a person's interrupt, or a cancellation
            run.collector.stopping.set()
            raise
    for future in working:
        future.result()


def ingest(run: Run, batch: Batch) -> BatchOutcome:
    """Collect, archive, normalize, conform, check and publish one batch; its failure affects no other batch.

    Raises:
        RunStopped: A person stopped the run.
        HomeRefused: The home is no longer writable.
        ClockWrong: The clock is too far from the providers' clocks to judge what is due.
        NetworkAbsent: No provider can be reached.
    """
    gathered: list[Gathered] = []
    try:
        gathered = list(batch.archived) or collect(run.collector, batch, run.previous)
        run.recorder.sync()
        run.traffic.require_network()  # others may have found by now that it is nobody's fault
        run.require_true_clock()
        with run.gate.publishing():
            outcome = publish(run, batch, gathered)
    except (RunStopped, HomeRefused, ClockWrong, NetworkAbsent):
        raise
    except FAULTS as fault:
        with run.gate.publishing():
            outcome = give_up(run, batch, gathered, unforeseen(fault, batch.name))
    run.outcomes.append(outcome)
    return outcome


def reading_instant(home: Home, settings: Settings) -> datetime:
    """The instant by which a home is judged; in a simulated home, time stops at the last run."""
    if home.simulated and settings.now is None:
        return Ledger(home.ledger).read().last_recorded_at or settings.clock.now()
    return settings.clock.now()


def inputs(home: Home, settings: Settings, *, known_by: datetime | None = None) -> Inputs:
    """The inputs of the warehouse besides the lake, as known at an instant, or now."""
    now = reading_instant(home, settings)
    horizon = max(now.date(), home.start) + timedelta(days=HORIZON_DAYS)
    days = Interval(home.start, horizon)
    declared = declarations(sources().values(), latest(home.folder, known_by=known_by))
    expected = expected_days(enabled(settings).values(), days)
    return Inputs(expected, memberships(), validity(sources().values()), now, declared)


def show_so_far(run: Run, busy: Collection[str]) -> bool:
    """Build the warehouse and write the pages before the end of a run; no batch publishes meanwhile.

    An error costs nothing but this build; it becomes a notice, and the end of the run builds again.

    Args:
        run: The run.
        busy: The sources that are still asked.

    Returns:
        Whether it succeeded.
    """
    problems: list[PipelineError] = []
    with held_back(problems, "the warehouse of what is there so far"):
        with run.gate.reading():
            facts = inputs(run.home, run.settings)
            fetching = {source: run.until.get(source, facts.now) for source in busy}
            build(run.home, replace(facts, fetching=fetching))
        write_reports(run.home)
        draw_completeness(run.home, facts)
    run.notices.extend(str(problem) for problem in problems)
    return not problems


def finish(run: Run) -> Built:
    """Record the end of a run, build the warehouse and write the pages; the daily run also sends alerts.

    If one step fails, the others still run.

    Raises:
        StorageDamaged: A partition differs from what was written.
        ContractViolated: A mart violates its contract.
        Unforeseen: Any other error; the first of several.
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
    """Collect an error of the block, so that the following steps still run."""
    try:
        yield
    except FAULTS as fault:
        problems.append(unforeseen(fault, what))


def close(run: Run, state: RunEnd, message: str) -> None:
    """Record how a run ended, once; later calls do nothing.

    Args:
        run: The run.
        state: `done`; `incomplete` if a day that was tried could not be loaded; `failed` if the run ended early.
        message: The state in words.
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
    """Write the completeness calendar from the warehouse, with the commands that retry what is missing."""
    ledger, as_of = read_ledger(home.warehouse)
    return write_completeness(home, ledger, stretches(home, ledger, facts.expected), as_of)


def lacking(outcomes: Iterable[BatchOutcome]) -> str | None:
    """What was tried and could not be loaded, in one sentence; None if nothing."""
    named = [f"{outcome.name}: {outcome.failed_days:,} series-days" for outcome in outcomes if outcome.problems]
    return f"expected everything asked for, found missing {'; '.join(named)}" if named else None


def require_forward(now: datetime, books: Books) -> None:
    """Refuse to write at an instant before the newest record of the home.

    Raises:
        BadRequest: Now lies before that record.
    """
    newest = books.last_recorded_at
    if newest is not None and now < newest:
        raise BadRequest(
            f"now is {now.isoformat()}, but the home was last written at {newest.isoformat()}: "
            "time only runs forward; set TIDEMARK_NOW to that instant or later, or unset it; if a clock that ran ahead "
            "wrote there, `tidemark rewind` takes that back"
        )


def rebuild(
    settings: Settings,
    *,
    as_of: datetime | None,
    out: Path | None,
    wait: bool,
    whole: bool = False,
    check: bool = False,
    tell: Tell = silent,
) -> Built:
    """Rebuild the warehouse of a home, as known at an instant, optionally into another file.

    Args:
        settings: The settings.
        as_of: The instant; now by default.
        out: The other file.
        wait: Whether to wait for another writer.
        whole: Whether every table is made anew.
        check: Whether the built file is compared with one of which every table is made anew.
        tell: Receives progress messages.

    Raises:
        ContractViolated: The compared file differs.
        BadRequest: The other file would replace something else, or now lies before the newest record of the home.
    """
    home = open_home(settings.home)
    if out is not None:
        require_free_for_warehouse(out, home.folder)
    with writing(home.folder, who="tidemark build", wait=wait, tell=tell):
        require_forward(reading_instant(home, settings), Ledger(home.ledger).read())
        facts = inputs(home, settings, known_by=as_of)
        built = build(home, facts, as_of=as_of, out=out, whole=whole)
        if check:
            require_same(home, facts, built)
        return built


def require_same(home: Home, facts: Inputs, built: Built) -> None:
    """Compare a built file with one of which every table is made anew.

    Raises:
        ContractViolated: They differ.
    """
    anew = home.staging / "checked.duckdb"
    try:
        build(home, facts if built.anew else replace(facts, now=built.as_of), as_of=built.as_of, out=anew)
        different = differences(built.path, anew)
    finally:
        anew.unlink(missing_ok=True)
    if different:
        raise ContractViolated(
            f"expected {built.path} to be what a build of every table makes, found other {', '.join(different)}: "
            "build again with `tidemark build --whole`"
        )
