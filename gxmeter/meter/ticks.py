"""The three clocks of the meter: wall, monotonic, and monotonic with the time asleep."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on all clocks: ``utc_ms`` [Unix ms], ``mono_ns`` (stands still in sleep) and ``boot_ns`` [ns].

    ``boot_ns`` runs on while the machine sleeps; it parts from ``mono_ns`` only then.
    """

    utc_ms: int
    mono_ns: int
    boot_ns: int


class Ticks(Protocol):
    """Where the meter gets its moments from; another one in tests."""

    def now(self) -> Moment:
        """This instant."""


@dataclass(frozen=True, slots=True)
class SystemTicks:
    """The machine's clocks."""

    def now(self) -> Moment:
        """This instant."""
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        mono_ns = time.monotonic_ns()
        boot_ns = mono_ns if clock is None else time.clock_gettime_ns(clock)
        return Moment(time.time_ns() // NS_PER_MS, mono_ns, boot_ns)


def boot_id() -> str:
    """The kernel's id of this boot, or ``unknown``: monotonic clocks compare within one boot only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"
