"""What a journal remarks: the meter's own findings, gaps, clock changes, parts that left."""

from __future__ import annotations

from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding, catalogue, finding
from gxmeter.core.journal import STOPPED, SUSPEND, Change, ClockChange, Component, Gap, Interval, Record, Remark
from gxmeter.core.journal_decode import Segment

SLOWEST_MS = 60_000
"""A run that lasted longer and has no energy was not too short: something is wrong with its sensors [ms]."""

_RESERVED = ("code", "file", "row")
_SENSOR_FAILED = ("sensor-unavailable", "sensor-read-failed")
_NS_PER_MS = 1_000_000


def remarks(segment: Segment, file: str) -> list[Finding]:
    """What the meter itself remarked while it wrote the segment."""
    parts = segment.components()
    found = [_remark(row, record, parts, file) for row, record in segment.records]
    return [item for item in found if item is not None] + _left(segment, file)


def too_short_ms(segment: Segment) -> int | None:
    """How long a run lasted that ended well before any of its sensors had opened [ms]; None for any other."""
    head, footer = segment.head, segment.footer
    if head is None or head.segment or footer is None or footer.reason not in STOPPED:
        return None
    for _, record in segment.records:
        if isinstance(record, Interval) or (isinstance(record, Remark) and record.code in _SENSOR_FAILED):
            return None
    lasted_ms = (footer.mono_ns - head.anchor_mono_ns) // _NS_PER_MS
    return lasted_ms if 0 <= lasted_ms < SLOWEST_MS else None


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


def _left(segment: Segment, file: str) -> list[Finding]:
    """Devices that counted and were taken out; one that is put in anew at that moment only changed its place."""
    parts, found = segment.components(), []
    came = {
        (record.mono_ns, record.added.device)
        for _, record in segment.records
        if isinstance(record, Change) and record.added is not None
    }
    for row, record in segment.records:
        if not isinstance(record, Change) or record.removed is None:
            continue
        part = parts[record.removed]
        if part.beside is None and (record.mono_ns, part.device) not in came:
            at = _said(record.utc_ms)
            found.append(finding("journal-component-left", file=file, row=row, device=part.device, at=at))
    return found


def _said(utc_ms: int) -> str:
    """An instant for a sentence; a number outside the calendar is said as it is."""
    try:
        return instant(utc_ms)
    except (OverflowError, ValueError):
        return str(utc_ms)
