"""The journal's pen: one ``write`` per record to an append-only file, synced on a budget, a new segment an hour.

After SIGKILL everything written is in the file: at most the running interval is lost. When the disk is full
or gone, records wait in memory and are written as soon as it works again; what had to be dropped is said. A
segment whose file was removed while it was written is put back from what the open file still holds; one whose
descriptor somebody else closed is opened anew.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import replace
from pathlib import Path

from gxmeter.core.journal import ROTATE, SUFFIX, Footer, Gap, Head, Interval, Record, Remark
from gxmeter.core.journal_encode import encode
from gxmeter.meter.descriptor import Descriptor
from gxmeter.meter.ticks import NS_PER_S, Moment

SYNC_EVERY_S = 5
"""How often the file is forced to disk [s]; a power cut loses at most this much."""

MAX_WAITING = 20_000
"""Records kept in memory while the disk cannot be written; later ones are dropped and counted."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class JournalWriter:
    """Writes one journal. All calls come from one thread; no call raises for a disk fault.

    Args:
        folder: the journal's folder, there and writable.
    """

    def __init__(self, folder: Path) -> None:
        """Open the first segment's file.

        Raises:
            OSError: the file cannot be made.
        """
        self._folder = folder
        self._segment = 0
        self._n = 0
        self._file = _open(folder, 0)
        self._digest = hashlib.sha256()
        self._size = 0
        self._in_segment = 0
        self._previous: str | None = None
        self._waiting: deque[Record] = deque()
        self._dropped = 0
        self._dropped_ms = 0
        self._last_ms = 0
        self._refused_ms = 0
        self._late = 0
        self._synced_ns = 0
        self._started_ns = 0

    @property
    def lost(self) -> int:
        """Records that never reached the disk."""
        return self._dropped + len(self._waiting)

    def head(self, head: Head) -> None:
        """Write the segment's head; number, segment and the digest of the segment before are filled in."""
        self._started_ns = self._synced_ns = head.mono_ns
        self.write(replace(head, segment=self._segment, previous=self._previous))

    def write(self, record: Record) -> None:
        """Append a record with the next running number, and whatever still waits before it."""
        if len(self._waiting) >= MAX_WAITING:
            self._dropped += 1
            self._dropped_ms = _wall(record)
            return
        self._waiting.append(record)
        self._flush()

    def sync(self, now: Moment) -> None:
        """Force the file to disk if the last time is longer ago than the budget."""
        if now.mono_ns - self._synced_ns >= SYNC_EVERY_S * NS_PER_S:
            self._synced_ns = now.mono_ns
            self._force()

    def due(self, now: Moment, segment_s: int) -> bool:
        """Whether the segment is old enough to be closed."""
        return now.mono_ns - self._started_ns >= segment_s * NS_PER_S

    def rotate(self, head: Head, now: Moment) -> None:
        """Close the segment and open the next with ``head``; where that fails the segment simply goes on."""
        if self._waiting:
            return
        try:
            file = _open(self._folder, self._segment + 1)
        except OSError:
            self._started_ns = now.mono_ns
            return
        self._end(ROTATE, now)
        self._waiting.clear()  # an end record that the disk refused must not open the next segment
        self._file.close()
        self._previous = self._digest.hexdigest()
        self._file, self._segment = file, self._segment + 1
        self._digest, self._size, self._in_segment = hashlib.sha256(), 0, 0
        self.head(head)

    def close(self, reason: str, now: Moment) -> None:
        """Write the end record, force all to disk and close."""
        self._flush()
        if not self._waiting:
            self._end(reason, now)
        self._file.close()

    def _end(self, reason: str, now: Moment) -> None:
        self._there()
        self._flush()
        footer = Footer(0, now.utc_ms, now.mono_ns, reason, self._in_segment, self._digest.hexdigest())
        self.write(footer)
        self._force()

    def _force(self) -> None:
        try:
            if self._file.is_ours:
                os.fdatasync(self._file.number)
        except OSError:
            return

    def _flush(self) -> None:
        while self._waiting:
            if not self._put(self._waiting[0]):
                self._refused_ms = self._refused_ms or _wall(self._waiting[0])
                return
            self._waiting.popleft()
            self._late += 1 if self._refused_ms else 0
        if self._refused_ms:
            self._say_refused()
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._waiting.append(Remark(0, self._dropped_ms, "records-lost", (("count", str(dropped)),)))
            self._flush()

    def _say_refused(self) -> None:
        """The disk takes records again: how long it did not, and how many came late."""
        seconds = max(0, self._last_ms - self._refused_ms) // 1000
        params = (("count", str(self._late)), ("seconds", str(seconds)))
        self._refused_ms = self._late = 0
        self._waiting.append(Remark(0, self._last_ms, "disk-refused", params))
        self._flush()

    def _put(self, record: Record) -> bool:
        """One record to the file, whole or not at all."""
        if not self._there():
            return False
        line = encode(replace(record, n=self._n))
        try:
            whole = os.write(self._file.number, line) == len(line)
        except OSError:
            whole = False
        if not whole:
            self._cut()
            return False
        self._digest.update(line)
        self._size += len(line)
        self._in_segment += 1
        self._n += 1
        self._last_ms = _wall(record)
        return True

    def _there(self) -> bool:
        """Whether the file still has a name; one that was removed is put back, and that is said in it."""
        try:
            if not self._file.is_ours:
                return self._found_again()
            if os.fstat(self._file.number).st_nlink > 0:
                return True
            self._folder.mkdir(parents=True, exist_ok=True)
            file = _open(self._folder, self._segment)
        except OSError:
            return False
        if not _copied(self._file.number, file.number, self._size):
            _path(self._folder, self._segment).unlink(missing_ok=True)
            file.close()
            return False
        self._file.close()
        self._file = file
        said = Remark(0, self._last_ms, "journal-put-back", (("segment", str(self._segment)),))
        self._waiting.insert(1, said)  # after the record that waits first, if one does
        return True

    def _found_again(self) -> bool:
        """Open the file anew by its name, where it is still the same one: the old descriptor is not ours any more.

        Raises:
            OSError: it is not there.
        """
        file = Descriptor(os.open(_path(self._folder, self._segment), _FLAGS))
        if not file.is_same(self._file):
            file.close()
            return False
        self._file = file
        return True

    def _cut(self) -> None:
        """Take back a half-written line, so that the next one does not stick to it."""
        try:
            if self._file.is_ours:
                os.ftruncate(self._file.number, self._size)
        except OSError:
            return


def _wall(record: Record) -> int:
    """Wall clock of a record [Unix ms]."""
    if isinstance(record, Interval | Gap):
        return record.end_utc_ms
    return record.utc_ms


def _open(folder: Path, segment: int) -> Descriptor:
    return Descriptor(os.open(_path(folder, segment), _FLAGS | os.O_CREAT | os.O_EXCL, 0o644))


def _path(folder: Path, segment: int) -> Path:
    return folder / f"{segment:04d}{SUFFIX}"


def _copied(source: int, target: int, size: int) -> bool:
    """Copy the first ``size`` bytes of an open file to another; whether all of it went."""
    try:
        done = 0
        while done < size:
            part = os.pread(source, min(1 << 20, size - done), done)
            if not part or os.write(target, part) != len(part):
                return False
            done += len(part)
    except OSError:
        return False
    return True
