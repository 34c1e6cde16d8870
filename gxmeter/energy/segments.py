"""Energy between two neighbouring samples of a device, in vectors of int64.

Between the samples power is taken as a straight line. In integers, with power p0, p1 [mW] and dt [ms], the area is
``(p0 + p1) * dt`` half-microjoules, exactly (mW * ms = uJ). A slot edge x ms after the first sample splits it with the
boundary power ``pb = (p0 * (dt - x) + p1 * x) // dt``: the head is ``(p0 + pb) * x``, the tail is the rest. A segment
belongs to the run of its first sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.ordering import Samples
from gxmeter.energy.partial import Leaves, Segments
from gxmeter.energy.periods import Lengths, lengths_of
from gxmeter.telemetry.model import Int64


@dataclass(frozen=True, slots=True)
class Bounds:
    """By device code: up to which length [ms] a segment is surely integrated, and beyond which it surely is a gap."""

    sure_ms: Int64
    most_ms: Int64


@dataclass(frozen=True, slots=True)
class Taken:
    """What some ordered samples yield.

    Attributes:
        leaves: energy of the segments that are sure; a key and slot may come several times.
        pending: segments that are integrated or gaps, depending on a gap limit that is not known yet.
        gaps: segments that are too long in any case.
        periods: of the segments of either kind.
        first: samples among which are those of every device's first instant, ordered by device and time.
    """

    leaves: Leaves
    pending: Segments
    gaps: Segments
    periods: Lengths
    first: Samples


def taken(samples: Samples, bounds: Bounds) -> Taken:
    """Cut samples, ordered by device and (time, power), into the segments between neighbours."""
    dt = np.diff(samples.ts_ms)
    rows = np.nonzero((samples.device[1:] == samples.device[:-1]) & (dt > 0))[0]
    device, dt = samples.device[rows], dt[rows]
    columns = (samples.key[rows], samples.ts_ms[rows], samples.ts_ms[rows + 1])
    segments = Segments(*columns, samples.power_mw[rows], samples.power_mw[rows + 1])
    sure, gap = dt <= bounds.sure_ms[device], dt > bounds.most_ms[device]
    energy = segments if sure.all() else segments.at(sure)
    periods = lengths_of(device, dt, devices=len(bounds.sure_ms))
    return Taken(integrated(energy), segments.at(~sure & ~gap), segments.at(gap), periods, samples)


def integrated(segments: Segments) -> Leaves:
    """The energy of segments of at most 1,800 s, so that each touches two slots at most.

    A key and slot may come several times. The products fit int64 (see ``screen``).
    """
    t0, p0 = segments.t0_ms, segments.p0_mw
    dt = segments.t1_ms - t0
    slot = t0 // SLOT_MS
    half_uj = (p0 + segments.p1_mw) * dt
    covered_ms = dt.copy()
    x = (slot + 1) * SLOT_MS - t0
    cross = np.nonzero(x < dt)[0]
    xc, dc, pc0 = x[cross], dt[cross], p0[cross]
    boundary_mw = (pc0 * (dc - xc) + segments.p1_mw[cross] * xc) // dc
    head = (pc0 + boundary_mw) * xc
    tail = half_uj[cross] - head
    half_uj[cross] = head
    covered_ms[cross] = xc
    key = segments.key
    return _joined(Leaves(key, slot, half_uj, covered_ms), Leaves(key[cross], slot[cross] + 1, tail, dc - xc))


def _joined(main: Leaves, tails: Leaves) -> Leaves:
    """Neighbouring rows of one key and slot added up, then the few tails: no sort of all segments."""
    if not len(main):
        return main
    new = np.ones(len(main), np.bool_)
    new[1:] = (main.key[1:] != main.key[:-1]) | (main.slot[1:] != main.slot[:-1])
    starts = np.nonzero(new)[0]
    return Leaves(
        np.concatenate((main.key[starts], tails.key)),
        np.concatenate((main.slot[starts], tails.slot)),
        np.concatenate((np.add.reduceat(main.half_uj, starts), tails.half_uj)),
        np.concatenate((np.add.reduceat(main.covered_ms, starts), tails.covered_ms)),
    )
