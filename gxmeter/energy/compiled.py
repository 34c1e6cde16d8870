"""The compiled form of the kernel, batch by batch: what ``compiled_rows`` needs and what it yields, as arrays.

Between batches it holds what the numpy form holds, each device's latest instant and the sample before it, and takes it
over and hands it back as the same ``Samples``: the two forms can take turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy import compiled_rows as rows
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS
from gxmeter.energy.ordering import Samples
from gxmeter.energy.partial import Leaves, Segments, all_segments, consolidated
from gxmeter.energy.periods import LONG_MS, Lengths
from gxmeter.energy.screen import MAX_POWER_MW, MAX_TIME_MS
from gxmeter.energy.segments import Bounds, Taken, taken
from gxmeter.telemetry.model import Int64, PowerBatch, SeriesKey

IMPLAUSIBLE = rows.IMPLAUSIBLE
"""Some value of a batch cannot be."""

_NONE_AT_FIRST = ("open_ms", "prev_ms", "since_ms", "quick_key", "leaf_key", "leaf_slot")


@cache
def agrees() -> bool:
    """Whether the compiled form gives what the numpy form gives for a few samples at all limits; tried once.

    Machine code is kept on disk between versions of this program and of numba. Should it ever be of another version
    than the rules, it is not used.
    """
    gaps_ms = (
        1,
        6_000,
        6_001,
        60_000,
        60_001,
        LONG_MS,
        LONG_MS + 1,
        MAX_GAP_LIMIT_MS,
        MAX_GAP_LIMIT_MS + 1,
        9,
        7_000,
        8,
    )
    ts_ms = SLOT_MS - 5 + np.cumsum((0, *gaps_ms))
    power_mw = np.arange(len(ts_ms)) * 7 % 5 * (MAX_POWER_MW // 4)
    zeros = np.zeros(len(ts_ms), np.int64)
    bounds = Bounds(np.array([MIN_GAP_LIMIT_MS]), np.array([MAX_GAP_LIMIT_MS]))
    wanted = taken(Samples(zeros, zeros, ts_ms, power_mw), bounds)
    form = CompiledRows()

    def outcome(last_ms: int, last_mw: int) -> Taken | int:
        columns = (np.append(ts_ms[:-1], last_ms), np.append(power_mw[:-1], last_mw))
        key = zeros.astype(np.int32)
        return form.take(PowerBatch((SeriesKey("", "", ""),), key, *columns), zeros[:1], zeros[:1], bounds)

    refused = [outcome(MAX_TIME_MS + 1, 0), outcome(int(ts_ms[-1]), MAX_POWER_MW + 1)]
    first = outcome(int(ts_ms[-1]), int(power_mw[-1]))
    if refused != [IMPLAUSIBLE] * 2 or not isinstance(first, Taken):
        return False
    rest = taken(form.release(), bounds)
    return _content(wanted) == _content(first, rest, leaves=form.finish())


def _content(*parts: Taken, leaves: Leaves | None = None) -> list[list[int]]:
    sums = consolidated([*(part.leaves for part in parts), *([leaves] if leaves else [])])
    columns = [sums.key, sums.slot, sums.half_uj, sums.covered_ms]
    for segments in (all_segments([part.pending for part in parts]), all_segments([part.gaps for part in parts])):
        columns += [segments.key, segments.t0_ms, segments.t1_ms, segments.p0_mw, segments.p1_mw]
    long = np.concatenate([part.periods.long for part in parts])
    columns += [np.add.reduce([part.periods.short for part in parts]), np.sort(long)]
    return [column.tolist() for column in columns]


class CompiledRows:
    """The state of all devices of one file.

    Memory: 128 bytes a device, and what a batch yields.
    """

    def __init__(self) -> None:
        """Begin without devices."""
        self._state = _fresh(0)
        self._make_room(0)

    def load(self, held: Samples, devices: int) -> bool:
        """Take over what another form holds back; no if a device's latest instant has several samples."""
        self._grow(devices)
        starts = np.nonzero(np.diff(held.device, prepend=rows.NONE))[0]
        counts = np.diff(np.append(starts, len(held)))
        two = counts > 1
        if ((np.diff(held.device) == 0) & (np.diff(held.ts_ms) == 0)).any():
            return False
        state = self._state
        state["open_ms"] = state["prev_ms"] = state["since_ms"] = state["quick_key"] = rows.NONE
        for when, at in (("prev", starts[two]), ("open", starts + counts - 1)):
            device = held.device[at]
            state[f"{when}_ms"][device] = held.ts_ms[at]
            state[f"{when}_mw"][device] = held.power_mw[at]
            state[f"{when}_key"][device] = held.key[at]
        state["since_ms"] = state["prev_ms"]
        return True

    def release(self) -> Samples:
        """Hand back what is held: of each device its latest instant and the sample before it."""
        state = self._state
        state["covered_ms"] += state["prev_ms"] - state["since_ms"]
        state["since_ms"] = state["prev_ms"]
        prev, last = (np.nonzero(state[name] != rows.NONE)[0] for name in ("prev_ms", "open_ms"))
        device = np.concatenate((prev, last))
        order = np.argsort(device, kind="stable")
        columns = (
            np.concatenate((state[f"prev_{name}"][prev], state[f"open_{name}"][last]))[order]
            for name in ("key", "ms", "mw")
        )
        return Samples(device[order], *columns)

    def take(self, batch: PowerBatch, codes: Int64, device_of: Int64, bounds: Bounds) -> Taken | int:
        """Take a batch; if it cannot be taken, nothing has happened.

        Args:
            batch: the batch.
            codes: the file's key code by the batch's key.
            device_of: device code by the file's key code.
            bounds: how long segments may be, by device code.

        Returns:
            What it yields, or ``IMPLAUSIBLE``, or that its rows are not in order of time within a device.

        Raises:
            IndexError: a row names a key that the batch has not.
        """
        if len(batch.key) and int(batch.key.view(np.uint32).max()) >= len(codes):
            raise IndexError("key out of range")
        if len(batch.key) >= len(self._long):
            self._make_room(len(batch.key))
        self._out["key"][0] = self._long[0] = 0
        self._grow(len(bounds.sure_ms))
        self._state["sure_ms"], self._state["most_ms"] = bounds.sure_ms, bounds.most_ms
        before = self._state.copy()
        columns = (batch.key, batch.ts_ms, batch.power_mw, codes, device_of[codes])
        quick_ms = int(bounds.sure_ms.min(initial=MAX_GAP_LIMIT_MS))
        read = rows.Rows(*(_as_read(column) for column in columns))
        outcome: int = rows.take(read, self._state, quick_ms, self._out, self._long)
        if outcome != rows.DONE:
            self._state = before
            return outcome
        return self._taken(device_of)

    def finish(self) -> Leaves:
        """The leaves not yet put out; after ``release``."""
        state = self._state[self._state["covered_ms"] > 0]
        return Leaves(*_columns(state, "leaf_key", "leaf_slot", "half_uj", "covered_ms"))

    def _make_room(self, count: int) -> None:
        """Room for what so many rows can yield; memory that is not written to is not used."""
        self._out = np.empty(1 + rows.EVENTS_PER_ROW * count, rows.EVENT)
        self._long = np.empty(1 + count, np.int64)

    def _grow(self, devices: int) -> None:
        if devices > len(self._state):
            self._state = np.concatenate((self._state, _fresh(devices - len(self._state))))

    def _taken(self, device_of: Int64) -> Taken:
        out = self._out[1 : 1 + self._out["key"][0]]
        kinds = out["kind"]
        leaf, pending, gap, first = (out[kinds == kind] for kind in (rows.LEAF, rows.PENDING, rows.GAP, rows.FIRST))
        periods = Lengths(self._state["short"].copy(), self._long[1 : 1 + self._long[0]].copy())
        self._state["short"] = 0
        return Taken(
            leaves=Leaves(*_columns(leaf, "key", "a", "b", "c")),
            pending=Segments(*_columns(pending, "key", "a", "b", "c", "d")),
            gaps=Segments(*_columns(gap, "key", "a", "b", "c", "d")),
            periods=periods,
            first=Samples(device_of[first["key"]], *_columns(first, "key", "a", "b")),
        )


def _columns(events: rows.Array, *names: str) -> Iterator[Int64]:
    return (np.ascontiguousarray(events[name]) for name in names)


def _as_read(column: rows.Array) -> rows.Array:
    """A column as the compiled code knows it: one kind of array, or it is compiled again for each kind."""
    column = np.ascontiguousarray(column).view()
    column.flags.writeable = False
    return column


def _fresh(devices: int) -> rows.Array:
    state = np.zeros(devices, rows.STATE)
    for name in _NONE_AT_FIRST:
        state[name] = rows.NONE
    return state
