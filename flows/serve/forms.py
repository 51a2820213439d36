"""Links that open Prefect's forms prefilled; pages with such links stay valid across server restarts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flows.serve.environment import prefect_home

# The default address of `tidemark serve`.
USUAL = "http://127.0.0.1:4200"
# Our own server redirects this path, because only it knows Prefect's id of the deployment.
BACKFILL = "/form/backfill"
ADDRESS = "address"


def remember_address(home: Path, address: str) -> None:
    """Store the address at which this home is served."""
    (prefect_home(home) / ADDRESS).write_text(f"{address}\n", encoding="utf-8")


def served_at(home: Path) -> str:
    """The address at which this home was last served, or the default."""
    try:
        noted = (prefect_home(home) / ADDRESS).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        noted = ""
    return noted if noted.startswith("http://") else USUAL


def backfill_form(home: Path, parameters: Mapping[str, Any]) -> str:
    """The address of the prefilled backfill form; nothing runs until a user submits it."""
    return f"{served_at(home)}{BACKFILL}?{filled(parameters)}"


def filled(parameters: Mapping[str, Any]) -> str:
    """The query string with which Prefect's UI prefills a form: one field, `parameters`, as JSON."""
    return urlencode({"parameters": json.dumps(parameters, separators=(",", ":"))})
