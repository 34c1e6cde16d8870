"""The output of ``sacct --parsable2`` as lines of jobs and steps, streamed.

Facts are those of sacct(1) and of ``src/sacct/print.c`` of SLURM: times are local to the cluster (``SLURM_TIME_FORMAT``
may change that), cells are not quoted, an unknown energy is printed as 2^64-2 or 2^32-2 by older versions, energy is in
joules and ``ConsumedEnergy`` is shortened by powers of 1000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.telemetry.slurm.nodes import nodes_of
from gxmeter.telemetry.text import table
from gxmeter.telemetry.text.instants import Clock
from gxmeter.telemetry.text.lines import REPLACED, Line, lines
from gxmeter.telemetry.text.numbers import is_missing
from gxmeter.telemetry.text.remarks import Remarks

NOT_TOLD = frozenset({2**32 - 2, 2**32 - 1, 2**64 - 3, 2**64 - 2, 2**64 - 1})
"""What SLURM prints where there is no number (NO_VAL and INFINITE, slurm.h)."""

OPEN = frozenset({"RUNNING", "PENDING", "SUSPENDED", "COMPLETING", "CONFIGURING"})
"""States of a job that has not ended; their energy is not booked yet."""

_DELIMITERS = ("|", "\t", ";", ",")
_ENERGY = re.compile(r"(\d{1,40})(?:\.(\d{1,40}))?([KMGTP])?", re.ASCII)
_DIGITS = 40
_PREFIX = {"": 0, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_NEVER = frozenset({"", "unknown", "none", "n/a"})
_MARKED = 2


@dataclass(frozen=True, slots=True)
class Record:
    """One line: a job, or one of its steps.

    Attributes:
        row: number of the line.
        cluster: its name, where told.
        job: the job's id as users write it: ``123``, ``123_4`` of an array, ``123+1`` of a heterogeneous job.
        raw: the id that the job itself sees.
        step: empty for the job; ``batch``, ``extern``, ``0``, ...
        sluid: what tells the tries of one job apart, where told.
        state: in capitals, without what follows the first word.
        start_ms, end_ms: [Unix ms]; None where they are not told.
        joules: energy [J]; None where it is not told. 0 is what is printed where nothing was measured.
        nodes: names.
        count: how many nodes; 0 where not told.
        restarts: how often the job was queued again before; 0 where not told.
    """

    row: int = field(compare=False)
    cluster: str
    job: str
    raw: str
    step: str
    sluid: str
    state: str
    start_ms: int | None
    end_ms: int | None
    joules: int | None
    nodes: tuple[str, ...]
    count: int
    restarts: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """Which job it belongs to."""
        return self.cluster, self.job, self.sluid

    @property
    def measured(self) -> bool:
        """Whether it has an energy and the time over which it was used."""
        return bool(self.joules) and self.start_ms is not None and self.end_ms is not None

    @property
    def leader(self) -> str:
        """The id that all parts of a heterogeneous job share.

        >>> Record(1, "", "123+1", "124", "", "", "", None, None, None, (), 0).leader
        '123'
        """
        return self.job.partition("+")[0] if "+" in self.job else self.raw


@dataclass(slots=True)
class Output:
    """An opened output: its columns by their names in small letters, and its lines."""

    columns: dict[str, int]
    delimiter: str
    source: Iterator[Line]
    name: str

    def missing(self, *names: str) -> list[str]:
        """Which of some columns are not there."""
        return [name for name in names if name.lower() not in self.columns]


def opened(path: Path, encoding: str = "") -> Output:
    """Open an output.

    Raises:
        InputError: ``slurm-not-sacct``: its first line does not name the columns of jobs; ``encoding-unknown``.
        OSError: the file cannot be read.
    """
    source = lines(path, encoding)
    first = next((line.text for line in source if line.text.strip()), "")
    mark = max(_DELIMITERS, key=first.count)
    names = [name.strip().lower() for name in first.split(mark)]
    columns = {name: i for i, name in enumerate(names) if name}
    if len(columns) < _MARKED or not {"jobid", "jobidraw"} & columns.keys():
        raise InputError("slurm-not-sacct", file=path.name, found=first)
    return Output(columns, mark, source, path.name)


def records(output: Output, clock: Clock, remarks: Remarks) -> Iterator[list[Record]]:
    """The lines in the order of the file, some at a time.

    ``remarks`` gets ``row-cells``, ``row-torn``, ``row-undecodable``, ``file-torn``, ``slurm-energy-faulty``,
    ``slurm-energy-rounded``, ``slurm-time-faulty``.
    """
    rows: list[tuple[int, list[str]]] = []
    for line in _lines(output, remarks):
        cells = [cell.strip() for cell in line.text.split(output.delimiter)]
        if _usable(line, cells, output, remarks):
            rows.append((line.row, cells))
        if len(rows) >= table.CHUNK_ROWS:
            yield _records(rows, output, clock, remarks)
            rows = []
    if rows:
        yield _records(rows, output, clock, remarks)


def _lines(output: Output, remarks: Remarks) -> Iterator[Line]:
    row = 1
    try:
        for line in output.source:
            row = line.row
            if line.text.strip():
                yield line
    except InputError as error:
        remarks.add("file-torn", row=row + 1, found=error.findings[0].code)


def _usable(line: Line, cells: list[str], output: Output, remarks: Remarks) -> bool:
    """Whether a line is whole: a cell that holds the mark, such as a job's name, shifts all that follow."""
    if line.torn:
        remarks.add("row-torn", row=line.row, found=line.text)
        return False
    width = max(output.columns.values()) + 1
    if len(cells) not in {width, width + (not cells[-1])}:
        remarks.add("row-cells", row=line.row, found=line.text)
        return False
    if REPLACED in line.text:
        remarks.add("row-undecodable", row=line.row, found=line.text)
    return cells[0].lower() not in {"jobid", "jobidraw"}


