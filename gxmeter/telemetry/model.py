"""Canonical samples: what every reader yields, whatever the file looked like.

Two shapes, because instruments come in two kinds. *Power samples* (instants with milliwatts) pass
through the trapezoid kernel. *Interval energy* (a counter's delta, a metered hour) is already energy
over a known time and is only split at slot edges. Readers stream: a file is a sequence of batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gxmeter.core.findings import Finding
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions

Int64 = npt.NDArray[np.int64]


class SeriesKey(NamedTuple):
    """Whose samples: run, site and device id (device ids are unique within a site)."""

    run: str
    site: str
    device: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What the source says about a device whose energy it carries.

    ``boundary``: device, node, it or facility. ``method``: e.g. ``nvml-counter``, ``codecarbon-ram-model``.
    ``grade``: A..F, X (docs/explanation/grades.md). ``rated_mw``: rated power [mW] where known.
    """

    device: str
    site: str
    host: str
    kind: str
    name: str
    boundary: str
    method: str
    grade: str
    rated_mw: int | None = None


@dataclass(frozen=True, slots=True)
class PowerBatch:
    """Power at instants: ``key[i]`` indexes ``keys``; ``ts_ms`` [Unix ms]; ``power_mw`` [mW]."""

    keys: tuple[SeriesKey, ...]
    key: npt.NDArray[np.int32]
    ts_ms: Int64
    power_mw: Int64


@dataclass(frozen=True, slots=True)
class IntervalBatch:
    """Energy over intervals: ``key[i]`` indexes ``keys``; [``start_ms``, ``end_ms``) [ms]; ``half_uj`` [0.5 uJ]."""

    keys: tuple[SeriesKey, ...]
    key: npt.NDArray[np.int32]
    start_ms: Int64
    end_ms: Int64
    half_uj: Int64


Batch = PowerBatch | IntervalBatch


class PartFact(NamedTuple):
    """A part that a meter counts: serial identity (empty where unknown), its name on the host, its device id."""

    uuid: str
    label: str
    device: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a meter's record comes from.

    Attributes:
        journal: its id.
        run: run id.
        host: name of the machine.
        boot: id of the machine's boot.
        job: id that all nodes of a job share; empty where the launcher gives none.
        attempt: which try of the job it is, as text: how often it was queued again and restarted.
        nodes: how many nodes the job has.
        node: number of this one, from 0.
        start_ns, end_ns: first and last moment of the boot's monotonic clock [ns].
        measures: whether it measures, or only took part without counting energy.
        parts: what it counts.
        site: where it says the machine stands.
    """

    journal: str
    run: str
    host: str
    boot: str
    job: str
    attempt: str
    nodes: int | None
    node: int | None
    start_ns: int
    end_ns: int
    measures: bool
    parts: frozenset[PartFact]
    site: str = ""


@dataclass(slots=True)
class Reading:
    """An opened file: metadata known up front, batches streamed, findings complete once the batches are used up.

    Attributes:
        format: the reader's name.
        batches: iterate once, to the end.
        devices: what the file says about its devices; may grow while batches are read.
        period_ms: sampling period the file declares [ms], or None.
        records: how many records have been read so far.
        clean_end: whether the file says that it ended well; None where the format cannot say.
        stopped: whether what it measures stopped with it; None where the format cannot say.
        sensors: (name, version) of what measured, where the file says so.
        findings: faults of the file so far.
        origin: where the record comes from, where the file says so.
        too_short_ms: how long a run lasted that ended before its sensors had opened [ms]; None for any other.
    """

    format: str
    batches: Iterator[Batch]
    devices: dict[tuple[str, str], DeviceInfo] = field(default_factory=dict)
    period_ms: int | None = None
    records: int = 0
    clean_end: bool | None = None
    stopped: bool | None = None
    sensors: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    origin: Origin | None = None
    too_short_ms: int | None = None


class Reader(Protocol):
    """A reader is a module with these two names; ``telemetry/readers/<format>.py`` is picked up by its file name."""

    FORMAT: str
    """The name on the command line, e.g. ``mlperf-power``."""

    def read(self, path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
        """Open one file; ``run``, ``site`` and ``options`` are used where the file does not say them itself.

        Raises:
            InputError: the file is not of this format at all.
        """
