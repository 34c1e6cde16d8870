"""Energy of a run on this host, whichever of its meters measures: the own one, and what the others write down.

Under ``torchrun`` the rank that logs is seldom the one whose meter measures, and under ``gxmeter run`` it never is.
The journal of the one that measures lies beside the own journal, so its new lines are read when a number is asked for:
some hundred bytes a second, and not a word between processes.
"""

from __future__ import annotations

import time
from pathlib import Path

from gxmeter.meter.hooks._follower import Follower
from gxmeter.meter.session import Meter
from gxmeter.meter.ticks import boot_id

_LOOK_NS = 5_000_000_000
"""Time between two looks for journals that are new [ns]."""


class HostEnergy:
    """Energy on this host since a meter began, in all journals of its run."""

    def __init__(self, meter: Meter) -> None:
        """Nothing is looked for yet."""
        self._meter = meter
        self._boot = boot_id()
        self._since_ns = time.monotonic_ns() - meter.elapsed_ns
        self._known: set[Path] = set()
        self._others: list[Follower] = []
        self._look_ns = 0

    def energy_uj(self) -> int:
        """Microjoules since the meter began; 0 while nobody has a number."""
        self._look()
        for other in self._others:
            other.read()
        return self._meter.totals.total_uj + sum(other.energy_uj for other in self._others)

    def _look(self) -> None:
        """Find the journals of other meters of this run and this boot; every folder is looked at once."""
        own, now_ns = self._meter.journal, time.monotonic_ns()
        if own is None or now_ns < self._look_ns:
            return
        self._look_ns = now_ns + _LOOK_NS
        run = self._meter.result.run
        for folder in own.parent.glob(f"{own.name.rsplit('-', 2)[0]}-*"):
            if folder == own or folder in self._known:
                continue
            other = Follower(folder, self._since_ns)
            if other.head is not None:
                self._known.add(folder)
                if other.head.run == run and other.head.boot == self._boot:
                    self._others.append(other)
