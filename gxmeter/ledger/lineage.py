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
    instruments = _instruments(members)
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
            instrument = instruments[line.line_id]
            made.append((line.line_id, "instruments.csv", instrument, instrument))
    return made


def _instruments(lines: Iterable[Line]) -> dict[str, str]:
    """The certificate behind each line of a pair, by line id.

    Only the incoming line names it. Both kinds of lines stand in the same order (package.md 5.8, ties by
    certificate), so the n-th outgoing line belongs to the n-th incoming one.
    """
    members = sorted(lines, key=lambda line: line.line_id)
    incoming = [line for line in members if line.kind == LineKind.INSTRUMENT_IN]
    outgoing = [line for line in members if line.kind == LineKind.INSTRUMENT_OUT]
    named = {line.line_id: line.market_factor_id for line in incoming}
    pairs = zip(outgoing, incoming, strict=True)
    return named | {out.line_id: into.market_factor_id for out, into in pairs}


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
