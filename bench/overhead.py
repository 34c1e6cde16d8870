"""What metering costs a job: the same work unmetered and metered, in turn, at 1 Hz with 8 fake GPUs.

Run on a quiet machine: ``.venv/bin/python -m bench.overhead`` (some twenty minutes; ``--pairs 3`` for a look).

Two questions with two answers. *How much processor time does the meter take?* is counted to the nanosecond, by the
clock of the meter's thread (in the training's process) or of its process (``gxmeter run``) while the job works; it
is the upper bound of what the meter can take from a job that leaves no core idle. *How much longer does the job
take?* is the ratio of the job's own wall time, metered over unmetered, neighbours in time divided by each other;
its confidence interval says what this machine can resolve at all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.machine import described, quiet, table, write_section
from tests.support import fakenvml

WORK = Path(__file__).with_name("overhead_job.py")
WAYS = ("gxmeter.Meter", "gxmeter run")
RESAMPLES = 4000
CPU_TARGET_MS, WALL_TARGET_PCT = 2.0, 0.1


def once(way: str | None, folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """One run of the job: its wall and processor time, and the meter's processor time per second meanwhile."""
    job = [sys.executable, str(WORK), "inside" if way == "gxmeter.Meter" else "around" if way else "none"]
    if way == "gxmeter run":
        job = [sys.executable, "-m", "gxmeter", "run", "--run", "bench", "--", *job]
    done = subprocess.run(job, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Median of the ratios and its 95 % interval by resampling, as percent above 1."""
    source = random.Random(20261123)  # noqa: S311 - the resampling is the same every time
    medians = sorted(statistics.median(source.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    low, high = medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES)]
    middle = statistics.median(ratios)
    return 100 * (middle - 1), 100 * (low - 1), 100 * (high - 1)


def shown(ratios: Sequence[float]) -> str:
    """The interval in words."""
    middle, low, high = interval(ratios)
    return f"{middle:+.2f} % ({low:+.2f} to {high:+.2f})"


def measure(pairs: int, folder: Path, environment: dict[str, str]) -> list[list[str]]:
    """The table's rows: each round runs unmetered, one way, unmetered, the other way."""
    seen: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {way: [] for way in (*WAYS, "none again")}
    for number in range(pairs):
        print(f"{number + 1}/{pairs}", file=sys.stderr)
        for way in WAYS:
            plain = once(None, folder, environment)
            seen[way].append((once(way, folder, environment), plain))
        first, second = seen[WAYS[0]][-1][1], seen[WAYS[1]][-1][1]
        seen["none again"].append((second, first))
    rows = []
    for way, both in seen.items():
        walls = [with_["wall_s"] / without["wall_s"] for with_, without in both]
        works = [with_["job_cpu_s"] / without["job_cpu_s"] for with_, without in both]
        rates = [with_["meter_ms_per_s"] for with_, _ in both]
        rate = f"{statistics.median(rates):.2f} ms/s = {statistics.median(rates) / 10:.2f} % of a core"
        starts = statistics.median(with_["start_ms"] for with_, _ in both)
        ours = way != "none again"
        start = f"{starts:.0f} ms" if way == "gxmeter.Meter" else "–"
        rows.append([way, rate if ours else "–", shown(walls), shown(works), start])
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=40)
    pairs: int = parser.parse_args().pairs
    about = f"{described()}; {quiet()}. {pairs} pairs, each ratio between neighbours in time; medians, 95 % intervals."
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "gxmeter.yaml").touch()
        ours = {"HOME": work, "PYTHONPATH": str(WORK.parents[1]), "GXMETER_CLAIMS": work}
        environment = {**os.environ, **fakenvml.environment(), **ours}
        rows = measure(pairs, Path(work), environment)
    head = ["", "processor time of the meter", "wall time of the job", "processor time of the job", "start, foreground"]
    text = f"{about}\n\n{table(head, rows)}"
    print(text)
    write_section("overhead", text)


if __name__ == "__main__":
    main()
