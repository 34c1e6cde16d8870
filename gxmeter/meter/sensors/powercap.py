"""The processors' and the memory's own energy counters (RAPL), read from Linux's powercap tree.

A reading is one ``pread`` a counter. Which counters are counted, and why the platform's (psys) is not, stands in
:mod:`gxmeter.meter.sensors.powercap_tree`; whether a step may be believed is judged by
:class:`gxmeter.meter.sensors.counter.Counter`. The counters run over: 262 kJ last some nine minutes at 500 W,
the 65 kJ of AMD parts half a minute at 2 kW. So the sensor asks to be polled four times in that time, adds up the
steps, and where it was not called for longer, gives no number, because nobody knows how often the counter went
round.

New parts are known to count memory wrongly (200 W at one socket and 6 W at the other on a Granite Rapids machine,
papi issue 635). Sockets that differ that much are remarked, once, and nothing is corrected.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.meter.descriptor import Descriptor
from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample, fault
from gxmeter.meter.sensors.counter import JUDGED_NS, LIMIT_FACTOR, Counter
from gxmeter.meter.sensors.powercap_tree import ROOT, Zone, cpu_name, hidden, zones

PACKAGE = "powercap-package"
"""Method: energy counter of a processor package."""

DRAM = "powercap-dram"
"""Method: energy counter of a package's memory."""

VARIABLE = "GXMETER_POWERCAP"
"""Environment variable with the tree's folder, for a container that has the host's tree mounted elsewhere."""

UNEQUAL = 5
"""Memory of two sockets that differs by more than this factor is remarked."""

_POLLS_A_LAP = 4
_DIGITS = 32


class PowercapSensor:
    """Processor packages and their memory.

    Args:
        root: the tree's folder; by default what ``GXMETER_POWERCAP`` names, else ``/sys/class/powercap``.
        environment: where that variable is looked up.
        clock: monotonic time [ns].

    Attributes:
        wrap_s: the shortest time in which one of the counters can run over, at twice its rating [s]; None while
            nothing is open.
    """

    name = "powercap"
    methods = {PACKAGE: "D1", DRAM: "D2"}  # noqa: RUF012 - a constant of the protocol
    quick = True
    poll_s: float | None = None
    wrap_s: float | None = None

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Nothing is opened yet."""
        named = root or environment.get(VARIABLE)
        self._root, self._is_named, self._clock = Path(named or ROOT), bool(named), clock
        self._readers: list[_Reader] = []
        self._memory = _MemoryWatch()

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:  # noqa: ARG002 - reading twice costs nothing
        """Open every counter; those that this user may not read are one fault, a machine without a tree is none."""
        self.close()
        version = f"Linux {platform.release()}" + (f", tree at {self._root}" if self._is_named else "")
        found = zones(self._root)
        if not found:
            return Opened(version, faults=self._absent())
        faults: list[Fault] = []
        for zone in found:
            self._open(zone, faults)
        self._without_copies(faults)
        self._readers = [reader for reader in self._readers if reader.file is not None]
        laps = [zone.span_uj / (LIMIT_FACTOR * zone.limit_mw * 1000) for r in self._readers if (zone := r.zone).span_uj]
        self.wrap_s = min(laps, default=None)
        self.poll_s = self.wrap_s / _POLLS_A_LAP if self.wrap_s is not None else None
        return Opened(version, self._parts(found), tuple(faults))

    def start(self) -> None:
        """Read every counter: energy counts from now."""
        now_ns = self._clock()
        for reader in self._readers:
            reader.start(now_ns)

    def poll(self) -> None:
        """Add the steps so far, before a counter can have gone round."""
        now_ns = self._clock()
        for reader in self._readers:
            reader.step(now_ns)

    def read(self, elapsed_ns: int) -> list[Sample]:
        """Every counter's energy since it was last taken; judged over the time between its own looks."""
        self.poll()
        samples = [reader.take() for reader in self._readers]
        return self._memory.look(self._readers, samples, elapsed_ns)

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers:
            reader.close()
        self._readers, self.poll_s, self.wrap_s = [], None, None

    def _absent(self) -> tuple[Fault, ...]:
        if hidden(self._root):
            return (fault("rapl-hidden", path=str(self._root)),)
        if self._is_named and not self._root.is_dir():
            reason = f"{self._root} is not a folder"
            return (fault("sensor-unavailable", part="powercap", reason=reason),)
        return ()

    def _open(self, zone: Zone, faults: list[Fault]) -> None:
        reader = _Reader(zone)
        try:
            reader.open()
        except PermissionError:
            if not any(earlier.code == "rapl-unreadable" for earlier in faults):
                faults.append(fault("rapl-unreadable", path=str(zone.path)))
        except OSError as error:
            faults.append(fault("sensor-unavailable", part=zone.label, reason=f"{zone.path}: {error.strerror}"))
        else:
            self._readers.append(reader)

    def _without_copies(self, faults: list[Fault]) -> None:
        """Close what counts as another does: some multi-die parts show one counter on every die."""
        for number, reader in enumerate(self._readers):
            alike = [other for other in self._readers[:number] if other.zone.is_dram == reader.zone.is_dram]
            if any(reader.is_copy_of(other) for other in alike):
                reader.close()
                faults.append(fault("counter-mirrored", device=reader.zone.name))

    def _parts(self, found: list[Zone]) -> tuple[Part, ...]:
        """One part a counter; the memory's stands for the whole RAM where every package's memory is counted."""
        counted = {reader.zone.package for reader in self._readers if reader.zone.is_dram}
        whole = counted == {zone.package for zone in found}
        name = cpu_name()
        return tuple(
            Part(
                label=zone.label,
                kind="ram" if zone.is_dram else "cpu",
                name=f"memory of package {zone.package}" if zone.is_dram else name,
                method=DRAM if zone.is_dram else PACKAGE,
                rated_mw=zone.rated_mw,
                counter_unit="uJ",
                covers=("ram",) if zone.is_dram and whole else (),
            )
            for zone in (reader.zone for reader in self._readers)
        )


