"""The Prefect deployments as code: two flows, their schedules and forms, and the automation that marks dead runs."""

from datetime import timedelta
from typing import Literal

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.schemas.objects import StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.events.actions import ChangeFlowRunState
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.callables import ParameterSchema

from flows.backfill import backfill
from flows.daily import daily

# By 00:35 UTC the day of every market is final. By 22:45 UTC the statistics of the day are published: the Treasury and
# the Federal Reserve publish until 21:30 in winter.
PASSES = {"after-the-day": "35 0 * * *", "late-publishers": "45 22 * * *"}
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")]
SILENT_FOR = timedelta(seconds=90)

ABOUT = """{what}

[What is loaded and what is missing](/v2/artifacts/key/status), as in `tidemark status`."""


class Form(ParameterSchema):
    """The parameters of a form; an unknown name is refused when the run is requested, not when it starts."""

    additionalProperties: Literal[False] = False  # noqa: N815  JSON Schema's name


def form_of(deployment: RunnerDeployment) -> Form:
    """The parameters of a deployment, without additional ones."""
    known = deployment._parameter_openapi_schema  # noqa: SLF001  Prefect has no public access to it
    return Form(**known.model_dump(), additionalProperties=False)


async def deployments() -> list[RunnerDeployment]:
    """The deployments: `daily` on its schedule, `backfill` from its form."""
    made = [
        await daily.ato_deployment(
            name="daily",
            description=ABOUT.format(
                what="Fetches what is due, checks it, rebuilds the warehouse. It runs by itself at 00:35 UTC and, for "
                "late publishers, at 22:45; **Quick run** starts it now."
            ),
            schedules=[Cron(cron, timezone="UTC", slug=slug) for slug, cron in PASSES.items()],
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
        await backfill.ato_deployment(
            name="backfill",
            description=ABOUT.format(
                what="Fills the missing days between two UTC days, both included. **Custom run** opens the form; "
                "*plan only* shows the plan without running it."
            ),
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
    ]
    for deployment in made:
        deployment._parameter_openapi_schema = form_of(deployment)  # noqa: SLF001  as above
    return made


def automation() -> AutomationCore:
    """The automation that marks a run as crashed after three missed heartbeats."""
    return AutomationCore(
        name="tidemark: a run without heartbeats has crashed",
        description="Marks a run as crashed if its process was killed without reporting it.",
        trigger=EventTrigger(
            after={HEARTBEAT},
            expect={HEARTBEAT, *ENDS},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENT_FOR,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                state=StateType.CRASHED,
                # Prefect refuses this for a run that has ended. With force, it could overwrite the state of a run whose
                # end was reported just before the server died.
                force=False,
                message="No heartbeat for 90 seconds: its process is gone. What it had published stays; run it again.",
            )
        ],
    )
