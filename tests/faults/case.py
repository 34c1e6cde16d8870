"""One scenario's row of the fault table: what was done, what the child felt, what the record says, what was lost."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.faults.host import ROOT
from tests.faults.record import Journal, Span, uncovered_s

ROWS = "GXMETER_FAULT_ROWS"
"""Names the folder that the rows go to; left out, ``out/faults``."""

LATE_S = 0.6
"""How late a thread may come on a busy machine of two cores [s]; no fault adds to it."""


@dataclass
class Case:
    """A scenario being run; its test says here what it finds, and asserts it."""

    scenario: str
    nightly: bool = False
    runs: int = 0
    codes: set[int] = field(default_factory=set)
    pause_ms: int = 0
    says: set[str] = field(default_factory=set)
    lost: float | None = None
    began_s: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    def felt(self, code: int, pause_ns: int) -> None:
        """How a child ended, and its longest pause."""
        self.codes.add(code)
        self.pause_ms = max(self.pause_ms, pause_ns // 1_000_000)

    def ran(self, runs: int = 1) -> None:
        """The fault was made once more."""
        self.runs += runs

    def sees(self, found: Iterable[Journal] | Journal, *wanted: str) -> None:
        """The record must say each of these."""
        listed = [found] if isinstance(found, Journal) else list(found)
        said = set().union(*(journal.says for journal in listed))
        self.says |= {item for item in said if not item.startswith(_ORDINARY)}
        missing = set(wanted) - said
        assert not missing, f"the record does not say {sorted(missing)}; it says {sorted(said)}"

    def notes(self, *facts: str) -> None:
        """What else the record says of the scenario, for the table."""
        self.says |= set(facts)

    def loses(self, spans: Sequence[Span], during_ns: tuple[int, int], period_s: float) -> float:
        """How much of the time given has no number [s]."""
        lost_s = uncovered_s(spans, *during_ns)
        self.lost = max(self.lost or 0, lost_s / period_s)
        return lost_s

    def loses_at_most_one(
        self, spans: Sequence[Span], during_ns: tuple[int, int], period_s: float, *, late_s: float = LATE_S
    ) -> None:
        """Of the time given, at most one interval may lack a number; it is a period, and as late as a thread may be."""
        lost_s = self.loses(spans, during_ns, period_s)
        assert lost_s <= period_s + late_s, f"{lost_s:.3f} s without a number, of intervals of {period_s} s"

    def at_known_watts(self, spans: Sequence[Span], known_w: float, *, late_s: float = LATE_S) -> None:
        """Every interval, and all of them together, hold what the part is known to draw.

        A stretch without a gap may be off by the counter's step (0.1 s) at either end, and a single interval as well
        by how late the thread came between its clock and the counter.
        """
        for span in spans:
            length_s = (span.end_ns - span.start_ns) / 1e9
            off_s = span.energy_uj / 1e6 / known_w - length_s
            assert abs(off_s) < 0.2 + late_s, f"{span.energy_uj / 1e6:.1f} J in {length_s:.3f} s at {known_w} W"
        used_s = sum(span.energy_uj for span in spans) / 1e6 / known_w
        covered_s = sum(span.end_ns - span.start_ns for span in spans) / 1e9
        stretches = 1 + sum(before.end_ns != after.start_ns for before, after in pairwise(spans))
        assert abs(used_s - covered_s) < 0.1 + 0.2 * stretches, f"{used_s:.2f} s of {known_w} W in {covered_s:.2f} s"

    def write(self, *, held: bool) -> None:
        """Put the row down for the table."""
        folder = Path(os.environ.get(ROWS) or ROOT / "out" / "faults")
        folder.mkdir(parents=True, exist_ok=True)
        seconds = self.seconds if self.seconds is not None else time.monotonic() - self.began_s
        row = {
            "scenario": self.scenario,
            "held": held,
            "nightly": self.nightly,
            "runs": self.runs,
            "child_codes": sorted(self.codes),
            "child_pause_ms": self.pause_ms,
            "record": sorted(self.says),
            "lost_intervals": None if self.lost is None else math.ceil(self.lost * 100) / 100,
            "seconds": round(seconds, 1),
        }
        kind = "nightly" if self.nightly else "test"
        (folder / f"{self.scenario}.{kind}.json").write_text(json.dumps(row, indent=2) + "\n")


_ORDINARY = ("gap: starting", "cpu-rating-unknown", "workspace-not-initialised", "site-unknown")
"""What every record on such a machine says, whatever is done to it."""
