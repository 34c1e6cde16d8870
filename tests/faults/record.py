"""What the journals of a workspace say: which time has a number, how many watts, and what was remarked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gxmeter.core.journal import METER, ClockChange, Gap, Head, Interval, Record, Remark
from gxmeter.core.journal_decode import Segment, decode

NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Span:
    """Time of the monotonic clock [ns) in which a part used energy [uJ]."""

    start_ns: int
    end_ns: int
    energy_uj: int


@dataclass(frozen=True)
class Journal:
    """One journal, decoded."""

    folder: Path

    @cached_property
    def segments(self) -> list[Segment]:
        return [decode(path.read_bytes(), file=path.name) for path in sorted(self.folder.glob("*.gxj"))]

    @cached_property
    def head(self) -> Head:
        first = self.segments[0].head
        assert first is not None, f"{self.folder.name} has no head: {self.segments[0].findings}"
        return first

    @property
    def counts(self) -> bool:
        """Whether this journal's meter measured, and did not only take part."""
        return self.head.role == METER

    @property
    def end(self) -> str | None:
        """Reason of the last segment's end; None where it has none."""
        footer = self.segments[-1].footer
        return footer.reason if footer else None

    def records(self, kind: type[Record]) -> Iterator[Record]:  # type: ignore[valid-type]
        """The records of a kind, in order."""
        for segment in self.segments:
            yield from (record for _, record in segment.records if isinstance(record, kind))

    @cached_property
    def faults(self) -> set[str]:
        """What a reader objects to: broken lines, broken chains, a missing end."""
        return {item.code for segment in self.segments for item in segment.findings}

    @cached_property
    def says(self) -> set[str]:
        """Everything remarkable: the meter's remarks, gaps and clock changes, and what a reader finds."""
        said = {record.code for record in self.records(Remark) if isinstance(record, Remark)}
        said |= {f"gap: {record.reason}" for record in self.records(Gap) if isinstance(record, Gap)}
        said |= {f"clock: {record.reason}" for record in self.records(ClockChange) if isinstance(record, ClockChange)}
        return said | self.faults

    @cached_property
    def longest_s(self) -> float:
        """Length of the longest interval [s]."""
        spans = [r.end_mono_ns - r.start_mono_ns for r in self.records(Interval) if isinstance(r, Interval)]
        return max(spans, default=0) / NS_PER_S

    def spans(self, label: str) -> list[Span]:
        """The time of a part that has a number; parts that are kept for comparison have none that counts."""
        found = []
        for segment in self.segments:
            for part in segment.components():
                if part.beside is None and part.device.rpartition(".")[2] == label:
                    found += list(_numbers(segment, part.index))
        return found


def _numbers(segment: Segment, index: int) -> Iterator[Span]:
    for _, record in segment.records:
        if isinstance(record, Interval) and index < len(record.energy_uj):
            energy_uj = record.energy_uj[index]
            if energy_uj is not None:
                yield Span(record.start_mono_ns, record.end_mono_ns, energy_uj)


def journals(folder: Path) -> list[Journal]:
    """All journals under a workspace or state folder that have a segment with something in it."""
    found = {path.parent for path in folder.rglob("*.gxj") if path.stat().st_size}
    return [Journal(path) for path in sorted(found)]


def uncovered_s(spans: Iterable[Span], start_ns: int, end_ns: int) -> float:
    """How much of the time from ``start_ns`` to ``end_ns`` has no number [s]."""
    missing, at_ns = 0, start_ns
    for span in sorted(spans, key=lambda item: item.start_ns):
        missing += max(0, min(span.start_ns, end_ns) - at_ns)
        at_ns = max(at_ns, min(span.end_ns, end_ns))
    return (missing + max(0, end_ns - at_ns)) / NS_PER_S


def watts(spans: Iterable[Span]) -> float:
    """Mean power over the time that has a number [W]."""
    spans = list(spans)
    length_ns = sum(span.end_ns - span.start_ns for span in spans)
    return sum(span.energy_uj for span in spans) * 1e3 / length_ns
