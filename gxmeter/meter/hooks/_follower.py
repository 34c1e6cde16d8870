"""A journal read while it grows: what it says from some moment on is added up, every line once."""

from __future__ import annotations

import re
from pathlib import Path

from gxmeter.core.journal import SUFFIX, Change, Component, Head, Interval
from gxmeter.core.journal_fields import UnknownKindError, parse
from gxmeter.core.journal_keys import FieldError

_CRC_LENGTH = 9
_BEGAN = re.compile(rb'^\{"t":"i",.*?"m":\[(\d+),')
"""Where an interval begins [ns], found without reading the line as JSON: an hour of old lines costs milliseconds."""


class Follower:
    """Reads a journal on from the segment that was being written at some moment.

    Attributes:
        head: of the segment that is read; None where there is none that can be used.
        energy_uj: microjoules of the intervals from that moment on, of all components that count.
    """

    def __init__(self, folder: Path, since_ns: int) -> None:
        """Find the segment.

        Args:
            folder: of the journal.
            since_ns: the moment on the monotonic clock of this boot [ns].
        """
        self.head: Head | None = None
        self.energy_uj = 0
        self._folder = folder
        self._since_ns = since_ns
        self._offset = 0
        self._parts: list[Component] = []
        for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
            self.head = _head(path) or self.head
            if self.head is not None and self.head.mono_ns <= since_ns:
                break

    def read(self) -> None:
        """Take in what was written since the last time; a line that is torn or damaged is left out."""
        while self.head is not None:
            self._read_on(self._folder / _name(self.head.segment))
            following = _head(self._folder / _name(self.head.segment + 1))
            if following is None:
                return
            self.head, self._offset = following, 0

    def _read_on(self, segment: Path) -> None:
        try:
            with segment.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            began = _BEGAN.match(line)
            if began is None or int(began[1]) >= self._since_ns:
                self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            record = parse(line[:-_CRC_LENGTH])
        except (FieldError, UnknownKindError):
            return
        if isinstance(record, Head):
            self._parts = list(record.components)
        elif isinstance(record, Change) and record.added is not None:
            self._parts.append(record.added)
        elif isinstance(record, Interval):
            self._add(record)

    def _add(self, interval: Interval) -> None:
        for part, energy_uj in zip(self._parts, interval.energy_uj, strict=False):
            if part.beside is None:
                self.energy_uj += energy_uj or 0


def _name(segment: int) -> str:
    return f"{segment:04d}{SUFFIX}"


def _head(segment: Path) -> Head | None:
    """The first line of a segment, or None where it is not there or not a head."""
    try:
        with segment.open("rb") as file:
            record = parse(file.readline()[: -_CRC_LENGTH - 1])
    except (OSError, FieldError, UnknownKindError):
        return None
    return record if isinstance(record, Head) else None
