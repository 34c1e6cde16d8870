"""Samples of every telemetry format and what must be read from them: ``tests/unit/telemetry/samples/<format>/*.toml``.

A case is a TOML file beside its sample::

    file = "gpus.csv"  # the sample (a file or a folder)
    text = true  # lines of text: other encodings, line ends and packings must read the same
    rows_from = 2  # first line that is a row: rows are shuffled, doubled and cut; left out where there are none
    same = ["gpus_2.csv"]  # other files that hold the same readings, e.g. with the other decimal mark
    findings = []  # codes of all findings, sorted, each once
    [options]  # ReadOptions; columns as [["role", "name"], ...]
    time_zone = "Asia/Tokyo"
    [[devices]]  # every device: DeviceInfo, first and last instant of its time, its energy
    device = "node1/gpu0"
    energy_half_uj = 123
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gxmeter.core.findings import Finding
from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import close, merged
from gxmeter.energy.model import LeafKey, Source
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.sources import gathered, open_source
from gxmeter.telemetry.model import DeviceInfo
from gxmeter.telemetry.options import ReadOptions

SAMPLES = Path(__file__).resolve().parents[1] / "unit" / "telemetry" / "samples"
RUN, SITE = "run-1", "site-1"


@dataclass(frozen=True)
class Measured:
    """What a reader and the kernel make of one file: (energy [half-uJ], covered time [ms]) per leaf."""

    leaves: dict[LeafKey, tuple[int, int]]
    devices: dict[tuple[str, str], DeviceInfo]
    findings: list[Finding]
    samples: int
    start_ms: int | None
    end_ms: int | None

    def totals(self) -> dict[str, int]:
        """Energy per device [half-uJ]."""
        found: dict[str, int] = {}
        for key, (half_uj, _) in self.leaves.items():
            found[key.device] = found.get(key.device, 0) + half_uj
        return found


@dataclass(frozen=True)
class ReaderCase:
    """One sample and what is expected of it."""

    name: str
    format: str
    path: Path
    text: bool = False
    rows_from: int = 0
    same: tuple[Path, ...] = ()
    findings: tuple[str, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    devices: tuple[dict[str, Any], ...] = ()

    def source(self, path: Path | None = None, *, options: ReadOptions | None = None) -> Source:
        """The sample, or another file in its place, as a source."""
        return Source(path or self.path, self.format, RUN, SITE, options=options or self.options)

    def measured(self, path: Path | None = None) -> Measured:
        """Read and integrate the sample or another file; one that goes back in time as a whole, as engines do."""
        source = self.source(path)
        reading = open_source(source)
        try:
            part = partial(reading.batches)
        except LateRecordError:
            reading = open_source(source)
            part = partial(gathered(reading.batches))
        result = close(merged([part]), None)
        return Measured(
            leaves={key: (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()},
            devices=reading.devices,
            findings=[*reading.findings, *result.findings],
            samples=part.samples,
            start_ms=result.start_ms,
            end_ms=result.end_ms,
        )

    def lines(self) -> tuple[list[bytes], list[bytes]]:
        """The sample's bytes as lines: those before the rows, and the rows."""
        lines = self.path.read_bytes().splitlines(keepends=True)
        return lines[: self.rows_from - 1], lines[self.rows_from - 1 :]


def case_of(path: Path) -> ReaderCase:
    """The case that a TOML file tells."""
    told = tomllib.loads(path.read_text("utf-8"))
    options = told.pop("options", {})
    options["columns"] = tuple((role, name) for role, name in options.pop("columns", []))
    return ReaderCase(
        name=f"{path.parent.name}-{path.stem}",
        format=path.parent.name,
        path=path.parent / told.pop("file"),
        same=tuple(path.parent / name for name in told.pop("same", [])),
        findings=tuple(told.pop("findings", [])),
        options=ReadOptions(**options),
        devices=tuple(told.pop("devices", [])),
        **told,
    )


def all_cases() -> list[ReaderCase]:
    """Every case of every format."""
    return [case_of(path) for path in sorted(SAMPLES.glob("*/*.toml"))]
