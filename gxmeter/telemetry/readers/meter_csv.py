"""Reader of meters' tables: PDU, building management, revenue meter, bill.

What the columns mean is declared once (``columns``, see ``docs/reference/meter-csv.md``); plain headings in English and
Japanese need no declaration. Three kinds: power at instants, energy (or mean power) over times, and counters. Energy
over times passes no kernel and has no gap limit.
"""

from __future__ import annotations

from pathlib import Path

from gxmeter.telemetry.meter_table.mapping import mapping_of
from gxmeter.telemetry.meter_table.roles import form_of
from gxmeter.telemetry.meter_table.rows import Rows
from gxmeter.telemetry.meter_table.series import Series
from gxmeter.telemetry.model import Reading
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import table

FORMAT = "meter-csv"
PATTERNS = ("*.csv", "*.CSV", "*.tsv", "*.csv.gz", "*.csv.zst", "*.csv.xz", "*.csv.bz2")
"""Which files of a folder are read."""


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open a meter's table.

    Args:
        path: the file, plain or compressed.
        run: whose energy it is, where no column says so.
        site: where the meter stands, where no column says so.
        options: all; ``columns`` with the roles of ``telemetry/meter_table/roles.py``.

    Raises:
        InputError: every fault of the declaration and of the headings at once, see
            :func:`~gxmeter.telemetry.meter_table.roles.form_of` and
            :func:`~gxmeter.telemetry.meter_table.mapping.mapping_of`; what
            :func:`~gxmeter.telemetry.text.table.table` raises.
    """
    form = form_of(path.name, options)
    remarks = Remarks(path.name)
    found = table(
        path,
        remarks,
        encoding=options.encoding,
        delimiter=form.delimiter,
        skip=form.skip,
        header_rows=form.header_rows,
    )
    mapping = mapping_of(path.name, found.header, options)
    cells = Cells.of(remarks, options, pattern=options.column("time_format"))
    reading = Reading(format=FORMAT, batches=iter(()))
    reading.batches = Rows(mapping, cells, reading, Series(mapping, remarks, run, site, options.host)).batches(found)
    return reading
