"""Rows of CodeCarbon's table as readings of counters: processor, GPUs and memory, one of each per run.

Columns by CodeCarbon's source (``output_methods/emissions_data.py``): 31 or 32 in version 2, 38 in 3.3. Energies are
cumulative within a ``run_id`` and hold the PUE of the column ``pue`` (``_do_measurements`` multiplies by it); it is
divided out exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.counters import HALF_UJ_PER_WH
from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.columns import Chunk, coded
from gxmeter.telemetry.text.numbers import number

FORMAT = "codecarbon"
PARTS = ("cpu", "gpu", "ram")
ROLES = ("run", "host", "cpu_method", "gpu_method")
"""What ``columns`` may name: the columns of run and host, and how a part was read where that is known."""

METHODS = {"cpu_method": ("rapl", "load"), "gpu_method": ("counter", "power")}

_NEEDED = ("timestamp", "run_id", "duration", *(f"{part}_energy" for part in PARTS), "energy_consumed")
_MODES = {"machine", "process"}
_HALF_UJ_PER_KWH = 1000 * HALF_UJ_PER_WH
_SECOND_MS = 1000
_SUM_PARTS = 10**6
"""``energy_consumed`` may differ from the parts by a millionth: it is their sum in binary floating point."""
_PARTS_MAY_BE, _ROUNDING = 4, 4
"""Four energies of up to 2^62 are added: a quarter of each fits."""

Mask = npt.NDArray[np.bool_]


class RunRows(NamedTuple):
    """Usable rows: ``end_ms`` [Unix ms] and ``duration_ms`` [ms] of each, its run, and each part's energy [half-uJ]."""

    run_id: list[str]
    end_ms: Int64
    duration_ms: Int64
    half_uj: dict[str, Int64]
    measured: dict[str, Mask]
    chunk: Chunk
    rows: list[int]

    def text(self, name: str, at: int) -> str:
        """A cell of a usable row; empty where there is no such column."""
        return self.chunk.columns[name][self.rows[at]] if name in self.chunk.columns else ""


def refuse_foreign(file: str, header: Sequence[str], options: ReadOptions) -> None:
    """Check that a table is CodeCarbon's, and that what was declared fits it.

    Raises:
        InputError: ``codecarbon-task-file``, ``codecarbon-foreign``, ``column-role-unknown``, ``column-not-there``,
            ``column-value-unknown``.
    """
    if "task_name" in header and "cpu_energy" in header:
        raise InputError("codecarbon-task-file", file=file)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise InputError("codecarbon-foreign", file=file, expected=", ".join(missing))
    faults = list(_declared_faults(file, header, options))
    if faults:
        raise InputError.from_findings(faults)


def _declared_faults(file: str, header: Sequence[str], options: ReadOptions) -> Iterator[Finding]:
    for role, name in options.columns:
        if role not in ROLES:
            yield finding("column-role-unknown", file=file, found=role, expected=", ".join(ROLES))
        elif role in METHODS:
            if name not in METHODS[role]:
                expected = ", ".join(METHODS[role])
                yield finding("column-value-unknown", file=file, role=role, found=name, expected=expected)
        elif name not in header:
            yield finding("column-not-there", file=file, role=role, expected=name, found=", ".join(header))


