"""The process that runs flows: it marks runs of a dead runner as crashed and registers the deployments."""

import asyncio
import os
import signal
import sys

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.runner import Runner
from prefect.states import Cancelled, Crashed

from expectations.errors import PipelineError
from flows.serve.deployments import automation, deployments
from flows.serve.environment import PARENT, end_with_parent
from flows.serve.tasks import STATUS_ABOUT, STATUS_KEY, status_markdown_of
from flows.settings import read_settings

AT_ONCE = 2  # one run writes to the home, one waits; the slots are in this process, so none can stay occupied
PAGE = 200
GONE = "The process that worked on it is gone. What it had published stays; run it again for the rest."
ALIVE = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


async def mark_orphans_crashed(client: PrefectClient) -> int:
    """Mark runs without a process as ended; return how many.

    Only one `tidemark serve` serves a home, and its flows die with their runner. So when a runner starts, no run that
    Prefect shows as active is really active.
    """
    states = {"state": {"type": {"any_": ALIVE}}}
    marked = 0
    while runs := await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(states), limit=PAGE):
        for run in runs:
            await mark_crashed(client, run)
        marked += len(runs)
    return marked


async def mark_crashed(client: PrefectClient, run: FlowRun) -> None:
    """Mark one run and its tasks as crashed, or cancelled if that was requested; a run that has ended is unchanged."""
    asked_to_end = run.state is not None and run.state.type == StateType.CANCELLING
    verdict: State[None] = Cancelled(message=GONE) if asked_to_end else Crashed(message=GONE)
    mine = FlowRunFilter.model_validate({"id": {"any_": [run.id]}})
    alive = TaskRunFilter.model_validate({"state": {"type": {"any_": ALIVE}}})
    while tasks := await client.read_task_runs(flow_run_filter=mine, task_run_filter=alive, limit=PAGE):
        for task in tasks:
            await client.set_task_run_state(task.id, verdict, force=True)
    # Without force: if the run has ended since the list was read, it keeps its state.
    answer = await client.set_flow_run_state(run.id, verdict, force=False)
    if answer.status != SetStateStatus.ACCEPT:
        now = await client.read_flow_run(run.id)
        if now.state is not None and now.state.type in ALIVE:
            await client.set_flow_run_state(run.id, verdict, force=True)


async def keep_automation(client: PrefectClient) -> None:
    """Create the automation, or replace the existing one."""
    wanted = automation()
    held = await client.read_automations_by_name(wanted.name)
    for old in held:
        await client.delete_automation(old.id)
    await client.create_automation(wanted)


async def show_status(client: PrefectClient) -> None:
    """Publish the status of the home, or the error if it cannot be read."""
    try:
        text = await asyncio.to_thread(status_markdown_of, read_settings())
    except PipelineError as problem:
        text = str(problem)
    await client.create_artifact(ArtifactCreate(key=STATUS_KEY, type="markdown", data=text, description=STATUS_ABOUT))


async def work() -> None:
    """Serve the deployments until told to stop."""
    async with get_client() as client:
        marked = await mark_orphans_crashed(client)
        if marked:
            sys.stderr.write(f"{marked} runs whose process is gone were marked as ended\n")
        await keep_automation(client)
        await show_status(client)
    runner = Runner(name="tidemark", limit=AT_ONCE, pause_on_shutdown=False)
    for deployment in await deployments():
        await runner.aadd_deployment(deployment)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    working = asyncio.create_task(runner.start())
    await asyncio.sleep(0)  # by now Prefect has set its own signal handler, which would leave the runs as they are
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(runner.astop()))
    await working


def main() -> None:
    """Run the worker; end together with the parent process."""
    end_with_parent()
    os.environ[PARENT] = str(os.getpid())  # its flows end with this process
    asyncio.run(work())


if __name__ == "__main__":
    main()
