"""Rows of a meter's table as samples: power at instants, energy over times, readings of counters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from unicodedata import normalize

import numpy as np
import numpy.typing as npt

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.counters import Counters
from gxmeter.telemetry.meter_table.mapping import Mapping
from gxmeter.telemetry.meter_table.series import Series
from gxmeter.telemetry.meter_table.spans import pieces
from gxmeter.telemetry.meter_table.times import Times
from gxmeter.telemetry.model import Batch, DeviceInfo, Int64, IntervalBatch, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.columns import Chunk, coded
from gxmeter.telemetry.text.table import Table
from gxmeter.telemetry.text.units import UNITS

MWH_HALF_UJ = 7_200_000
"""Half-microjoules in a milliwatt-hour [half-uJ]: what counters, bills and meters in MWh are counted in."""

_FITS = 2**62
_LARGE_UNITS = ("MWh", "GWh", "TWh", "GJ", "TJ")

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
    """The rows of one file."""

    mapping: Mapping
    cells: Cells
    reading: Reading
    series: Series
    counters: Counters = field(init=False)

    def __post_init__(self) -> None:
        """One count of a counter is a milliwatt-hour."""
        wraps_at = self.mapping.wraps_at
        self.counters = Counters(
            self.cells.remarks.file,
            half_uj_per_count=MWH_HALF_UJ,
            wraps_at=None if wraps_at is None else int(wraps_at * self._per_unit(MWH_HALF_UJ)),
        )

    def batches(self, found: Table) -> Iterator[Batch]:
        """One batch a chunk; devices and findings go into the reading."""
        times = Times(self.mapping, self.cells)
        for chunk in found.chunks:
            keys, codes = self.series.of(chunk)
            usable = self._usable(chunk) & (codes >= 0)
            self._describe(keys)
            names = [keys[code].device if code >= 0 else "" for code in codes.tolist()]
            if self.mapping.is_span:
                start_ms, end_ms, good = times.spans(chunk, names)
                batch: Batch = self._over_time(chunk, keys, codes, (start_ms, end_ms, good & usable))
            else:
                ts_ms, good = times.instants(chunk, names)
                batch = self._at_instants(chunk, keys, codes, (ts_ms, good & usable))
            yield batch
        self.reading.findings += [*self._said(), *self.cells.findings(), *self.counters.findings()]

    def _at_instants(
        self, chunk: Chunk, keys: tuple[SeriesKey, ...], codes: npt.NDArray[np.int32], at: tuple[Int64, Mask]
    ) -> Batch:
        ts_ms, good = at
        if self.mapping.value == "power":
            power_mw, read = self._values(chunk, 1, good)
            good = good & read
            self.reading.records += int(good.sum())
            return PowerBatch(keys, codes[good], ts_ms[good], power_mw[good])
        counts, read = self._values(chunk, MWH_HALF_UJ, good)
        good = good & read
        self.reading.records += int(good.sum())
        return self.counters.push(keys, codes[good], ts_ms[good], counts[good])

    def _over_time(
        self, chunk: Chunk, keys: tuple[SeriesKey, ...], codes: npt.NDArray[np.int32], of: tuple[Int64, Int64, Mask]
    ) -> IntervalBatch:
        """Energy over times; mean power times its length is exact, a half-microjoule being half a milliwatt x ms."""
        start_ms, end_ms, good = of
        if self.mapping.value == "power":
            counts, read = self._values(chunk, 1, good)
            worth = [2 * length for length in (end_ms - start_ms).tolist()]
        else:
            unit = MWH_HALF_UJ if self._is_large else 1
            counts, read = self._values(chunk, unit, good)
            worth = [unit] * len(chunk)
        rows = np.nonzero(good & read)[0].tolist()
        self.reading.records += len(rows)
        made: list[tuple[int, int, int, int]] = []
        for i in rows:
            half_uj = int(counts[i]) * worth[i]
            begin, end = int(start_ms[i]), int(end_ms[i])
            parts = [(begin, end, half_uj)] if abs(half_uj) <= _FITS else pieces(begin, end, half_uj)
            made += [(int(codes[i]), *part) for part in parts]
        columns = list(zip(*made, strict=True)) if made else [(), (), (), ()]
        key, start, stop, energy = (np.array(column, np.int64) for column in columns)
        return IntervalBatch(keys, key.astype(np.int32), start, stop, energy)

    def _values(self, chunk: Chunk, unit: int, rows: Mask) -> tuple[Int64, Mask]:
        """The value column in multiples of ``unit`` [mW or half-uJ]."""
        name = self.mapping.columns[self.mapping.value]
        return self.cells.numbers(chunk, name, self._per_unit(unit), unit=self.mapping.unit, rows=rows)

    def _per_unit(self, unit: int) -> Fraction:
        return UNITS[self.mapping.unit].factor * self.mapping.multiplier / unit

    @property
    def _is_large(self) -> bool:
        """Whether energies may be beyond int64 in half-microjoules (640 MWh): bills, and meters that show MWh."""
        return self.mapping.is_bill or self.mapping.unit in _LARGE_UNITS

    def _usable(self, chunk: Chunk) -> Mask:
        """Rows that no quality flag marks as missing."""
        name = self.mapping.columns.get("quality")
        if name is None:
            return np.ones(len(chunk), np.bool_)
        flags = coded([normalize("NFKC", text).strip().lower() for text in chunk.columns[name]])
        usable = np.ones(len(chunk), np.bool_)
        for code, marks in (
            ("meter-estimated", self.mapping.estimated),
            ("meter-marked-missing", self.mapping.missing),
        ):
            marked = np.array([flag in marks for flag in flags.texts], np.bool_)[flags.codes]
            at = np.nonzero(marked)[0].tolist()
            self.cells.remarks.add_rows(code, ((chunk.rows[i], chunk.columns[name][i]) for i in at))
            if code == "meter-marked-missing":
                usable = ~marked
        return usable

    def _describe(self, keys: tuple[SeriesKey, ...]) -> None:
        for key in keys:
            if (key.site, key.device) not in self.reading.devices:
                self.reading.devices[key.site, key.device] = DeviceInfo(
                    device=key.device,
                    site=key.site,
                    host=self.series.host_of(key),
                    kind="meter",
                    name="",
                    boundary=self.mapping.boundary,
                    method=self.mapping.method,
                    grade=self.mapping.grade,
                )

    def _said(self) -> Iterator[Finding]:
        """What was taken from the headings, and what was assumed."""
        file = self.cells.remarks.file
        if self.mapping.recognised:
            yield finding("meter-columns-recognised", file=file, found=self.mapping.recognised)
        if self.series.is_unnamed:
            yield finding("meter-device-assumed", file=file, found=self.series.fallback)
