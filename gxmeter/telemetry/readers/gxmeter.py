"""Reader of gxmeter's own journals: one segment file, or a folder of segments checked as a chain.

An interval's length is the monotonic clock's, its place in the calendar the wall clock's at the start of
the journal; so intervals of a journal touch but never overlap, even where the wall clock was set back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, catalogue, finding
from gxmeter.core.journal import SUFFIX, SUSPEND, ClockChange, Component, Gap, Head, Interval, Record, Remark
from gxmeter.core.journal_decode import Segment, check_chain, check_link, decode, looks_like_journal
from gxmeter.telemetry.model import DeviceInfo, IntervalBatch, Reading, SeriesKey

FORMAT = "gxmeter"
PATTERNS = (f"*{SUFFIX}",)
"""Which files of a folder are read."""
FOLDERS = True
"""A journal is the folder of its segments, not one of them."""

_NS_PER_MS = 1_000_000
_LAST_MS = 253_402_300_799_999
"""End of the year 9999 [Unix ms]: the calendar knows no later instant."""

_GRADES = ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X")
_UNKNOWN_SITE = "unknown"
_RESERVED = ("code", "file", "row")


def read(path: Path, *, run: str, site: str) -> Reading:
    """Open a segment file or a journal folder.

    The journal names its run and site itself; ``site`` is used where the journal says ``unknown``, ``run``
    where it names none. A segment read alone is checked against the segments that lie beside it.

    Args:
        path: a ``.gxj`` file, or the folder of a journal.
        run: fallback run id.
        site: fallback site id.

    Raises:
        InputError: ``journal-not-a-journal``; ``journal-version-unknown``.
    """
    files = _files(path)
    reading = Reading(format=FORMAT, batches=iter(()), clean_end=False)
    first = _open(files[0])
    if first.head is not None:
        reading.period_ms = first.head.period_ms
        reading.sensors = [(sensor.name, sensor.version) for sensor in first.head.sensors]
        _devices(first, reading, _owner(first.head, run, site))
    reading.batches = _stream(_Journal(files, run, site, first), reading)
    return reading


@dataclass(frozen=True, slots=True)
class _Journal:
    """What a streaming pass needs: files, fallback ids, and the first segment, already decoded."""

    files: list[Path]
    run: str
    site: str
    first: Segment


@dataclass(slots=True)
class _Rows:
    """Rows of one batch under construction."""

    key: list[int] = field(default_factory=list)
    start_ms: list[int] = field(default_factory=list)
    end_ms: list[int] = field(default_factory=list)
    half_uj: list[int] = field(default_factory=list)

    def add(self, start_ms: int, end_ms: int, energy_uj: tuple[int | None, ...]) -> None:
        for index, energy in enumerate(energy_uj):
            if energy is not None:
                self.key.append(index)
                self.start_ms.append(start_ms)
                self.end_ms.append(end_ms)
                self.half_uj.append(2 * energy)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Run and site of a segment."""

    run: str
    site: str


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob(f"*{SUFFIX}"))
    if not files:
        raise InputError("journal-not-a-journal", file=path.name)
    return files


def _open(path: Path) -> Segment:
    data = path.read_bytes()
    if data and not looks_like_journal(data):
        raise InputError("journal-not-a-journal", file=path.name)
    segment = decode(data, file=path.name)
    versions = [item for item in segment.findings if item.code == "journal-version-unknown"]
    if versions:
        raise InputError.from_findings(versions)
    return segment


def _owner(head: Head, run: str, site: str) -> _Owner:
    return _Owner(head.run or run, site if head.site in {"", _UNKNOWN_SITE} and site else head.site)


def _stream(journal: _Journal, reading: Reading) -> Iterator[IntervalBatch]:
    before: Segment | None = None
    for position, path in enumerate(journal.files):
        segment = journal.first if position == 0 else _open(path)
        reading.findings += segment.findings
        reading.findings += _links(segment, path, before)
        reading.clean_end = segment.footer is not None
        before = segment
        if segment.head is not None:
            owner = _owner(segment.head, journal.run, journal.site)
            _devices(segment, reading, owner)
            reading.findings += _remarks(segment, path.name)
            yield from _batch(segment, reading, owner)


def _links(segment: Segment, path: Path, before: Segment | None) -> list[Finding]:
    """Chain faults: against the segment just read, else against the files that lie beside it."""
    if segment.head is None:
        return []
    if before is not None and before.head is not None and before.head.segment + 1 == segment.head.segment:
        faults = check_chain(before, segment, file=path.name)
        rotated_away = check_link(segment, None, file=path.name, next_exists=_beside(path, segment, 1).exists())
        return faults + [item for item in rotated_away if item.expected != str(segment.head.segment - 1)]
    previous = _beside(path, segment, -1)
    data = previous.read_bytes() if segment.head.segment > 0 and previous.is_file() else None
    return check_link(segment, data, file=path.name, next_exists=_beside(path, segment, 1).exists())


