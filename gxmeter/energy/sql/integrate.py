"""Files to exact energy by SQL: the same leaves and gaps as the kernel's, made another way.

What SQL does not judge is refused by name, never computed differently: devices whose files overlap without holding
the same records (the kernel leaves the later file out), and a few that have a counter beside power samples that
files repeat. The readers' findings are not made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.model import Device, Gap, GapLimits, LeafKey, Source
from gxmeter.energy.sql.base import empty_database
from gxmeter.energy.sql.load import load

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STEPS = Path(__file__).parent / "steps"
_TABLES = "1_tables.sql"

_FETCHED_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class SqlResult:
    """What SQL made of a set of files.

    Attributes:
        leaves: energy [half-uJ] and covered time [ms] by key, sorted by it.
        gaps: in order of site, device and time.
        refused: devices that were not judged, and why (``power-overlap``, ``interval-overlap``).
        samples: how many samples and interval records were read.
        left_out: how many of them cannot be, and were left out.
    """

    leaves: dict[LeafKey, tuple[int, int]]
    gaps: list[Gap]
    refused: dict[Device, str]
    samples: int
    left_out: int


def integrate_sql(sources: Sequence[Source], *, gap_limit_ms: int | None = None) -> SqlResult:
    """Integrate a set of files by SQL.

    Memory: DuckDB's own bound, 80 % of the machine's; what does not fit goes to the folder for temporary files.

    Args:
        sources: the files; their order does not matter.
        gap_limit_ms: one limit for all devices [ms], 1..1,800,000; None derives one per device.

    Raises:
        InputError: ``extra-missing`` without DuckDB; faults of all files that cannot be read;
            ``gap-limit-out-of-range``.
    """
    if gap_limit_ms is not None:
        GapLimits(default_ms=gap_limit_ms)  # refuses what is out of range
    with database() as base:
        _load_all(base, sources)
        return solve(base, gap_limit_ms=gap_limit_ms)


def solve(base: DuckDBPyConnection, *, gap_limit_ms: int | None = None) -> SqlResult:
    """Run the steps over what has been loaded; ``gap_limit_ms`` as in :func:`integrate_sql`."""
    if gap_limit_ms is not None:
        base.execute("INSERT INTO given_limit VALUES (?)", [gap_limit_ms])
    for step in sorted(STEPS.glob("*.sql")):
        if step.name != _TABLES:
            base.execute(step.read_text("utf-8"))
    return _result(base)


@contextmanager
def database() -> Iterator[DuckDBPyConnection]:
    """A database with the tables of step 1.

    Raises:
        InputError: ``extra-missing``.
    """
    with empty_database() as base:
        base.execute((STEPS / _TABLES).read_text("utf-8"))
        yield base


def _load_all(base: DuckDBPyConnection, sources: Sequence[Source]) -> None:
    faults: list[Finding] = []
    for number, source in enumerate(sorted(sources, key=lambda s: (s.label, str(s.path)))):
        try:
            load(base, number, source)
        except InputError as error:
            faults += error.findings
    if faults:
        raise InputError.from_findings(faults)


def _result(base: DuckDBPyConnection) -> SqlResult:
    base.execute("SELECT slot, run, site, device, half_uj, covered_ms FROM leaf ORDER BY slot, run, site, device")
    leaves = {LeafKey(*row[:4]): (row[4], row[5]) for row in _rows(base)}
    base.execute("SELECT run, site, device, start_ms, end_ms FROM gap ORDER BY site, device, start_ms, run")
    gaps = [Gap(*row) for row in _rows(base)]
    base.execute("SELECT DISTINCT ON (site, device) site, device, reason FROM refused ORDER BY site, device, reason")
    refused = {Device(site, device): reason for site, device, reason in _rows(base)}
    read, good = (
        sum(base.execute(f"SELECT (SELECT count(*) FROM {a}), (SELECT count(*) FROM {b})").fetchone() or ())  # noqa: S608 - fixed words
        for a, b in (("read_power", "read_interval"), ("power", "interval_record"))
    )
    return SqlResult(leaves, gaps, refused, read, read - good)


def _rows(base: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := base.fetchmany(_FETCHED_ROWS):
        yield from rows
