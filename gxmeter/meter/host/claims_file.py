"""The file on which all meters of a host agree, and locks on its bytes that die with their process.

The locks are POSIX record locks (fcntl(2), ``F_SETLK``): the kernel drops them however the process ends, a forked
child does not have them, and a stopped process keeps them. The file stays empty; only offsets in it mean something.
Two traps of theirs are met here: closing *any* descriptor of the file drops all locks of the process (so they are
asked for again at every interval, see ``Claims.keep``), and a file that was removed still carries locks that nobody
new can see (so the name is looked up again before and after a lock is taken). Removal is no rarity: systemd-logind
removes what a user left in ``/dev/shm`` when he logs out (logind.conf(5), ``RemoveIPC``).
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from gxmeter.meter.descriptor import lifted

FOLDERS = (Path("/dev/shm"), Path("/run/lock"), Path("/tmp"))  # noqa: S108 - the same for all users, on purpose
"""Where the file may lie, best first. ``TMPDIR`` is not asked: batch systems make it another one for every job."""

NAME = "gxmeter-claims"
"""Name of the file."""

_FOR_ALL = 0o666
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_FLOCK = struct.Struct("hhqqi4x")
"""``struct flock`` of 64-bit Linux (fcntl(2)): type, whence, start, length, pid."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes of the file: offset of the first, how many, and whether others may have them too (if they share)."""

    start: int
    length: int
    shared: bool = False


class ClaimsFile:
    """This process's one descriptor of the file. Calls are made one at a time; no call waits.

    Args:
        folders: where the file may lie, best first.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        """Remember the folders; nothing is opened yet."""
        self.folders = folders
        self._fd: int | None = None
        self._file: tuple[int, int] | None = None
        self._refuses = False

    @property
    def usable(self) -> bool:
        """Whether there is a file and it can be locked; else every lock is granted."""
        return self._fd is not None and not self._refuses

    def settle(self) -> bool:
        """Hold the file that every newcomer would take now; whether it is another than before.

        After True, locks that were taken before are worth nothing and must be taken again.
        """
        for folder in self.folders:
            path = folder / NAME
            if self._is_current(path):
                return False
            opened = _open(path)
            if opened is not None:
                self._adopt(opened)
                return True
        changed = self._fd is not None
        self._fd = self._file = None
        return changed

    def lock(self, span: Span) -> bool:
        """Lock the bytes at once or not at all; whether we have them. Asking for what we have is harmless."""
        if self._fd is None:
            return True
        kind = fcntl.LOCK_SH if span.shared else fcntl.LOCK_EX
        try:
            fcntl.lockf(self._fd, kind | fcntl.LOCK_NB, span.length, span.start)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EAGAIN}:
                return False
            self._refuses = True
        return True

    def unlock(self, span: Span) -> None:
        """Let the bytes go; what cannot be unlocked is left to the end of the process."""
        if self._fd is None or not self._is_ours():
            return
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, span.length, span.start)
        except OSError:
            return

    def holder(self, span: Span) -> int | None:
        """Process that stands in the way of a lock: its pid, 0 where it is not visible from here, None where nobody."""
        if self._fd is None:
            return None
        kind = fcntl.F_RDLCK if span.shared else fcntl.F_WRLCK
        asked = _FLOCK.pack(kind, os.SEEK_SET, span.start, span.length, 0)
        try:
            found = _FLOCK.unpack(fcntl.fcntl(self._fd, fcntl.F_GETLK, asked))
        except (OSError, struct.error):
            return 0
        return None if found[0] == fcntl.F_UNLCK else max(0, found[4])

    def _is_current(self, path: Path) -> bool:
        """Whether the file at this place is the one we have open, under the number that we know."""
        try:
            seen = os.lstat(path)
        except (OSError, ValueError):
            return False
        return _is_usable(seen) and _identity(seen) == self._file and self._is_ours()

    def _is_ours(self) -> bool:
        """Whether our descriptor is still our file: a daemon may have closed all numbers and used them anew."""
        if self._fd is None:
            return False
        try:
            return _identity(os.fstat(self._fd)) == self._file
        except OSError:
            return False

    def _adopt(self, opened: int) -> None:
        if self._is_ours() and self._fd is not None:
            os.close(self._fd)
        self._fd, self._file = opened, _identity(os.fstat(opened))
        self._refuses = False


def _open(path: Path) -> int | None:
    """A descriptor of the file at this place, made where there is none; None where it cannot serve all users."""
    for _ in range(2):
        try:
            opened = lifted(os.open(path, _FLAGS))
        except FileNotFoundError:
            if not _create(path):
                return None
            continue
        except (OSError, ValueError):
            return None
        if _is_usable(os.fstat(opened)):
            return opened
        os.close(opened)
        return None
    return None


def _create(path: Path) -> bool:
    """Make the file with its final mode in one step, so that nobody ever sees it half made.

    It is opened by name without ``O_CREAT`` elsewhere: in a sticky folder the kernel may refuse that flag for another
    user's file (proc_sys_fs(5), ``protected_regular``).
    """
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        opened = os.open(draft, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    except (OSError, ValueError):
        return False
    try:
        os.fchmod(opened, _FOR_ALL)
        os.link(draft, path)
    except FileExistsError:
        return True
    except OSError:
        return False
    finally:
        os.close(opened)
        draft.unlink(missing_ok=True)
    return True


def _is_usable(found: os.stat_result) -> bool:
    """Whether this is an empty regular file that every user may lock: all must come to the same answer."""
    return stat.S_ISREG(found.st_mode) and found.st_size == 0 and found.st_mode & _FOR_ALL == _FOR_ALL


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
