"""Batches from rows, as a reader would make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gxmeter.energy.model import EnergyResult
from gxmeter.telemetry.model import IntervalBatch, PowerBatch, SeriesKey
from tests.properties.energy.oracle import Key, Row, Span


def power_batch(rows: Sequence[Row]) -> PowerBatch:
    """The rows in their order, keys numbered by appearance."""
    keys = list(dict.fromkeys(SeriesKey(r.run, r.site, r.device) for r in rows))
    return PowerBatch(
        tuple(keys),
        np.array([keys.index(SeriesKey(r.run, r.site, r.device)) for r in rows], np.int32),
        np.array([r.ts_ms for r in rows], np.int64),
        np.array([r.power_mw for r in rows], np.int64),
    )


def interval_batch(spans: Sequence[Span]) -> IntervalBatch:
    """The records in their order, keys numbered by appearance."""
    keys = list(dict.fromkeys(SeriesKey(s.run, s.site, s.device) for s in spans))
    return IntervalBatch(
        tuple(keys),
        np.array([keys.index(SeriesKey(s.run, s.site, s.device)) for s in spans], np.int32),
        np.array([s.start_ms for s in spans], np.int64),
        np.array([s.end_ms for s in spans], np.int64),
        np.array([s.half_uj for s in spans], np.int64),
    )


def plain(result: EnergyResult) -> dict[Key, tuple[int, int]]:
    """Leaves in the oracle's form."""
    return {tuple(key): (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()}
