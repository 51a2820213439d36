"""The verbs in order, as plain functions: plan, collect, archive, normalize, conform, check, publish, build.

Knows no Prefect. A batch (one dataset of one source over a span of days) shares nothing with another but the
archive, the lake and the ledger, to which each appends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from expectations.errors import BadRequest, ContractViolated, PipelineError
from expectations.interval import ONE_DAY, Interval
from flows.collecting import collect, replay_batches
from flows.planning import Batch, Mode, backfill_days, batches, daily_days, due_days, expected_days
from flows.plans import Source
from flows.publishing import give_up, publish
from flows.run import BatchOutcome, Run
from flows.settings import Settings
from flows.sources import sources
from transforms.assets import memberships
from warehouse.archive import Archive, Recorder
from warehouse.build import Built, Inputs, build
from warehouse.check_pages import write_check_pages
from warehouse.files import clear
from warehouse.home import Home, Origin, claim_home, open_home, writing
from warehouse.ledger import SETTLED, Books, Ledger, found_event

START_DAYS_BACK = 400
HORIZON_DAYS = 14  # far enough ahead to know when the next value of every series falls due
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """For callers that want no progress."""


def origin(settings: Settings, *, simulated: bool = False) -> Origin:
    """Where the data of a run come from."""
    if simulated:
        return "simulated"
    return "gateway" if settings.gateway else "live"


def enabled(settings: Settings) -> dict[str, Source]:
    """The sources that the settings enable.

    Raises:
        BadRequest: A name that nobody knows.
    """
    every = sources()
    if settings.sources is None:
        return every
    unknown = sorted(set(settings.sources) - set(every))
    if unknown:
        raise BadRequest(f"TIDEMARK_SOURCES: unknown source {unknown[0]!r}: there are {', '.join(sorted(every))}")
    return {name: every[name] for name in every if name in settings.sources}


def home_start(settings: Settings) -> date:
    """Where the ledger of a new home begins."""
    return settings.start or settings.clock.now().date() - timedelta(days=START_DAYS_BACK)


def finished(first: date, last: date, settings: Settings, mode: Mode = Mode.missing) -> Interval:
    """The days first to last, if a person may ask for them; a replay takes what is over of them.

    Raises:
        BadRequest: The end lies before the start, or the last day is not over.
    """
    if last < first:
        raise BadRequest(f"the end {last} lies before the start {first}")
    yesterday = settings.clock.yesterday()
    if mode is Mode.replay and first <= yesterday:
        last = min(last, yesterday)
    if last > yesterday:
        raise BadRequest(f"{last} is not over yet (UTC): the newest whole day is {yesterday}")
    return Interval.of_days(first, last)


def plan_backfill(settings: Settings, chosen: Sequence[Source], days: Interval, mode: Mode) -> list[Batch]:
    """The batches that a backfill would take, without touching anything."""
    now = settings.clock.now()
    books = Ledger(settings.home / "ledger").read()
    return batches(chosen, backfill_days(due_days(chosen, days, books, now), mode), now)


def earliest_seconds(planned: Iterable[Batch]) -> float:
    """How long the requests of a plan take at least under the rate limits; sources work side by side."""
    hosts: dict[str, float] = {}
    for batch in planned:
        for host, requests in batch.requests_by_host.items():
            hosts[host] = hosts.get(host, 0.0) + requests / batch.source.limits[host].per_second
    return max(hosts.values(), default=0.0)


@contextmanager
def begin(
    settings: Settings,
    chosen: Sequence[Source],
    *,
    kind: str,
    choose_days: Callable[[Home, Books], Sequence[Batch]],
    wait: bool = True,
    simulated: bool = False,
    tell: Tell = silent,
) -> Iterator[Run]:
    """Open a home for writing and plan a run on it.

    Args:
        settings: Where and when.
        chosen: The sources that may be asked.
        kind: What the run is called in `ops.runs`.
        choose_days: Makes the batches, once the lock is held and the ledger is read.
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
    with writing(home.folder, who=f"tidemark {kind}", wait=wait, tell=tell):
        now = settings.clock.now()  # another writer may have been waited for
        books = Ledger(home.ledger).read()
        require_forward(now, books)
        clear(home.staging)
        run_id = f"{books.next_run:06d}"
        archive = Archive(home.raw)
        run = Run(
            settings=settings,
            home=home,
            run_id=run_id,
            kind=kind,
            books=books,
            batches=list(choose_days(home, books)),
            sources=list(chosen),
            recorder=Recorder(archive, run_id, now),
            announced=dict(books.partitions),
        )
        run.write(
            [
                {
                    "event": "run",
                    "run_id": run_id,
                    "kind": kind,
                    "at": now,
                    "message": "cut off, or still running",
                }
            ]
        )
        found = run.lake.undecided(books.partitions)
        if found:
            run.write([found_event(run_id, now, found)])
            run.announced |= {name: frozenset({one}) for name, one in found.items()}
        if kind == Mode.replay:
            run.batches, run.replayed = replay_batches(run.batches, books, archive, now)
        elif kind != Mode.refetch:
            run.keep_answers(archive)
        try:
            yield run
        finally:
            run.recorder.close()


