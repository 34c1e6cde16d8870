"""Parts that are read twice: what counts against what is kept beside it, over the time in which both have numbers.

A component with ``beside`` is in no sum. Where it reads the same device as its partner the two are compared; where
its partner holds it (a machine's own meter holds the processor) all parts inside are compared with the whole; so are
parts that stand beside nothing while the whole machine has a number, which then counts in their stead too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import Component, Head, Interval
from gxmeter.core.journal_decode import Segment
from gxmeter.core.numbers import Rounding, divided, plain
from gxmeter.telemetry.journal_devices import NODE
from gxmeter.telemetry.options import rank

_UJ_PER_KWH = Decimal(3_600_000_000_000)
_KWH_DECIMALS = 12
_RATIO_DECIMALS = 6


@dataclass(slots=True)
class _Sums:
    """Energy of what counts and of what does not [uJ], over the same time."""

    counts_uj: int = 0
    other_uj: int = 0
    parts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Compared:
    """Comparisons of one journal, over its segments."""

    _pairs: dict[tuple[str, str, str], _Sums] = field(default_factory=dict)
    _wholes: dict[tuple[str, str], _Sums] = field(default_factory=dict)

    def add(self, segment: Segment) -> None:
        """Take in a segment."""
        head, parts = segment.head, segment.components()
        if head is None or all(part.beside is None and part.boundary != NODE for part in parts):
            return
        for _, record in segment.records:
            if isinstance(record, Interval):
                self._interval(head, parts, record.energy_uj)

    def findings(self, file: str) -> list[Finding]:
        """One remark per pair, and one per whole with parts inside."""
        pairs = [
            finding(
                "journal-comparison",
                file=file,
                device=device,
                method=method,
                other_method=other,
                found=_kwh(sums.counts_uj),
                other=_kwh(sums.other_uj),
                ratio=_ratio(sums),
            )
            for (device, method, other), sums in sorted(self._pairs.items())
        ]
        return pairs + [
            finding(
                "journal-parts-inside",
                file=file,
                device=device,
                method=method,
                parts=", ".join(sorted(sums.parts)),
                found=_kwh(sums.counts_uj),
                other=_kwh(sums.other_uj),
                ratio=_ratio(sums),
            )
            for (device, method), sums in sorted(self._wholes.items())
        ]

    def _interval(self, head: Head, parts: tuple[Component, ...], energy_uj: tuple[int | None, ...]) -> None:
        inside: dict[int, dict[str, tuple[int, int]]] = {}
        for part, partner, whole_uj, part_uj in _both(parts, energy_uj):
            if part.device == partner.device:
                key = (part.device, _method(head, partner), _method(head, part))
                sums = self._pairs.setdefault(key, _Sums())
                sums.counts_uj += whole_uj
                sums.other_uj += part_uj
            else:
                best = inside.setdefault(partner.index, {})
                grade = rank(head.methods[part.method].grade)
                best[part.device] = min(best.get(part.device, (grade, part_uj)), (grade, part_uj))
        for index, by_device in inside.items():
            sums = self._wholes.setdefault((parts[index].device, _method(head, parts[index])), _Sums())
            sums.counts_uj += energy_uj[index] or 0
            sums.other_uj += sum(uj for _, uj in by_device.values())
            sums.parts |= by_device.keys()


def _both(
    parts: tuple[Component, ...], energy_uj: tuple[int | None, ...]
) -> Iterator[tuple[Component, Component, int, int]]:
    """Parts beside another where both have a number: the part, its partner, the partner's energy, the part's [uJ]."""
    known = [(part, uj) for part, uj in zip(parts, energy_uj, strict=False) if uj is not None]
    whole = next((part.index for part, _ in known if part.beside is None and part.boundary == NODE), None)
    for part, part_uj in known:
        partner = whole if part.beside is None and part.boundary != NODE else part.beside
        partner_uj = energy_uj[partner] if partner is not None and partner < len(energy_uj) else None
        if partner is not None and partner_uj is not None:
            yield part, parts[partner], partner_uj, part_uj


def _method(head: Head, part: Component) -> str:
    return head.methods[part.method].method


def _kwh(uj: int) -> str:
    return plain(divided(Decimal(uj), _UJ_PER_KWH, _KWH_DECIMALS, Rounding.HALF_EVEN))


def _ratio(sums: _Sums) -> str:
    if not sums.counts_uj:
        return "-"
    return plain(divided(Decimal(sums.other_uj), Decimal(sums.counts_uj), _RATIO_DECIMALS, Rounding.HALF_EVEN))
