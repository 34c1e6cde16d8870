"""How many bytes the journal takes per device and interval at 1 Hz: ``.venv/bin/python -m bench.journal_size``.

A real ``gxmeter.Meter`` measures fake GPUs and a fake powercap tree for a minute each; what one interval adds is
counted in its lines, and what a segment has once (head, findings, end) is spread over the hour that it lasts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.machine import described, table, write_section
from tests.support import fakenvml
from tests.support.fakepowercap import background

SECONDS = 60
SEGMENT_S = 3600
TARGET_BYTES = 100
LONG_MJ = 4_000_000_000
"""Where the GPUs' counters begin: as after two months at 700 W [mJ]."""
CODE = """
import sys, time, gxmeter
with gxmeter.Meter(run="size", workspace=sys.argv[1]):
    time.sleep(float(sys.argv[2]))
"""


def measured(folder: Path, environment: dict[str, str]) -> list[bytes]:
    """The lines of a journal made under these variables."""
    (folder / "gxmeter.yaml").touch()
    command = [sys.executable, "-c", CODE, str(folder), str(SECONDS)]
    subprocess.run(command, check=True, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    (segment,) = folder.rglob("*.gxj")
    return segment.read_bytes().splitlines(keepends=True)


def row(gpus: int, powercap: Path, folder: Path) -> list[str]:
    """One line of the table: devices, what an interval takes, what it takes per device."""
    environment = {
        "GXMETER_POWERCAP": str(powercap),
        "GXMETER_CLAIMS": str(folder),
        **fakenvml.environment(gpus=gpus, counter_mj=LONG_MJ),
    }
    lines = measured(folder, environment)
    intervals = [line for line in lines if line.startswith(b'{"t":"i"')]
    full = intervals[len(intervals) // 2 :]  # the last half: sensors that come late are there
    devices = full[-1].partition(b'"e":[')[2].partition(b"]")[0].count(b",") + 1
    each = sum(map(len, full)) / len(full)
    once = sum(map(len, lines)) - sum(map(len, intervals))
    per_device = (each + once / SEGMENT_S) / devices
    per_day_mb = (each * SEGMENT_S + once) * 24 / 1e6
    return [
        f"{gpus} GPUs, 2 processors, 2 DRAM",
        str(devices),
        f"{each:.0f}",
        f"{per_device:.1f}",
        f"{per_day_mb:.0f} MB",
    ]


def main() -> None:
    """Measure, print, write."""
    rows = []
    for gpus in (1, 2, 8):
        with tempfile.TemporaryDirectory() as work:
            tree, folder = Path(work) / "powercap", Path(work) / "workspace"
            tree.mkdir()
            folder.mkdir()
            with background(tree, packages_w=(100, 80), dram_w=(20, 20)) as root:
                rows.append(row(gpus, root, folder))
    columns = ["machine", "components", "bytes an interval", "bytes a device and interval", "a day at 1 Hz"]
    worst = max(float(line[3]) for line in rows)
    verdict = "kept" if worst < TARGET_BYTES else "NOT KEPT"
    text = f"{described()}\n\n{table(columns, rows)}\n\nUnder {TARGET_BYTES} bytes on average: {verdict}."
    print(text)
    write_section("journal_size", text)


if __name__ == "__main__":
    main()
