"""How soon the commands answer, against importing duckdb in the same rounds; and the demo, whole."""

import subprocess
import time
from pathlib import Path

from measuring import PYTHON, ROOT, TIDEMARK, Section, environment, median, ratio

ROUNDS = 9
PLAIN = 'python -c "import duckdb"'
COMMANDS = {
    PLAIN: (str(PYTHON), "-c", "import duckdb"),
    "tidemark --help": (*TIDEMARK, "--help"),
    'tidemark sql "select 1"': (*TIDEMARK, "sql", "select 1"),
    "tidemark status": (*TIDEMARK, "status"),
    "tidemark backfill --plan, 5 years": (*TIDEMARK, "backfill", "2019-12-11", "2024-12-09", "--plan"),
}
AIMS = {"tidemark --help": "0.3 s", 'tidemark sql "select 1"': "0.6 s"}
NOW = "2024-12-10T00:30:00Z"


def seconds(command: tuple[str, ...], home: Path) -> float:
    """The wall time of one command."""
    given = environment(TIDEMARK_HOME=str(home), TIDEMARK_NOW=NOW)
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=given, capture_output=True, check=True)
    return time.perf_counter() - started


def measure(work: Path) -> tuple[Section, Section]:
    """The demo first, whose home the commands then ask."""
    home = work / "demo"
    played = seconds((*TIDEMARK, "demo"), home)
    imported = min(seconds((str(PYTHON), "-c", "import great_expectations"), home) for _ in range(3))
    demo = Section("The demo, after installation")
    demo.table(
        ("what", "seconds", "aim"),
        [
            ("tidemark demo: 540 days, all feeds", f"{played:.1f}", "60"),
            ("importing great_expectations alone", f"{imported:.1f}", ""),
        ],
    )
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command, home))
    commands = Section("Start-up")
    commands.say(f"{ROUNDS} rounds, the commands in turn; on the demo's home. Whole processes, by the interpreter.")
    commands.table(
        ("command", "median s", "fastest s", "against the import", "aim"),
        [
            (
                f"`{name}`",
                f"{median(each):.2f}",
                f"{min(each):.2f}",
                ratio(median(each), median(taken[PLAIN])),
                AIMS.get(name, ""),
            )
            for name, each in taken.items()
        ],
    )
    return demo, commands
