"""Results of tasks kept on disk, so that unchanged files cost a hash.

One file per entry: a line with the form's name, a line with the SHA-256 of all that follows, the full key, the value.
An entry counts only if its digest holds and the key inside it is the one that was asked for; anything else is reported
as damaged and made anew. The key holds whatever the value depends on: the file's digest, what was asked of it, and a
digest of the code that reads and integrates. Nothing in an entry is run, and nothing in it is secret or signed: whoever
may write into the folder may write numbers, so final reports and verification never look here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from gxmeter.core.files import sha256_bytes, write_atomically
from gxmeter.energy.cache_form import from_bytes, to_bytes

T = TypeVar("T")
Key = Mapping[str, object]

SUFFIX = ".gxcache"
MAX_BYTES = 1 << 30
"""How large the folder may become [bytes]; beyond it, what was not used for longest goes."""

_FORM = b"gxmeter-cache 1"
_ROOMS = ("core", "telemetry", "energy")
_PACKAGE = Path(__file__).resolve().parents[1]


class DamagedEntryError(Exception):
    """An entry is there and is not what it should be; its file is the argument."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of entries; it must exist to be used, and several processes may use it at once."""

    folder: Path

    def fetch(self, key: Key, kind: type[T]) -> T | None:
        """The value of a key; None where there is none.

        Raises:
            DamagedEntryError: there is an entry, but truncated, changed, or another's.
        """
        text = _text(key)
        path = self.folder / self.name(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        value = _value(data, text, kind)
        if value is None:
            raise DamagedEntryError(path.name)
        with suppress(OSError):
            os.utime(path)  # so that the entries in use are the last to go
        return value

    def store(self, key: Key, value: object) -> None:
        """Keep a value; where the folder cannot be written there is no entry, and no harm."""
        text = _text(key)
        body = b"%d\n%s%s" % (len(text), text, to_bytes(value))
        digest = sha256_bytes(body).encode()
        if self.folder.is_dir():
            with suppress(OSError):
                write_atomically(self.folder / self.name(key), b"%s\n%s\n%s" % (_FORM, digest, body))

    def trim(self, max_bytes: int = MAX_BYTES) -> None:
        """Delete the entries that were not used for longest, until the rest fits."""
        entries = []
        with suppress(OSError):
            entries = sorted(self.folder.glob(f"*{SUFFIX}"), key=_used_ns, reverse=True)
        room = max_bytes
        for entry in entries:
            with suppress(OSError):
                room -= entry.stat().st_size
                if room < 0:
                    entry.unlink()

    def name(self, key: Key) -> str:
        """The name of a key's entry."""
        return f"{sha256_bytes(_text(key))}{SUFFIX}"


def opened(folder: Path) -> Cache | None:
    """The cache in a folder, which is made for this user alone; None where it cannot be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return Cache(folder)


def user_folder() -> Path:
    """Where results are kept outside a workspace: ``$XDG_CACHE_HOME/gxmeter``, by default ``~/.cache/gxmeter``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "gxmeter"


@cache
def revision() -> str:
    """SHA-256 of the code that makes results: a change of any reader, of the kernel or of the merge is another one."""
    files = sorted(path for room in _ROOMS for path in (_PACKAGE / room).rglob("*.py"))
    lines = (f"{sha256_bytes(path.read_bytes())}  {path.relative_to(_PACKAGE).as_posix()}\n" for path in files)
    return sha256_bytes("".join(lines).encode())


def _text(key: Key) -> bytes:
    return json.dumps(key, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def _value(data: bytes, text: bytes, kind: type[T]) -> T | None:
    form, _, rest = data.partition(b"\n")
    digest, _, body = rest.partition(b"\n")
    if form != _FORM or digest != sha256_bytes(body).encode():
        return None
    start = b"%d\n%s" % (len(text), text)
    if not body.startswith(start):
        return None
    try:
        return from_bytes(body[len(start) :], kind)
    except ValueError:
        return None


def _used_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