@dataclass(slots=True)
class _Reader:
    """One counter's file, and its energy since it was last taken."""

    zone: Zone
    file: Descriptor | None = None
    _counter: Counter = field(init=False)
    _seen_ns: int = 0
    _energy_uj: int = 0
    _began: int | None = None
    _ended: int | None = None
    _fault: Fault | None = None

    def __post_init__(self) -> None:
        self._counter = Counter(1, self.zone.limit_mw, self.zone.span_uj)

    def open(self) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be opened.
        """
        self.file = Descriptor(os.open(self.zone.path, os.O_RDONLY | os.O_CLOEXEC))

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
        self.file = None

    def start(self, now_ns: int) -> None:
        value, _ = self._value()
        self._counter.start(value)
        self._seen_ns, self._began, self._ended = now_ns, value, value
        self._energy_uj, self._fault = 0, None

    def step(self, now_ns: int) -> None:
        """Add what was counted since the last look; a step that cannot be believed spoils the whole interval.

        The file is opened anew after any fault: where the driver was loaded again, the old one stays dead for ever.
        """
        elapsed_ns, self._seen_ns = now_ns - self._seen_ns, now_ns
        value, reason = self._value()
        if value is None and self._reopen():
            value, reason = self._value()
        step = self._counter.step(value, elapsed_ns, reason=reason)
        wrong = step.fault or self._laps(elapsed_ns)
        self._ended = value
        if wrong is not None:
            self._fault = self._fault or wrong
            if value is not None:
                self._reopen()
        elif step.energy_uj is not None:
            self._energy_uj += step.energy_uj

    def take(self) -> Sample:
        """The interval's sample; the next begins."""
        method = DRAM if self.zone.is_dram else PACKAGE
        energy_uj, wrong, began, ended = self._energy_uj, self._fault, self._began, self._ended
        self._energy_uj, self._fault, self._began = 0, None, ended
        counter = (began, ended) if began is not None and ended is not None else None
        if wrong is None and energy_uj == 0:
            wrong = fault("counter-still")
        return Sample(energy_uj if wrong is None else None, method, counter, wrong)

    def is_copy_of(self, other: _Reader) -> bool:
        """Whether this counter, read between two readings of another, lies between them.

        Two counters of their own do so once in some ten million cases: the readings are microseconds apart, so
        that between them lie a few millijoules of 65 kJ or more.
        """
        before, here, after = other._value()[0], self._value()[0], other._value()[0]
        return before is not None and here is not None and after is not None and 0 < before <= here <= after

    def _laps(self, elapsed_ns: int) -> Fault | None:
        """A fault if the counter may have gone round in this time [mW x ns = pJ]."""
        span_uj = self.zone.span_uj
        if span_uj is None or LIMIT_FACTOR * self.zone.limit_mw * elapsed_ns < span_uj * 1_000_000:
            return None
        return fault("counter-laps", seconds=str(elapsed_ns // 1_000_000_000))

    def _value(self) -> tuple[int | None, str]:
        """The count now, or None and why."""
        if self.file is None or not self.file.is_ours:
            return None, f"{self.zone.path}: not open"
        try:
            text = os.pread(self.file.number, _DIGITS, 0).strip()
        except OSError as error:
            return None, f"{self.zone.path}: {error.strerror}"
        return (int(text), "") if text.isdigit() else (None, f"{self.zone.path}: no number")

    def _reopen(self) -> bool:
        """Open the file anew, keeping the old one where that fails."""
        try:
            fresh = Descriptor(os.open(self.zone.path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return False
        self.close()
        self.file = fresh
        return True


@dataclass(slots=True)
class _MemoryWatch:
    """Compares the memory of the sockets over a second or more, until it has once found them unequal."""

    _used_uj: dict[str, int] = field(default_factory=dict)
    _ns: int = 0
    _is_said: bool = False

    def look(self, readers: list[_Reader], samples: list[Sample], elapsed_ns: int) -> list[Sample]:
        """The samples, the highest memory's with a remark where the sockets' memory differs too much."""
        memory = {r.zone.label: s.energy_uj for r, s in zip(readers, samples, strict=True) if r.zone.is_dram}
        known = {label: uj for label, uj in memory.items() if uj is not None}
        if self._is_said or len(memory) < 2 or len(known) < len(memory):  # noqa: PLR2004 - a comparison takes two
            self._used_uj, self._ns = {}, 0
            return samples
        self._used_uj = {label: self._used_uj.get(label, 0) + uj for label, uj in known.items()}
        self._ns += elapsed_ns
        if self._ns < JUDGED_NS:
            return samples
        used, ns = self._used_uj, self._ns
        self._used_uj, self._ns = {}, 0
        low, high = min(used, key=used.__getitem__), max(used, key=used.__getitem__)
        if used[high] <= UNEQUAL * used[low]:
            return samples
        self._is_said = True
        remark = fault("dram-unequal", other=low, high=_watts(used[high], ns), low=_watts(used[low], ns))
        place = [reader.zone.label for reader in readers].index(high)
        noted = samples[place]
        return [
            *samples[:place],
            Sample(noted.energy_uj, noted.method, noted.counter, remark),
            *samples[place + 1 :],
        ]


def _watts(energy_uj: int, elapsed_ns: int) -> str:
    """Mean power in whole watts: 1 uJ in 1 us is 1 W.

    >>> _watts(2_000_000, 1_000_000_000)
    '2'
    """
    return str(energy_uj * 1000 // elapsed_ns)
