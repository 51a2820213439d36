"""The wheel in an environment of its own, and the demo as it runs without the clone."""

import fcntl
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from subprocess import CompletedProcess

from tests.tool import ROOT, Tool


def outside(**settings: str) -> dict[str, str]:
    """The environment variables of a command, without the clone."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "PYTHON"))}
    return clean | settings


class Installed:
    """The wheel, built and installed once for all workers, and the demo that it makes; nobody may change any of it.

    Attributes:
        folder: Where the wheel, its environment and the demo are.
        venv: A new environment with the wheel, which uses the dependencies of ours.
        demo: The demo's home: every table with 540 days.
    """

    def __init__(self, folder: Path) -> None:
        """Build, install and run what is not there yet.

        Args:
            folder: Shared by all workers.
        """
        self.folder = folder
        self.venv = folder / "venv"
        self._played = folder / "played"
        self.demo = Tool(self._played / "data" / "demo")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "done").exists():
                self._install()
                self._played.mkdir()
                played = self.run("tidemark", "demo")
                (folder / "said").write_text(played.stdout, encoding="utf-8")
                (folder / "done").touch()

    @property
    def wheel(self) -> Path:
        """The wheel."""
        (built,) = self.folder.glob("*.whl")
        return built

    @property
    def said(self) -> str:
        """What the demo printed."""
        return (self.folder / "said").read_text(encoding="utf-8")

    def run(self, command: str, *words: str, **settings: str) -> CompletedProcess[str]:
        """Run a command of the environment in the folder with the demo's home; it must succeed."""
        done = subprocess.run(
            [str(self.venv / "bin" / command), *words],
            cwd=self._played,
            env=outside(**settings),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done

    def beside_home(self) -> list[str]:
        """The names in the folder in which the demo was run."""
        return sorted(path.name for path in self._played.iterdir())

    def _install(self) -> None:
        build = ["-m", "hatchling", "build", "-t", "wheel", "-d", str(self.folder)]
        subprocess.run([sys.executable, *build], cwd=ROOT, check=True, capture_output=True)
        venv.create(self.venv, symlinks=True)
        install = [
            *("-m", "pip", "--python", str(self.venv / "bin" / "python"), "install", "--quiet"),
            *("--disable-pip-version-check", "--no-deps", "--no-index", str(self.wheel)),
        ]
        subprocess.run([sys.executable, *install], check=True, capture_output=True)
        (site,) = self.venv.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
