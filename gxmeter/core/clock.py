"""Time as something handed in, so that tests, replays and reproducible builds decide it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Protocol

_SECONDS = re.compile(r"[0-9]{1,11}")
"""Up to the year 5138; more is no date."""


class Clock(Protocol):
    """What the rooms may ask about time."""

    def now_ms(self) -> int:
        """Unix time [ms]."""

    def monotonic_ns(self) -> int:
        """A clock that never steps [ns]; only differences mean something."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clocks; ``SOURCE_DATE_EPOCH`` is for writers, not for measuring, and ignored here."""

    def now_ms(self) -> int:
        """Unix time [ms]."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """The machine's monotonic clock [ns]."""
        return time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    ms: int

    def now_ms(self) -> int:
        """The fixed instant [ms]."""
        return self.ms

    def monotonic_ns(self) -> int:
        """The fixed instant [ns]."""
        return self.ms * 1_000_000


def writer_clock() -> Clock:
    """The clock for generated files: ``SOURCE_DATE_EPOCH`` (seconds) where set, else the system's."""
    return source_date() or SystemClock()


def source_date() -> FixedClock | None:
    """The instant that ``SOURCE_DATE_EPOCH`` names; None where it is unset or no plain count of seconds.

    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return FixedClock(int(epoch) * 1000) if _SECONDS.fullmatch(epoch) else None
