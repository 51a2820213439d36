"""A backfill as a Prefect flow: thin; the pipeline does the work."""

from datetime import date

from prefect import flow

from flows import pipeline
from flows.daily import carry_out
from flows.planning import Mode, choose
from flows.run import BatchOutcome
from flows.settings import read_settings


@flow(name="backfill", flow_run_name="backfill {start} to {end}", persist_result=False)
def backfill(
    start: date,
    end: date,
    sources: list[str] | None = None,
    datasets: list[str] | None = None,
    series: list[str] | None = None,
    mode: Mode = Mode.missing,
) -> list[BatchOutcome]:
    """Fill the UTC days start to end, both included.

    Args:
        start: First day to fill.
        end: Last day to fill.
        sources: Which providers to ask; all when empty.
        datasets: Which tables to fill; all when empty.
        series: Which series to fill; all when empty.
        mode: `missing` asks for what is not there, `refetch` asks again, `replay` reads the archive again.

    Returns:
        What became of each batch.

    Raises:
        BadRequest: A name that nobody knows, an end before the start, or a day that is not over.
        ContractViolated: Something that was tried is not there; the rest is published.
    """
    settings = read_settings()
    days = pipeline.finished(start, end, settings, mode)
    chosen = choose(pipeline.enabled(settings), names=sources or (), datasets=datasets or (), series=series or ())
    with pipeline.begin(
        settings,
        chosen,
        kind="backfill" if mode is Mode.missing else mode.value,
        choose_days=pipeline.backfill_batches(settings, chosen, days, mode),
    ) as run:
        return carry_out(run)
