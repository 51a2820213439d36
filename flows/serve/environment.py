"""The environment that must be set before Prefect is imported: no telemetry, all files inside the home."""

import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path

# The variable with the id of the parent process; the child ends with it.
PARENT = "TIDEMARK_PARENT_PROCESS"
LOOK_EVERY_SECONDS = 0.5

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
# Settings of the processes of `tidemark serve`; values that the user has set override them.
SERVED = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    # Prefect logs the start and end of each task; the run logs the outcomes itself.
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # Runs, their logs and artifacts are kept for 90 days, events for 14.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "7776000",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P14D",
}


def prefect_home(home: Path) -> Path:
    """The folder of Prefect's own files."""
    return (home / "prefect").absolute()


def prepare_prefect(home: Path) -> None:
    """Switch telemetry off and keep Prefect's files under the home; variables that are already set stay."""
    wanted = {"PREFECT_HOME": str(prefect_home(home)), "PREFECT_LOGGING_LEVEL": "WARNING", **QUIET}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def served_environment(home: Path, host: str, port: int, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the processes that make up `tidemark serve`.

    Args:
        home: The home that is served.
        host: The address that the server listens on.
        port: The port that it listens on.
        given: The environment of the command.
    """
    folder = prefect_home(home)
    own = f"http://{'[::1]' if ':' in host else '127.0.0.1'}:{port}"
    authentication = given.get("PREFECT_SERVER_API_AUTH_STRING")
    return {
        **SERVED,
        **given,
        **QUIET,
        "TIDEMARK_HOME": str(home.absolute()),
        "PREFECT_HOME": str(folder),
        "PREFECT_PROFILES_PATH": str(folder / "profiles.toml"),
        "PREFECT_API_URL": f"{own}/api",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_UI_URL": own,
        # The page calls the origin that it was loaded from, under any host name.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "ui"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": own,
        "TMPDIR": str(folder / "tmp"),
        **({"PREFECT_API_AUTH_STRING": authentication} if authentication else {}),
    }


def end_with_parent() -> None:
    """End this process when its parent process has died, for any reason.

    Without its runner the state of a flow is not reported, and without its supervisor a server would hold the port.
    """
    named = os.environ.get(PARENT)
    if named is None:
        return
    parent = int(named)
    # On exit, DuckDB's bindings report objects leaked into Prefect's threads: eighty useless lines.
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(LOOK_EVERY_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