def _beside(path: Path, segment: Segment, step: int) -> Path:
    number = segment.head.segment + step if segment.head else 0
    return path.with_name(f"{max(number, 0):04d}{SUFFIX}")


def _devices(segment: Segment, reading: Reading, owner: _Owner) -> None:
    """Describe the segment's devices; a device read in two ways takes the weaker grade."""
    head = segment.head
    if head is None:
        return
    used = _methods_used(segment)
    for part in segment.components():
        weakest = max(used[part.index], key=lambda index: _rank(head.methods[index].grade))
        method = head.methods[weakest]
        key = (owner.site, part.device)
        known = reading.devices.get(key)
        if known is not None and _rank(known.grade) >= _rank(method.grade):
            continue
        if weakest != part.method or known is not None:
            reading.findings.append(
                finding(
                    "journal-method-changed",
                    file=head.journal,
                    device=part.device,
                    found=method.method,
                    expected=method.grade,
                )
            )
        reading.devices[key] = DeviceInfo(
            device=part.device,
            site=owner.site,
            host=head.host,
            kind=part.kind,
            name=part.name,
            boundary=part.boundary,
            method=method.method,
            grade=method.grade,
            rated_mw=part.rated_mw,
        )


def _rank(grade: str) -> int:
    return _GRADES.index(grade) if grade in _GRADES else len(_GRADES)


def _methods_used(segment: Segment) -> dict[int, set[int]]:
    used = {part.index: {part.method} for part in segment.components()}
    for _, record in segment.records:
        if isinstance(record, Interval) and record.methods is not None:
            for index, method in enumerate(record.methods):
                if record.energy_uj[index] is not None:
                    used[index].add(method)
    return used


def _batch(segment: Segment, reading: Reading, owner: _Owner) -> Iterator[IntervalBatch]:
    """The segment's numbers; a component without one in an interval has no row there."""
    head = segment.head
    if head is None:
        return
    rows, asleep_ms = _Rows(), 0
    for row, record in segment.records:
        if isinstance(record, ClockChange) and record.reason == SUSPEND:
            asleep_ms += record.shift_ms
        if not isinstance(record, Interval):
            continue
        start_ms = _place(head, record.start_mono_ns) + asleep_ms
        end_ms = _place(head, record.end_mono_ns) + asleep_ms
        if not 0 <= start_ms < end_ms <= _LAST_MS:
            reading.findings.append(finding("journal-time-implausible", file=head.journal, row=row, found=end_ms))
            continue
        rows.add(start_ms, end_ms, record.energy_uj)
    reading.records += len(rows.key)
    if rows.key:
        yield _arrays(rows, tuple(SeriesKey(owner.run, owner.site, p.device) for p in segment.components()))


def _arrays(rows: _Rows, keys: tuple[SeriesKey, ...]) -> IntervalBatch:
    return IntervalBatch(
        keys=keys,
        key=np.array(rows.key, dtype=np.int32),
        start_ms=np.array(rows.start_ms, dtype=np.int64),
        end_ms=np.array(rows.end_ms, dtype=np.int64),
        half_uj=np.array(rows.half_uj, dtype=np.int64),
    )


def _place(head: Head, mono_ns: int) -> int:
    """Calendar place of a monotonic moment [Unix ms]."""
    return head.anchor_utc_ms + (mono_ns - head.anchor_mono_ns) // _NS_PER_MS


def _remarks(segment: Segment, file: str) -> list[Finding]:
    """What the meter itself remarked while it wrote the segment."""
    parts = segment.components()
    found = [_remark(row, record, parts, file) for row, record in segment.records]
    return [item for item in found if item is not None]


def _remark(row: int, record: Record, parts: tuple[Component, ...], file: str) -> Finding | None:
    match record:
        case Remark() if record.code in catalogue():
            params = {key: value for key, value in record.params if key not in _RESERVED}
            return finding(record.code, file=file, row=row, **params)
        case Remark():
            return finding("journal-record-unknown", file=file, row=row, found=record.code)
        case Gap():
            named = [parts[index].device for index in record.components if index < len(parts)]
            return finding(
                "journal-gap",
                file=file,
                row=row,
                device=", ".join(named) or "*",
                start=_said(record.start_utc_ms),
                end=_said(record.end_utc_ms),
                reason=record.reason,
            )
        case ClockChange():
            code = "journal-suspended" if record.reason == SUSPEND else "journal-clock-step"
            return finding(code, file=file, row=row, shift_ms=record.shift_ms)
        case _:
            return None


def _said(utc_ms: int) -> str:
    """An instant for a sentence; a number outside the calendar is said as it is."""
    try:
        return instant(utc_ms)
    except (OverflowError, ValueError):
        return str(utc_ms)
