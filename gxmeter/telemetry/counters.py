"""Energy counters: readings of a number that only grows become energy over the time between them.

A counter that goes back has wrapped, where its range is known and the step fits, or has begun anew; a step that no
device can make is no energy. What cannot be known is left open and named, never made up. A reading that comes late
(behind one that was already used) is left out and named: the readings around it hold its energy. One from before all
others is used: only it knows what came after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64, IntervalBatch, SeriesKey

LONG_MS = SLOT_MS
"""Between readings further apart than this [ms] nobody knows when the energy was used: finding ``timing-unknown``."""

MAX_POWER_MW = 10**12
"""Greatest mean power that is believed where a device's own limit is not known [mW]: a gigawatt."""

HALF_UJ_PER_MJ = 2_000
"""Half-microjoules in a millijoule [half-uJ/mJ]."""
HALF_UJ_PER_J = 2_000_000
"""Half-microjoules in a joule [half-uJ/J]."""
HALF_UJ_PER_WH = 7_200_000_000
"""Half-microjoules in a watt-hour [half-uJ/Wh]."""

_WRAP_FROM = 10
_MAX_HALF_UJ = 2**62
_EMPTY = np.zeros(0, np.int64)


@dataclass(slots=True)
class _Reading:
    """What the counter of a device showed, when, and whose it was."""

    ts_ms: int
    value: int
    key: SeriesKey


@dataclass(slots=True)
class Counters:
    """The counters of one file.

    Attributes:
        file: its name, for findings.
        half_uj_per_count: what one count is worth [half-uJ].
        wraps_at: how many counts the counter holds, where that is known.
        max_power_mw: greatest mean power that is believed [mW].
    """

    file: str
    half_uj_per_count: int
    wraps_at: int | None = None
    max_power_mw: int = MAX_POWER_MW
    _first: dict[tuple[str, str], _Reading] = field(default_factory=dict)
    _last: dict[tuple[str, str], _Reading] = field(default_factory=dict)
    _seen: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)

    def push(self, keys: Sequence[SeriesKey], key: npt.NDArray[np.int32], ts_ms: Int64, value: Int64) -> IntervalBatch:
        """The energy between readings, in order of device and time; each belongs to its first reading's key.

        Args:
            keys: the series.
            key: code of each reading.
            ts_ms: its instant [Unix ms].
            value: what the counter showed [counts].
        """
        made = _Made()
        names = sorted({(k.site, k.device) for k in keys})
        place = {name: i for i, name in enumerate(names)}
        device = np.array([place[k.site, k.device] for k in keys], np.int64)[key] if len(keys) else _EMPTY
        order = np.lexsort((value, ts_ms, device))
        order = self._largest(keys, key, order, (device, ts_ms, value))
        device, key, ts_ms, value = device[order], key[order], ts_ms[order], value[order]
        plain = self._plain(device, ts_ms, value)
        starts = np.nonzero(np.diff(device, prepend=-1))[0].tolist()
        for begin, end in pairwise([*starts, len(order)]):
            last = self._one_by_one(
                made, keys, key[begin : begin + 1], ts_ms[begin : begin + 1], value[begin : begin + 1]
            )
            rest = slice(begin + 1, end)
            if last and plain[rest].all():
                made.steps(keys, key[begin:end], ts_ms[begin:end], np.diff(value[begin:end]) * self.half_uj_per_count)
                newest = _Reading(int(ts_ms[end - 1]), int(value[end - 1]), keys[key[end - 1]])
                self._last[newest.key.site, newest.key.device] = newest
            else:
                self._one_by_one(made, keys, key[rest], ts_ms[rest], value[rest])
        return made.batch()

    def _largest(
        self, keys: Sequence[SeriesKey], key: npt.NDArray[np.int32], order: Int64, columns: tuple[Int64, Int64, Int64]
    ) -> Int64:
        """The order without readings that a larger one of the same device and instant follows; those are named."""
        device, ts_ms, value = (column[order] for column in columns)
        again = np.zeros(len(order), np.bool_)
        again[:-1] = (device[1:] == device[:-1]) & (ts_ms[1:] == ts_ms[:-1])
        differs = again.copy()
        differs[:-1] &= value[1:] != value[:-1]
        for i in np.nonzero(differs)[0].tolist():
            one = keys[key[order[i]]]
            self._name("counter-two-readings", (one.site, one.device), int(ts_ms[i]))
        return order[~again]

    def _plain(self, device: Int64, ts_ms: Int64, value: Int64) -> npt.NDArray[np.bool_]:
        """Which ordered readings follow the one before them without any question: later, and by a believable step.

        For speed alone: these are nearly all, and are booked at once; all others go through :meth:`_step`.
        """
        plain = np.zeros(len(device), np.bool_)
        length_ms, counts = np.diff(ts_ms), np.diff(value)
        most = 2 * self.max_power_mw * np.clip(length_ms, 0, LONG_MS) // self.half_uj_per_count
        believable = (counts == 0) | ((counts > 0) & (counts <= most) & (length_ms <= LONG_MS))
        plain[1:] = (np.diff(device) == 0) & (length_ms > 0) & believable
        return plain

    def _one_by_one(
        self, made: _Made, keys: Sequence[SeriesKey], key: npt.NDArray[np.int32], ts_ms: Int64, value: Int64
    ) -> bool:
        """Take readings of one device in order; whether the last of them is now its newest."""
        newest = None
        for series, at_ms, count in zip(key.tolist(), ts_ms.tolist(), value.tolist(), strict=True):
            newest = _Reading(at_ms, count, keys[series])
            step = self._step(newest)
            if step is not None:
                made.step(*step)
        return newest is not None and self._last[newest.key.site, newest.key.device] is newest

    def findings(self) -> Iterator[Finding]:
        """One per device and kind of fault."""
        for (code, site, device), (count, first_ms) in sorted(self._seen.items()):
            yield finding(code, file=self.file, device=device, site=site, count=count, at=instant(first_ms))

    def _step(self, new: _Reading) -> tuple[SeriesKey, int, int, int] | None:
        """The energy that a reading tells of: whose, start, end, amount [ms, ms, half-uJ]; None where there is none."""
        name = new.key.site, new.key.device
        last = self._last.get(name)
        if last is None:
            self._first[name] = self._last[name] = new
            return None
        if new.ts_ms < self._first[name].ts_ms:
            first, self._first[name] = self._first[name], new
            return self._between(new, first)
        if new.ts_ms < last.ts_ms:
            self._name("counter-late", name, new.ts_ms)
            return None
        if new.ts_ms == last.ts_ms:
            if new.value != last.value:
                # The energy up to the one that was read first is booked; what the next reading is more, follows.
                self._name("counter-two-readings", name, new.ts_ms)
            return None
        self._last[name] = new
        return self._between(last, new)

    def _between(self, before: _Reading, after: _Reading) -> tuple[SeriesKey, int, int, int] | None:
        """The energy between two readings; it belongs to the first one's key."""
        name = after.key.site, after.key.device
        counts = self._counts(name, before.value, after.value, after.ts_ms)
        if counts is None:
            return None
        length_ms = after.ts_ms - before.ts_ms
        if not self._possible(counts, length_ms):
            self._name("counter-went-back" if after.value < before.value else "counter-jump", name, after.ts_ms)
            return None
        if after.value < before.value:
            self._name("counter-wrapped", name, after.ts_ms)
        if counts and length_ms > LONG_MS:
            self._name("timing-unknown", name, before.ts_ms)
        return before.key, before.ts_ms, after.ts_ms, counts * self.half_uj_per_count

    def _counts(self, name: tuple[str, str], before: int, value: int, at_ms: int) -> int | None:
        """Counts between two readings; None where the counter went back and cannot have wrapped."""
        if value >= before:
            return value - before
        wrapped = self._wrapped(before, value)
        if wrapped is None:
            self._name("counter-went-back", name, at_ms)
        return wrapped

    def _wrapped(self, before: int, value: int) -> int | None:
        """Counts over the end of the range, where the range is known and the counter was in its last tenth."""
        if self.wraps_at is None or before < self.wraps_at - self.wraps_at // _WRAP_FROM:
            return None
        return self.wraps_at - before + value

    def _possible(self, counts: int, length_ms: int) -> bool:
        return counts * self.half_uj_per_count <= min(2 * self.max_power_mw * length_ms, _MAX_HALF_UJ)

    def _name(self, code: str, name: tuple[str, str], at_ms: int) -> None:
        count, first_ms = self._seen.get((code, *name), (0, at_ms))
        self._seen[code, *name] = (count + 1, first_ms)


