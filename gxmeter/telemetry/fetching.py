"""Bytes from object storage: fetched once, into a folder that goes when they have been read.

A reader needs a file that it can seek in and look around, and the digest that stands in the evidence must be of the
very bytes that were read: so a unit is copied to this machine's temporary folder (``TMPDIR``) first, and everything
after works on the copy. Memory is a few MB whatever the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from gxmeter.core.errors import InputError
from gxmeter.telemetry.location import Remote, RemoteFile, file_system, mark_of, named_errors, size_of

CHUNK = 1 << 23
"""Bytes asked for at a time [bytes]."""


@contextmanager
def fetched(remote: Remote) -> Iterator[Path]:
    """A copy of a unit, for as long as the block lasts; folders around it have the names that they have there.

    Raises:
        InputError: ``remote-changed``: a file is not the one that was listed; what ``location.listed`` raises.
        OSError: this machine cannot keep the copy.
    """
    with TemporaryDirectory(prefix="gxmeter-") as folder:
        with named_errors(remote.url):
            system = file_system(remote.url)
            system.invalidate_cache()
        for file in remote.files:
            _fetch(system, remote, file, Path(folder) / _place(file.path, remote.scheme))
        yield Path(folder) / _place(remote.path, remote.scheme)


def _fetch(system: Any, remote: Remote, file: RemoteFile, target: Path) -> None:  # noqa: ANN401 - fsspec has no types
    """Copy one file and make sure that it was one and the same from the listing to the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _unchanged(system, remote, file)
    with target.open("wb") as copy:
        for chunk in _chunks(system, remote, file):
            copy.write(chunk)
    if file.size is not None and target.stat().st_size != file.size:
        raise InputError("remote-changed", file=remote.url, found=file.path)
    _unchanged(system, remote, file)


def _chunks(system: Any, remote: Remote, file: RemoteFile) -> Iterator[bytes]:  # noqa: ANN401 - fsspec has no types
    with named_errors(remote.url), system.open(file.path, "rb", block_size=CHUNK, cache_type="none") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _unchanged(system: Any, remote: Remote, file: RemoteFile) -> None:  # noqa: ANN401 - fsspec has no types
    with named_errors(remote.url):
        system.invalidate_cache()
        info = system.info(file.path)
    if (mark_of(info), size_of(info)) != (file.mark, file.size):
        raise InputError("remote-changed", file=remote.url, found=file.path)


def _place(path: str, scheme: str) -> str:
    """Where a copy is kept, below the folder: by the whole path, which the listing found to lead nowhere else."""
    plain = unquote(urlsplit(path).path) if scheme.startswith("http") else path
    return plain.strip("/")
