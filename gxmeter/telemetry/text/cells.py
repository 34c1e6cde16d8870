"""Cells of a table as instants and integers; what is neither is named once per column and left out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from gxmeter.core.findings import Finding
from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.text.columns import Chunk
from gxmeter.telemetry.text.instants import Clock
from gxmeter.telemetry.text.numbers import Numerals
from gxmeter.telemetry.text.remarks import Remarks

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Cells:
    """Reads the times and numbers of one file, and counts what it cannot read."""

    remarks: Remarks
    clock: Clock = field(default_factory=Clock)
    numerals: Numerals = field(default_factory=Numerals)

    @classmethod
    def of(cls, remarks: Remarks, options: ReadOptions, *, pattern: str = "") -> Cells:
        """Cells written as declared.

        Raises:
            InputError: ``time-zone-unknown``.
        """
        return cls(remarks, Clock(options.time_zone, pattern), Numerals(options.decimal))

    def times(
        self, chunk: Chunk, name: str, series: Sequence[Hashable] | None = None, *, step_ms: int = 0
    ) -> tuple[Int64, Mask]:
        """Unix milliseconds of a column, and which rows have one; see :meth:`Clock.milliseconds`."""
        texts = chunk.columns[name]
        values, good = self.clock.milliseconds(texts, series, step_ms=step_ms)
        bad = [i for i in np.nonzero(~good)[0].tolist() if not self.clock.is_left_out(texts[i])]
        self.remarks.add_rows("cell-no-time", ((chunk.rows[i], texts[i]) for i in bad), column=name)
        return values, good

    def numbers(
        self, chunk: Chunk, name: str, multiplier: Fraction | int, *, unit: str = "", rows: Mask | None = None
    ) -> tuple[Int64, Mask]:
        """Integers of a column, and which rows have one; see :meth:`Numerals.scaled`.

        Args:
            chunk: some rows.
            name: the column.
            multiplier: from the unit of the text to the unit wanted.
            unit: what the cells are in where they do not say it.
            rows: which rows to read; None: all.
        """
        texts = chunk.columns[name]
        places = np.arange(len(chunk)) if rows is None else np.nonzero(rows)[0]
        wanted = texts if rows is None else [texts[i] for i in places.tolist()]
        found = self.numerals.scaled(wanted, multiplier, unit=unit)
        for code, bad in (
            ("cell-not-measured", found.missing),
            ("cell-too-large", found.large),
            ("cell-no-number", ~found.good & ~found.missing & ~found.large),
        ):
            at = places[bad].tolist()
            if at:
                self.remarks.add(code, row=chunk.rows[at[0]], found=texts[at[0]] or "-", count=len(at), column=name)
        values, good = np.zeros(len(chunk), np.int64), np.zeros(len(chunk), np.bool_)
        values[places], good[places] = found.values * found.good, found.good
        return values, good

    def findings(self) -> list[Finding]:
        """Everything that was left out or assumed."""
        file = self.remarks.file
        return [*self.remarks.findings(), *self.clock.findings(file), *self.numerals.findings(file)]
