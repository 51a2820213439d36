"""The commands; thin. Heavy libraries are imported where a command needs them, so that help comes at once."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import click

from flows.text import columns, in_words, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.doctor.examine import Examination
    from flows.jobs import Job
    from flows.settings import Settings
    from flows.steps.run import Run

INCOMPLETE = 1
MOST_PROBLEMS = 20

DAY = click.DateTime(["%Y-%m-%d"])


class Commands(click.Group):
    """Turns the errors that tidemark knows how to name into one sentence and an exit status."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words of the command line, which must be text: other bytes are no name and no query."""
        odd = next((word for word in args if not word.isascii() and not is_text(word)), None)
        if odd is not None:
            raise click.UsageError(f"expected text in {sys.getfilesystemencoding()}, found {odd!r}")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; 2 for wrong usage, 1 for what failed."""
        from expectations.errors import BadRequest, PipelineError  # noqa: PLC0415  not needed for --help

        escape_what_cannot_be_printed()
        try:
            return super().invoke(ctx)
        except BadRequest as wrong:
            misused: str | None = str(wrong)
        except PipelineError as problem:
            misused = None
            say(f"tidemark: {problem}")
        except OSError as refused:
            if isinstance(refused, BrokenPipeError):
                raise
            misused = None
            where = "" if refused.filename else f" somewhere in {settings_from().home}"
            say(f"tidemark: the system refuses ({refused}){where}: free space or correct its rights, then again")
        except MemoryError:
            misused = None
            say(f"tidemark: not enough memory for {ctx.invoked_subcommand}: close other programs")
        # Out here the problem and all that it holds is gone: else DuckDB counts what was not freed, on eighty lines.
        if misused is not None:
            raise click.UsageError(misused)
        return ctx.exit(INCOMPLETE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tidemark")
def main() -> None:
    """Daily crypto leverage and liquidity measures, kept as a DuckDB warehouse on your own machine.

    Everything lives in one folder, the home: ./data, or what TIDEMARK_HOME says.
    """


def is_text(word: str) -> bool:
    """Whether a word of the command line is text; bytes that are none come as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def typed() -> str:
    """How a person can call this program: by name where the shell finds it, else by the path that was used."""
    return "tidemark" if which("tidemark") else sys.argv[0]


def settings_from(**overrides: Any) -> "Settings":
    """The settings, read once a command runs."""
    from flows.settings import read_settings  # noqa: PLC0415  pydantic is not needed for --help

    return read_settings(**overrides)


def say(text: str) -> None:
    """Progress and warnings go to stderr, so that stdout holds only what was asked for."""
    click.echo(text, file=sys.stderr)


def show(text: str) -> None:
    """What was asked for goes to stdout, in its own encoding: click would write UTF-8 to a stream that is ASCII."""
    click.echo(text, file=sys.stdout)


