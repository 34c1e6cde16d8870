"""Which tables a package holds: path, row class, key, and the texts that may be empty (package.md, "Tables")."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.evidence import rows
from gxmeter.evidence.columns import Column, columns_of, make_row, write_cell
from gxmeter.evidence.csvtext import read_csv, write_csv
from gxmeter.ledger import tables
from gxmeter.roadmap.content import TargetRow
from gxmeter.roadmap.progress import ProgressRow

_MAX_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV of the package.

    ``path`` is relative to ``data/``; rows stand in ascending order of ``key``.
    """

    path: str
    row_type: type
    key: tuple[str, ...]
    optional_texts: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """File name without folder and ending, as in ``statement.counts``."""
        return self.path.rpartition("/")[2].removesuffix(".csv")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in file order."""
        return columns_of(self.row_type, self.optional_texts)

    def key_of(self, row: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of row_type
        """The primary key of a row."""
        return tuple(getattr(row, name) for name in self.key)

    def write(self, members: Any) -> bytes:  # noqa: ANN401 - an iterable of row_type
        """The file's bytes; rows are put in order of their key."""
        columns = self.columns
        ordered = sorted(members, key=self.key_of)
        cells = ([write_cell(column, getattr(row, column.name)) for column in columns] for row in ordered)
        return write_csv([column.name for column in columns], cells)

    def read(self, data: bytes) -> tuple[tuple[Any, ...], list[Finding]]:
        """The rows of a file and every fault in it (at most 50 are listed); faulty rows are left out."""
        file = f"data/{self.path}"
        findings: list[Finding] = []
        found: list[Any] = []
        numbers: list[int] = []
        columns = self.columns
        expected = [column.name for column in columns]
        try:
            for number, cells in read_csv(data):
                if number == 1:
                    if cells != expected:
                        header = ",".join(expected)
                        return (), [finding("table-header", file=file, row=1, expected=header, found=",".join(cells))]
                    continue
                before = len(found)
                self._read_row(cells, columns, (file, number), found, findings)
                numbers += [number] * (len(found) - before)
                if len(findings) >= _MAX_FAULTS:
                    break
        except InputError as error:
            found_in = error.findings[0]
            findings.append(finding("text-malformed", file=file, row=found_in.row, found=found_in.found))
        return tuple(found), findings + self._order_faults(found, numbers, file)

    def _read_row(
        self,
        cells: list[str],
        columns: tuple[Column, ...],
        place: tuple[str, int],
        found: list[Any],
        findings: list[Finding],
    ) -> None:
        file, number = place
        if len(cells) != len(columns):
            findings.append(finding("cell-malformed", file=file, row=number, expected=len(columns), found=len(cells)))
            return
        try:
            found.append(make_row(self.row_type, columns, cells))
        except InputError as error:
            cause = error.findings[0]
            findings.append(finding("cell-malformed", file=file, row=number, expected=cause.en, found=cause.found))

    def _order_faults(self, found: list[Any], numbers: list[int], file: str) -> list[Finding]:
        faults: list[Finding] = []
        keys = [self.key_of(row) for row in found]
        for number, (before, after) in zip(numbers[1:], pairwise(keys), strict=False):
            if before == after:
                faults.append(finding("id-duplicate", file=file, row=number, found=" ".join(map(str, after))))
            elif before > after:
                faults.append(finding("row-order", file=file, row=number, found=" ".join(map(str, after))))
        return faults[:_MAX_FAULTS]


def _texts(*names: str) -> frozenset[str]:
    return frozenset(names)


TABLES: tuple[Table, ...] = (
    Table("boundary/sites.csv", tables.SiteRow, ("site_id",)),
    Table("boundary/pue.csv", tables.PueRow, ("site_id", "start")),
    Table("boundary/contracts.csv", tables.ContractRow, ("contract_id",), _texts("menu")),
    Table("boundary/devices.csv", tables.DeviceRow, ("device_id", "site_id")),
    Table("boundary/runs.csv", tables.RunRow, ("run_id",), _texts("frame", "model")),
    Table("boundary/declared.csv", tables.DeclaredRow, ("part_id",)),
    Table("boundary/instruments.csv", tables.InstrumentRow, ("instrument_id",), _texts("contract_id")),
    Table("activity/energy.csv", tables.ActivityRow, ("row_id",)),
    Table("activity/meters.csv", tables.MeterRow, ("meter_id",)),
    Table("activity/raw_index.csv", rows.RawRow, ("evidence_id",)),
    Table("evidence/evidence.csv", tables.EvidenceRow, ("evidence_id",)),
    Table("factors/used.csv", rows.UsedRow, ("factor_id",)),
    Table("roadmap/roadmap.csv", TargetRow, ("target_id",)),
    Table("method/formulas.csv", rows.FormulaRow, ("formula_id",)),
    Table("method/grades.csv", rows.GradeRow, ("grade",)),
    Table(
        "results/lines.csv",
        tables.Line,
        ("line_id",),
        _texts("run_id", "contract_id", "frame", "month", "category", "evidence_id"),
    ),
    Table("results/figures.csv", tables.Figure, ("figure_id",), _texts("measure", "lines_filter")),
    Table("results/progress.csv", ProgressRow, ("target_id",)),
    Table("results/lineage.csv", rows.LineageRow, ("line_id", "source", "first")),
)
"""All tables of a package, in the order of package.md."""

BY_PATH = {table.path: table for table in TABLES}
