"""The daily job as a Prefect flow; thin, the pipeline does the work."""

from datetime import date, timedelta

from flows import pipeline
from flows.jobs import daily_job
from flows.serve.environment import prepare_prefect
from flows.settings import Settings, read_settings

prepare_prefect(read_settings().home)  # Prefect reads its environment when it is imported

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.serve.tasks import Verdict, guarded, run_job


def meant_for(settings: Settings) -> date:
    """The newest UTC day that was over at the scheduled time of this run, whenever it really starts."""
    scheduled = flow_run.get_scheduled_start_time().date() - timedelta(days=1)
    return min(scheduled, settings.clock.yesterday())


def name_of_run() -> str:
    """The name of the run, with its day."""
    return f"daily {flow_run.parameters.get('day') or meant_for(read_settings())}"


@flow(name="daily", flow_run_name=name_of_run, persist_result=False)
def daily(day: date | None = None) -> Verdict:
    """Fetch what is due, check it, rebuild the warehouse, report what is missing.

    Args:
        day: Only this UTC day, and the days that may still be restated. Empty: everything due up to the day before
            the scheduled time, so that late runs fill the right days in any order.

    Returns:
        Failed, with names, if a day that was tried could not be loaded; everything else is published.
    """
    return guarded(lambda: fill(day))


def fill(day: date | None) -> Verdict:
    """Run the daily job, unless nothing is due."""
    settings = read_settings()
    last = meant_for(settings)
    job = daily_job(settings, day=day, last=last)
    if pipeline.nothing_due(settings, job):
        return Completed(message=f"nothing is due: every day up to {day or last} is there or not out yet")
    return run_job(settings, job)