def _records(rows: Sequence[tuple[int, list[str]]], output: Output, clock: Clock, remarks: Remarks) -> list[Record]:
    start_ms, end_ms = (_times(rows, output, name, clock, remarks) for name in ("start", "end"))
    found = []
    for i, (row, cells) in enumerate(rows):

        def cell(name: str, cells: list[str] = cells) -> str:
            place = output.columns.get(name)
            return "" if place is None else cells[place]

        job, _, step = (cell("jobid") or cell("jobidraw")).partition(".")
        count = cell("nnodes") or cell("allocnodes")
        restarts = cell("restarts")
        found.append(
            Record(
                row=row,
                cluster=cell("cluster"),
                job=job,
                raw=cell("jobidraw").partition(".")[0] or job,
                step=step,
                sluid=cell("sluid"),
                state=(cell("state").upper().split() or [""])[0].rstrip("+"),
                start_ms=start_ms[i],
                end_ms=end_ms[i],
                joules=_joules(cell("consumedenergyraw"), cell("consumedenergy"), row, remarks),
                nodes=nodes_of(cell("nodelist")),
                count=int(count) if _is_count(count) else 0,
                restarts=int(restarts) if _is_count(restarts) else 0,
            )
        )
    return found


def _is_count(text: str) -> bool:
    """Whether a cell is a plain whole number, and none that is too long to be one."""
    return text.isdecimal() and len(text) <= _DIGITS


def _times(
    rows: Sequence[tuple[int, list[str]]], output: Output, name: str, clock: Clock, remarks: Remarks
) -> list[int | None]:
    place = output.columns.get(name)
    if place is None:
        return [None] * len(rows)
    texts = [cells[place] for _, cells in rows]
    # Each line for itself: jobs do not stand in the order of time, so that their order tells no repeated hour.
    ts_ms, good = clock.milliseconds(texts, series=[(name, row) for row, _ in rows])
    for (row, _), text, known in zip(rows, texts, good.tolist(), strict=True):
        if not known and text.lower() not in _NEVER and not clock.is_left_out(text):
            remarks.add("slurm-time-faulty", row=row, found=text, column=name.capitalize())
    return [ms if known else None for ms, known in zip(ts_ms.tolist(), good.tolist(), strict=True)]


def _joules(raw: str, short: str, row: int, remarks: Remarks) -> int | None:
    """The energy [J]: exact where the raw column is there, else from its short form, and then that is said."""
    text = raw or short
    joules = int(text) if _is_count(text) else _written(text, row, remarks)
    return None if joules in NOT_TOLD else joules


def _written(text: str, row: int, remarks: Remarks) -> int | None:
    """An energy that is no plain number of joules, half-even [J]."""
    if is_missing(text):
        return None
    found = _ENERGY.fullmatch(text)
    if found is None:
        remarks.add("slurm-energy-faulty", row=row, found=text)
        return None
    whole, part, prefix = found[1], found[2] or "", found[3] or ""
    joules: int = round(Fraction(int(whole + part), 10 ** len(part)) * 10 ** _PREFIX[prefix])
    if prefix and joules:
        remarks.add("slurm-energy-rounded", row=row, found=text)
    return joules
