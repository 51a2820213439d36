"""The daily job as a Prefect flow: thin; the pipeline does the work."""

from datetime import date
from typing import Annotated

from pydantic import Field

from flows import pipeline
from flows.environment import prepare_prefect
from flows.planning import Batch
from flows.run import BatchOutcome, Run
from flows.settings import read_settings

prepare_prefect(read_settings().home)  # Prefect reads its environment when it is imported

from prefect import flow, task  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402


@task(task_run_name="{batch.name}", cache_policy=NO_CACHE, persist_result=False)
def ingest(run: Run, batch: Batch) -> BatchOutcome:
    """Collect, check and publish one batch."""
    return pipeline.ingest(run, batch)


@flow(name="daily", flow_run_name="daily", persist_result=False, validate_parameters=True)
def daily(
    day: Annotated[date | None, Field(description="Only this UTC day.")] = None,
) -> list[BatchOutcome]:
    """Fetch what is due, check it, rebuild the warehouse.

    Args:
        day: Only this UTC day, with what may still be restated; everything that is due when empty.

    Returns:
        What became of each batch.

    Raises:
        ContractViolated: Something that was tried is not there; the rest is published.
    """
    settings = read_settings()
    if day is not None:
        pipeline.finished(day, day, settings)
    chosen = list(pipeline.enabled(settings).values())
    with pipeline.begin(
        settings,
        chosen,
        kind="run",
        choose_days=pipeline.daily_batches(settings, chosen, day),
    ) as run:
        return carry_out(run)


def carry_out(run: Run) -> list[BatchOutcome]:
    """One task per batch, then the build; the flow fails when something that was tried is not there."""
    outcomes = [ingest(run, batch) for batch in run.batches]
    pipeline.finish(run)
    pipeline.require_complete(outcomes)
    return outcomes
