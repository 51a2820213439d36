"""The commands; thin. Heavy libraries are imported inside the commands that need them, so that help is fast."""

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

from warehouse.text import by_state, columns, counted, expected_ends, first_lines, instant, listed, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flows.doctor.examine import Examination
    from flows.jobs import Job
    from flows.settings import Settings
    from flows.steps.run import Run

INCOMPLETE = 1
MOST_PROBLEMS = 20
MOST_NAMES = 8

DAY = click.DateTime(["%Y-%m-%d"])


class Commands(click.Group):
    """Turns known errors into one sentence and an exit status."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line; its words must be valid text."""
        odd = next((word for word in args if not word.isascii() and not is_text(word)), None)
        if odd is not None:
            raise click.UsageError(f"expected text in {sys.getfilesystemencoding()}, found {odd!r}")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit with 2 for wrong usage, 1 for a failure."""
        from expectations.errors import BadRequest, PipelineError

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
            say(f"tidemark: the system refused ({refused}){where}: free space or fix permissions, then try again")
        except MemoryError:
            misused = None
            say(f"tidemark: not enough memory for {ctx.invoked_subcommand}: close other programs")
        # The exception and all it references are freed here; else DuckDB reports leaked objects, on eighty lines.
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
    """Whether a word of the command line is valid text; Python decodes other bytes as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in word)


def typed() -> str:
    """The command to call this program: its name if the shell finds it, else the path that was used."""
    return "tidemark" if which("tidemark") else sys.argv[0]


def settings_from(**overrides: Any) -> "Settings":
    """The settings, read when a command runs."""
    from flows.settings import read_settings

    return read_settings(**overrides)


def say(text: str) -> None:
    """Print progress or a warning to stderr, so that stdout has only the requested output."""
    click.echo(text, file=sys.stderr)


def show(text: str) -> None:
    """Print requested output to stdout, in its encoding: click would write UTF-8 to an ASCII stream."""
    click.echo(text, file=sys.stdout)


def escape_what_cannot_be_printed() -> None:
    """Print characters that the output encoding lacks as Python escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


no_wait = click.option("--no-wait", is_flag=True, help="Fail at once if another tidemark is writing to this home.")
source_option = click.option("--source", "names", multiple=True, metavar="S", help="Only this source; may be repeated.")
dataset_option = click.option(
    "--dataset", "datasets", multiple=True, metavar="D", help="Only this dataset; may be repeated."
)
series_option = click.option(
    "--series", multiple=True, metavar="X", help="Only this series (BTC, USDT …); may be repeated."
)


@main.command()
@click.option("--seed", default=7, show_default=True, help="The seed of the simulated market.")
@no_wait
def demo(seed: int, no_wait: bool) -> None:
    """Run the whole pipeline on a simulated market: no keys, no network.

    540 days up to 2024-12-09 from a simulator on this machine, checked and built into a warehouse in ./data/demo
    (or TIDEMARK_HOME). Its December follows the published figures; all output is marked SIMULATED.
    """
    from flows import demo as script

    settings = script.demo_settings(settings_from())
    with script.market(settings, seed) as within:
        run_job(within, script.demo_job(within), wait=not no_wait, simulated=True)
    show(script.what_next(settings, typed()))


@main.command()
@click.option("--day", type=DAY, default=None, metavar="D", help="Only this UTC day, and days that may be restated.")
@no_wait
def run(day: datetime | None, no_wait: bool) -> None:
    """The daily job: fetch every day that is due, check it, rebuild the warehouse.

    Asks every enabled source for each due day that is missing, and again for recent days that the source may still
    restate. After a week offline it catches up by itself. If nothing is due, it ends at once.
    """
    from flows.jobs import daily_job

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
    help="missing: fetch missing days. refetch: fetch all days again and record what changed. "
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
    """
    from flows.jobs import backfill_job
    from flows.steps.plan import Mode

    settings = settings_from()
    job = backfill_job(
        settings, start.date(), end.date(), names=names, datasets=datasets, series=series, mode=Mode(mode)
    )
    if plan_only:
        show_plan(settings, job)
    else:
        run_job(settings, job, wait=not no_wait)


