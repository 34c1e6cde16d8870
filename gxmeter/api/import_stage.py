"""Where imports are made before they are part of a workspace: beside their place, moved there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.ids import is_id
from gxmeter.energy.model import Source
from gxmeter.energy.sources import digest_of, size_of
from gxmeter.energy.units import at_hand, wanted_by
from gxmeter.telemetry.location import is_url
from gxmeter.workspace.loaded import IMPORTED

CHUNK = 1 << 20
"""Bytes copied at a time [bytes]."""

_SLUG = 60
_SHORT = 8
_NO_ID = re.compile(r"[^A-Za-z0-9_-]+")

Tell = Callable[[int], None]
"""Told how many bytes more are done."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A file, or a folder that is read as one: its path in the import, size [bytes], digest, and where to read it."""

    path: str
    bytes: int
    sha256: str
    source: Source


@contextmanager
def stage(root: Path) -> Iterator[Path]:
    """A hidden folder on the workspace's own disk; whatever is left in it goes when the block ends."""
    home = root / IMPORTED
    made = [folder for folder in (home.parent, home) if not folder.exists()]
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".importing-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for empty in reversed(made):
            with suppress(OSError):
                empty.rmdir()


def name_of(text: str) -> str:
    """The name of a file or folder that was handed in: the last part of its path or URL."""
    if is_url(text):
        return PurePosixPath(text.rstrip("/")).name
    path = Path(text)
    return path.name if path.name.strip(".") else path.resolve().name


def copied(text: str, sources: Sequence[Source], target: Path, tell: Tell) -> list[Unit]:
    """Copy what is read of a path or URL below a folder, and what lies around folders that are read as one.

    Raises:
        InputError: what fetching from object storage raises.
        OSError: a file cannot be read or written.
    """
    name = name_of(text)
    if wanted_by(sources[0].format).as_folders and not is_url(text) and Path(text).is_dir():
        _copy_tree(Path(text), target / name, tell)
        return [_unit(source, _inner(text, source, name), target) for source in sources]
    units = []
    for source in sources:
        inner = _inner(text, source, name)
        with at_hand(source) as here:
            if here.path.is_dir():
                _copy_tree(here.path, target / inner, tell)
                units.append(_unit(source, inner, target))
            else:
                digest = copy_file(here.path, target / inner, tell)
                here_now = replace(source, path=target / inner, remote=None)
                units.append(Unit(inner, (target / inner).stat().st_size, digest, here_now))
    return units


def linked(text: str, sources: Sequence[Source]) -> list[Unit]:
    """What is read of a path or URL where it is; its digest is not known before it has been read."""
    return [
        Unit(
            _inner(text, source, "").strip("/") or ".",
            size_of(source.path) if source.remote is None else source.remote.size,
            "",
            source if source.remote else replace(source, path=source.path.absolute()),
        )
        for source in sources
    ]


def import_id(name: str, units: Sequence[Unit]) -> str:
    """An id made of a name and of what was imported: readable, and the same for the same bytes."""
    digest = units[0].sha256 if len(units) == 1 else sha256_bytes("".join(unit.sha256 for unit in units).encode())
    return f"{slug(name)}-{digest[:_SHORT]}"


def slug(name: str) -> str:
    """A name in the alphabet of ids.

    >>> slug("GPU 電力 (5月).csv"), slug("電力")
    ('GPU-5-csv', 'import')
    """
    text = _NO_ID.sub("-", name)[:_SLUG].strip("-_")
    return text if is_id(text) else "import"


def copy_file(source: Path, target: Path, tell: Tell) -> str:
    """Copy a file by chunks, flushed to the disk; its SHA-256, taken on the way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as written:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            written.write(chunk)
            tell(len(chunk))
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()


def _copy_tree(source: Path, target: Path, tell: Tell) -> None:
    """Copy the files of a folder; hidden ones are left."""
    for file in sorted(source.rglob("*")):
        inner = file.relative_to(source)
        if file.is_file() and not any(part.startswith(".") for part in inner.parts):
            copy_file(file, target / inner, tell)


def _unit(source: Source, inner: str, target: Path) -> Unit:
    path = target / inner
    return Unit(inner, size_of(path), digest_of(path), replace(source, path=path, remote=None))


def _inner(text: str, source: Source, name: str) -> str:
    """The path of a source below what was handed in, beginning with its name.

    Raises:
        InputError: ``import-name``: the name cannot be written into a file of the workspace.
    """
    if source.remote is not None:
        inner = source.remote.url.removeprefix(text.rstrip("/")).strip("/")
    else:
        inner = source.path.relative_to(Path(text)).as_posix() if source.path != Path(text) else ""
    path = "/".join(part for part in (name, inner) if part and part != ".")
    if not path.isprintable() or path != path.strip() or path[:1] in {"=", "+", "-", "@"}:
        raise InputError("import-name", file=text, found=path)
    return path
