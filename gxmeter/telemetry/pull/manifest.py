"""What lies in a folder of fetched answers, and where it came from: ``manifest.json`` beside the files.

It holds the server's address without any credentials, its version, what was asked, and for each file the time that it
covers, its size and its digest. A file counts as fetched only while it has that digest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_file, write_atomically

NAME = "manifest.json"
FORM = "gxmeter-pull"
VERSION = 1

_MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One file: the answer to one query about [``from_ms``, ``to_ms``) [Unix ms]."""

    file: str
    query: int
    from_ms: int
    to_ms: int
    series: int
    samples: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A folder of answers.

    Attributes:
        url: the server's address.
        server: its version as it says, or empty.
        step_ms: step of range queries [ms]; 0: samples as they were scraped.
        queries: what is asked.
        parts: what has been fetched.
    """

    url: str
    server: str
    step_ms: int
    queries: tuple[str, ...]
    parts: tuple[Part, ...] = field(default=())

    def with_part(self, part: Part) -> Manifest:
        """The same with one more file."""
        parts = (*(one for one in self.parts if one.file != part.file), part)
        return replace(self, parts=tuple(sorted(parts, key=lambda p: (p.from_ms, p.query, p.to_ms))))

    def save(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        document = {"format": FORM, "version": VERSION} | asdict(self)
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        write_atomically(folder / NAME, text.encode())

    def whole(self, folder: Path) -> Manifest:
        """The same with the files only that are there and are what they were."""
        return replace(self, parts=tuple(part for part in self.parts if _is_whole(folder / part.file, part)))


def load(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where the folder is empty or new.

    Raises:
        InputError: ``pull-folder``: it holds other things, or a manifest that cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(not p.name.startswith(".") for p in folder.iterdir())):
            raise InputError("pull-folder", file=str(folder))
        return None
    try:
        with path.open("rb") as file:
            return _manifest(json.loads(file.read(_MAX_BYTES)))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError("pull-folder", file=str(folder)) from None


def _manifest(document: dict[str, Any]) -> Manifest:
    """The manifest that a document tells.

    Raises:
        ValueError, TypeError, KeyError: it tells none.
    """
    if document.pop("format") != FORM or document.pop("version") != VERSION:
        raise ValueError
    parts = tuple(Part(**part) for part in document.pop("parts"))
    found = Manifest(**document | {"queries": tuple(document["queries"])}, parts=parts)
    texts = (found.url, found.server, *found.queries, *(t for p in parts for t in (p.file, p.sha256)))
    numbers = (found.step_ms, *(n for p in parts for n in (p.query, p.from_ms, p.to_ms, p.series, p.samples)))
    if not all(type(text) is str for text in texts) or not all(type(number) is int for number in numbers):
        raise TypeError
    if any(Path(part.file).name != part.file or part.file.startswith(".") for part in parts):
        raise ValueError
    return found


def _is_whole(path: Path, part: Part) -> bool:
    try:
        return sha256_file(path) == part.sha256
    except OSError:
        return False
