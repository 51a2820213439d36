"""The wheel: what it holds, and that it runs the demo outside the clone."""

import shlex
import zipfile
from pathlib import Path

from flows.demo import QUERIES
from tests.installed import Installed
from tests.tool import ROOT

PACKAGES = {"expectations", "flows", "transforms", "warehouse"}
CARRIED = {".py", ".sql", ".toml", ".j2", ".css"}


def test_the_wheel_holds_the_four_packages_and_their_data(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in CARRIED and "__pycache__" not in path.parts
    }
    assert expected <= held
    assert {name.partition("/")[0] for name in held} == PACKAGES
    assert not [name for name in held if "test" in name.lower() or "__pycache__" in name]
    assert {Path(name).suffix for name in held} <= CARRIED | {".typed", ".md"}
    assert {".sql", ".toml", ".j2", ".css"} <= {Path(name).suffix for name in held}


def test_the_wheel_names_its_command_and_its_dependencies(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        facts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "tidemark = flows.cli:main" in facts["entry_points.txt"]
    assert "Requires-Python: <3.14,>=3.11" in facts["METADATA"]
    assert "Requires-Dist: duckdb==2.0.1" in facts["METADATA"]
    assert "pytest" not in facts["METADATA"].partition("\n\n")[0]


def test_the_demo_runs_outside_the_clone(installed: Installed) -> None:
    where = installed.run("python", "-c", "import flows, warehouse; print(flows.__file__, warehouse.__file__)").stdout
    assert str(ROOT) not in where
    assert where.count(str(installed.venv)) == 2
    assert installed.said.startswith(
        "SIMULATED data are in data/demo, the brief of 2024-12-09 is data/demo/reports/latest.html."
    )
    assert installed.beside_home() == ["data"]  # nothing is written outside the home
    demo = installed.demo
    assert demo.one("select low_usd from asset_daily where asset = 'BTC' and date = '2024-12-09'") == 94_150.05
    assert demo.one("select max(high_usd) from asset_daily where asset = 'BTC' and date = '2024-12-05'") == 104_088.0
    assert demo.one("select value from ops.home where key = 'origin'") == "simulated"
    assert set(demo.states()) <= {"loaded", "verified_empty", "not_yet", "perished"}
    silent = "select count(*) from duckdb_tables() where not starts_with(coalesce(comment, ''), 'SIMULATED')"
    assert demo.one(silent) == 0
    for page in (demo.home / "reports").rglob("*.html"):
        assert "SIMULATED" in page.read_text(encoding="utf-8"), page
    tried = 0
    for suggestion in installed.said.split("\n\n")[1:]:
        words = shlex.split(suggestion.partition("\n")[2])
        assert words[0] == "TIDEMARK_HOME=data/demo"
        assert Path(words[1]).name == "tidemark"
        answered = installed.run("tidemark", *words[2:], "--format", "csv", TIDEMARK_HOME="data/demo")
        assert len(answered.stdout.splitlines()) > 5
        assert "SIMULATED" in answered.stderr
        tried += 1
    assert tried == len(QUERIES)
