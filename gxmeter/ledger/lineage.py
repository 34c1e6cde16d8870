"""Lineage: which rows of which table each line was made of, for drill-down from a figure to its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gxmeter.ledger.entries import Entry, EntryKey
from gxmeter.ledger.tables import Declarations, Line
from gxmeter.ledger.terms import LineKind

Origin = tuple[str, str, str, str]
"""(line_id, table, first row, last row)."""


def lineage(lines: Iterable[Line], entries: Mapping[EntryKey, Entry], declarations: Declarations) -> list[Origin]:
    """The origins of every line; rows of the activity table are given as ranges of row ids."""
    members = list(lines)
    incoming = {
        (line.contract_id, line.start, line.energy_kwh, line.evidence_id): line.market_factor_id
        for line in members
        if line.kind == LineKind.INSTRUMENT_IN
    }
    made: list[Origin] = []
    for line in members:
        if line.kind == LineKind.RUN:
            made += _run_origins(line, entries)
        elif line.kind == LineKind.UNATTRIBUTED:
            made += [
                (line.line_id, "meters.csv", meter.meter_id, meter.meter_id)
                for meter in declarations.meters
                if (meter.site_id, meter.start, meter.end) == (line.site_id, line.start, line.end)
            ]
        else:
            kwh = line.energy_kwh if line.kind == LineKind.INSTRUMENT_IN else -line.energy_kwh
            instrument = incoming[line.contract_id, line.start, kwh, line.evidence_id]
            made.append((line.line_id, "instruments.csv", instrument, instrument))
    return made


def _run_origins(line: Line, entries: Mapping[EntryKey, Entry]) -> Iterator[Origin]:
    key = EntryKey(line.run_id, line.site_id, line.start, line.end, line.boundary, line.method, line.grade)
    entry = entries[key]
    for first, last in _ranges(sorted(entry.rows)):
        yield line.line_id, "energy.csv", str(first), str(last)
    for part in sorted(entry.parts):
        yield line.line_id, "declared.csv", part, part


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    start = previous = None
    for number in numbers:
        if previous is None or number != previous + 1:
            if start is not None and previous is not None:
                yield start, previous
            start = number
        previous = number
    if start is not None and previous is not None:
        yield start, previous
