"""The kernel's rules for one row after the other, compiled by numba; imported only when that pays (see ``forms``).

Each device has a state; a row moves its device one instant on. A segment is added when the row after it has come, as
a row of the same instant could still change it. Nothing is decided here that ``segments`` decides otherwise: rows that
are not in order of time within their device, and values that cannot be, are handed back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.periods import LONG_MS, PACK, SHORT_MS
from gxmeter.energy.screen import MAX_POWER_MW, MAX_TIME_MS

F = TypeVar("F", bound=Callable[..., Any])
Array = npt.NDArray[Any]

DONE, UNORDERED, IMPLAUSIBLE = range(3)
"""What became of a batch: taken; rows that go back in time or share an instant; values that cannot be."""

NONE = -1
"""No instant, no key."""

STATE = np.dtype(
    [
        (name, np.int64)
        for name in (
            # The latest instant, of which more rows may come, and the one before it.
            *("open_ms", "open_mw", "prev_ms", "prev_mw"),
            # While rows are of this key and the latest instant is not after this edge, the leaf stays the same.
            *("quick_key", "edge_ms"),
            # The leaf that is being added to; what it covers is without the time since ``since_ms``.
            *("half_uj", "short", "since_ms", "covered_ms", "leaf_key", "leaf_slot"),
            *("open_key", "prev_key", "sure_ms", "most_ms"),
        )
    ]
)
"""One device: power [mW], times [Unix ms], energy [half-uJ]. ``short`` counts its periods of up to 6 s; ``sure_ms`` and
``most_ms`` as in ``segments.Bounds`` [ms]."""

EVENT = np.dtype([(name, np.int64) for name in ("kind", "key", "a", "b", "c", "d")])
"""Something that comes out, by kind:

``LEAF``: key, slot, energy [half-uJ], covered time [ms]. ``PENDING``, ``GAP``: a segment's key, both instants, both
powers. ``FIRST``: key, instant and power of a device's first sample. The first event of all holds in ``key`` how many
follow.
"""

COUNT, LEAF, PENDING, GAP, FIRST = range(5)

EVENTS_PER_ROW = 2
"""At most: two leaves, or one of the others."""


class Rows(NamedTuple):
    """Columns of a batch [Unix ms, mW]; ``codes``, ``devices``: the file's key and device code by the batch's key."""

    key: Array
    ts_ms: Array
    power_mw: Array
    codes: Array
    devices: Array


def _compiled(function: F) -> F:
    """Compile at the first call; the machine code is kept on disk where any folder can be written."""
    try:
        return numba.njit(nogil=True, cache=True)(function)  # type: ignore[return-value]
    except RuntimeError:
        return numba.njit(nogil=True)(function)  # type: ignore[return-value]


@_compiled
def take(rows: Rows, state: Array, quick_ms: int, out: Array, long: Array) -> int:
    """Take the rows of a batch, up to the first that cannot be taken.

    Args:
        rows: the batch.
        state: by device code; changed.
        quick_ms: the smallest of all ``sure_ms`` [ms].
        out: the events are added to these.
        long: periods of more than 6 s are added to these, packed as in ``periods.Lengths``; the first number says how
            many follow.

    Returns:
        ``DONE``, or why the batch must go another way; state and events are then to be thrown away.
    """
    keys, times, powers, codes, devices = rows
    for i in range(len(times)):
        code = np.uint32(keys[i])  # unsigned: nothing counts from the end
        key, device = codes[code], devices[code]
        ts_ms, power_mw = times[i], np.int64(powers[i])
        if ts_ms < 0 or ts_ms > MAX_TIME_MS or power_mw < 0 or power_mw > MAX_POWER_MW:
            return IMPLAUSIBLE
        s = state[device]
        open_ms, open_mw = s.open_ms, s.open_mw
        dt = open_ms - s.prev_ms
        if key == s.quick_key and ts_ms > open_ms and open_ms <= s.edge_ms and dt <= quick_ms:
            s.half_uj += (s.prev_mw + open_mw) * dt
            if dt <= SHORT_MS:
                s.short += 1
            else:
                _put_long(long, device, dt)
            s.prev_ms, s.prev_mw = open_ms, open_mw
            s.open_ms, s.open_mw = ts_ms, power_mw
        elif ts_ms > open_ms:
            _close(s, device, out, long)
            s.open_ms, s.open_mw, s.open_key = ts_ms, power_mw, key
            same = key == s.prev_key and key == s.leaf_key and s.prev_ms // SLOT_MS == s.leaf_slot
            s.quick_key = key if same else NONE
        elif ts_ms != open_ms or power_mw != open_mw or key != s.open_key:
            return UNORDERED
    return DONE


@_compiled
def _put(out: Array, kind: int, key: int, a: int, b: int, c: int, d: int) -> None:  # noqa: PLR0917 - an event
    n = out[0].key + 1
    out[0].key = n
    event = out[n]
    event.kind, event.key, event.a, event.b, event.c, event.d = kind, key, a, b, c, d


@_compiled
def _put_long(long: Array, device: int, dt: int) -> None:
    n = long[0] + 1
    long[0], long[n] = n, device * PACK + min(dt, LONG_MS)


@_compiled
def _close(s: Any, device: int, out: Array, long: Array) -> None:  # noqa: ANN401 - a row of STATE
    """Settle the segment that ends in the latest instant, and make that instant the one before."""
    s.covered_ms += s.prev_ms - s.since_ms
    dt = s.open_ms - s.prev_ms
    if s.prev_ms != NONE:
        if dt <= SHORT_MS:
            s.short += 1
        else:
            _put_long(long, device, dt)
        if dt <= s.sure_ms:
            _integrate(s, dt, out)
        else:
            _put(out, PENDING if dt <= s.most_ms else GAP, s.prev_key, s.prev_ms, s.open_ms, s.prev_mw, s.open_mw)
    elif s.open_ms != NONE:
        _put(out, FIRST, s.open_key, s.open_ms, s.open_mw, 0, 0)
    s.prev_ms, s.prev_mw, s.prev_key = s.open_ms, s.open_mw, s.open_key
    s.since_ms = s.open_ms


@_compiled
def _integrate(s: Any, dt: int, out: Array) -> None:  # noqa: ANN401 - a row of STATE
    """Add a segment, split at a slot edge by the boundary power."""
    slot = s.prev_ms // SLOT_MS
    x = (slot + 1) * SLOT_MS - s.prev_ms
    whole = (s.prev_mw + s.open_mw) * dt
    if dt <= x:
        _add(s, slot, whole, dt, out)
    else:
        boundary_mw = (s.prev_mw * (dt - x) + s.open_mw * x) // dt
        head = (s.prev_mw + boundary_mw) * x
        _add(s, slot, head, x, out)
        _add(s, slot + 1, whole - head, dt - x, out)


@_compiled
def _add(s: Any, slot: int, half_uj: int, covered_ms: int, out: Array) -> None:  # noqa: ANN401 - a row of STATE
    """Add to the device's leaf; put it out first if that is another one."""
    if s.leaf_key != s.prev_key or s.leaf_slot != slot:
        if s.covered_ms > 0:
            _put(out, LEAF, s.leaf_key, s.leaf_slot, s.half_uj, s.covered_ms, 0)
        s.half_uj, s.covered_ms = 0, 0
        s.leaf_key, s.leaf_slot, s.edge_ms = s.prev_key, slot, (slot + 1) * SLOT_MS
    s.half_uj += half_uj
    s.covered_ms += covered_ms
