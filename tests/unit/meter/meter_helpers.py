"""A scripted sensor and movable clocks, and running Python under a prepared environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.core.journal import Footer, Gap, Interval, Record, Remark
from gxmeter.core.journal_decode import Segment, decode
from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample
from gxmeter.meter.ticks import Moment, SystemTicks

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class ScriptedSensor:
    """Says what the script says, reading by reading; after its end the last entry again."""

    script: list[list[Sample]]
    before: Callable[[int], None] = lambda _: None
    parts: tuple[Part, ...] = (Part("cpu", "cpu", "x", "load"),)
    reads: int = 0
    seconds: list[float] = field(default_factory=list)
    name: str = "scripted"
    quick: bool = True
    poll_s: float | None = None
    methods: dict[str, str] = field(default_factory=lambda: {"load": "E1", "counter": "C1", "power": "C2"})
    faults: tuple[Fault, ...] = ()

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        return Opened("1", self.parts, self.faults)

    def start(self) -> None:
        pass

    def poll(self) -> None:
        pass

    def close(self) -> None:
        pass

    def read(self, elapsed_ns: int) -> list[Sample]:
        self.before(self.reads)
        self.seconds.append(elapsed_ns / 1e9)
        now = self.script[min(self.reads, len(self.script) - 1)]
        self.reads += 1
        return now


@dataclass
class MovableTicks:
    """The machine's clocks plus what a test adds [ms]."""

    wall_ms: int = 0
    asleep_ms: int = 0

    def now(self) -> Moment:
        real = SystemTicks().now()
        return Moment(
            real.utc_ms + self.wall_ms + self.asleep_ms, real.mono_ns, real.boot_ns + self.asleep_ms * 1_000_000
        )


def segments(journal: Path) -> list[Segment]:
    return [decode(path.read_bytes(), file=path.name) for path in sorted(journal.glob("*.gxj"))]


def records(journal: Path, kind: type[Record]) -> list[Record]:  # type: ignore[valid-type]
    found = [record for part in segments(journal) for _, record in part.records]
    return [record for record in found if isinstance(record, kind)]


def remarks(journal: Path) -> list[str]:
    return [record.code for record in records(journal, Remark) if isinstance(record, Remark)]


def energy_uj(journal: Path) -> int:
    return sum(uj or 0 for record in records(journal, Interval) for uj in record.energy_uj)


def gaps(journal: Path) -> list[tuple[str, tuple[int, ...]]]:
    return [(record.reason, record.components) for record in records(journal, Gap)]


def end_reason(journal: Path) -> str | None:
    footer: Footer | None = segments(journal)[-1].footer
    return footer.reason if footer else None


def python(
    code: str, *, cwd: Path, env: dict[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run Python code in a fresh process that finds this tree's gxmeter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    mine = ("CODECARBON", "GXMETER", "XDG_")
    kept = {key: value for key, value in os.environ.items() if key == "GXMETER_CLAIMS" or not key.startswith(mine)}
    path = os.pathsep.join([p for p in ((extra or {}).get("PYTHONPATH", ""), str(ROOT)) if p])
    return {**kept, "LANG": "C.UTF-8", **(extra or {}), "PYTHONPATH": path}
