"""Samples in order: by device, then (time, power, key), duplicates collapsed, across batches.

What comes out can be integrated at once, because an instant is let go only when a later one of the same
device has been seen: a tie that arrives in the next batch still finds its place. Held back are one closed
sample and the open instant of each device, nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gxmeter.energy.keys import KeyTable
from gxmeter.energy.screen import Faults, Mask, power_rows
from gxmeter.telemetry.model import Int64, PowerBatch

_RADIX_DEVICES = 65_536  # numpy's stable sort of 16-bit integers is a radix sort


class LateRecordError(Exception):
    """A batch goes back behind what an earlier batch has closed: gather the file and hand it over as one batch."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Power samples as columns: device and key codes, ``ts_ms`` [Unix ms], ``power_mw`` [mW]."""

    device: Int64
    key: Int64
    ts_ms: Int64
    power_mw: Int64

    def __len__(self) -> int:
        """How many samples."""
        return len(self.ts_ms)

    def at(self, rows: Mask | Int64) -> Samples:
        """The samples at some rows."""
        return Samples(self.device[rows], self.key[rows], self.ts_ms[rows], self.power_mw[rows])

    def joined(self, other: Samples) -> Samples:
        """These, then the others."""
        return Samples(
            np.concatenate((self.device, other.device)),
            np.concatenate((self.key, other.key)),
            np.concatenate((self.ts_ms, other.ts_ms)),
            np.concatenate((self.power_mw, other.power_mw)),
        )


def _no_samples() -> Samples:
    empty = np.zeros(0, np.int64)
    return Samples(empty, empty, empty, empty)


class SampleOrder:
    """Orders the power batches of one file."""

    def __init__(self, table: KeyTable, faults: Faults) -> None:
        """Share the file's table of keys and its list of faults."""
        self._table = table
        self._faults = faults
        self.held = _no_samples()
        """What waits, ordered: every device's latest instant and the sample before it."""

    def push(self, batch: PowerBatch) -> Samples:
        """Take a batch; give back what is closed. Neighbouring rows of one device are a segment.

        The last closed sample of a device comes again as the first of its next rows.

        Raises:
            LateRecordError: a sample lies before the latest instant of its device in an earlier batch.
        """
        fresh = self._accepted(batch)
        last_ms = np.full(len(self._table.devices), -1, np.int64)
        np.maximum.at(last_ms, self.held.device, self.held.ts_ms)
        if (fresh.ts_ms < last_ms[fresh.device]).any():
            raise LateRecordError
        ordered = self._ordered(self.held.joined(fresh))
        closed, held = _closed_and_held(ordered)
        self.held = ordered.at(held)
        return ordered.at(closed)

    def flush(self) -> Samples:
        """Give back what is still held: every device's last closed sample and last instant."""
        held, self.held = self.held, _no_samples()
        return held

    def _accepted(self, batch: PowerBatch) -> Samples:
        key = self._table.codes(batch.keys)[batch.key]
        samples = Samples(self._table.device_of[key], key, batch.ts_ms, batch.power_mw)
        good = power_rows(self._faults, key, batch.ts_ms, batch.power_mw)
        return samples if good.all() else samples.at(good)

    def _ordered(self, samples: Samples) -> Samples:
        small = len(self._table.devices) < _RADIX_DEVICES
        device = samples.device.astype(np.uint16) if small else samples.device
        samples = samples.at(np.argsort(device, kind="stable"))
        same = samples.device[1:] == samples.device[:-1]
        if (np.diff(samples.ts_ms)[same] > 0).all():
            return samples
        rank = self._table.rank[samples.key]
        samples = samples.at(np.lexsort((rank, samples.power_mw, samples.ts_ms, samples.device)))
        again = (
            (samples.device[1:] == samples.device[:-1])
            & (samples.ts_ms[1:] == samples.ts_ms[:-1])
            & (samples.power_mw[1:] == samples.power_mw[:-1])
        )
        return samples.at(np.concatenate((np.ones(min(1, len(samples)), np.bool_), ~again)))


def _closed_and_held(samples: Samples) -> tuple[Mask, Mask]:
    """Which ordered rows can be integrated now, and which wait; the last closed row of a device is in both."""
    count = len(samples)
    rows = np.arange(count)
    new_device = np.ones(count, np.bool_)
    new_device[1:] = samples.device[1:] != samples.device[:-1]
    new_instant = new_device.copy()
    new_instant[1:] |= samples.ts_ms[1:] != samples.ts_ms[:-1]
    starts = np.nonzero(new_device)[0]
    lengths = np.diff(np.append(starts, count))
    # First row of the last instant of each device.
    opened = np.maximum.accumulate(np.where(new_instant, rows, 0))[starts + lengths - 1]
    pivot = np.repeat(np.maximum(opened - 1, starts), lengths)
    several = np.repeat(opened > starts, lengths)
    return several & (rows <= pivot), rows >= pivot
