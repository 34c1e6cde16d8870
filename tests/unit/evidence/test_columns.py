"""Cells: five types, one form each; tables: header, order, every fault with its line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.evidence.columns import Column, columns_of, read_cell, write_cell
from gxmeter.evidence.layout import BY_PATH, TABLES, Table
from gxmeter.ledger.tables import PueRow
from tests.support.world import activity, contract, site

D = Decimal
PUE = BY_PATH["boundary/pue.csv"]
SITES = BY_PATH["boundary/sites.csv"]


def column(kind: str, name: str = "x", *, optional: bool = False) -> Column:
    return Column(name, kind, optional)


@pytest.mark.parametrize(
    ("kind", "name", "text", "code"),
    [
        ("text", "x", "", "cell-empty"),
        ("text", "x", "=1", "cell-not-writable"),
        ("text", "x", "+1", "cell-not-writable"),
        ("text", "x", "-1", "cell-not-writable"),
        ("text", "x", "@a", "cell-not-writable"),
        ("text", "x", "\ta", "cell-not-writable"),
        ("text", "x", "a\u2028b", "cell-not-writable"),
        ("text", "x", "a\x85b", "cell-not-writable"),
        ("text", "x", "a\x1cb", "cell-not-writable"),
        ("text", "x", "a\ud800b", "cell-not-writable"),
        ("text", "run_id", "a b", "id-malformed"),
        ("text", "run_id", "../a", "id-malformed"),
        ("text", "run_id", "a" * 81, "id-malformed"),
        ("text", "figure_id", "a..b", "id-malformed"),
        ("text", "figure_id", ".a", "id-malformed"),
        ("text", "evidence_id", "a|", "id-malformed"),
        ("text", "evidence_id", "a|b c", "id-malformed"),
        ("decimal", "x", "1.0", "number-not-shortest"),
        ("decimal", "x", "-0", "number-not-shortest"),
        ("decimal", "x", "1e3", "number-not-plain"),
        ("decimal", "x", "NaN", "number-not-plain"),
        ("decimal", "x", "１", "number-not-plain"),
        ("printed", "x", "1,000", "number-not-plain"),
        ("integer", "x", "1.0", "integer-not-plain"),
        ("integer", "x", "-0", "integer-not-plain"),
        ("integer", "x", "01", "integer-not-plain"),
        ("integer", "x", "9" * 61, "integer-not-plain"),
        ("instant", "x", "2026-04-01", "instant-malformed"),
        ("instant", "x", "2026-04-01T00:00:00.000Z", "instant-malformed"),
        ("boolean", "x", "True", "boolean-malformed"),
    ],
)
def test_a_cell_that_is_not_in_its_form_is_refused(kind: str, name: str, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_cell(column(kind, name), text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "東京", "東京"),
        ("decimal", "-0.5", D("-0.5")),
        ("printed", "1.500", "1.500"),
        ("integer", "-12", -12),
        ("instant", "2026-04-01T00:00:00.001Z", 1_775_001_600_001),
        ("instant", "0999-01-01T00:00:00Z", -30_641_760_000_000),
        ("boolean", "false", False),
    ],
)
def test_each_type_is_read_and_written_the_same(kind: str, text: str, value: object) -> None:
    assert read_cell(column(kind), text) == value
    assert write_cell(column(kind), value) == text


@pytest.mark.parametrize(("kind", "empty"), [("text", ""), ("decimal", None), ("instant", None), ("boolean", None)])
def test_what_may_be_unknown_is_an_empty_cell(kind: str, empty: object) -> None:
    assert read_cell(column(kind, optional=True), "") == empty
    assert write_cell(column(kind, optional=True), empty) == ""


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=12))
def test_every_decimal_has_one_text(value: Decimal) -> None:
    text = write_cell(column("decimal"), value)
    assert read_cell(column("decimal"), text) == value
    assert "E" not in text
    assert write_cell(column("decimal"), D("-0.000")) == "0"


def test_a_figure_id_may_hold_a_long_run_id_and_other_ids_may_not() -> None:
    name = f"energy_ai_kwh.run.{'r' * 80}"
    assert read_cell(column("text", "figure_id"), name) == name


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.path)
def test_a_table_without_rows_is_its_header(table: Table) -> None:
    data = table.write(())
    assert data == ",".join(c.name for c in table.columns).encode() + b"\n"
    assert table.read(data) == ((), [])
    assert set(table.key) <= {c.name for c in table.columns}
    assert BY_PATH[table.path] is table


def test_optional_columns_are_those_of_the_specification() -> None:
    optional = {c.name for c in columns_of(PueRow) if c.optional} | {c.name for c in SITES.columns if c.optional}
    assert optional == {"overhead_node", "overhead_it"}
    lines = BY_PATH["results/lines.csv"]
    named = {c.name for c in lines.columns if c.optional and c.kind == "text"}
    assert named == {"run_id", "contract_id", "frame", "month", "category", "evidence_id"}


def test_rows_are_written_in_order_of_their_key_and_read_back() -> None:
    rows = [site("b", overhead_node=None), site("a", name_en='Say "A", please')]
    data = SITES.write(rows)
    assert SITES.read(data) == (tuple(reversed(rows)), [])
    assert SITES.write(SITES.read(data)[0]) == data


@given(st.permutations([activity(n, covered_ms=n) for n in range(1, 6)]))
def test_the_order_of_rows_makes_no_difference_to_the_file(rows: list[object]) -> None:
    table = BY_PATH["activity/energy.csv"]
    assert table.write(rows) == table.write(sorted(rows, key=table.key_of))


def _lines(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in ("site_id,start,end,pue,source_class,source", *rows)).encode()


def _row(site_id: str = "a", start: str = "2026-04-01T00:00:00Z", pue: str = "1.2") -> str:
    return f"{site_id},{start},2026-05-01T00:00:00Z,{pue},measured,meter"


def test_every_fault_comes_with_its_own_line() -> None:
    data = _lines(_row("b"), _row("b", pue="1.20"), _row("b", pue="x"), "a,b", _row("b"), _row("a"))
    rows, faults = PUE.read(data)
    assert [row.site_id for row in rows] == ["b", "b", "a"]
    assert [(f.code, f.row) for f in faults] == [
        ("cell-malformed", 3),
        ("cell-malformed", 4),
        ("cell-malformed", 5),
        ("id-duplicate", 6),
        ("row-order", 7),
    ]
    assert {f.file for f in faults} == {"data/boundary/pue.csv"}


def test_faults_are_listed_up_to_a_limit() -> None:
    _, faults = PUE.read(_lines(*[_row(pue="x")] * 80))
    assert len(faults) == 50
    _, faults = PUE.read(_lines(*[_row()] * 80))
    assert [f.code for f in faults] == ["id-duplicate"] * 50


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"x\n", "table-header"), (_lines(_row())[:-1], "text-malformed"), (_lines(_row(), '"'), "text-malformed")],
)
def test_a_broken_file_is_one_fault(data: bytes, code: str) -> None:
    assert [f.code for f in PUE.read(data)[1]] == [code]


def test_a_spreadsheet_formula_is_never_written() -> None:
    with pytest.raises(InputError) as caught:
        BY_PATH["boundary/contracts.csv"].write([replace(contract(), supplier="=cmd()")])
    assert caught.value.code == "cell-not-writable"
