"""Where Prefect's forms are: links that fill one in, good for pages that outlive the server that they lead to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flows.serve.environment import prefect_home

# What `tidemark serve` answers there unless it is told otherwise.
USUAL = "http://127.0.0.1:4200"
# Answered by our own server, which knows under which id Prefect keeps the deployment.
BACKFILL = "/form/backfill"
ADDRESS = "address"


def remember_address(home: Path, address: str) -> None:
    """Note where this home is served."""
    (prefect_home(home) / ADDRESS).write_text(f"{address}\n", encoding="utf-8")


def served_at(home: Path) -> str:
    """Where this home was served last, or would be."""
    try:
        noted = (prefect_home(home) / ADDRESS).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        noted = ""
    return noted if noted.startswith("http://") else USUAL


def backfill_form(home: Path, parameters: Mapping[str, Any]) -> str:
    """The address of the backfill's form with its fields filled in; nothing runs until a person submits it."""
    return f"{served_at(home)}{BACKFILL}?{filled(parameters)}"


def filled(parameters: Mapping[str, Any]) -> str:
    """The query by which Prefect's interface fills a form in: one field, `parameters`, as JSON."""
    return urlencode({"parameters": json.dumps(parameters, separators=(",", ":"))})
