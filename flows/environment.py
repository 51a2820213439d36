"""What Prefect must find in the environment before it is imported: no telemetry, everything inside the home."""

import os
from pathlib import Path


def prepare_prefect(home: Path) -> None:
    """Switch telemetry off and keep Prefect's own files under the home; what a person has set stays."""
    for name, value in {
        "PREFECT_HOME": str((home / "prefect").absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }.items():
        os.environ.setdefault(name, value)
