"""The daily job as a Prefect flow: thin; the pipeline does the work."""

from datetime import date, timedelta

from flows import pipeline
from flows.jobs import daily_job
from flows.serve.environment import prepare_prefect
from flows.settings import Settings, read_settings

prepare_prefect(read_settings().home)  # Prefect reads its environment when it is imported

from prefect import flow  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402
from prefect.states import Completed  # noqa: E402

from flows.serve.tasks import Verdict, guarded, run_job  # noqa: E402


def meant_for(settings: Settings) -> date:
    """The newest UTC day that was over when this run was scheduled, whenever it really starts."""
    scheduled = flow_run.get_scheduled_start_time().date() - timedelta(days=1)
    return min(scheduled, settings.clock.yesterday())


def name_of_run() -> str:
    """The day that the run is for."""
    return f"daily {flow_run.parameters.get('day') or meant_for(read_settings())}"


@flow(name="daily", flow_run_name=name_of_run, persist_result=False)
def daily(day: date | None = None) -> Verdict:
    """Fetch what is due, check it, rebuild the warehouse, say what is missing.

    Args:
        day: Only this UTC day, with what may still be restated. Empty: everything that is due up to the day before
            the run's scheduled time, so that runs caught up after a night off fill the right days in any order.

    Returns:
        Failed, with names, when something that was tried is not there; the rest is published.
    """
    return guarded(lambda: fill(day))


def fill(day: date | None) -> Verdict:
    """Do the daily job, unless nothing is due."""
    settings = read_settings()
    last = meant_for(settings)
    job = daily_job(settings, day=day, last=last)
    if pipeline.nothing_due(settings, job):
        return Completed(message=f"nothing is due: every day up to {day or last} is there or not out yet")
    return run_job(settings, job)