@dataclass(slots=True)
class _Made:
    """Energy of one batch as it comes up."""

    _codes: dict[SeriesKey, int] = field(default_factory=dict)
    _rows: list[tuple[Int64, Int64, Int64, Int64]] = field(default_factory=list)

    def step(self, owner: SeriesKey, start_ms: int, end_ms: int, half_uj: int) -> None:
        """Add one step."""
        code = self._codes.setdefault(owner, len(self._codes))
        self._rows.append(tuple(np.array([number], np.int64) for number in (code, start_ms, end_ms, half_uj)))  # type: ignore[arg-type]

    def steps(self, keys: Sequence[SeriesKey], key: npt.NDArray[np.int32], ts_ms: Int64, half_uj: Int64) -> None:
        """Add the steps between readings of one device."""
        used, which = np.unique(key[:-1], return_inverse=True)
        codes = np.array([self._codes.setdefault(keys[i], len(self._codes)) for i in used.tolist()], np.int64)
        self._rows.append((codes[which], ts_ms[:-1], ts_ms[1:], half_uj))

    def batch(self) -> IntervalBatch:
        """All of it."""
        if not self._rows:
            return IntervalBatch((), np.zeros(0, np.int32), _EMPTY, _EMPTY, _EMPTY)
        code, start_ms, end_ms, half_uj = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        return IntervalBatch(tuple(self._codes), code.astype(np.int32), start_ms, end_ms, half_uj)
