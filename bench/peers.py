"""gxmeter beside CodeCarbon, Zeus, carbontracker and perun: the same sleeping job, the same fake sensors, one machine.

Run as root on a quiet machine: ``.venv/bin/python -m bench.peers`` (a quarter of an hour; the environments are made
on the first run). Prints the table and writes it into ``bench/README.md``; ``--quick`` makes one short round and
writes nothing. All runs stand in a network namespace without a network.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import CACHE, described, quiet, table, write_section
from bench.peer.environments import VERSIONS, python_of, weight
from bench.peer.runs import Run, run
from gxmeter import __version__
from tests.support import fakenvml
from tests.support.fakepowercap import background

TOOLS = ("gxmeter", "gxmeter run", "codecarbon", "zeus", "carbontracker", "perun")
WRAPPERS = ("gxmeter run", "perun")
GPUS_W = tuple(300.0 + 10 * number for number in range(8))
GPUS_TOTAL_W = sum(GPUS_W)
STEP_S = 0.001
"""Step of the fake counters [s]; real ones move every 0.1 s, which blurs either end of any run by as much."""

ROUNDS, JOB_S, KILL_S, SHORT_S = 3, 15.0, 10.0, 8.0
Cell = Callable[["Seen"], str]


@dataclass(slots=True)
class Seen:
    """All runs of one tool."""

    tool: str
    bare: list[Run]
    gpus: list[Run] = field(default_factory=list)
    killed: Run | None = None
    rapl: Run | None = None
    none: Run | None = None
    size: tuple[float, int] = (0.0, 0)

    def median(self, start: str, end: str) -> float:
        """Median time between two moments over the rounds [s]."""
        return statistics.median(each.seconds(start, end) for each in self.gpus)

    def over_bare(self, start: str, end: str) -> float:
        """The same, less what the job needs without a tool [s]."""
        return self.median(start, end) - statistics.median(each.seconds(start, end) for each in self.bare)


def gather(tool: str, bare: list[Run], powercap: Path, *, rounds: int) -> Seen:
    """Run every scene under one tool."""
    seen = Seen(tool, bare)
    gpus = fakenvml.environment(nvidia_smi=True, step_s=STEP_S)
    seen.gpus = [run(tool, JOB_S, environment=gpus) for _ in range(rounds)]
    seen.killed = run(tool, 4 * KILL_S, environment=gpus, kill_after_s=KILL_S)
    seen.rapl = run(tool, SHORT_S, powercap=powercap)
    seen.none = run(tool, SHORT_S)
    seen.size = weight(python_of(tool) if tool in VERSIONS else CACHE / "venv-gxmeter" / "bin" / "python")
    return seen


def _import(seen: Seen) -> str:
    return "–" if seen.tool in WRAPPERS else f"{seen.median('began', 'imported'):.3f} s"


def _start(seen: Seen) -> str:
    if seen.tool in WRAPPERS:
        return f"{seen.over_bare('launch', 'began'):.3f} s (before the job)"
    return f"{seen.median('imported', 'started'):.3f} s"


def _first(seen: Seen) -> str:
    if seen.tool == "perun":
        return "not said"
    moments = [each.answer.counting_ns or each.moments["started"] for each in seen.gpus]
    since = "launch" if seen.tool in WRAPPERS else "imported"
    passed = [(at - each.moments[since]) / 1e9 for at, each in zip(moments, seen.gpus, strict=True)]
    return f"{statistics.median(passed):.3f} s"


def _stop(seen: Seen) -> str:
    if seen.tool in WRAPPERS:
        return f"{seen.over_bare('stopped', 'exit'):.3f} s (after the job)"
    return f"{seen.median('stopping', 'stopped'):.3f} s"


def _added(seen: Seen) -> str:
    return f"{seen.over_bare('launch', 'exit'):.2f} s"


def _cpu(seen: Seen) -> str:
    bare = statistics.median(each.cpu_ms_per_s for each in seen.bare)
    return f"{statistics.median(each.cpu_ms_per_s for each in seen.gpus) - bare:.2f} ms/s"


def _memory(seen: Seen) -> str:
    bare = statistics.median(each.pss_mb for each in seen.bare)
    processes = max(each.processes for each in seen.gpus)
    extra = f" ({processes} processes)" if processes > 1 else ""
    return f"{statistics.median(each.pss_mb for each in seen.gpus) - bare:.0f} MB{extra}"


def _install(seen: Seen) -> str:
    return f"{seen.size[0]:.0f} MB, {seen.size[1]}"


def _lost(seen: Seen) -> str:
    kept_w = seen.killed.answer.watts("gpu", 1.0) if seen.killed else None
    if seen.killed is None or not kept_w:
        return "100 %"
    kept_j = sum(joules for label, joules in seen.killed.answer.joules.items() if label.startswith("gpu"))
    return f"{max(0.0, 100 * (1 - kept_j / (GPUS_TOTAL_W * KILL_S))):.0f} %"


def _gpus_total(seen: Seen) -> str:
    found = [each.answer.watts("gpu", each.seconds("started", "stopping")) for each in seen.gpus]
    known = [watts for watts in found if watts is not None]
    if not known:
        return "none"
    worst = max(known, key=lambda watts: abs(watts - GPUS_TOTAL_W))
    return f"{worst:,.1f} W ({100 * (worst / GPUS_TOTAL_W - 1):+.2f} %)"


def _gpus_each(seen: Seen) -> str:
    worst = 0.0
    for each in seen.gpus:
        parts = {label: joules for label, joules in each.answer.joules.items() if label.startswith("gpu")}
        if len(parts) != len(GPUS_W):
            return "no"
        seconds = each.answer.seconds or each.seconds("started", "stopping")
        found = sorted(joules / seconds for joules in parts.values())
        worst = max(worst, *(abs(watts / true - 1) for watts, true in zip(found, GPUS_W, strict=True)))
    return f"yes, within {100 * worst:.2f} %"


def _whole(seen: Seen) -> str:
    """Energy in the record against that of the time in which the job ran."""
    shares = []
    for each in seen.gpus:
        joules = sum(joules for label, joules in each.answer.joules.items() if label.startswith("gpu"))
        shares.append(joules / (GPUS_TOTAL_W * each.seconds("started", "stopping")))
    return f"{100 * statistics.median(shares):.1f} %" if any(shares) else "none"


def _parts(found: Run | None) -> str:
    if found is None or not found.answer.joules:
        return "nothing"
    seconds = found.answer.seconds or found.seconds("started", "stopping")
    shown = {label.replace(".cpu:", " ").replace(".ram:", " "): j for label, j in found.answer.joules.items()}
    return ", ".join(f"{label} {joules / seconds:.1f}" for label, joules in sorted(shown.items()) if joules) + " W"


def _factor(seen: Seen) -> str:
    answer = seen.gpus[0].answer
    if not answer.joules:
        return "nothing measured"
    if answer.grams_per_kwh is None:
        return "none"
    return f"{answer.grams_per_kwh:.0f} g/kWh"


ROWS: tuple[tuple[str, Cell], ...] = (
    ("import", _import),
    ("start: construct and start, while the training waits", _start),
    ("first sample, from the same moment", _first),
    ("stop", _stop),
    ("added to the wall time of the whole job", _added),
    ("processor time at a 1 s interval, 8 GPUs", _cpu),
    ("memory over bare Python", _memory),
    ("install: size, distributions", _install),
    ("energy lost after SIGKILL at 10 s", _lost),
    ("8 fake GPUs, 2,680 W: total", _gpus_total),
    ("8 fake GPUs: one by one", _gpus_each),
    ("8 fake GPUs: energy in the record against that of the job", _whole),
    ("fake RAPL: packages 100 + 80 W, DRAM 20 + 20 W", lambda seen: _parts(seen.rapl)),
    ("a host without any counter", lambda seen: _parts(seen.none)),
    ("no network: factor applied unasked", _factor),
)


def head() -> list[str]:
    """The table's first line, with versions."""
    names = {"gxmeter": "gxmeter.Meter", "gxmeter run": "gxmeter run", "codecarbon": "CodeCarbon", "zeus": "Zeus"}
    versions = {tool: VERSIONS[tool][0].partition("==")[2] if tool in VERSIONS else __version__ for tool in TOOLS}
    return ["", *(f"{names.get(tool, tool)} {versions[tool]}" for tool in TOOLS)]


def page(all_seen: Sequence[Seen], *, about: str) -> str:
    """The section's text."""
    rows = [[name, *(cell(seen) for seen in all_seen)] for name, cell in ROWS]
    return f"{about}\n\n{table(head(), rows)}"


def main() -> None:
    """Measure and write."""
    short = "--quick" in sys.argv
    about = f"{described()}; {quiet()}. Medians of {ROUNDS} rounds; accuracies are the worst of them."
    for tool in ("gxmeter", *VERSIONS):
        python_of(tool)
    rounds = 1 if short else ROUNDS
    bare = [run("none", JOB_S) for _ in range(rounds)]
    with (
        tempfile.TemporaryDirectory() as folder,
        background(folder, packages_w=(100, 80), dram_w=(20, 20), psys_w=260) as root,
    ):
        all_seen = []
        for tool in TOOLS:
            print(tool, file=sys.stderr)
            all_seen.append(gather(tool, bare, root, rounds=rounds))
    text = page(all_seen, about=about)
    print(text)
    if not short:
        write_section("peers", text)


if __name__ == "__main__":
    main()
