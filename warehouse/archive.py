"""Every provider answer as it arrived: append-only, compressed, checked when read.

One run writes one file, `raw/YYYY-MM/<run>.jsonl.zst`: one zstd frame per answer, each a line of JSON, each preceded
by a skippable frame with its lengths. `zstdcat` shows the file as JSON lines; we reach one answer by its place,
and thousands of answers are still one file. A cut-off last frame is what a kill leaves, and is passed over.
"""

import base64
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa

from expectations.errors import StorageDamaged
from warehouse.files import digest, flush_folder

# zstd's first magic number for frames that decoders skip; then the size of what follows: two lengths.
SKIPPABLE = 0x184D2A50
HEAD = struct.Struct("<IIII")


@dataclass(frozen=True)
class Snapshot:
    """One answer with its question.

    Attributes:
        source: The provider.
        dataset: What it was asked for.
        series: Our name of the series.
        method: HTTP method.
        url: Address at the provider, without any key.
        request_body: What was sent along.
        status: HTTP status.
        headers: The headers that matter.
        observed_at: When it arrived.
        body: The bytes, transfer encoding removed.
        form: What the bytes are.
        transform: The function that reads it, none where it holds no rows.
        labels: What the body does not say.
    """

    source: str
    dataset: str
    series: str
    method: str
    url: str
    request_body: str | None
    status: int
    headers: Mapping[str, str]
    observed_at: datetime
    body: bytes
    form: str
    transform: str | None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """What makes two requests the same question."""
        return (self.method, self.url, self.request_body)

    def dump(self) -> dict[str, Any]:
        """The answer as JSON holds it; bytes that are no text travel as base64."""
        facts = {name: value for name, value in vars(self).items() if name != "body"}
        facts |= {"observed_at": self.observed_at.isoformat(), "sha256": digest(self.body)}
        try:
            return {**facts, "body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            return {**facts, "body_base64": base64.b64encode(self.body).decode("ascii")}

    @classmethod
    def load(cls, facts: Mapping[str, Any]) -> "Snapshot":
        """The inverse of `dump`; the hash must be right."""
        body = (
            base64.b64decode(facts["body_base64"])
            if "body_base64" in facts
            else facts["body"].encode("utf-8")
        )
        if digest(body) != facts["sha256"]:
            raise ValueError("its SHA-256 is another one")
        known = {
            name: facts[name] for name in cls.__dataclass_fields__ if name not in {"body", "observed_at"}
        }
        return cls(**known, body=body, observed_at=datetime.fromisoformat(facts["observed_at"]))


class Archive:
    """All archived answers of a home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, place: str) -> Snapshot:
        """One answer by its place.

        Raises:
            StorageDamaged: It is not there or not what was written; the message names it.
        """
        try:
            name, _, span = place.partition("@")
            offset, _, length = span.partition("+")
            with (self.root / f"{name}.jsonl.zst").open("rb") as segment:
                segment.seek(int(offset))
                frame = segment.read(int(length))
            return _decode(frame)
        except (OSError, ValueError, KeyError, struct.error, pa.ArrowException) as broken:
            raise StorageDamaged(
                f"snapshot {place} in {self.root} is damaged ({broken}): restore the file from a backup, "
                "or ask the provider again with `tidemark backfill … --mode refetch`"
            ) from broken

    def scan(self, run_id: str) -> Iterator[tuple[str, Snapshot]]:
        """All whole answers of one run, with their places."""
        for path in sorted(self.root.glob(f"*/{run_id}.jsonl.zst")):
            name = path.relative_to(self.root).as_posix().removesuffix(".jsonl.zst")
            content = path.read_bytes()
            offset = 0
            while offset + HEAD.size <= len(content):
                packed = HEAD.unpack_from(content, offset)[2]
                length = HEAD.size + packed
                if offset + length > len(content):
                    return
                place = f"{name}@{offset}+{length}"
                yield place, self.read(place)
                offset += length


def _decode(frame: bytes) -> Snapshot:
    magic, _, packed, plain = HEAD.unpack_from(frame)
    if magic != SKIPPABLE or len(frame) != HEAD.size + packed:
        raise ValueError("no answer begins there")
    line = pa.decompress(memoryview(frame)[HEAD.size :], decompressed_size=plain, codec="zstd", asbytes=True)
    return Snapshot.load(orjson.loads(line))


class Recorder:
    """Appends one run's answers to the archive; safe to share between threads."""

    def __init__(self, archive: Archive, run_id: str, now: datetime) -> None:
        self._name = f"{now:%Y-%m}/{run_id}"
        self._path = archive.root / f"{self._name}.jsonl.zst"
        self._lock = threading.Lock()
        self._segment: BinaryIO | None = None

    def append(self, snapshot: Snapshot) -> str:
        """Store an answer and return its place."""
        line = orjson.dumps(snapshot.dump()) + b"\n"
        packed = pa.compress(line, codec="zstd", asbytes=True)
        frame = HEAD.pack(SKIPPABLE, 8, len(packed), len(line)) + packed
        with self._lock:
            if self._segment is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._segment = self._path.open("ab")
                flush_folder(self._path.parent)
            offset = self._segment.tell()
            self._segment.write(frame)
            self._segment.flush()
        return f"{self._name}@{offset}+{len(frame)}"

    def sync(self) -> None:
        """Make what was stored survive a power cut; before anything is published from it."""
        with self._lock:
            if self._segment is not None:
                os.fsync(self._segment.fileno())

    def close(self) -> None:
        """End the run's file."""
        self.sync()
        with self._lock:
            if self._segment is not None:
                self._segment.close()
                self._segment = None
