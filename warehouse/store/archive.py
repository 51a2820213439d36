"""Every provider answer as it arrived: append-only, compressed, checked when read.

One run writes one file, `raw/YYYY-MM/<run>.jsonl.zst`: one zstd frame per answer, each a line of JSON, each preceded
by a skippable frame with its lengths and a CRC-32 of both. `zstdcat` shows the file as JSON lines. A single answer is
read by its place, and thousands of answers are still one file. A cut-off last frame, which a killed run leaves, is
ignored. Each answer includes the SHA-256 of the body as the provider sent it.
"""

import base64
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from expectations.errors import HomeRefused, StorageDamaged
from warehouse.store.files import digest, flush_folder

# zstd's first magic number for frames that decoders skip, and the content size of such a frame: two lengths and a
# checksum.
SKIPPABLE = 0x184D2A50
SKIPPED = 12
HEAD = struct.Struct("<IIIII")


@dataclass(frozen=True)
class Snapshot:
    """One answer with its request.

    Attributes:
        source: The provider.
        dataset: The requested dataset.
        series: Our name of the series.
        method: HTTP method.
        url: Address at the provider, without any key.
        request_body: The body of the request.
        status: HTTP status.
        headers: The relevant headers.
        observed_at: When it arrived.
        body: The bytes, transfer encoding removed.
        form: The format of the bytes.
        transform: The function that reads it; none if it holds no rows.
        labels: Facts that the body does not contain.
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
        """The key by which two requests are the same."""
        return (self.method, self.url, self.request_body)

    def dump(self) -> dict[str, Any]:
        """The answer as JSON values; a body that is not text is encoded as base64."""
        facts = {name: value for name, value in vars(self).items() if name != "body"}
        facts |= {"observed_at": self.observed_at.isoformat(), "sha256": digest(self.body)}
        try:
            return {**facts, "body": self.body.decode("utf-8")}
        except UnicodeDecodeError:
            return {**facts, "body_base64": base64.b64encode(self.body).decode("ascii")}

    @classmethod
    def load(cls, facts: Mapping[str, Any]) -> "Snapshot":
        """The inverse of `dump`; the hash must be right."""
        body = base64.b64decode(facts["body_base64"]) if "body_base64" in facts else facts["body"].encode("utf-8")
        if digest(body) != facts["sha256"]:
            raise ValueError("its SHA-256 is another one")
        known = {name: facts[name] for name in cls.__dataclass_fields__ if name not in {"body", "observed_at"}}
        return cls(**known, body=body, observed_at=datetime.fromisoformat(facts["observed_at"]))


class Archive:
    """All archived answers of a home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, place: str) -> Snapshot:
        """One answer by its place.

        Raises:
            StorageDamaged: It is missing or not what was written; the message names it.
        """
        try:
            name, _, span = place.partition("@")
            offset, _, length = span.partition("+")
            with (self.root / f"{name}.jsonl.zst").open("rb") as segment:
                segment.seek(int(offset))
                frame = segment.read(int(length))
        except (OSError, ValueError) as broken:
            raise self._damage(place, broken) from broken
        return self._decoded(place, frame)

    def scan(self, run_id: str) -> Iterator[tuple[str, Snapshot]]:
        """All complete answers of one run, with their places.

        Raises:
            StorageDamaged: One of them is not what was written; the message names it.
        """
        for path in sorted(self.root.glob(f"*/{run_id}.jsonl.zst")):
            name = path.relative_to(self.root).as_posix().removesuffix(".jsonl.zst")
            content = path.read_bytes()
            for offset, length in _frames(content):
                place = f"{name}@{offset}+{length}"
                yield place, self._decoded(place, content[offset : offset + length])

    def _decoded(self, place: str, frame: bytes) -> Snapshot:
        try:
            return _decode(frame)
        except (OSError, ValueError, LookupError, struct.error, pa.ArrowException) as broken:
            raise self._damage(place, broken) from broken

    def _damage(self, place: str, broken: Exception) -> StorageDamaged:
        return StorageDamaged(
            f"snapshot {place} in {self.root} is damaged ({broken}): restore the file from a backup, "
            "or ask the provider again with `tidemark backfill … --mode refetch`"
        )


def _sum(packed: int, plain: int, content: bytes | memoryview) -> int:
    return zlib.crc32(content, zlib.crc32(struct.pack("<II", packed, plain)))


def _encode(line: bytes) -> bytes:
    content: bytes = pa.compress(line, codec="zstd", asbytes=True)
    sizes = (len(content), len(line))
    return HEAD.pack(SKIPPABLE, SKIPPED, *sizes, _sum(*sizes, content)) + content


def _decode(frame: bytes) -> Snapshot:
    magic, skipped, packed, plain, check = HEAD.unpack_from(frame)
    content = memoryview(frame)[HEAD.size :]
    if (magic, skipped, packed) != (SKIPPABLE, SKIPPED, len(content)):
        raise ValueError("no answer begins there")
    if check != _sum(packed, plain, content):
        raise ValueError("its CRC-32 is another one")
    line = pa.decompress(content, decompressed_size=plain, codec="zstd", asbytes=True)
    return Snapshot.load(orjson.loads(line))


def _frames(content: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length of every frame, up to where the file was cut off."""
    offset = 0
    while offset + HEAD.size <= len(content):
        length = HEAD.size + HEAD.unpack_from(content, offset)[2]
        if offset + length > len(content):
            return
        yield offset, length
        offset += length


class Recorder:
    """Archives the answers of one run; safe to share between threads."""

    def __init__(self, archive: Archive, run_id: str, now: datetime) -> None:
        self._name = f"{now:%Y-%m}/{run_id}"
        self._path = archive.root / f"{self._name}.jsonl.zst"
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._end = 0

    def archive(self, snapshot: Snapshot) -> str:
        """Store an answer and return its place.

        Raises:
            HomeRefused: The answer cannot be written; earlier content is unchanged.
        """
        frame = _encode(orjson.dumps(snapshot.dump()) + b"\n")
        with self._lock:
            try:
                descriptor, offset = self._open(), self._end
                self._write(descriptor, frame)
            except OSError as refused:
                raise HomeRefused(
                    f"cannot write to {self._path} ({refused.strerror}): free space or correct its rights"
                ) from refused
            self._end = offset + len(frame)
        return f"{self._name}@{offset}+{len(frame)}"

    def _open(self) -> int:
        if self._descriptor is None:
            folder = self._path.parent
            folder.mkdir(parents=True, exist_ok=True)
            # A file of the same run exists if the ledger is older than the archive; it may end in a torn frame.
            whole = [*_frames(self._path.read_bytes())] if self._path.exists() else []
            self._end = sum(whole[-1]) if whole else 0
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            os.ftruncate(self._descriptor, self._end)
            for changed in (folder, folder.parent, folder.parent.parent):
                flush_folder(changed)
        return self._descriptor

    def _write(self, descriptor: int, frame: bytes) -> None:
        rest = memoryview(frame)
        try:
            while rest:
                rest = rest[os.pwrite(descriptor, rest, self._end + len(frame) - len(rest)) :]
        except OSError:
            os.ftruncate(descriptor, self._end)
            raise

    def sync(self) -> None:
        """Make the stored answers survive a power cut; call it before anything is published from them."""
        with self._lock:
            if self._descriptor is not None:
                os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the run's file."""
        with self._lock:
            if self._descriptor is not None:
                try:
                    os.fsync(self._descriptor)
                finally:
                    os.close(self._descriptor)
                    self._descriptor = None
