"""What every section uses: the machine, child processes that time themselves, and tables."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
PYTHON = Path(sys.executable)
TIDEMARK = (str(PYTHON), "-c", "from flows.cli import main; main(prog_name='tidemark')")
LIBRARIES = ("duckdb", "polars", "pyarrow", "orjson", "great-expectations", "pandas")
MB = 1024  # kilobytes, which both of the system's counters are in


@dataclass
class Section:
    """One part of the results: a title, what it means, and tables.

    Attributes:
        title: The heading.
        lines: Paragraphs and tables in the order in which they are printed.
    """

    title: str
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.lines += [text, ""]

    def table(self, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table; the first column is text, the others are figures."""
        cells = [[str(cell) for cell in row] for row in (head, *rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
        drawn = [
            "| " + " | ".join((str.ljust, str.rjust)[place > 0](cell, widths[place]) for place, cell in enumerate(row))
            for row in cells
        ]
        rule = "|" + "|".join("-" * (width + 1) + "-:"[place > 0] for place, width in enumerate(widths))
        self.lines += [f"{drawn[0]} |", f"{rule}|", *(f"{line} |" for line in drawn[1:]), ""]

    @property
    def text(self) -> str:
        """The section as Markdown."""
        return "\n".join([f"## {self.title}", "", *self.lines])


def peak_mb() -> float:
    """The most memory that this process has held; not what its parent held before it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB


def child(script: str, *arguments: object, python: Path = PYTHON) -> dict[str, Any]:
    """Run one of these scripts in a process of its own; it prints its figures as one line of JSON."""
    command = [str(python), str(HERE / script), *(str(argument) for argument in arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{script} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: none of tidemark's own variables, nobody's telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    return {**kept, "PYTHONPATH": str(ROOT), "RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1", **more}


def machine() -> list[tuple[str, str]]:
    """What the figures were measured on."""
    model, memory = platform.processor() or platform.machine(), "unknown"
    cpu, ram = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if cpu.exists() and ram.exists():
        names = [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model n")]
        model = names[0] if names else model
        memory = f"{int(ram.read_text().split()[1]) / 2**20:.1f} GiB"
    return [
        ("processor", f"{model}, {os.cpu_count()} cores"),
        ("memory", memory),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in LIBRARIES),
    ]


def median(seconds: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(seconds)


def ratio(one: float, other: float) -> str:
    """How many times as much one is as the other."""
    return f"{one / other:.2f} x"
