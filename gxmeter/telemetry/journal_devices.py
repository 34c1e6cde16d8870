"""What a journal says of its devices and of itself: grade, owner, and where it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import PARTICIPANT, Component, Head, Interval
from gxmeter.core.journal_decode import Segment
from gxmeter.telemetry.model import DeviceInfo, Origin, PartFact, Reading
from gxmeter.telemetry.options import rank

_UNKNOWN_SITE = "unknown"
NODE = "node"
"""Boundary of a component that is the whole machine."""

_SHARE = re.compile(r"s[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Owner:
    """Run and site of a segment."""

    run: str
    site: str


def owner_of(head: Head, run: str, site: str) -> Owner:
    """The journal's own run and site; ``run`` and ``site`` stand in where it names none."""
    return Owner(head.run or run, site if head.site in {"", _UNKNOWN_SITE} and site else head.site)


def counting(segment: Segment) -> list[Component]:
    """The components whose energy counts: those that are not kept beside another for comparison."""
    return [part for part in segment.components() if part.beside is None]


def describe(segment: Segment, reading: Reading, owner: Owner) -> None:
    """Note the segment's devices; a device read in two ways takes the weaker grade."""
    head = segment.head
    if head is None:
        return
    used = _methods_used(segment)
    for part in counting(segment):
        weakest = max(used[part.index], key=lambda index: rank(head.methods[index].grade))
        method = head.methods[weakest]
        key = (owner.site, part.device)
        known = reading.devices.get(key)
        if known is not None and rank(known.grade) >= rank(method.grade):
            continue
        if weakest != part.method or known is not None:
            reading.findings.append(_changed(head.journal, part.device, method.method, method.grade))
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


def _changed(journal: str, device: str, method: str, grade: str) -> Finding:
    return finding("journal-method-changed", file=journal, device=device, found=method, expected=grade)


def _methods_used(segment: Segment) -> dict[int, set[int]]:
    used = {part.index: {part.method} for part in segment.components()}
    for _, record in segment.records:
        if isinstance(record, Interval) and record.methods is not None:
            for index, method in enumerate(record.methods):
                if record.energy_uj[index] is not None:
                    used[index].add(method)
    return used


def grown(origin: Origin | None, segment: Segment, owner: Owner) -> Origin | None:
    """Where a journal comes from, with one more of its segments."""
    head = segment.head
    if head is None:
        return origin
    parts = {PartFact(part.uuid or "", _label(part.device), part.device) for part in counting(segment)}
    if origin is not None:
        return replace(
            origin,
            end_ns=_last_ns(head, segment),
            measures=origin.measures or head.role != PARTICIPANT,
            parts=origin.parts | parts,
        )
    facts = dict(head.launch)
    return Origin(
        journal=head.journal,
        run=owner.run,
        host=head.host,
        boot=head.boot,
        job=str(facts.get("job", "")),
        attempt=".".join(str(facts.get(key, 0)) for key in ("requeues", "attempt")),
        nodes=_whole(facts.get("nodes")),
        node=_whole(facts.get("node")),
        start_ns=head.anchor_mono_ns,
        end_ns=_last_ns(head, segment),
        measures=head.role != PARTICIPANT,
        parts=frozenset(parts),
        site=owner.site,
    )


def _label(device: str) -> str:
    """A device's name on its host, with the mark of a share: what stands behind the host's name.

    >>> _label("node7.example.jp.cpu0"), _label("node7.cpu0.s0123abcd")
    ('cpu0', 'cpu0.s0123abcd')
    """
    names = device.split(".")
    return ".".join(names[-2:] if _SHARE.fullmatch(names[-1]) else names[-1:])


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _last_ns(head: Head, segment: Segment) -> int:
    """The last moment of the monotonic clock at which a segment has energy; its beginning where it has none [ns]."""
    ends = (record.end_mono_ns for _, record in reversed(segment.records) if isinstance(record, Interval))
    return next(ends, head.mono_ns)