@main.command()
@click.option("--as-of", default=None, metavar="INSTANT", help="As known at this instant (ISO 8601, UTC by default).")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write to this file instead."
)
@click.option("--whole", is_flag=True, help="Make every table anew, not only those whose inputs have changed.")
@click.option("--check", is_flag=True, help="Compare the file with one of which every table is made anew.")
@no_wait
def build(as_of: str | None, out: Path | None, whole: bool, check: bool, no_wait: bool) -> None:
    """Rebuild the warehouse file from the lake.

    The file is disposable: the lake and the ledger are the truth. Tables whose inputs have not changed are kept.
    Readers of the old file are not disturbed.
    """
    from expectations.errors import BadRequest
    from flows import pipeline
    from flows.settings import instant

    settings = settings_from()
    known = None
    if as_of is not None:
        known = instant(as_of)
        if known > settings.clock.now():
            raise BadRequest(f"--as-of {as_of} lies in the future")
    built = pipeline.rebuild(settings, as_of=known, out=out, wait=not no_wait, whole=whole, check=check, tell=say)
    did = "built" if built.anew else "nothing has changed: kept"
    say(f"{did} {built.path} as known at {built.as_of:%Y-%m-%d %H:%M:%S} UTC")
    if check:
        say("every table is what a build of all tables makes")


@main.command()
@no_wait
def rewind(no_wait: bool) -> None:
    """Undo what was written to the home while the clock was ahead.

    Says first what it will do. The answers stay archived and are read again by the time at which their providers sent
    them. Days that they do not prove are missing until they are fetched. A home without records from the future is
    left as it is.
    """
    from flows import rewind as script
    from warehouse.store.home import open_home, writing
    from warehouse.store.ledger import Ledger

    settings = settings_from()
    home = open_home(settings.home)
    with writing(home.folder, who="tidemark rewind", wait=not no_wait, tell=say):
        now = settings.clock.now()
        ahead = script.look_ahead(home, Ledger(home.ledger).read(), now)
        if not ahead.runs:
            say(f"nothing in {home.folder} was written later than {instant(now)}: nothing was done")
            return
        say(ahead.sentence)
        script.take_back(home, ahead, settings, now)
    run_job(settings, script.again(settings, Ledger(home.ledger).read()), wait=not no_wait)


@main.command()
@click.option("--day", type=DAY, default=None, metavar="D", help="This UTC day instead of the newest.")
def report(day: datetime | None) -> None:
    """Write the daily brief as one offline HTML page and as Markdown; print the path of the page.

    Also writes completeness.html: every day of every source, with the command that retries what is missing.
    """
    from flows import pipeline
    from warehouse.reports.brief import write_report
    from warehouse.store.home import open_home, warn_origin

    settings = settings_from()
    home = open_home(settings.home)
    warning = warn_origin(home)
    if warning:
        say(warning)
    try:
        show(str(write_report(home, day.date() if day else None)))
    finally:  # the completeness page is written even if the brief fails
        pipeline.draw_completeness(home, pipeline.inputs(home, settings))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
def status(as_json: bool) -> None:
    """Show what is loaded, what is missing or failed and why, by dataset and source."""
    from flows.status import report, table

    current = report(settings_from())
    if as_json:
        show(json.dumps(current, indent=2, default=str))
    else:
        show(table(current))


@main.command()
@source_option
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
@no_wait
def doctor(names: tuple[str, ...], as_json: bool, no_wait: bool) -> None:
    """Send every source one small request, and report what differs from what is known.

    For each source: whether it is reachable and allows access, whether its answer has the expected shape and units, its
    newest day, how much of its rate limit was used, and whether the assumptions about it are true. Nothing is
    published; the findings stay in the home's `doctor` folder. Run it first on a machine with a network: a source
    without differences counts as verified live from then on.

    Exit status 0 if everything is as known, 1 if something changed or could not be determined.
    """
    from flows.doctor.report import examine_sources, table

    def tell(examination: "Examination") -> None:
        if not as_json:
            say(f"  {examination.source}: {examination.outcome.replace('_', ' ')}")

    report = examine_sources(settings_from(), names, wait=not no_wait, say=say, tell=tell)
    show(json.dumps(report, indent=2) if as_json else table(report))
    conclude_visit(report)


