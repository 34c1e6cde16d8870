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

    def numbers(self, chunk: Chunk, name: str, multiplier: Fraction | int, *, unit: str) -> tuple[Int64, Mask]:
        """Integers of a column, and which rows have one; see :meth:`Numerals.scaled`."""
        texts = chunk.columns[name]
        found = self.numerals.scaled(texts, multiplier, unit=unit)
        for code, rows in (
            ("cell-not-measured", np.nonzero(found.missing)[0].tolist()),
            ("cell-no-number", np.nonzero(~found.good & ~found.missing)[0].tolist()),
        ):
            if rows:
                self.remarks.add(
                    code, row=chunk.rows[rows[0]], found=texts[rows[0]] or "-", count=len(rows), column=name
                )
        return found.values, found.good

    def findings(self) -> list[Finding]:
        """Everything that was left out or assumed."""
        file = self.remarks.file
        return [*self.remarks.findings(), *self.clock.findings(file), *self.numerals.findings(file)]
