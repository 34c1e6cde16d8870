"""From the bytes of a journal segment to its records, with every fault as a finding, never an exception.

What is whole is kept: a torn last line is cut, a line with a bad checksum is left out and named, and the
lines after it are still read. Whether segments follow each other is :func:`check_chain`'s question.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import (
    READABLE,
    ROTATE,
    VERSION,
    Change,
    Component,
    Footer,
    Head,
    Interval,
    Record,
    Sensor,
    SensorCame,
)
from gxmeter.core.journal_fields import UnknownKindError, parse
from gxmeter.core.journal_keys import FieldError

MAX_LISTED = 100
"""Faulty lines named one by one; the rest is counted [lines]."""

_CRC_LENGTH = 9
_HEAD_MARK = b'{"t":"head","v":'
_HEAD_SEARCH = 64


@dataclass(slots=True)
class Segment:
    """A decoded segment.

    Attributes:
        head: its first record; None where that is damaged, and then nothing else is kept.
        records: what follows the head, as (line number, record), the end record not included.
        footer: the end record; None where the segment has none.
        findings: everything that was wrong, in line order.
        sha256: digest of all bytes of the segment.
        next_n: running number that the next segment's head must have.
        lost_lines: lines between whole ones that could not be used.
    """

    head: Head | None = None
    records: list[tuple[int, Record]] = field(default_factory=list)
    footer: Footer | None = None
    findings: list[Finding] = field(default_factory=list)
    sha256: str = ""
    next_n: int = 0
    lost_lines: int = 0

    def components(self) -> tuple[Component, ...]:
        """All components the segment ever had, by index: the head's, then those that came later."""
        parts = list(self.head.components) if self.head else []
        parts += [r.added for _, r in self.records if isinstance(r, Change) and r.added is not None]
        return tuple(parts)

    def sensors(self) -> tuple[Sensor, ...]:
        """All sensors the segment ever had, by index: the head's, then those that came later."""
        sensors = list(self.head.sensors) if self.head else []
        sensors += [r.sensor for _, r in self.records if isinstance(r, SensorCame)]
        return tuple(sensors)


def looks_like_journal(data: bytes) -> bool:
    """Whether the bytes begin as a segment does, of whatever version, damaged or not."""
    return data.startswith((_HEAD_MARK, b'{"t":"head"')) or b'"t":"head"' in data[:_HEAD_SEARCH]


def decode(data: bytes, *, file: str = "journal") -> Segment:
    """All records of a segment that are whole.

    Args:
        data: the bytes of one ``.gxj`` file.
        file: its name, for the findings.
    """
    return _Decoder(data, file).run()


def check_chain(before: Segment, after: Segment, *, file: str) -> list[Finding]:
    """Whether ``after`` (its name is ``file``) is the segment that follows ``before``."""
    if before.head is None or after.head is None:
        return []
    if after.head.journal != before.head.journal:
        return [finding("journal-mixed", file=file, expected=before.head.journal, found=after.head.journal)]
    faults = []
    if after.head.previous != before.sha256:
        named = after.head.previous or "-"
        faults.append(finding("journal-chain-broken", file=file, expected=named, found=before.sha256))
    if before.footer is not None and after.head.n != before.next_n:
        faults.append(finding("journal-sequence-jump", file=file, row=1, expected=before.next_n, found=after.head.n))
    return faults


def check_link(segment: Segment, previous: bytes | None, *, file: str, next_exists: bool) -> list[Finding]:
    """What one segment says about its neighbours, against what lies beside it.

    Args:
        segment: the decoded segment.
        previous: the bytes of the segment before it, or None where there is no such file.
        file: the segment's name.
        next_exists: whether the segment after it is there.
    """
    if segment.head is None:
        return []
    number, faults = segment.head.segment, []
    if number > 0 and previous is None:
        faults.append(finding("journal-segment-missing", file=file, expected=number - 1))
    if number > 0 and previous is not None:
        digest = hashlib.sha256(previous).hexdigest()
        if digest != segment.head.previous:
            named = segment.head.previous or "-"
            faults.append(finding("journal-chain-broken", file=file, expected=named, found=digest))
    rotated = segment.footer is not None and segment.footer.reason == ROTATE
    if rotated and not next_exists:
        faults.append(finding("journal-segment-missing", file=file, expected=number + 1))
    return faults