@dataclass(slots=True)
class RowReader:
    """Reads the rows of one file and names those that cannot be used."""

    cells: Cells

    def read(self, chunk: Chunk) -> RunRows:
        """The usable rows of a chunk."""
        columns = chunk.columns
        end_ms, good = self.cells.times(chunk, "timestamp", columns["run_id"])
        duration_ms = self._durations(chunk, good)
        self._in_place(chunk, good)
        factors = self._factors(chunk, good)
        parts = {part: self._energy(chunk, f"{part}_energy", factors, good) for part in PARTS}
        self._check_sums(chunk, factors, good, parts)
        self._name_zeros(chunk, good & (duration_ms >= _SECOND_MS), parts)
        rows = np.nonzero(good)[0]
        return RunRows(
            run_id=[columns["run_id"][i] for i in rows.tolist()],
            end_ms=end_ms[rows],
            duration_ms=duration_ms[rows],
            half_uj={part: half_uj[rows] for part, (half_uj, _) in parts.items()},
            measured={part: read[rows] & (half_uj[rows] != 0) for part, (half_uj, read) in parts.items()},
            chunk=chunk,
            rows=rows.tolist(),
        )

    def _durations(self, chunk: Chunk, good: Mask) -> Int64:
        """Durations [ms]; rows without one are no longer good."""
        texts = chunk.columns["duration"]
        found = self.cells.numerals.scaled(texts, _SECOND_MS)
        bad = good & ~(found.good & (found.values > 0))
        self._refuse("codecarbon-duration", chunk, bad, good, texts)
        return np.where(good, found.values, 0)

    def _in_place(self, chunk: Chunk, good: Mask) -> None:
        """Rows whose cells have moved into other columns are no longer good."""
        if "tracking_mode" in chunk.columns:
            texts = chunk.columns["tracking_mode"]
            bad = good & np.array([text not in _MODES for text in texts], np.bool_)
            self._refuse("codecarbon-row-shifted", chunk, bad, good, texts)

    def _refuse(self, code: str, chunk: Chunk, bad: Mask, good: Mask, texts: Sequence[str]) -> None:
        at = np.nonzero(bad)[0].tolist()
        self.cells.remarks.add_rows(code, ((chunk.rows[i], texts[i]) for i in at))
        good[at] = False

    def _factors(self, chunk: Chunk, good: Mask) -> list[tuple[Mask, Fraction]]:
        """Rows of one PUE each, and what their energies are to be multiplied by [half-uJ/kWh]."""
        if "pue" not in chunk.columns:
            return [(good, Fraction(_HALF_UJ_PER_KWH))]
        texts = coded(chunk.columns["pue"])
        factors = []
        for code, text in enumerate(texts.texts):
            pue = number(text)
            mine = good & (texts.codes == code)
            if pue is None or pue <= 0:
                self._refuse("codecarbon-pue", chunk, mine, good, chunk.columns["pue"])
                continue
            at = np.nonzero(mine)[0].tolist()
            if pue != 1 and at:
                self.cells.remarks.add("codecarbon-pue-removed", row=chunk.rows[at[0]], found=text, count=len(at))
            factors.append((mine, _HALF_UJ_PER_KWH / Fraction(pue)))
        return factors

    def _energy(self, chunk: Chunk, name: str, factors: list[tuple[Mask, Fraction]], good: Mask) -> tuple[Int64, Mask]:
        """Energies of a column without the PUE [half-uJ], and which rows have one."""
        half_uj, read = np.zeros(len(chunk), np.int64), np.zeros(len(chunk), np.bool_)
        for rows, factor in factors:
            values, found = self.cells.numbers(chunk, name, factor, rows=rows & good)
            half_uj, read = half_uj + values, read | found
        return half_uj, read

    def _check_sums(
        self, chunk: Chunk, factors: list[tuple[Mask, Fraction]], good: Mask, parts: dict[str, tuple[Int64, Mask]]
    ) -> None:
        """Name rows whose parts do not add up: they were edited, or something else was measured too."""
        total, told = self._energy(chunk, "energy_consumed", factors, good)
        summed = sum(half_uj // _PARTS_MAY_BE for half_uj, _ in parts.values())
        differ = told & (abs(total // _PARTS_MAY_BE - summed) > total // _PARTS_MAY_BE // _SUM_PARTS + _ROUNDING)
        texts = chunk.columns["energy_consumed"]
        self.cells.remarks.add_rows(
            "codecarbon-sum", ((chunk.rows[i], texts[i]) for i in np.nonzero(differ)[0].tolist())
        )

    def _name_zeros(self, chunk: Chunk, lasted: Mask, parts: dict[str, tuple[Int64, Mask]]) -> None:
        """Name energies of 0 of parts that are there; CodeCarbon wrote it of GPUs without counter (its issue 1316)."""
        for part, (half_uj, read) in parts.items():
            zero = lasted & read & (half_uj == 0)
            if part == "gpu":
                zero &= np.array([_is_some(text) for text in _column(chunk, "gpu_count")], np.bool_)
            at = np.nonzero(zero)[0].tolist()
            if at:
                name = f"{part}_energy"
                self.cells.remarks.add("codecarbon-zero", row=chunk.rows[at[0]], count=len(at), column=name)


def _column(chunk: Chunk, name: str) -> list[str]:
    return chunk.columns[name] if name in chunk.columns else [""] * len(chunk)


def _is_some(text: str) -> bool:
    """Whether a count is at least one."""
    count = number(text)
    return count is not None and count > 0
