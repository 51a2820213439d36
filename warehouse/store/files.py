"""All writing of files goes through here: a file is staged, flushed, and moved into its place."""

import hashlib
import os
import shutil
import uuid
from pathlib import Path

from expectations.errors import HomeRefused, StorageDamaged


def flush_folder(folder: Path) -> None:
    """Make a folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_file(path: Path) -> None:
    """Make the bytes of a file survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, so that each survives a power cut."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        flush_folder(folder.parent)


def stage(staging: Path, content: bytes) -> Path:
    """Write a new file in the staging folder, flushed, under a unique name."""
    staged = staging / uuid.uuid4().hex
    try:
        staging.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(content)
        flush_file(staged)
    except OSError as refused:
        staged.unlink(missing_ok=True)
        raise HomeRefused(
            f"cannot write to {staging} ({refused.strerror or refused}): free space or correct its rights"
        ) from refused
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def move_in(staged: Path, place: Path) -> None:
    """Move a staged file into its place in one step; readers see either the old file or the new one."""
    try:
        make_folder(place.parent)
        staged.replace(place)
        flush_folder(place.parent)
    except OSError as refused:
        raise HomeRefused(
            f"cannot write to {place} ({refused.strerror or refused}): free space or correct its rights"
        ) from refused


def clear(staging: Path) -> None:
    """Remove unfinished files of a killed writer; only for the holder of the home's lock."""
    for left in staging.iterdir() if staging.exists() else ():
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def write_whole(place: Path, content: bytes, staging: Path) -> None:
    """Replace a small file in one step."""
    move_in(stage(staging, content), place)


def digest(content: bytes) -> str:
    """The SHA-256 of bytes, as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()


def read_whole(path: Path, *, what: str) -> bytes:
    """The bytes of a file that must exist."""
    try:
        return path.read_bytes()
    except OSError as broken:
        raise StorageDamaged(f"expected {what} at {path}, found {broken.strerror or broken}") from broken
