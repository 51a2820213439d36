"""What Prefect serves, as code: two deployments, their schedules and forms, and the automation that marks dead runs."""

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

# By 00:35 UTC every market's day has settled; by 22:45 the day's statistics are out: the Treasury's and the Federal
# Reserve's come until 21:30 in winter.
PASSES = {"after-the-day": "35 0 * * *", "late-publishers": "45 22 * * *"}
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = [f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")]
SILENT_FOR = timedelta(seconds=90)

ABOUT = """{what}

[What is there and what is missing](/v2/artifacts/key/status) is what `tidemark status` says."""


class Form(ParameterSchema):
    """A form's parameters; a name that is not among them is refused when the run is asked for, not when it starts."""

    additionalProperties: Literal[False] = False  # noqa: N815  JSON Schema's name


def form_of(deployment: RunnerDeployment) -> Form:
    """The parameters of a deployment, and no others."""
    known = deployment._parameter_openapi_schema  # noqa: SLF001  Prefect has no other door to it
    return Form(**known.model_dump(), additionalProperties=False)


async def deployments() -> list[RunnerDeployment]:
    """`daily`, on its schedule, and `backfill`, from its form."""
    made = [
        await daily.ato_deployment(
            name="daily",
            description=ABOUT.format(
                what="Fetches what is due, checks it, rebuilds the warehouse. It runs by itself at 00:35 UTC and, for "
                "late publishers, at 22:45; **Quick run** does it now."
            ),
            schedules=[Cron(cron, timezone="UTC", slug=slug) for slug, cron in PASSES.items()],
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
        await backfill.ato_deployment(
            name="backfill",
            description=ABOUT.format(
                what="Fills the days that the ledger lacks between two UTC days, both included. **Custom run** opens "
                "the form; *plan only* shows what it would take."
            ),
            entrypoint_type=EntrypointType.MODULE_PATH,
        ),
    ]
    for deployment in made:
        deployment._parameter_openapi_schema = form_of(deployment)  # noqa: SLF001  as above
    return made


def automation() -> AutomationCore:
    """A run whose process has been silent for three heartbeats has crashed."""
    return AutomationCore(
        name="tidemark: a run without heartbeats has crashed",
        description="Marks a run as crashed when its process was killed and nobody was there to say so.",
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
                # Of a run that has ended Prefect refuses that; forced, it would rewrite one whose end the server was
                # told of and did not live to count.
                force=False,
                message="No heartbeat for 90 seconds: its process is gone. What it had published stays; run it again.",
            )
        ],
    )