class _Decoder:
    """One pass over the lines of a segment."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._file = file
        self._out = Segment(sha256=hashlib.sha256(data).hexdigest())
        self._parts: list[Component] = []
        self._gone: set[int] = set()
        self._sensors = 0
        self._digest = hashlib.sha256()
        self._last_mono = -1
        self._faults = 0

    def run(self) -> Segment:
        if not self._data:
            self._out.findings.append(finding("journal-empty", file=self._file))
            return self._out
        *lines, tail = self._data.split(b"\n")
        for row, line in enumerate(lines, 1):
            self._line(row, line)
            self._digest.update(line + b"\n")
            if self._out.head is None:
                return self._out
        self._close(tail)
        return self._out

    def _close(self, tail: bytes) -> None:
        if self._faults > MAX_LISTED:
            rest = self._faults - MAX_LISTED
            self._out.findings.append(finding("journal-more-faults", file=self._file, found=rest))
        if tail:
            self._out.findings.append(finding("journal-torn-tail", file=self._file, found=len(tail)))
        if self._out.head is None:
            self._out.findings.append(finding("journal-head-damaged", file=self._file))
        elif self._out.footer is None:
            self._out.findings.append(finding("journal-no-end", file=self._file))

    def _fault(self, code: str, row: int, *, expected: object = None, found: object = None) -> None:
        self._faults += 1
        if self._faults <= MAX_LISTED:
            item = finding(code, file=self._file, row=row, expected=expected, found=found)
            self._out.findings.append(item)

    def _line(self, row: int, line: bytes) -> None:
        text, crc = line[:-_CRC_LENGTH], line[-_CRC_LENGTH:]
        if crc != b" %08x" % zlib.crc32(text):
            self._unusable(row, "journal-record-damaged")
            return
        if row == 1 and (version := _version(text)) not in (*READABLE, None):
            self._out.findings.append(
                finding("journal-version-unknown", file=self._file, expected=VERSION, found=version)
            )
            return
        try:
            record = parse(text)
        except UnknownKindError as kind:
            self._unusable(row, "journal-record-unknown", found=kind)
        except FieldError as fault:
            self._unusable(row, "journal-record-malformed", found=fault)
        else:
            self._record(row, record)

    def _unusable(self, row: int, code: str, *, found: object = None) -> None:
        """A line that had its place in the count but gives nothing; in the first line it was the head."""
        if row == 1:
            self._out.findings.append(finding("journal-head-damaged", file=self._file))
            return
        self._fault(code, row, found=found)
        self._out.next_n += 1
        self._out.lost_lines += 1

    def _record(self, row: int, record: Record) -> None:
        if row == 1:
            if not isinstance(record, Head):
                self._unusable(row, "journal-head-damaged")
                return
            self._out.head, self._out.next_n = record, record.n + 1
            self._parts, self._sensors = list(record.components), len(record.sensors)
            return
        if self._out.footer is not None:
            self._fault("journal-after-end", row)
            return
        if record.n != self._out.next_n:
            self._fault("journal-sequence-jump", row, expected=self._out.next_n, found=record.n)
        self._out.next_n = record.n + 1
        self._keep(row, record)

    def _keep(self, row: int, record: Record) -> None:
        if isinstance(record, Footer):
            self._footer(row, record)
        elif isinstance(record, Head) or not self._fits(record):
            self._fault("journal-record-malformed", row, found="e" if isinstance(record, Interval) else "t")
            self._out.lost_lines += 1
        elif isinstance(record, Interval) and record.start_mono_ns < self._last_mono:
            self._fault("journal-time-backwards", row)
            self._out.lost_lines += 1
        else:
            if isinstance(record, Interval):
                self._last_mono = record.end_mono_ns
            if isinstance(record, Change):
                self._change(record)
            self._sensors += isinstance(record, SensorCame)
            self._out.records.append((row, record))

    def _change(self, record: Change) -> None:
        if record.added is not None:
            self._parts.append(record.added)
        elif record.removed is not None:
            self._gone.add(record.removed)

    def _fits(self, record: Record) -> bool:
        """Whether the record's indexes name components and methods that the head has; what went has no numbers."""
        head = self._out.head
        count, methods = len(self._parts), len(head.methods) if head else 0
        match record:
            case Interval():
                used = record.methods or ()
                if len(record.energy_uj) != count or any(index >= methods for index in used):
                    return False
                return all(record.energy_uj[index] is None for index in self._gone)
            case Change(added=Component() as part):
                beside = part.beside is None or part.beside < count
                return part.index == count and part.method < methods and part.sensor < self._sensors and beside
            case Change():
                return record.removed is not None and record.removed < count
            case _:
                return True

    def _footer(self, row: int, record: Footer) -> None:
        self._out.footer = record
        if record.sha256 != self._digest.hexdigest():
            self._fault("journal-digest-mismatch", row)
        elif record.records != row - 1:
            self._fault("journal-sequence-jump", row, expected=record.records, found=row - 1)


def _version(text: bytes) -> int | None:
    """The version a head says, read before anything else of it, so that a later version is told as such."""
    _, mark, rest = text[:_HEAD_SEARCH].partition(_HEAD_MARK)
    digits = rest.partition(b",")[0]
    return int(digits) if mark and digits.isdigit() else None
