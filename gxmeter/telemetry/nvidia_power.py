"""Power in the rows of an ``nvidia-smi`` query: from the preferred column that holds it, where a GPU can draw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.gpu_limits import MAX_GPU_MW
from gxmeter.telemetry.model import Int64, PowerBatch
from gxmeter.telemetry.nvidia_columns import Columns, power_unit
from gxmeter.telemetry.text.cells import Cells, Mask
from gxmeter.telemetry.text.columns import Chunk
from gxmeter.telemetry.text.numbers import Numerals, is_missing
from gxmeter.telemetry.text.units import in_mw

_TIMES_LIMIT = 2
"""A reading above so many times the GPU's limit is a fault: peaks of milliseconds stay below."""


class Power(NamedTuple):
    """Power of some rows [mW], which rows have one, and the place of the column that it is from."""

    mw: Int64
    good: Mask
    column: npt.NDArray[np.int8]


@dataclass(slots=True)
class Powers:
    """The power of one file's rows.

    Each GPU keeps the column that is the preferred one among those with a value in its first row with any: older parts
    have no average, and one file may be of several kinds of GPU.
    """

    columns: Columns
    cells: Cells
    _numerals: Numerals = field(default_factory=Numerals)
    _chosen: dict[str, int] = field(default_factory=dict)
    _limits: dict[str, int] = field(default_factory=dict)
    _newest: dict[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, chunk: Chunk, key: npt.NDArray[np.int32], names: list[str]) -> Power:
        """Power of the rows of a chunk; ``key[i]`` tells by its place in ``names`` which GPU row i is of."""
        mw, good = np.zeros(len(chunk), np.int64), np.zeros(len(chunk), np.bool_)
        column = self._column(chunk, key, names)
        for place, name in enumerate(self.columns.powers):
            rows = column == place
            if not rows.any():
                continue
            unit = power_unit(name)
            values, measured = self.cells.numbers(chunk, name, in_mw(unit), unit=unit, rows=rows)
            mw += values
            good |= measured
            if place and measured.any():
                self._tell(chunk, "nvidia-smi-power-other", measured, self.columns.powers[0], used=name)
        self._learn_limits(chunk, key, names)
        most = np.array([self._most_mw(name) for name in names], np.int64)[key]
        impossible = good & (mw > most)
        for place, name in enumerate(self.columns.powers):
            rows = impossible & (column == place)
            if rows.any():
                self._tell(chunk, "nvidia-smi-power-impossible", rows, name)
        return Power(mw, good & ~impossible, column)

    def limit_mw(self, chunk: Chunk, row: int) -> int | None:
        """The limit that a row names [mW]; None where it names none that can be."""
        if not self.columns.limit:
            return None
        found = self._limits_of([chunk.columns[self.columns.limit][row]])
        return int(found[0]) or None

    def tell_twice(self, batch: PowerBatch, rows: Int64) -> None:
        """Name the instants at which a GPU has different values; ``rows`` are the lines of the samples."""
        order = np.lexsort((batch.power_mw, batch.ts_ms, batch.key))
        key, ts_ms, mw = batch.key[order], batch.ts_ms[order], batch.power_mw[order]
        again = (np.diff(key) == 0) & (np.diff(ts_ms) == 0) & (np.diff(mw) != 0)
        found = np.maximum(rows[order][1:], rows[order][:-1])[again].tolist()
        first, last = (np.unique(part, return_index=True)[1] for part in (batch.key, batch.key[::-1]))
        for i, j in zip(first.tolist(), (len(batch.key) - 1 - last).tolist(), strict=True):
            device = batch.keys[batch.key[i]].device
            at_ms, value = int(batch.ts_ms[i]), int(batch.power_mw[i])
            before_ms, before = self._newest.get(device, (None, value))
            if before_ms == at_ms and before != value:
                found.append(int(rows[i]))
            self._newest[device] = int(batch.ts_ms[j]), int(batch.power_mw[j])
        if found:
            self.cells.remarks.add("nvidia-smi-two-readings", row=min(found), count=len(found))

    def _column(self, chunk: Chunk, key: npt.NDArray[np.int32], names: list[str]) -> npt.NDArray[np.int8]:
        """The place of the column that each row is read from; the preferred one while its GPU has shown no power."""
        if len(self.columns.powers) > 1 and not self._chosen.keys() >= set(names):
            held = self._first_held(chunk)
            rows = np.nonzero(held >= 0)[0]
            found, first = np.unique(key[rows], return_index=True)
            for code, place in zip(found.tolist(), held[rows[first]].tolist(), strict=True):
                self._chosen.setdefault(names[code], place)
        return np.array([self._chosen.get(name, 0) for name in names], np.int8)[key]

    def _first_held(self, chunk: Chunk) -> npt.NDArray[np.int8]:
        """The place of the first column with a value in each row; -1 where none has any."""
        column = np.full(len(chunk), -1, np.int8)
        for place, name in enumerate(self.columns.powers):
            texts, codes = chunk.coded(name)
            held = ~np.array([is_missing(text) for text in texts], np.bool_)[codes]
            column[held & (column < 0)] = place
        return column

    def _learn_limits(self, chunk: Chunk, key: npt.NDArray[np.int32], names: list[str]) -> None:
        """Keep the greatest limit of each GPU: power takes a while to follow one that is lowered."""
        if not self.columns.limit:
            return
        texts, codes = chunk.coded(self.columns.limit)
        greatest = np.zeros(len(names), np.int64)
        np.maximum.at(greatest, key, self._limits_of(texts)[codes])
        for name, limit in zip(names, greatest.tolist(), strict=True):
            self._limits[name] = max(limit, self._limits.get(name, 0))

    def _limits_of(self, texts: list[str]) -> Int64:
        """Limits [mW]; 0 for what is none, or none that a GPU can have."""
        found = self._numerals.scaled(texts, in_mw("W"), unit="W")
        return np.where(found.good & (found.values > 0) & (found.values <= MAX_GPU_MW), found.values, 0)

    def _most_mw(self, name: str) -> int:
        limit = self._limits.get(name, 0)
        return min(MAX_GPU_MW, _TIMES_LIMIT * limit) if limit else MAX_GPU_MW

    def _tell(self, chunk: Chunk, code: str, rows: Mask, column: str, **names: str) -> None:
        """Name some rows of a column."""
        places = np.nonzero(rows)[0]
        row = int(places[0])
        shown = chunk.columns[column][row] or "-"
        self.cells.remarks.add(code, row=chunk.rows[row], found=shown, count=len(places), column=column, **names)
