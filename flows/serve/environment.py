"""What Prefect must find in the environment before it is imported: no telemetry, everything inside the home."""

import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path

# The process without which the one that reads this has nothing to do.
PARENT = "TIDEMARK_PARENT_PROCESS"
LOOK_EVERY_SECONDS = 0.5

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
# What the processes of `tidemark serve` need; a person's own settings of these names win.
SERVED = {
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    # Prefect tells of each task that it has begun and ended; the run's own lines say what became of it.
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # Runs, their logs and artifacts are kept for a quarter, events for two weeks.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "7776000",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P14D",
}


def prefect_home(home: Path) -> Path:
    """Where Prefect keeps its own files."""
    return (home / "prefect").absolute()


def prepare_prefect(home: Path) -> None:
    """Switch telemetry off and keep Prefect's own files under the home; what a person has set stays."""
    wanted = {"PREFECT_HOME": str(prefect_home(home)), "PREFECT_LOGGING_LEVEL": "WARNING", **QUIET}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def served_environment(home: Path, host: str, port: int, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the processes that make up `tidemark serve`.

    Args:
        home: The home that is served.
        host: The address that the server is bound to.
        port: Its port.
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
        # The page asks the origin that it came from, under whatever name that was reached.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(folder / "ui"),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": own,
        "TMPDIR": str(folder / "tmp"),
        **({"PREFECT_API_AUTH_STRING": authentication} if authentication else {}),
    }


def end_with_parent() -> None:
    """End this process when the one that it works for has died, however that died.

    Without a runner nobody hears of a flow, and without its supervisor a server would hold the port.
    """
    named = os.environ.get(PARENT)
    if named is None:
        return
    parent = int(named)
    # DuckDB's bindings count what they leak into Prefect's threads, on every exit: eighty lines of no use to anybody.
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(LOOK_EVERY_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
