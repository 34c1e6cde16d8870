"""Writing beside and renaming, so that nothing is ever half-written; digests of files."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHUNK = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, lower-case hex, read in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place, sync it, then rename: readers see the old or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def folder_atomically(path: Path) -> Iterator[Path]:
    """Build a folder beside its place and rename it when the block ends well; else nothing remains.

    An existing folder at ``path`` is replaced only after the new one is whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    building.chmod(0o755)
    try:
        yield building
        _take_place(building, path)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _take_place(building: Path, path: Path) -> None:
    """Rename the built folder; an old one steps aside first and comes back if the new one cannot take its place."""
    if not path.exists():
        building.replace(path)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    old = path.rename(aside / path.name)
    try:
        building.replace(path)
    except BaseException:
        old.replace(path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