def escape_what_cannot_be_printed() -> None:
    """What an output's encoding cannot hold is printed escaped, as Python writes it, rather than not at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


no_wait = click.option("--no-wait", is_flag=True, help="Fail at once when another tidemark writes to this home.")
source_option = click.option(
    "--source", "names", multiple=True, metavar="S", help="Only this source; may be given several times."
)
dataset_option = click.option(
    "--dataset", "datasets", multiple=True, metavar="D", help="Only this dataset; may be given several times."
)
series_option = click.option(
    "--series", multiple=True, metavar="X", help="Only this series (BTC, USDT …); may be given several times."
)


@main.command()
@click.option("--seed", default=7, show_default=True, help="Another seed makes another invented market.")
@no_wait
def demo(seed: int, no_wait: bool) -> None:
    """Run the whole pipeline on an invented market: no keys, no network.

    540 days up to 2024-12-09 from a simulator on this machine, checked and built into a warehouse in ./data/demo
    (or TIDEMARK_HOME). Its December follows the published figures; everything in it says SIMULATED.
    """
    from flows import demo as script  # noqa: PLC0415

    settings = script.demo_settings(settings_from())
    with script.market(settings, seed) as within, progress() as tell:
        job = script.play(within, tell, wait=not no_wait)
    conclude(job)
    show(script.what_next(settings, typed()))


@main.command()
@click.option("--day", type=DAY, default=None, metavar="D", help="Only this UTC day, with what may still be restated.")
@no_wait
def run(day: datetime | None, no_wait: bool) -> None:
    """The daily job: fetch every day that is due, check it, rebuild the warehouse.

    Asks every enabled source for each day that is due and not there yet, and again for recent days that the source
    may still restate. After a week of sleep it catches up by itself; when nothing is due it ends at once.
    """
    from flows.jobs import daily_job  # noqa: PLC0415

    settings = settings_from()
    run_job(settings, daily_job(settings, day=day.date() if day else None), wait=not no_wait)


@main.command()
@click.argument("start", type=DAY, metavar="START")
@click.argument("end", type=DAY, metavar="END")
@source_option
@dataset_option
@series_option
@click.option(
    "--mode",
    type=click.Choice(["missing", "refetch", "replay"]),
    default="missing",
    show_default=True,
    help="missing: ask for what is not there. refetch: ask for everything again and record what changed. "
    "replay: read the archived answers again, without the network.",
)
@click.option("--plan", "plan_only", is_flag=True, help="Print what would be done, and do nothing.")
@no_wait
def backfill(
    start: datetime,
    end: datetime,
    names: tuple[str, ...],
    datasets: tuple[str, ...],
    series: tuple[str, ...],
    mode: str,
    plan_only: bool,
    no_wait: bool,
) -> None:
    """Fill the UTC days START to END, both included.

    \b
    tidemark backfill 2024-01-01 2024-12-09
    tidemark backfill 2024-12-01 2024-12-09 --source binance --dataset funding_rates --mode refetch
    """  # noqa: D301  the backslash is click's mark for lines to keep
    from flows.jobs import backfill_job  # noqa: PLC0415
    from flows.steps.plan import Mode  # noqa: PLC0415

    settings = settings_from()
    job = backfill_job(
        settings, start.date(), end.date(), names=names, datasets=datasets, series=series, mode=Mode(mode)
    )
    if plan_only:
        show_plan(settings, job)
    else:
        run_job(settings, job, wait=not no_wait)


@main.command()
@click.option("--as-of", default=None, metavar="INSTANT", help="As known at this instant (ISO 8601, UTC if unstated).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Another file to write.")
@no_wait
def build(as_of: str | None, out: Path | None, no_wait: bool) -> None:
    """Rebuild the warehouse file from the lake.

    The file is disposable: the lake and the ledger are the truth. Readers of the old file are not disturbed.
    """
    from expectations.errors import BadRequest  # noqa: PLC0415
    from flows import pipeline  # noqa: PLC0415
    from flows.settings import instant  # noqa: PLC0415

    settings = settings_from()
    known = None
    if as_of is not None:
        known = instant(as_of)
        if known > settings.clock.now():
            raise BadRequest(f"--as-of {as_of} lies in the future")
    built = pipeline.rebuild(settings, as_of=known, out=out, wait=not no_wait, tell=say)
    say(f"built {built.path} as known at {built.as_of:%Y-%m-%d %H:%M:%S} UTC")


@main.command()
@no_wait
def rewind(no_wait: bool) -> None:
    """Take back what a clock that ran ahead wrote into the home.

    Says first what it will do. The answers stay archived: what they can really tell, by the time at which their
    providers sent them, is published again, and the rest is missing until it is asked for. Does nothing to a home that
    holds nothing of the future.
    """
    from flows import rewind as script  # noqa: PLC0415
    from warehouse.store.home import open_home, writing  # noqa: PLC0415
    from warehouse.store.ledger import Ledger  # noqa: PLC0415

    settings = settings_from()
    home = open_home(settings.home)
    with writing(home.folder, who="tidemark rewind", wait=not no_wait, tell=say):
        now = settings.clock.now()
        ahead = script.look_ahead(home, Ledger(home.ledger).read(), now)
        if not ahead.runs:
            say(f"nothing in {home.folder} was written later than {now:%Y-%m-%d %H:%M} UTC: nothing was done")
            return
        say(ahead.sentence)
        script.take_back(home, ahead, settings, now)
    run_job(settings, script.again(settings, Ledger(home.ledger).read()), wait=not no_wait)


@main.command()
@click.option("--day", type=DAY, default=None, metavar="D", help="Another UTC day than the newest.")
def report(day: datetime | None) -> None:
    """Write the daily brief: one HTML page that opens offline, and the same as Markdown; prints where the page is.

    Beside it, completeness.html draws every day of every source, with the command that retries what is missing.
    """
    from flows import pipeline  # noqa: PLC0415
    from warehouse.reports.brief import write_report  # noqa: PLC0415
    from warehouse.store.home import open_home, warn_origin  # noqa: PLC0415

    settings = settings_from()
    home = open_home(settings.home)
    warning = warn_origin(home)
    if warning:
        say(warning)
    try:
        show(str(write_report(home, day.date() if day else None)))
    finally:  # what is missing is told, whatever there is to say of the day
        pipeline.draw_completeness(home, pipeline.inputs(home, settings))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
def status(as_json: bool) -> None:
    """What is there, what is missing or failed and why, by dataset and source."""
    from flows.status import report, table  # noqa: PLC0415

    found = report(settings_from())
    if as_json:
        show(json.dumps(found, indent=2, default=str))
    else:
        show(table(found))


@main.command()
@source_option
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
@no_wait
def doctor(names: tuple[str, ...], as_json: bool, no_wait: bool) -> None:
    """Ask every source one small question, and say what is not as known.

    For each source: whether it can be reached and asked, whether its answer has the shape and the units that we read,
    its newest day, how much of its rate limit that took, and whether what is only believed of it is true. Nothing is
    published; the findings stay in the home's `doctor` folder. The first thing to run on a machine with a network:
    a source of which everything is as known stands as verified live from then on.

    Exit status 0 when all that was asked is as known, 1 when something changed or could not be told.
    """
    from flows.doctor.report import examine_sources, table  # noqa: PLC0415

    def tell(found: "Examination") -> None:
        if not as_json:
            say(f"  {found.source}: {found.outcome.replace('_', ' ')}")

    report = examine_sources(settings_from(), names, wait=not no_wait, say=say, tell=tell)
    show(json.dumps(report, indent=2) if as_json else table(report))
    conclude_visit(report)


@main.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; others than this machine's own are refused unless Prefect's authentication is configured.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=4200, show_default=True, help="0 takes a free one.")
def serve(host: str, port: int) -> None:
    """Run Prefect's server, interface and runner for this home: the daily job on schedule, backfills from a form.

    Everything stays under the home; nothing leaves this machine but what the jobs ask of the providers. Ctrl-C ends
    it; started again, it goes on where it was.
    """
    from flows.serve.processes import serve as keep_serving  # noqa: PLC0415

    keep_serving(settings_from(), host=host, port=port, tell=say)


@main.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="How the answer is printed; parquet writes bytes.",
)
@click.option("--saved", metavar="NAME", default=None, help="Ask a saved question instead of QUERY.")
@click.option("--list", "list_saved", is_flag=True, help="List the saved questions, by name.")
def sql(query: str | None, form: str, saved: str | None, list_saved: bool) -> None:
    """Ask the warehouse; read-only, and no SQL reaches files or the network.

    \b
    tidemark sql "select date, close_usd, drawdown from asset_daily where asset = 'BTC' order by date desc limit 5"
    echo "from signals; from premiums_daily" | tidemark sql
    tidemark sql --saved borrowing_before_worst_days

    Without QUERY, statements are read from standard input. A saved question drawn as a table says on stderr what its
    answer means.
    """  # noqa: D301  the backslash is click's mark for lines to keep
    from expectations.errors import BadRequest  # noqa: PLC0415
    from warehouse.query import answer  # noqa: PLC0415
    from warehouse.saved_queries import listed, question  # noqa: PLC0415
    from warehouse.store.home import open_home, warn_origin  # noqa: PLC0415

    if sum((query is not None, saved is not None, list_saved)) > 1:
        raise BadRequest("one of QUERY, --saved and --list at a time")
    if list_saved:
        show(listed())
        return
    asked = question(saved) if saved is not None else None
    home = open_home(settings_from().home)
    warning = warn_origin(home)
    if warning:
        say(warning)
    if asked is not None:
        if form == "table":
            for paragraph in asked.about:
                say(wrapped(paragraph))
        text = asked.sql
    else:
        text = query if query is not None else statements()
    answer(home.warehouse, text, form, sys.stdout)


def statements() -> str:
    """The SQL on standard input.

    Raises:
        BadRequest: It is not text in the encoding of the input.
    """
    from expectations.errors import BadRequest  # noqa: PLC0415

    try:
        return sys.stdin.read()
    except UnicodeDecodeError as broken:
        found = broken.object[broken.start : broken.start + 4]
        raise BadRequest(f"expected SQL in {broken.encoding} on standard input, found {found!r}") from None


@main.command()
@click.argument("mart")
@click.argument("column")
@click.argument("key", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
def explain(mart: str, column: str, key: tuple[str, ...], as_json: bool) -> None:
    """From one number back to its model, the rows that it rests on, and the archived answers; offline.

    \b
    tidemark explain asset_daily return_1d date=2024-12-09 asset=BTC
    tidemark explain brief value date=2024-12-09 topic=deposits_usdc

    KEY names the row: NAME=VALUE for each column of the mart's key.
    """  # noqa: D301  the backslash is click's mark for lines to keep
    from flows.explanation import as_document, as_text  # noqa: PLC0415
    from warehouse.lineage.explain import explain as trace  # noqa: PLC0415
    from warehouse.store.archive import Archive  # noqa: PLC0415
    from warehouse.store.home import open_home, warn_origin  # noqa: PLC0415

    home = open_home(settings_from().home)
    given = dict(part.partition("=")[::2] for part in key)
    found = trace(home.warehouse, Archive(home.raw), mart, column, given)
    if as_json:
        show(json.dumps(as_document(found), indent=2, default=str))
    else:
        warning = warn_origin(home)
        if warning:
            say(warning)
        show(as_text(found))
    if found.problems or found.groundless:
        sys.exit(1)


def run_job(settings: "Settings", job: "Job", *, wait: bool) -> None:
    """Do a job and build, with progress; exit 1 when something that was tried is not there."""
    from flows import pipeline  # noqa: PLC0415

    with progress() as tell, pipeline.begin(settings, job, wait=wait, tell=say) as run:
        tell(run)
        pipeline.perform(run, tell)
    conclude(run)


@contextmanager
def progress() -> Iterator[Callable[[Any], None]]:
    """A bar on a terminal, plain lines elsewhere; told first of the run, then of each batch."""
    from flows.steps.run import Run  # noqa: PLC0415

    def plain(event: Any) -> None:
        if isinstance(event, Run):
            say(f"run {event.run_id}: {len(event.batches)} batches")
        else:
            say(f"  {event.name}: " + in_words(event.states))

    if not sys.stderr.isatty():
        yield plain
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("planning", total=None)

        def drawn(event: Any) -> None:
            if isinstance(event, Run):
                bar.update(task, description=f"run {event.run_id}", total=len(event.batches))
            else:
                bar.update(task, advance=1, description=event.name)

        yield drawn


def conclude(job: "Run") -> None:
    """Say what came of a run; exit 1 when something that was tried is not there."""
    done = f"{in_words(job.states)} series-days, {job.traffic.requests:,} requests"
    say(f"run {job.run_id}: {done if job.outcomes else 'nothing is due'}")
    for notice in job.notices:
        say(f"  warning: {notice}")
    problems: list[tuple[str, str, str, int, str]] = []
    for outcome in job.outcomes:
        kinds: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for series, reason, days in outcome.problems:
            kinds.setdefault((series, reason.partition(":")[0]), []).append((reason, days))
        for (series, _), found in kinds.items():
            days = sum(count for _, count in found)
            problems.append((outcome.dataset, outcome.source, series, days, found[0][0]))
    for dataset, source, series, days, reason in problems[:MOST_PROBLEMS]:
        say(f"  not there: {dataset} {series} from {source}, {days:,} days: {reason}")
    if len(problems) > MOST_PROBLEMS:
        say(f"  and {len(problems) - MOST_PROBLEMS:,} more: see `tidemark status`")
    if problems:
        say("incomplete: the rest is published; `tidemark status` shows what is missing")
        sys.exit(INCOMPLETE)


def conclude_visit(report: "Mapping[str, Any]") -> None:
    """Name what is not as known; exit 1 when there is something."""
    from flows.doctor.examine import Outcome  # noqa: PLC0415
    from flows.doctor.report import WORDS, complaints  # noqa: PLC0415

    found = [(outcome, one) for outcome in (Outcome.changed, Outcome.untold) for one in complaints(report, outcome)]
    for outcome, complaint in found[:MOST_PROBLEMS]:
        say(f"  {WORDS[outcome].lower()}: {complaint}")
    if len(found) > MOST_PROBLEMS:
        say(f"  and {len(found) - MOST_PROBLEMS:,} more: see `tidemark doctor --json`")
    if found:
        say("not all is as known: a change wants a look at the source's transform before its numbers are trusted")
        sys.exit(INCOMPLETE)


def show_plan(settings: "Settings", job: "Job") -> None:
    """Print what a backfill would do."""
    from flows import pipeline  # noqa: PLC0415
    from flows.steps.estimate import forecast  # noqa: PLC0415

    found = forecast(pipeline.plan(settings, job), job.mode)
    lines: list[tuple[str, ...]] = [("dataset", "source", "series", "days", "from", "to", "requests")]
    lines += [
        (
            line.dataset,
            line.source,
            f"{line.series:,}",
            f"{line.days:,}",
            f"{line.first}",
            f"{line.last}",
            f"{line.requests:,}",
        )
        for line in found.lines
    ]
    show(columns(lines))
    show(found.sentence)
    say(f"nothing was done; the home is {settings.home}")
