"""The heavy lane measured: gxmeter beside merely decoding the columns, DuckDB and Spark, in one run on one machine.

``.venv/bin/python -m bench.energy --folder DIR --rows 10000000,100000000`` makes the data in DIR (4.6 MB a million
samples), runs every piece of work in a process of its own, round after round, and prints the tables; ``--write`` puts
them into ``bench/RESULTS.md``, and the plan that follows from them into ``docs/explanation/scale.md`` and its twin.
All engines must give the same leaves, or nothing is written. Beyond 100 million rows only gxmeter, decoding and hashing
are run. Wants a quiet machine, and about an hour for the two sizes of the example.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench import scale
from bench.fleet.made import CODED, GPUS, SITES, TEXT
from bench.fleet.targets import Measured, growth, judged
from bench.fleet.watch import Spent, spend
from bench.fleet.work import COMPARED, WORKERS, files
from bench.machine import ROOT, described, quiet, table, write_section

RESULTS = ROOT / "bench" / "RESULTS.md"
SPARK = ROOT / ".venv-spark" / "bin" / "python"
GREATEST_COMPARED = 100_000_000
"""Up to this many rows DuckDB and Spark run too [rows]."""

WORKS = {
    "nothing": "start Python, import numpy and pyarrow",
    "decode": "decode the columns with pyarrow (one thread, texts as dictionaries)",
    "decode-text": "the same, texts as texts (pyarrow's default)",
    "hash": "SHA-256 of the files",
    "compiled": "gxmeter, compiled kernel (hashes the files too)",
    "numpy": "gxmeter, numpy kernel",
    "two-workers": f"gxmeter, compiled kernel, {WORKERS} processes",
    "cached": "gxmeter again, nothing changed",
    "decode-coded": "decode, devices as integer codes",
    "compiled-coded": "gxmeter, compiled kernel, devices as integer codes",
    "duckdb": "DuckDB, window SQL",
    "duckdb-best": "DuckDB, window SQL, texts as enumerations",
    "spark": "PySpark SQL, the same query",
}
"""What is measured, in order."""

OF_ANY_SIZE = ("nothing", "decode", "hash", "compiled", "two-workers", "cached")
"""What is run beyond ``GREATEST_COMPARED`` too."""

_NS_PER_S = 1e9
_OWN_LOAD = 1
"""What two working processes and their watcher add to the load average at the end of a run [processes]."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: sizes [rows], works, how often, where."""

    folder: Path
    sizes: tuple[int, ...]
    works: tuple[str, ...]
    rounds: int


def measured(plan: Plan, size: int) -> Measured:
    """Every piece of work on one size; a work is run round by round, so that a slow minute meets all of them."""
    works = [work for work in plan.works if size <= GREATEST_COMPARED or work in OF_ANY_SIZE]
    folder = plan.folder / f"rows-{size}"
    coded = plan.folder / f"rows-{size}-coded"
    make_aside(folder, size, TEXT)
    if any(work.endswith("-coded") for work in works):
        make_aside(coded, size, CODED)
    rows = spend(Path(sys.executable), "decode", folder).answer["rows"]  # and the files are in the page cache
    runs: dict[str, list[Spent]] = {work: [] for work in works}
    if "cached" in works:
        spend(Path(sys.executable), "cached", folder)
    for number in range(plan.rounds):
        for work in works:
            print(f"{size:,} rows, round {number + 1}: {work}", file=sys.stderr, flush=True)
            if work == "spark" and not SPARK.exists():
                runs[work].append(Spent(0, 0, 0, {}, "no .venv-spark here; `make nightly` makes it"))
            else:
                python = SPARK if work == "spark" else Path(sys.executable)
                runs[work].append(spend(python, work, coded if work.endswith("-coded") else folder))
    return Measured(rows, sum(path.stat().st_size for path in files(folder)), {w: _middle(s) for w, s in runs.items()})


def warm_up(folder: Path) -> None:
    """Compile the kernel, which is done once per machine and is no part of what is measured."""
    make_aside(folder / "warm-up", GPUS * 60, TEXT)
    spend(Path(sys.executable), "compiled", folder / "warm-up")


def make_aside(folder: Path, size: int, layout: str) -> None:
    """Make the data in a process of its own, so that no child inherits its memory."""
    subprocess.run([sys.executable, "-m", "bench.fleet.made", str(folder), str(size), layout], cwd=ROOT, check=True)


