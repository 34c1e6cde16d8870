"""The shipped numbers against the reference transcription, row by row, where it is at hand."""

import csv
import os
from pathlib import Path

import pytest

REFERENCE = Path(os.environ.get("GXMETER_REFERENCE", "-"))
pytestmark = pytest.mark.skipif(
    not (REFERENCE / "electricity_fy2024.csv").is_file(), reason="GXMETER_REFERENCE names no reference data"
)
LEGACY = {f"A0{number}" for number in range(267, 277)}


def _rows(name):
    with (REFERENCE / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _kind_and_menu(menu):
    if menu == "whole":
        return "whole", ""
    letter, _, residual = menu.partition("_")
    return ("residual" if residual else "menu"), letter


def test_the_legacy_utilities_equal_the_list_cell_by_cell(registry):
    expected = set()
    for row in _rows("electricity_fy2024.csv"):
        if row["reg_no"] in LEGACY:
            kind, menu = _kind_and_menu(row["menu"])
            for basis in ("basic", "adjusted"):
                expected.add((row["reg_no"], kind, menu, basis, row[basis], row["mark"], row["coverage_pct"]))
    found = {
        (entry.number, entry.kind, entry.menu, entry.basis, entry.value, entry.mark, entry.coverage_pct)
        for entry in registry.entries
        if entry.number
    }
    assert len(expected) == 124
    assert found == expected


def test_the_names_are_the_lists_names(registry):
    names = {row["reg_no"]: row["name_ja"] for row in _rows("electricity_fy2024.csv")}
    for entry in registry.entries:
        if entry.number:
            assert entry.name_ja.startswith(f"{names[entry.number]} ")


@pytest.mark.parametrize(
    ("row_id", "entry_id"),
    [
        ("elec.nat_avg.fy2024", "jp.elec.national-average.fy2024"),
        ("elec.substitute.fy2024", "jp.elec.substitute.fy2024"),
        ("enelaw.elec.primary", "jp.energy-law.electricity-primary-energy.fy2023"),
        ("enelaw.crude", "jp.energy-law.crude-oil-equivalent"),
    ],
)
def test_single_values_equal_their_reference_row(registry, row_id, entry_id):
    row = next(item for item in _rows("factors_jp.csv") if item["id"] == row_id)
    entry = registry.by_id(entry_id)
    assert (entry.value, entry.unit, entry.source.url) == (row["value"], row["unit"], row["source_url"])
    assert row["confidence"] in {"official", "official_copy", "two_independent"}
    assert row["published"].startswith(entry.source.published_on)
