"""The wheel: what it holds, and that it runs the demo outside the clone."""

import os
import shlex
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tool import ROOT, Tool

PACKAGES = {"expectations", "flows", "transforms", "warehouse"}
CARRIED = {".py", ".sql", ".toml", ".j2", ".css"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment outside the clone with the wheel; its dependencies are borrowed from ours."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)),
        ],
        check=True,
        capture_output=True,
    )
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def outside(**settings: str) -> dict[str, str]:
    """An environment that does not know the clone."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "PYTHON"))}
    return clean | settings


def test_the_wheel_holds_the_four_packages_and_their_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
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


def test_the_wheel_names_its_command_and_its_dependencies(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        facts = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "tidemark = flows.cli:main" in facts["entry_points.txt"]
    assert "Requires-Python: <3.14,>=3.11" in facts["METADATA"]
    assert "Requires-Dist: duckdb==2.0.0" in facts["METADATA"]
    assert "pytest" not in facts["METADATA"].partition("\n\n")[0]


def test_the_demo_runs_outside_the_clone(installed: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [str(installed / "bin" / "python"), "-c", "import flows, warehouse; print(flows.__file__, warehouse.__file__)"],
        cwd=tmp_path,
        env=outside(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(ROOT) not in where
    assert where.count(str(installed)) == 2
    played = subprocess.run(
        [str(installed / "bin" / "tidemark"), "demo"],
        cwd=tmp_path,
        env=outside(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert played.returncode == 0, played.stderr
    assert played.stdout.startswith(
        "SIMULATED data are in data/demo, the brief of 2024-12-09 is data/demo/reports/latest.html."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data"]  # nothing is written outside the home
    demo = Tool(tmp_path / "data" / "demo")
    assert demo.one("select low_usd from asset_daily where asset = 'BTC' and date = '2024-12-09'") == 94_150.05
    assert demo.one("select max(high_usd) from asset_daily where asset = 'BTC' and date = '2024-12-05'") == 104_088.0
    assert demo.one("select value from ops.home where key = 'origin'") == "simulated"
    assert set(demo.states()) <= {"loaded", "verified_empty", "not_yet", "perished"}
    silent = "select count(*) from duckdb_tables() where not starts_with(coalesce(comment, ''), 'SIMULATED')"
    assert demo.one(silent) == 0
    for page in (demo.home / "reports").rglob("*.html"):
        assert "SIMULATED" in page.read_text(encoding="utf-8"), page
    tried = 0
    for suggestion in played.stdout.split("\n\n")[1:]:
        words = shlex.split(suggestion.partition("\n")[2])
        assert words[0] == "TIDEMARK_HOME=data/demo"
        assert Path(words[1]).name == "tidemark"
        answered = subprocess.run(
            [str(installed / "bin" / "tidemark"), *words[2:], "--format", "csv"],
            cwd=tmp_path,
            env=outside(TIDEMARK_HOME="data/demo"),
            check=True,
            capture_output=True,
            text=True,
        )
        assert len(answered.stdout.splitlines()) > 5
        assert "SIMULATED" in answered.stderr
        tried += 1
    assert tried == 3
