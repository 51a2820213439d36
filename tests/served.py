"""`tidemark serve` as a test sees it: a process, its children, and Prefect's API."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.tool import COMMAND, ROOT, Tool

PATIENCE_SECONDS = 600  # generous, because a machine may be busy: a test waits for what it checks, not for a time
T = TypeVar("T")
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class RefusedError(Exception):
    """The API refused."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


def until(found: Callable[[], T], *, what: str) -> T:
    """Wait until a value is true; returns it."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < ends, f"never came within {PATIENCE_SECONDS} s: {what}"
        Event().wait(0.1)


def command_of(pid: int) -> str:
    """The command line of a process; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """The processes that a process has started, and those that these have started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


@dataclass
class Served:
    """A running `tidemark serve`.

    Attributes:
        process: The command.
        log: What it printed.
        address: Where it answers.
    """

    process: "subprocess.Popen[bytes]"
    log: Path
    address: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def said(self) -> str:
        """Everything that it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        """Wait until it prints its address."""

        def place() -> str:
            assert self.process.poll() is None, self.said()
            lines = [line for line in self.said().splitlines() if line.startswith("tidemark is at ")]
            return lines[-1].split()[3] if lines else ""

        self.address = until(place, what="tidemark serve")

    def pid(self, module: str) -> int | None:
        """The process that runs a module, if it lives."""
        found = [pid for pid in children(self.process.pid) if module in command_of(pid)]
        return found[0] if found else None

    def call(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, method: str | None = None
    ) -> Any:
        """Ask Prefect's API."""
        data = None if body is None else json.dumps(body).encode()
        asked = Request(
            f"{self.address}/api{path}", data, {"content-type": "application/json", **(headers or {})}, method=method
        )
        try:
            with urlopen(asked, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as refused:
            raise RefusedError(refused.code, refused.read().decode()) from None

    def submit(self, name: str, **parameters: Any) -> str:
        """Ask for a run of a deployment, as the interface does; returns its id."""
        if name not in self.ids:
            self.ids[name] = self.call(f"/deployments/name/{name}/{name}")["id"]
        made = self.call(f"/deployments/{self.ids[name]}/create_flow_run", {"parameters": parameters})
        return str(made["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as Prefect knows it."""
        found: dict[str, Any] = self.call(f"/flow_runs/{run_id}")
        return found

    def running(self, run_id: str) -> None:
        """Wait until a run has begun."""
        until(lambda: self.run(run_id)["state_type"] == "RUNNING", what="a run that has begun")

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait until a run has ended; returns it."""

        def found() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["state_type"] in ENDED else None

        run = until(found, what="the end of a run")
        assert run is not None
        return run

    def artifacts(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The artifacts of a run, by key."""
        asked = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
        return {one["key"]: one for one in self.call("/artifacts/filter", asked) if one["key"]}

    def log_lines(self, run_id: str) -> list[str]:
        """The log of a run, once its last line is there."""
        asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}

        def found() -> list[str]:
            lines = [one["message"] for one in self.call("/logs/filter", asked)]
            return lines if any(line.startswith("Finished in state") for line in lines) else []

        return until(found, what="the last line of a log")

    def end(self) -> None:
        """Stop it as a system does, by SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise


def start(tool: Tool, *arguments: str, **environment: str) -> Served:
    """Start `tidemark serve` on a free port."""
    log = tool.home.with_name(f"{tool.home.name}.serve.log")
    given = {name: value for name, value in tool.environment.items() if value is not None}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "serve", "--port", "0", *arguments],
            env={**clean, **given, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Served(process, log)


@contextmanager
def serving(tool: Tool, *arguments: str, **environment: str) -> Iterator[Served]:
    """A `tidemark serve` that is ready, and is ended afterwards."""
    served = start(tool, *arguments, **environment)
    try:
        served.wait_until_ready()
        yield served
    finally:
        served.end()
