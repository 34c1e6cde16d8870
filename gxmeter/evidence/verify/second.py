"""Step 7, asked for by name: the package's sums once more, by SQL and by DuckDB's own reading of the tables.

It makes again what is a sum: run headers from energy.csv, the energy of run lines from the rows, figures from the
lines. What it does not make again is named: products (steps, shares, factors), the energy of declared parts,
unattributed energy, certificates, and, unless raw telemetry is given, the integration itself.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gxmeter.energy.sql.base import empty_database
from gxmeter.evidence.verify.case import Case

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SUMS = Path(__file__).parent / "sums"
_TABLES = ("activity/energy.csv", "boundary/runs.csv", "results/lines.csv", "results/figures.csv")
_HEADERS = "activity/run_headers.jsonl"
_PLACES = 18
"""Decimal places in each of the integers that a figure is added up from [digits]."""

LEFT_OUT = ("products", "declared-parts", "other-lines")
"""What this step never makes again, for ``not_checked``."""


def step7_sums(case: Case) -> None:
    """Run headers, energy of run lines and figures of formula ``sum``, compared exactly."""
    stated = {path: case.rows(path) for path in _TABLES}
    case.need("headers")
    with TemporaryDirectory(prefix="gxmeter-sums-") as folder, empty_database() as base:
        for path in (*_TABLES, _HEADERS):
            (Path(folder) / path.rpartition("/")[2]).write_bytes(case.source.files[f"data/{path}"])
        base.execute("SET VARIABLE folder = ?", [folder])
        for step in sorted(SUMS.glob("*.sql")):
            base.execute(step.read_text("utf-8"))
        _same_rows(case, base, {path: len(rows) for path, rows in stated.items()})
        for file, name, expected, found in base.execute("FROM difference ORDER BY ALL").fetchall():
            case.add("sql-sum-differs", file=file, name=name, expected=expected or "-", found=found or "-")
        _figures(case, base)
        case.evaluated["sql_lines"] = _count(base, "run_line")
    case.not_checked += LEFT_OUT


def _same_rows(case: Case, base: DuckDBPyConnection, stated: dict[str, int]) -> None:
    """DuckDB's reading of each table has as many rows as ours."""
    for (path, expected), table in zip(stated.items(), ("energy", "run", "line", "figure"), strict=True):
        found = _count(base, table)
        if found != expected:
            case.add("sql-sum-differs", file=f"data/{path}", name="rows", expected=found, found=expected)
    case.evaluated["sql_rows"] = _count(base, "energy")


def _figures(case: Case, base: DuckDBPyConnection) -> None:
    rows = base.execute("FROM figure_sum ORDER BY figure_id").fetchall()
    case.evaluated["sql_figures"] = len(rows)
    for figure_id, exact, whole, a, b, c, lines, numbers in rows:
        unit = 10**_PLACES
        made = ((whole * unit + a) * unit + b) * unit + c
        if lines != numbers or made != _scaled(exact):
            case.add(
                "sql-sum-differs", file="data/results/figures.csv", name=figure_id, expected=_text(made), found=exact
            )


def _scaled(text: str) -> int | None:
    """A decimal text as an integer of 54 decimal places; None where it has more."""
    whole, _, places = text.partition(".")
    return int(whole + places.ljust(3 * _PLACES, "0")) if len(places) <= 3 * _PLACES else None


def _text(scaled: int) -> str:
    digits = str(abs(scaled)).rjust(3 * _PLACES + 1, "0")
    text = f"{digits[: -3 * _PLACES]}.{digits[-3 * _PLACES :]}".rstrip("0").rstrip(".")
    return f"-{text}" if scaled < 0 else text


def _count(base: DuckDBPyConnection, table: str) -> int:
    (number,) = base.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608 - our own word
    return int(number)