def _middle(runs: Sequence[Spent]) -> Spent:
    """Medians over the rounds; a failure in any of them is told."""
    failed = next((run for run in runs if run.failed), None)
    if failed:
        return failed
    inside = [name for name in runs[0].answer if name.startswith("inside_")]
    answers = {json.dumps({k: v for k, v in run.answer.items() if k not in inside}) for run in runs}
    wall_s, cpu_s = (statistics.median(getattr(run, name) for run in runs) for name in ("wall_s", "cpu_s"))
    told = "" if len(answers) == 1 else "rounds gave different answers"
    answer = runs[0].answer | {name: statistics.median(run.answer[name] for run in runs) for name in inside}
    return Spent(wall_s, cpu_s, max(run.peak_mb for run in runs), answer, told)


def faults(results: Sequence[Measured]) -> list[str]:
    """Sizes at which two engines gave different leaves, or one failed."""
    found = []
    for one in results:
        made = {work: s.answer.get("sha256") for work, s in one.spent.items() if work in COMPARED and not s.failed}
        if len(set(made.values())) > 1:
            found.append(f"{one.rows:,} rows: leaves differ: {made}")
        found += [f"{one.rows:,} rows: {w}: {s.failed}" for w, s in one.spent.items() if s.failed and w != "spark"]
    return found


def page(results: Sequence[Measured], rounds: int) -> str:
    """The section's text."""
    shape = f"{GPUS:,} GPUs at {len(SITES)} sites, one sample a second, one Parquet file (zstd) a site and UTC day"
    parts = [f"{described()}, {_memory_gb()} GB memory; {_versions()}; {quiet()}.", f"{shape}. Medians of {rounds}."]
    if os.getloadavg()[0] > (os.cpu_count() or 1) + _OWN_LOAD:
        parts.append("**Provisional**: the machine was busy with other work; the wall times mean little.")
    for one in results:
        base = one.spent.get("decode")
        lines = [[WORKS[work], *_cells(spent, one.rows, base)] for work, spent in one.spent.items()]
        leaves = next((s.answer for s in one.spent.values() if "leaves" in s.answer), None)
        told = f"; {leaves['leaves']:,} leaves, SHA-256 {leaves['sha256'][:16]}… by every engine" if leaves else ""
        parts.append(f"### {one.rows:,} samples ({one.bytes / 1e6:,.0f} MB{told})")
        head = ["", "wall", "processor time", "ns a sample", "processor time / decode", "peak memory of a process"]
        parts.append(table(head, lines))
    parts.append("### Targets")
    parts.append(table(["target", "size", "measured", ""], [row for one in results for row in judged(one)]))
    if len(results) > 1:
        parts += ["### Growth", table(["samples", "processor time a sample", "wall", "peak"], growth(results))]
    return "\n\n".join(parts)


def _cells(spent: Spent, rows: int, base: Spent | None) -> list[str]:
    if spent.failed:
        return [f"not run: {spent.failed.splitlines()[-1]}", "", "", "", ""]
    ratio = f"{spent.cpu_s / base.cpu_s:.2f}" if base and base.cpu_s else ""
    each = f"{spent.cpu_s * _NS_PER_S / rows:.1f}"
    return [f"{spent.wall_s:.2f} s", f"{spent.cpu_s:.2f} s", each, ratio, f"{spent.peak_mb:,.0f} MB"]


def _memory_gb() -> int:
    return round(int(Path("/proc/meminfo").read_text().split()[1]) * 1_024 / 1e9)


def _versions() -> str:
    found = [f"{name} {version(name)}" for name in ("numpy", "pyarrow", "numba", "duckdb")]
    if SPARK.exists():
        asked = "from importlib.metadata import version; print(version('pyspark'))"
        said = subprocess.run([SPARK, "-c", asked], capture_output=True, text=True, check=True)
        found.append(f"pyspark {said.stdout.strip()}")
    return ", ".join(found)


def _plan(arguments: Sequence[str] | None) -> tuple[Plan, bool]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the data are made and kept")
    parser.add_argument("--rows", default="10000000", help="sizes, joined by commas")
    parser.add_argument("--works", default=",".join(WORKS), help="what to measure, joined by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="into bench/RESULTS.md")
    given = parser.parse_args(arguments)
    works = tuple(given.works.split(","))
    if unknown := set(works) - WORKS.keys():
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    return Plan(given.folder.resolve(), tuple(map(int, given.rows.split(","))), works, given.rounds), given.write


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare, print, and write if asked: 0 fine, 1 engines that differ or failed."""
    plan, write = _plan(arguments)
    warm_up(plan.folder)
    results = [measured(plan, size) for size in plan.sizes]
    text = page(results, plan.rounds)
    print(text)
    if found := faults(results):
        print("\n".join(found), file=sys.stderr)
        return 1
    if write:
        write_section("energy", text, RESULTS)
        scale.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
