"""What the heavy lane is handed and what it hands on: sources, gap limits, leaves and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from gxmeter.core.calendar import SLOT_MS
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.telemetry.location import Remote
from gxmeter.telemetry.model import DeviceInfo, Origin
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions

MIN_GAP_LIMIT_MS = 60_000
"""Smallest gap limit that is derived from the data [ms]."""

MAX_GAP_LIMIT_MS = SLOT_MS
"""Greatest gap limit [ms]: a segment then touches two slots at most, and every product fits int64."""


class Device(NamedTuple):
    """A physical device: ids are unique within a site."""

    site: str
    device: str


class LeafKey(NamedTuple):
    """Identity of a leaf. ``slot`` counts half-hours since the epoch."""

    slot: int
    run: str
    site: str
    device: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file to integrate: where it lies, its format, and the run and site where it does not say them itself.

    ``name`` is how results and findings call it; empty means the path as given. ``options``: what was declared for it.
    ``remote``: where it lies if it is not on this machine; ``path`` is then none that can be opened (``at_hand``).
    """

    path: Path
    format: str
    run: str = ""
    site: str = ""
    name: str = ""
    options: ReadOptions = NO_OPTIONS
    remote: Remote | None = None

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name or str(self.path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder that is read as one."""
        return self.path.is_dir() if self.remote is None else self.remote.is_folder


@dataclass(frozen=True, slots=True)
class GapLimits:
    """The longest segment [ms] that is integrated, per device; a longer one is a gap."""

    default_ms: int = MIN_GAP_LIMIT_MS
    by_device: Mapping[Device, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: ``gap-limit-out-of-range``.
        """
        for limit_ms in (self.default_ms, *self.by_device.values()):
            if not 1 <= limit_ms <= MAX_GAP_LIMIT_MS:
                raise InputError("gap-limit-out-of-range", expected=f"1..{MAX_GAP_LIMIT_MS}", found=limit_ms)

    def of(self, device: Device) -> int:
        """The limit of a device [ms]."""
        return self.by_device.get(device, self.default_ms)


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Time between two samples of a device that is too long to integrate: reported, never filled [ms]."""

    run: str
    site: str
    device: str
    start_ms: int
    end_ms: int


class Leaf(NamedTuple):
    """Energy [half-uJ, exact] and covered time [ms] of one key."""

    half_uj: int = 0
    covered_ms: int = 0


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source says about itself beside its energy.

    ``first_ms``, ``last_ms``: first and last instant in it [Unix ms], None where it is empty. ``records``: how
    many it holds. ``clean_end``: whether it ended well; None where its format cannot say. ``sensors``: (name, version).
    ``origin``: machine, job and node that it comes from, where it says so.
    """

    first_ms: int | None
    last_ms: int | None
    records: int
    clean_end: bool | None
    sensors: tuple[tuple[str, str], ...]
    origin: Origin | None = None


@dataclass(slots=True)
class EnergyResult:
    """Everything the integration of a set of files yields.

    Attributes:
        leaves: exact energy per key, sorted by it; half-uJ are Python ints, so that sums of them never wrap.
        devices: by (site, device).
        gaps: in time order per device.
        sources: (file name, sha256) of what was read, in reading order.
        facts: what each of the sources says about itself, in the same order.
        source_of: which source indexes contributed to a (run, site, device).
        samples: how many samples or interval records were read.
        start_ms, end_ms: first and last instant seen, or None.
        findings: what was wrong or remarkable.
        limits: the gap limits that were applied.
    """

    leaves: Mapping[LeafKey, Leaf] = field(default_factory=dict)
    devices: dict[tuple[str, str], DeviceInfo] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    facts: list[SourceFacts] = field(default_factory=list)
    source_of: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)
    samples: int = 0
    start_ms: int | None = None
    end_ms: int | None = None
    findings: list[Finding] = field(default_factory=list)
    limits: GapLimits = field(default_factory=GapLimits)
