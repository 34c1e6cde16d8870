"""When a row is, or what time it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from gxmeter.core.calendar import from_ms
from gxmeter.telemetry.meter_table.mapping import Mapping
from gxmeter.telemetry.meter_table.spans import MONTH, month_of, next_midnight_ms
from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.columns import Chunk
from gxmeter.telemetry.text.instants import DEFAULT_ZONE

Mask = npt.NDArray[np.bool_]
_RANGE = re.compile(r"\s*[~～〜].*|\s+-\s+.*")
_HAS_CLOCK = re.compile(r"[:時]|\d{10}")


@dataclass(slots=True)
class Times:
    """Reads the times of rows as the mapping says."""

    mapping: Mapping
    cells: Cells

    def instants(self, chunk: Chunk, names: list[str]) -> tuple[Int64, Mask]:
        """The instant of each row [Unix ms], and which rows have one."""
        length = self.mapping.length
        step_ms = length.ms if length else 0
        columns = [self.mapping.columns[role] for role in self.mapping.times]
        if len(columns) == 1:
            return self.cells.times(chunk, columns[0], names, step_ms=step_ms)
        # A time of day may be written as a range, 0:00～0:30.
        days, clocks = chunk.columns[columns[0]], [_RANGE.sub("", text) for text in chunk.columns[columns[1]]]
        texts = [f"{day} {clock}" if clock else "" for day, clock in zip(days, clocks, strict=True)]
        name = " ".join(columns)
        return self.cells.times(Chunk(chunk.rows, {name: texts}), name, names, step_ms=step_ms)

    def spans(self, chunk: Chunk, names: list[str]) -> tuple[Int64, Int64, Mask]:
        """Start and end of the time that each row stands for [Unix ms], and which rows have one."""
        times = self.mapping.times
        if times == ("month",):
            start_ms, end_ms, good = self._months(chunk)
        elif times in {("start", "end"), ("first_day", "last_day")}:
            start_ms, end_ms, good = self._from_to(chunk, names)
        else:
            start_ms, end_ms, good = self._of_length(*self.instants(chunk, names))
        backward = good & (end_ms <= start_ms)
        texts = chunk.columns[self.mapping.columns[times[-1]]]
        self._refuse("meter-span-backward", chunk, backward, texts)
        return start_ms, end_ms, good & ~backward

    def _of_length(self, ts_ms: Int64, good: Mask) -> tuple[Int64, Int64, Mask]:
        length = self.mapping.length
        if length is None:
            raise ValueError("a row that stands for a time has a length")
        if length.calendar:
            end_ms = np.array([self._end_of(int(ts), length.calendar) for ts in ts_ms.tolist()], np.int64)
            return ts_ms, end_ms, good
        if self.mapping.stamp == "end":
            return ts_ms - length.ms, ts_ms, good
        return ts_ms, ts_ms + length.ms, good

    def _end_of(self, ts_ms: int, calendar: str) -> int:
        """The end of the day or the month that begins at an instant [Unix ms]."""
        if calendar == MONTH:
            local = from_ms(ts_ms).astimezone(self._zone)
            span = month_of(f"{local.year:04d}-{local.month:02d}", self._zone)
            return span[1] if span else ts_ms
        return next_midnight_ms(ts_ms, self._zone)

    def _from_to(self, chunk: Chunk, names: list[str]) -> tuple[Int64, Int64, Mask]:
        first, last = (self.mapping.columns[role] for role in self.mapping.times)
        start_ms, begun = self.cells.times(chunk, first, names)
        end_ms, ended = self.cells.times(chunk, last, names)
        good = begun & ended
        if self.mapping.times == ("first_day", "last_day"):
            end_ms = np.array([next_midnight_ms(ts, self._zone) for ts in end_ms.tolist()], np.int64)
            return start_ms, end_ms, good
        texts = chunk.columns[last]
        days = good & np.array([not _HAS_CLOCK.search(text) for text in texts], np.bool_)
        self._refuse("meter-end-is-day", chunk, days, texts)
        return start_ms, end_ms, good & ~days

    def _months(self, chunk: Chunk) -> tuple[Int64, Int64, Mask]:
        name = self.mapping.columns["month"]
        texts = chunk.columns[name]
        self.cells.clock.assumed = self.cells.clock.assumed or not self.cells.clock.zone
        spans = [month_of(text, self._zone) for text in texts]
        bad = ((chunk.rows[i], texts[i]) for i, span in enumerate(spans) if span is None)
        self.cells.remarks.add_rows("cell-no-time", bad, column=name)
        start_ms, end_ms = (np.array([span[i] if span else 0 for span in spans], np.int64) for i in (0, 1))
        return start_ms, end_ms, np.array([span is not None for span in spans], np.bool_)

    def _refuse(self, code: str, chunk: Chunk, bad: Mask, texts: list[str]) -> None:
        self.cells.remarks.add_rows(code, ((chunk.rows[i], texts[i]) for i in np.nonzero(bad)[0].tolist()))

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.cells.clock.zone or DEFAULT_ZONE)