@main.command("new-source")
@click.argument("name")
@click.option("--dataset", required=True, metavar="D", help="The dataset that it feeds, such as spot_prices.")
def new_source(name: str, dataset: str) -> None:
    """Start a provider: write the files that it consists of into this clone, to be filled in.

    \b
    tidemark new-source bitstamp --dataset spot_prices

    NAME is our name of the provider, in lower-case letters, digits and _. No file is overwritten. What has to be filled
    in is marked; until then the tests of the source fail, and no run asks it. CONTRIBUTING.md explains each file.
    """
    from flows import scaffold

    written = scaffold.new_source(name, dataset, Path.cwd())
    show(scaffold.what_next(name, dataset, written))


@main.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; one that other machines can reach requires Prefect's authentication.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=4200, show_default=True, help="0 picks a free port.")
def serve(host: str, port: int) -> None:
    """Run Prefect's server, UI and runner for this home: the daily job on schedule, backfills from a form.

    Everything stays under the home; only the requests to the providers leave this machine. Ctrl-C ends it; started
    again, it continues where it was.
    """
    from flows.serve.processes import serve as keep_serving

    keep_serving(settings_from(), host=host, port=port, tell=say)


@main.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="The output format; parquet writes bytes.",
)
@click.option("--saved", metavar="NAME", default=None, help="Run a saved question instead of QUERY.")
@click.option("--list", "list_saved", is_flag=True, help="List the saved questions by name.")
def sql(query: str | None, form: str, saved: str | None, list_saved: bool) -> None:
    """Query the warehouse; read-only, without access to files or the network.

    \b
    tidemark sql "select date, close_usd, drawdown from asset_daily where asset = 'BTC' order by date desc limit 5"
    echo "from signals; from premiums_daily" | tidemark sql
    tidemark sql --saved borrowing_before_worst_days

    Without QUERY, statements are read from standard input. A saved question with table output explains its answer
    on stderr.
    """
    from expectations.errors import BadRequest
    from warehouse.query import answer
    from warehouse.saved_queries import listed, question
    from warehouse.store.home import open_home, warn_origin

    if sum((query is not None, saved is not None, list_saved)) > 1:
        raise BadRequest("one of QUERY, --saved and --list at a time")
    if list_saved:
        show(listed())
        return
    saved_question = question(saved) if saved is not None else None
    home = open_home(settings_from().home)
    warning = warn_origin(home)
    if warning:
        say(warning)
    if saved_question is not None:
        if form == "table":
            for paragraph in saved_question.about:
                say(wrapped(paragraph))
        text = saved_question.sql
    else:
        text = query if query is not None else statements()
    answer(home.warehouse, text, form, sys.stdout)


def statements() -> str:
    """The SQL on standard input.

    Raises:
        BadRequest: The input is not text in its encoding.
    """
    from expectations.errors import BadRequest

    try:
        return sys.stdin.read()
    except UnicodeDecodeError as broken:
        bad_bytes = broken.object[broken.start : broken.start + 4]
        raise BadRequest(f"expected SQL in {broken.encoding} on standard input, found {bad_bytes!r}") from None


@main.command()
@click.argument("mart")
@click.argument("column")
@click.argument("key", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="For machines; the names are stable.")
def explain(mart: str, column: str, key: tuple[str, ...], as_json: bool) -> None:
    """Trace one number back to its model, its source rows and the archived answers; offline.

    \b
    tidemark explain asset_daily return_1d date=2024-12-09 asset=BTC
    tidemark explain brief value date=2024-12-09 topic=deposits_usdc

    KEY names the row: NAME=VALUE for each column of the mart's key.
    """
    from flows.explanation import as_document, as_text
    from warehouse.lineage.explain import explain as trace
    from warehouse.store.archive import Archive
    from warehouse.store.home import open_home, warn_origin

    home = open_home(settings_from().home)
    given = dict(part.partition("=")[::2] for part in key)
    explanation = trace(home.warehouse, Archive(home.raw), mart, column, given)
    if as_json:
        show(json.dumps(as_document(explanation), indent=2, default=str))
    else:
        warning = warn_origin(home)
        if warning:
            say(warning)
        show(as_text(explanation))
    if explanation.problems or explanation.groundless:
        sys.exit(1)