def daily_batches(
    settings: Settings, chosen: Sequence[Source], day: date | None
) -> Callable[[Home, Books], list[Batch]]:
    """What the daily job does: everything that is due and not settled, or one day with its restating window."""

    def choose_days(home: Home, books: Books) -> list[Batch]:
        now = settings.clock.now()
        last = day or settings.clock.yesterday()
        start = min(home.start, last, books.first_day or last)
        due = due_days(chosen, Interval(start, last + ONE_DAY), books, now)
        # Days before the ledger's start exist only where a backfill has named them.
        due = due.filter((pl.col("date") >= min(home.start, last)) | pl.col("state").is_not_null())
        wanted = daily_days(due, chosen)
        if day is not None:
            settled = pl.col("state").is_in(SETTLED).fill_null(value=False)
            wanted = wanted.filter((pl.col("date") == day) | settled)
        return batches(chosen, wanted, now)

    return choose_days


def backfill_batches(
    settings: Settings, chosen: Sequence[Source], days: Interval, mode: Mode
) -> Callable[[Home, Books], list[Batch]]:
    """What a backfill does: the due days of an interval, all of them or those that are lacking."""

    def choose_days(_: Home, books: Books) -> list[Batch]:
        now = settings.clock.now()
        return batches(chosen, backfill_days(due_days(chosen, days, books, now), mode), now)

    return choose_days


def ingest_all(run: Run, tell: Callable[[BatchOutcome], None]) -> None:
    """Work through all batches; sources side by side, the batches of one in order."""
    per_source: dict[str, list[Batch]] = {}
    for batch in run.batches:
        per_source.setdefault(batch.source.name, []).append(batch)

    def work(mine: list[Batch]) -> None:
        for batch in mine:
            tell(ingest(run, batch))

    with ThreadPoolExecutor(max_workers=max(len(per_source), 1)) as pool:
        for done in [pool.submit(work, mine) for mine in per_source.values()]:
            done.result()


def ingest(run: Run, batch: Batch) -> BatchOutcome:
    """Collect, archive, normalize, conform, check and publish one batch; its failure stays its own."""
    gathered = run.replayed.get(id(batch)) or collect(run, batch)
    run.recorder.sync()
    try:
        outcome = publish(run, batch, gathered)
    except PipelineError as error:
        outcome = give_up(run, batch, gathered, error)
    run.outcomes.append(outcome)
    return outcome


def reading_instant(home: Home, settings: Settings) -> datetime:
    """The instant by which a home is judged; in an invented market, time stands still at its last run."""
    if home.simulated and settings.now is None:
        return Ledger(home.ledger).read().last_recorded_at or settings.clock.now()
    return settings.clock.now()


def inputs(home: Home, settings: Settings) -> Inputs:
    """What the warehouse is told besides the lake."""
    now = reading_instant(home, settings)
    horizon = max(now.date(), home.start) + timedelta(days=HORIZON_DAYS)
    days = Interval(home.start, horizon)
    return Inputs(expected_days(enabled(settings).values(), days), memberships(), now)


def finish(run: Run) -> Built:
    """Close the books of a run and build the warehouse.

    Raises:
        StorageDamaged: A partition is not what was written.
        ContractViolated: A mart broke its promise.
    """
    problems = [problem for outcome in run.outcomes for problem in outcome.problems]
    message = (
        f"{sum(days for *_, days in problems)} series-days failed" if problems else "everything asked for is there"
    )
    run.recorder.close()
    run.write(
        [
            {
                "event": "run_end",
                "run_id": run.run_id,
                "at": run.now(),
                "state": "incomplete" if problems else "done",
                "requests": run.traffic.requests,
                "bytes": run.traffic.bytes,
                "rows": sum(outcome.versions for outcome in run.outcomes),
                "message": message,
            }
        ]
    )
    write_check_pages(run.home, Ledger(run.home.ledger).read(), run.run_id)
    return build(run.home, inputs(run.home, run.settings))


def require_complete(outcomes: Iterable[BatchOutcome]) -> None:
    """Fail when something that was tried is not there.

    Raises:
        ContractViolated: Names the batches and how many series-days each lacks.
    """
    lacking = {outcome.name: sum(days for *_, days in outcome.problems) for outcome in outcomes if outcome.problems}
    if lacking:
        named_days = "; ".join(f"{name}: {days} series-days" for name, days in lacking.items())
        raise ContractViolated(f"expected everything asked for, found missing {named_days}")


def require_forward(now: datetime, books: Books) -> None:
    """Refuse to write at an instant before the home's latest.

    Raises:
        BadRequest: Now lies before what the home already holds.
    """
    newest = books.last_recorded_at
    if newest is not None and now < newest:
        raise BadRequest(
            f"now is {now.isoformat()}, but the home was last written at {newest.isoformat()}: "
            "time only runs forward; set TIDEMARK_NOW to that instant or later, or unset it"
        )


def rebuild(settings: Settings, *, as_of: datetime | None, out: Path | None, wait: bool, tell: Tell = silent) -> Built:
    """Build the warehouse of a home anew, as known at an instant, perhaps into another file."""
    home = open_home(settings.home)
    with writing(home.folder, who="tidemark build", wait=wait, tell=tell):
        require_forward(reading_instant(home, settings), Ledger(home.ledger).read())
        return build(home, inputs(home, settings), as_of=as_of, out=out)
