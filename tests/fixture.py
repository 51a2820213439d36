"""Put an answer into a fixture: `python -m tests.fixture CASE.json < ANSWER`.

What stands on standard input, without its last line break, becomes the body, and the hash follows. All else stays.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from warehouse.store.archive import Snapshot
from warehouse.store.files import digest


def put(case: Path, body: bytes) -> None:
    """Replace the body of a fixture."""
    facts = json.loads(case.read_text(encoding="utf-8"))
    envelope = {name: value for name, value in facts.items() if name not in {"body", "body_base64", "sha256"}}
    snapshot = replace(Snapshot.load({**envelope, "body": "", "sha256": digest(b"")}), body=body)
    text = json.dumps({**envelope, **snapshot.dump()}, indent=2, ensure_ascii=False)
    case.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    put(Path(sys.argv[1]), sys.stdin.buffer.read().removesuffix(b"\n"))
