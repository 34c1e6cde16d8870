"""Series of one device whose times interlock, as one: in order of time, and what stands there twice counted once.

Labels that change with the run give a device one series per run, each with holes in which others stand. Two replicas
of a server, two jobs that scrape one exporter, slices of one GPU and pods that share it give a device several series
at once. The two are told apart by the rhythm of the readings: where a series goes on in it without a break it holds
the time, and what another says of that time is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.model import Int64, SeriesKey
from gxmeter.telemetry.prometheus.series import Series

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Held:
    """A series that has been read: instants [Unix ms] in order, and values [mW or half-uJ]."""

    series: Series
    ts_ms: Int64
    value: Int64


@dataclass(frozen=True, slots=True)
class Joined:
    """Samples in order of time; ``key[i]`` indexes ``keys``.

    Attributes:
        twice: series that were left out for some time, each with the one that was kept and the number of samples.
        shared: runs that had the device at the same time.
    """

    keys: tuple[SeriesKey, ...]
    key: npt.NDArray[np.int32]
    ts_ms: Int64
    value: Int64
    twice: tuple[tuple[Series, Series, int], ...]
    shared: tuple[str, ...]


@dataclass(slots=True)
class _Claim:
    """A series with the stretches of time that it holds, which of its samples are kept, and which are shared."""

    held: Held
    starts: Int64
    ends: Int64
    kept: Mask
    shared: Mask

    def holds(self, ts_ms: Int64) -> Mask:
        """Which instants lie in its stretches."""
        nearest = np.searchsorted(self.starts, ts_ms, side="right") - 1
        return (nearest >= 0) & (ts_ms <= self.ends[nearest])


def joined(parts: Sequence[Held], run: str) -> Joined:
    """Put series of one device together.

    Of series that hold the same time the one of a whole device counts before that of a part, then the one with more
    samples. Time that several runs share belongs to none of them.

    Args:
        parts: the series; the same labels may come several times, from several files.
        run: whose the time is that several runs share.
    """
    order = sorted(
        parts, key=lambda p: (p.series.is_slice, -len(p.ts_ms), p.series.key, sorted(p.series.labels.items()))
    )
    claims: list[_Claim] = []
    twice: list[tuple[Series, Series, int]] = []
    runs: set[str] = set()
    usual_ms = min((_usual_ms(part.ts_ms) for part in order if len(part.ts_ms) > 1), default=0)
    for part in order:
        if not len(part.ts_ms):
            continue
        claim = _claim(part, usual_ms)
        for other in claims:
            if other.ends[-1] < claim.starts[0] or claim.ends[-1] < other.starts[0]:
                continue
            hit = other.holds(part.ts_ms) & claim.kept
            if not hit.any():
                continue
            claim.kept &= ~hit
            twice.append((part.series, other.held.series, int(hit.sum())))
            if part.series.key.run != other.held.series.key.run:
                other.shared |= claim.holds(other.held.ts_ms)
                runs |= {part.series.key.run, other.held.series.key.run}
        claims.append(claim)
    return _in_order(claims, run, twice=tuple(twice), shared=tuple(sorted(runs)))


def _usual_ms(ts_ms: Int64) -> int:
    """The lower median step of a series [ms]."""
    steps = np.sort(np.diff(ts_ms))
    return int(steps[(len(steps) - 1) // 2])


def _claim(part: Held, usual_ms: int) -> _Claim:
    """The stretches in which a series goes on in the device's rhythm: steps up to one and a half of the usual."""
    breaks = np.nonzero(np.diff(part.ts_ms) > usual_ms + usual_ms // 2)[0]
    starts = part.ts_ms[np.concatenate(([0], breaks + 1))]
    ends = part.ts_ms[np.concatenate((breaks, [len(part.ts_ms) - 1]))]
    return _Claim(part, starts, ends, np.ones(len(part.ts_ms), np.bool_), np.zeros(len(part.ts_ms), np.bool_))


def _in_order(
    claims: Sequence[_Claim], run: str, *, twice: tuple[tuple[Series, Series, int], ...], shared: tuple[str, ...]
) -> Joined:
    keys = {claim.held.series.key: None for claim in claims}
    if shared:
        keys |= {key._replace(run=run): None for key in keys}
    code = {key: i for i, key in enumerate(keys)}
    columns = []
    for claim in claims:
        mine = claim.held.series.key
        key = np.full(len(claim.kept), code[mine], np.int32)
        if shared:
            key[claim.shared] = code[mine._replace(run=run)]
        columns.append((key[claim.kept], claim.held.ts_ms[claim.kept], claim.held.value[claim.kept]))
    if not columns:
        empty = np.zeros(0, np.int64)
        return Joined((), np.zeros(0, np.int32), empty, empty, twice, shared)
    key, ts_ms, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    rows = np.lexsort((value, ts_ms))
    return Joined(tuple(keys), key[rows], ts_ms[rows], value[rows], twice, shared)
