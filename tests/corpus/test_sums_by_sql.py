"""Packages of random honest companies: SQL makes their sums again and finds no difference."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

from gxmeter.evidence.verify.beyond import steps_beyond
from gxmeter.evidence.verify.judge import verify
from gxmeter.ledger.tables import ActivityRow, Declarations
from tests.properties.test_honest_packages import companies
from tests.support.packages import Package

pytest.importorskip("duckdb", reason="the second implementation needs the extra [sql]")


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(company=companies())
def test_sql_agrees_with_any_honest_company(company: tuple[Declarations, list[ActivityRow]], package: Package) -> None:
    """Energies up to 2^62 half-uJ a slot, shares and factors of many digits, certificates with negative lines."""
    forge = package.forge()
    forge.company(*company)
    with tempfile.TemporaryDirectory() as folder:
        verdict = verify(forge.write(Path(folder) / "package"), more=steps_beyond("duckdb", None))
    assert not [f for f in verdict.findings if f.code in {"sql-sum-differs", "unparsable"}]
    assert verdict.evaluated["sql_rows"] == len(company[1])
