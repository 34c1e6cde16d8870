"""The kernel's rules once more, in plain Python integers, one sample after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

SLOT_MS = 1_800_000

Key = tuple[int, str, str, str]
"""Slot, run, site, device."""


class Row(NamedTuple):
    """One power sample."""

    site: str
    device: str
    ts_ms: int
    power_mw: int
    run: str


class Span(NamedTuple):
    """One interval record."""

    site: str
    device: str
    start_ms: int
    end_ms: int
    half_uj: int
    run: str


def limits(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    """Gap limit [ms] by (site, device): ten lower median periods, 60 s to 1,800 s."""
    instants: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in rows:
        instants[row[:2]].add(row.ts_ms)
    found = {}
    for device, times in instants.items():
        periods = sorted(b - a for a, b in pairwise(sorted(times)))
        median = periods[(len(periods) - 1) // 2] if periods else 0
        found[device] = min(max(60_000, 10 * median), SLOT_MS)
    return found


def integrate(
    rows: Iterable[Row], limit_ms: int | dict[tuple[str, str], int]
) -> tuple[dict[Key, tuple[int, int]], set[tuple[str, str, int, int]]]:
    """Leaves (half-uJ, covered ms) by key, and gaps (site, device, start, end), under one limit or one per device."""
    kept: dict[tuple[str, str, int, int], Row] = {}
    for row in sorted(rows):
        kept.setdefault(row[:4], row)
    leaves: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    gaps = set()
    for a, b in pairwise(kept.values()):
        if a[:2] != b[:2]:
            continue
        dt = b.ts_ms - a.ts_ms
        if dt > (limit_ms if isinstance(limit_ms, int) else limit_ms[a[:2]]):
            gaps.add((a.site, a.device, a.ts_ms, b.ts_ms))
            continue
        slot = a.ts_ms // SLOT_MS
        x = (slot + 1) * SLOT_MS - a.ts_ms
        whole = (a.power_mw + b.power_mw) * dt
        parts = [(slot, whole, dt)]
        if x < dt:
            head = (a.power_mw + (a.power_mw * (dt - x) + b.power_mw * x) // dt) * x
            parts = [(slot, head, x), (slot + 1, whole - head, dt - x)]
        for s, energy, covered in parts:
            if dt:
                leaf = leaves[s, a.run, a.site, a.device]
                leaf[0] += energy
                leaf[1] += covered
    return {key: (energy, covered) for key, (energy, covered) in leaves.items()}, gaps


def spread(spans: Iterable[Span]) -> dict[Key, tuple[int, int]]:
    """Leaves of interval records that do not overlap, slot by slot."""
    leaves: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for span in spans:
        length, energy = span.end_ms - span.start_ms, span.half_uj

        def upto(x: int, length: int = length, energy: int = energy) -> int:
            return (energy // length) * x + (energy % length) * x // length

        for slot in range(span.start_ms // SLOT_MS, (span.end_ms - 1) // SLOT_MS + 1):
            a = max(slot * SLOT_MS - span.start_ms, 0)
            b = min((slot + 1) * SLOT_MS - span.start_ms, length)
            leaf = leaves[slot, span.run, span.site, span.device]
            leaf[0] += upto(b) - upto(a)
            leaf[1] += b - a
    return {key: (energy, covered) for key, (energy, covered) in leaves.items()}
