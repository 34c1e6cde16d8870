"""The energy of a node between two looks at the clock, from answers that come late and at uneven times.

A BMC answers about once a second, and the meter's interval ends when it ends, not when an answer comes. So each
interval is told up to its end: the newest power is taken to hold until the next answer. With polled power the next
trapezoid begins where the held one ended. With an energy meter, what was told ahead of it is settled by its next
step, so that the sum always is the meter's; its counts beside an interval are those of the answers, and part from
the interval's energy by that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.meter.sensors.base import Fault, fault
from gxmeter.meter.sensors.counter import Counter
from gxmeter.meter.sensors.polls import Polls
from gxmeter.meter.sensors.redfish_walk import Answer

STALE_NS = 10_000_000_000
"""An answer holds for so long [ns], twice the time that a request may take; and so long may an energy meter stand."""

_PJ_PER_UJ = 1_000_000


@dataclass(slots=True)
class PowerMeter:
    """A node by polled power.

    Attributes:
        rated_mw: rated power or its ceiling [mW].
    """

    rated_mw: int
    _polls: Polls = field(init=False)
    _power_mw: int | None = None

    def __post_init__(self) -> None:
        self._polls = Polls(self.rated_mw)

    def start(self, now_ns: int) -> None:
        """Count from now with the newest power."""
        self._polls.start(now_ns, self._power_mw)

    def add(self, at_ns: int, answer: Answer) -> Fault | None:
        """Book an answer; a fault where it has no power."""
        if answer.power_mw is None:
            return fault("bmc-no-number")
        if self._power_mw is None:
            self._polls.start(at_ns, answer.power_mw)
        self._power_mw = answer.power_mw
        self._polls.add(at_ns, answer.power_mw)
        return None

    def lose(self, now_ns: int) -> None:
        """The BMC is gone: what is between its last answer and its next is not counted."""
        self._power_mw = None
        self._polls.start(now_ns, None)

    def take(self, now_ns: int) -> tuple[int | None, tuple[int, int] | None, Fault | None]:
        """Energy up to now [uJ] or None, no counter, and why there is no number."""
        if self._power_mw is not None:
            self._polls.add(now_ns, self._power_mw)
        energy_uj, wrong = self._polls.take()
        return energy_uj, None, wrong


@dataclass(slots=True)
class EnergyMeter:
    """A node by its energy meter [mJ].

    Attributes:
        rated_mw: rated power or its ceiling [mW].
    """

    rated_mw: int
    _counter: Counter = field(init=False)
    _at_ns: int = 0
    _count: int | None = None
    _told: int | None = None
    _power_mw: int = 0
    _due_uj: int = 0
    _fault: Fault | None = None
    _stands: Fault | None = None

    def __post_init__(self) -> None:
        self._counter = Counter(1000, self.rated_mw)

    def start(self, now_ns: int) -> None:
        """Count from now; what the meter counted between its last step and now is told ahead of its next."""
        self._due_uj, self._fault, self._told = -self._ahead_uj(now_ns), None, self._count

    def add(self, at_ns: int, answer: Answer) -> Fault | None:
        """Book an answer; one that repeats the last is no news, until it does so for too long."""
        count = answer.energy_mj
        if count is None:
            return fault("bmc-no-number")
        if self._count is None:
            self._counter.start(count)
            self._at_ns, self._count = at_ns, count
            return None
        elapsed_ns = at_ns - self._at_ns
        if count == self._count and elapsed_ns < STALE_NS:
            return None
        step = self._counter.step(count, elapsed_ns)
        stands = count == self._count
        self._at_ns, self._count, self._stands = at_ns, count, step.fault if stands else None
        if step.energy_uj is None:
            self._fault, self._due_uj, self._power_mw = self._fault or step.fault, 0, 0
            return None
        self._due_uj += step.energy_uj
        self._power_mw = step.energy_uj * _PJ_PER_UJ // max(elapsed_ns, 1)
        return None

    def lose(self, now_ns: int) -> None:  # noqa: ARG002 - one shape for both meters
        """The BMC is gone: the energy until its next answer is not counted, since nobody knows when it was used."""
        self._count, self._power_mw, self._due_uj = None, 0, 0
        self._fault, self._stands = None, None

    def take(self, now_ns: int) -> tuple[int | None, tuple[int, int] | None, Fault | None]:
        """Energy up to now [uJ] or None, the counter, and why there is no number."""
        wrong, self._fault = self._fault or self._stands, None
        counter = (self._told, self._count) if self._told is not None and self._count is not None else None
        self._told = self._count
        energy_uj = self._due_uj + self._ahead_uj(now_ns)
        if wrong is None and energy_uj <= 0:
            wrong = fault("counter-still")
        if wrong is not None:
            return None, counter, wrong
        self._due_uj -= energy_uj
        return energy_uj, counter, None

    def _ahead_uj(self, now_ns: int) -> int:
        """What the node has used since the meter's last step if its power held [uJ]."""
        return self._power_mw * (now_ns - self._at_ns) // _PJ_PER_UJ