def run_job(settings: "Settings", job: "Job", *, wait: bool, simulated: bool = False) -> None:
    """Run a job and build, with progress; exit 1 if a day that was tried could not be loaded."""
    from flows import pipeline
    from warehouse.reports.brief import LATEST

    with progress() as tell, pipeline.begin(settings, job, wait=wait, simulated=simulated, tell=say) as run:
        tell(run)

        def meanwhile(run: "Run", busy: "Collection[str]") -> None:
            if pipeline.show_so_far(run, busy):
                still = listed(sorted(busy), MOST_NAMES)
                say(f"  what is there so far: {run.home.reports / LATEST}; still asked: {still}")

        pipeline.perform(run, tell, meanwhile=meanwhile)
    conclude(run)


@contextmanager
def progress() -> Iterator[Callable[[Any], None]]:
    """A progress bar on a terminal, plain lines elsewhere; yields a callback for the run and then for each batch."""
    from flows.steps.run import Run

    def plain(event: Any) -> None:
        if isinstance(event, Run):
            say(f"run {event.run_id}: {len(event.batches):,} {'batch' if len(event.batches) == 1 else 'batches'}")
            if event.until:
                say(f"  a first page comes before the slow sources: {expected_ends(event.until, MOST_NAMES)}")
        else:
            say(f"  {event.name}: " + by_state(event.states))

    if not sys.stderr.isatty():
        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
    """Print the outcome of a run; exit 1 if a day that was tried could not be loaded."""
    done = f"{by_state(job.states)} series-days, {counted(job.traffic.requests, 'request')}"
    say(f"run {job.run_id}: {done if job.outcomes else 'nothing is due'}")
    for notice in job.notices:
        say(f"  warning: {notice}")
    problems = []
    for outcome in job.outcomes:
        kinds: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for series, reason, days in outcome.problems:
            kinds.setdefault((series, reason.partition(":")[0]), []).append((reason, days))
        for (series, _), reasons in kinds.items():
            days = sum(count for _, count in reasons)
            problems.append(
                f"not there: {outcome.dataset} {series} from {outcome.source}, {counted(days, 'day')}: {reasons[0][0]}"
            )
    for line in first_lines(problems, MOST_PROBLEMS, "see `tidemark status`"):
        say(line)
    if problems:
        say("incomplete: the rest is published; `tidemark status` shows what is missing")
        sys.exit(INCOMPLETE)


def conclude_visit(report: "Mapping[str, Any]") -> None:
    """Print what is not as known; exit 1 if there is anything."""
    from flows.doctor.examine import Outcome
    from flows.doctor.report import WORDS, complaints

    bad = (Outcome.changed, Outcome.untold)
    problems = [f"{WORDS[outcome].lower()}: {line}" for outcome in bad for line in complaints(report, outcome)]
    for line in first_lines(problems, MOST_PROBLEMS, "see `tidemark doctor --json`"):
        say(line)
    if problems:
        say("not everything is as known: review the transform of a changed source before you trust its numbers")
        sys.exit(INCOMPLETE)


def show_plan(settings: "Settings", job: "Job") -> None:
    """Print what a backfill would do."""
    from flows import pipeline
    from flows.steps.estimate import forecast

    planned = forecast(pipeline.plan(settings, job), job.mode)
    titles = ("dataset", "source", "series", "days", "from", "to", "requests")
    rows = [
        (line.dataset, line.source, line.series, line.days, line.first, line.last, line.requests)
        for line in planned.lines
    ]
    show(columns([titles, *rows]))
    show(planned.sentence)
    say(f"nothing was done; the home is {settings.home}")
