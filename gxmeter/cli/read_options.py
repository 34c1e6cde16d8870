"""Options of commands that read telemetry as received: what the files do not say themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gxmeter.telemetry.options import ReadOptions

TimeZone = Annotated[str, typer.Option(metavar="NAME", help="Zone of times without one, e.g. Asia/Tokyo.")]
Encoding = Annotated[str, typer.Option(metavar="NAME", help="Encoding, e.g. cp932; default: told from the bytes.")]
DecimalMark = Annotated[str, typer.Option("--decimal", metavar="MARK", help="Decimal mark, '.' or ','.")]
Boundary = Annotated[str, typer.Option(metavar="NAME", help="What the readings cover: device, node, it, facility.")]
Grade = Annotated[str, typer.Option(metavar="GRADE", help="Quality grade of the instrument, A..F, X.")]
Host = Annotated[str, typer.Option(metavar="NAME", help="The machine, where the file names none.")]
Columns = Annotated[
    Path | None, typer.Option("--columns", metavar="FILE", help="YAML, 'role: name': what the file calls its columns.")
]
Jobs = Annotated[
    Path | None,
    typer.Option("--jobs", metavar="FILE", help="Who ran where: sacct --parsable2, or host, start, end, run."),
]


def read_options(
    *,
    time_zone: str,
    encoding: str,
    decimal: str,
    boundary: str,
    grade: str,
    host: str,
    columns: Path | None,
    jobs: Path | None = None,
) -> ReadOptions:
    """The options as readers take them.

    Raises:
        InputError: ``columns-unreadable``; faults of that file as YAML; ``source-unreadable`` for the table of jobs.
    """
    from gxmeter.telemetry.columns import columns_of
    from gxmeter.telemetry.jobs import jobs_file
    from gxmeter.telemetry.options import ReadOptions

    pairs = columns_of(columns) if columns else ()
    table = jobs_file(jobs) if jobs else None
    return ReadOptions(time_zone, encoding, decimal, boundary, grade, host, pairs, table)
