"""The backfill as a Prefect flow; thin, the pipeline does the work."""

from datetime import date
from typing import Annotated

from pydantic import WithJsonSchema

from expectations.contract import datasets as all_datasets
from flows import pipeline
from flows.jobs import backfill_job, enabled
from flows.serve.environment import prepare_prefect
from flows.settings import read_settings
from flows.steps.estimate import forecast
from flows.steps.plan import Mode

prepare_prefect(read_settings().home)  # Prefect reads its environment when it is imported

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.serve.tasks import Verdict, guarded, run_job, show_plan

# The drop-downs of the form list the sources and datasets that exist.
SourceName = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(enabled(read_settings()))})]
DatasetName = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(all_datasets())})]


def name_of_run() -> str:
    """The days and the filters: "backfill 2024-07-01 to 2024-12-09, 3 sources"."""
    given = flow_run.parameters
    named = [f"{given.get('start')} to {given.get('end')}"]
    for what, several in (("sources", "sources"), ("datasets", "datasets"), ("series", "series")):
        chosen = given.get(what) or []
        if chosen:
            named.append(str(chosen[0]) if len(chosen) == 1 else f"{len(chosen)} {several}")
    mode = str(given.get("mode") or Mode.missing)
    kind = "backfill" if mode == Mode.missing else mode
    return ("plan of " if given.get("plan_only") else "") + f"{kind} {', '.join(named)}"


@flow(name="backfill", flow_run_name=name_of_run, persist_result=False)
def backfill(
    start: date,
    end: date,
    sources: list[SourceName] = [],
    datasets: list[DatasetName] = [],
    series: list[str] = [],
    mode: Mode = Mode.missing,
    plan_only: bool = False,
) -> Verdict:
    """Fill the UTC days start to end, both included.

    Args:
        start: First UTC day to fill.
        end: Last UTC day to fill; it must be over.
        sources: Which providers to ask. None chosen: all that supply the chosen datasets and series.
        datasets: Which tables to fill. None chosen: all.
        series: Which series to fill, by our names: BTC, USDT, aave-v3-ethereum-usdc … None: all.
        mode: missing fetches only missing days; refetch fetches all days again and records what changed; replay reads
            the archived answers again, without the network.
        plan_only: Publish the plan and do nothing.

    Returns:
        Failed, with names, if a day that was tried could not be loaded; everything else is published.
    """
    return guarded(lambda: fill(start, end, sources, datasets, series, mode, plan_only=plan_only))


def fill(
    start: date,
    end: date,
    sources: list[str],
    datasets: list[str],
    series: list[str],
    mode: Mode,
    *,
    plan_only: bool,
) -> Verdict:
    """Run the backfill, or only show its plan."""
    settings = read_settings()
    job = backfill_job(settings, start, end, names=sources, datasets=datasets, series=series, mode=mode)
    if not plan_only:
        return run_job(settings, job)
    planned = forecast(pipeline.plan(settings, job), mode)
    show_plan(planned)
    get_run_logger().info("plan: %s; nothing was done", planned.sentence)
    return Completed(message=f"planned only: {planned.sentence}")
