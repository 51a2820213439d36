"""The replay server of ../shared, if it is there, as a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ENVELOPE = {"envelope": "retcode"}  # the simulator's name of a fault, and the replay's


class Replay:
    """A context manager that serves while it is open.

    Attributes:
        url: Where it listens; prefix `/HOST/PATH`.
    """

    def __init__(self, server: Path, now: datetime) -> None:
        self._server = server
        self._now = now
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(self._server), "--port", "0", "--now", self._now.isoformat()],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready = self._process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", ready)
        assert found, f"expected the replay to be ready, found {ready!r}"
        self.url = found[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def misbehave(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace the rules of misbehaviour."""
        told = [{**rule, "kind": ENVELOPE.get(rule["kind"], rule["kind"])} for rule in rules]
        requests.post(f"{self.url}/_replay/faults", json=told, timeout=10).raise_for_status()

    def asked(self) -> int:
        """The number of requests that the providers received."""
        counts: dict[str, int] = requests.get(f"{self.url}/_replay/counts", timeout=10).json()
        return sum(counts.values())
