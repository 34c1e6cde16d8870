"""What a training left in the workspace, read back from the journals, and running scripts beside the test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.core.journal import BEGIN, Count, Head, Interval, Phase
from gxmeter.core.journal_decode import decode

HERE = Path(__file__).resolve().parent
FACTOR = "0.42"
"""kg-CO2/kWh that the tests hand over."""

WAIT_S = 60


@dataclass
class Left:
    """A journal: its first head, phases in order of their beginning, work counted, energy [uJ], reason of its end."""

    head: Head
    phases: list[str] = field(default_factory=list)
    tokens: int = 0
    steps: int = 0
    flop: int = 0
    energy_uj: int = 0
    by_phase: dict[str, int] = field(default_factory=dict)
    end: str | None = None


def journals(workspace: Path) -> list[Left]:
    """All journals of a workspace, in the order in which they began."""
    folders = [path for path in (workspace / "telemetry" / "journals").glob("*") if path.is_dir()]
    return sorted((read(folder) for folder in folders), key=lambda left: left.head.mono_ns)


def read(folder: Path) -> Left:
    segment = decode((folder / "0000.gxj").read_bytes())
    assert segment.findings == []
    left = Left(segment.head, end=segment.footer.reason if segment.footer else None)
    running: list[str] = []
    for _, record in segment.records:
        if isinstance(record, Phase):
            if record.event == BEGIN:
                left.phases.append(record.name)
                running.append(record.name)
            else:
                running.remove(record.name)
        elif isinstance(record, Count):
            left.tokens += record.tokens
            left.steps += record.steps
            left.flop += record.flop
            phase = running[-1] if running else ""
            left.by_phase[phase] = left.by_phase.get(phase, 0) + record.steps + record.tokens + record.flop
        elif isinstance(record, Interval):
            left.energy_uj += sum(uj or 0 for uj in record.energy_uj)
    return left


def wait_for_numbers(meter: object, *, steps: int = 0) -> None:
    """Let the training go on only when the meter has measured something, and has written down so many steps."""
    deadline = time.monotonic() + WAIT_S
    while meter is not None and not (meter.totals.total_uj and meter.result.steps >= steps):
        assert time.monotonic() < deadline, "the meter has no number yet"
        time.sleep(0.02)


def script(name: str, *arguments: object, ranks: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder as a user would: under Python, or under torchrun with some ranks."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"] if ranks else []
    return subprocess.run(
        [sys.executable, *launcher, str(HERE / name), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
