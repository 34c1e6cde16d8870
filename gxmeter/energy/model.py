"""What the heavy lane hands on: leaves (exact integers per slot) and gaps (time without a number)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gxmeter.core.findings import Finding
from gxmeter.telemetry.model import DeviceInfo


class LeafKey(NamedTuple):
    """Identity of a leaf. ``slot`` counts half-hours since the epoch."""

    slot: int
    run: str
    site: str
    device: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Time between two samples of a device that is too long to integrate: reported, never filled [ms]."""

    run: str
    site: str
    device: str
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class Leaf:
    """Energy [half-uJ, exact] and covered time [ms] of one key."""

    half_uj: int = 0
    covered_ms: int = 0


@dataclass(slots=True)
class EnergyResult:
    """Everything the integration of a set of files yields.

    Attributes:
        leaves: exact energy per key; half-uJ are Python ints, never a wrapping int64.
        devices: by (site, device).
        gaps: in time order per device.
        sources: (file name, sha256) of what was read, in reading order.
        source_of: which source indexes contributed to a (run, site, device).
        samples: how many samples or interval records were read.
        start_ms, end_ms: first and last instant seen, or None.
        findings: what was wrong or remarkable.
    """

    leaves: dict[LeafKey, Leaf] = field(default_factory=dict)
    devices: dict[tuple[str, str], DeviceInfo] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    source_of: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)
    samples: int = 0
    start_ms: int | None = None
    end_ms: int | None = None
    findings: list[Finding] = field(default_factory=list)
