"""A year of a workspace: records become rows and headers, files become evidence, and no clock is read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant, jst_midnight_ms
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Gap
from gxmeter.factors.registry import Registry
from gxmeter.ledger.activity import activity_of
from gxmeter.ledger.evidence import EvidenceIndex, evidence_id_of
from gxmeter.ledger.formulas import FORMULAS
from gxmeter.ledger.inventory import account
from gxmeter.ledger.lineage import lineage
from gxmeter.ledger.lines import build_lines
from gxmeter.ledger.tables import EvidenceRow
from gxmeter.ledger.year import Year, compute_year, telemetry_sources
from gxmeter.workspace.load import load_workspace
from gxmeter.workspace.loaded import Workspace
from tests.support.journals import write_journal
from tests.support.world import bill, certificate, part, site, world

FY = FiscalYear(2026)
CONSORTIUM = Path(__file__).resolve().parents[3] / "seeds" / "consortium"
START = jst_midnight_ms(date(2026, 11, 20)) + 36_900_000
"""10:15 JST: forty minutes from here meet two half-hours."""


def workspace(folder: Path, run: str = "demo-charlm", site: str = "edge-lab") -> Workspace:
    shutil.copytree(CONSORTIUM, folder / "w")
    write_journal(folder / "w" / "telemetry" / "journals", run=run, site=site, start_ms=START)
    (folder / "w" / "telemetry" / "journals" / ".hidden").mkdir()
    return load_workspace(folder / "w")


def energy_of(loaded: Workspace) -> EnergyResult:
    return integrate(telemetry_sources(loaded))


def year_of(loaded: Workspace, registry: Registry, fy: FiscalYear = FY) -> Year:
    return compute_year(loaded, energy_of(loaded), registry, fy)


def codes(year: Year) -> set[str]:
    return {finding.code for finding in year.findings}


def test_records_become_rows_that_their_header_adds_up(tmp_path: Path, registry: Registry) -> None:
    """50 W and 20 W for 40 minutes: 15 min in the first half-hour, 25 min in the second."""
    year = year_of(workspace(tmp_path), registry)
    assert [(r.device_id, r.covered_ms, r.energy_half_uj) for r in year.activity] == [
        ("edge-01.cpu", 900_000, 50 * 900_000 * 2_000),
        ("edge-01.cpu", 1_500_000, 50 * 1_500_000 * 2_000),
        ("edge-01.ram", 900_000, 20 * 900_000 * 2_000),
        ("edge-01.ram", 1_500_000, 20 * 1_500_000 * 2_000),
    ]
    (header,) = year.headers
    assert header["devices"] == [
        {
            "device_id": f"edge-01.{name}",
            "method": method,
            "rows": 2,
            "energy_half_uj": str(watt * 2_400_000 * 2_000),
            "covered_ms": 2_400_000,
        }
        for name, method, watt in (("cpu", "codecarbon-cpu-load", 50), ("ram", "codecarbon-ram-model", 20))
    ]
    assert (header["start"], header["end"]) == (instant(START), instant(START + 2_400_000))
    assert header["clean_end"] is True
    assert all(row.start % SLOT_MS == 0 for row in year.activity)
    assert {row.device_id for row in year.declarations.devices} == {"edge-01.cpu", "edge-01.ram"}
    assert len(year.records) == 1


def test_the_lines_of_a_record_are_seventy_watts_for_forty_minutes(tmp_path: Path, registry: Registry) -> None:
    year = year_of(workspace(tmp_path), registry)
    lines = [x for x in year.inventory.lines if x.run_id == "demo-charlm" and x.portion != "overhead"]
    assert sum(line.energy_j for line in lines) == Decimal(70 * 2400)


def test_a_year_without_the_record_knows_nothing_of_it(tmp_path: Path, registry: Registry) -> None:
    year = year_of(workspace(tmp_path), registry, FiscalYear(2040))
    assert (year.activity, year.headers, year.records) == ((), (), ())
    assert not [row for row in year.declarations.evidence if row.kind == "journal"]
    assert year.as_of_ms == FiscalYear(2040).start_ms
    assert not year.is_final


def test_a_run_that_nobody_declared_is_entered_and_said(tmp_path: Path, registry: Registry) -> None:
    year = year_of(workspace(tmp_path, run="stray"), registry)
    (row,) = [run for run in year.declarations.runs if run.run_id == "stray"]
    assert (row.stage, row.frame, row.start, row.end) == ("undeclared", "", START, START + 2_400_000)
    assert "run-unknown" in codes(year)


def test_a_record_of_a_site_that_nobody_declared_gives_no_energy(tmp_path: Path, registry: Registry) -> None:
    year = year_of(workspace(tmp_path, site="nowhere"), registry)
    assert year.activity == ()
    assert "site-unknown-in-record" in codes(year)


def test_a_gap_is_in_the_header_and_said(tmp_path: Path) -> None:
    loaded = workspace(tmp_path)
    energy = energy_of(loaded)
    energy.gaps = [
        Gap("demo-charlm", "edge-lab", "edge-01.cpu", START + 60_000, START + 720_000),
        Gap("demo-charlm", "edge-lab", "edge-01.cpu", 0, 1),
        Gap("other", "edge-lab", "edge-01.cpu", START, START + 1),
    ]
    energy.source_of["other", "edge-lab", "edge-01.cpu"] = {0}
    activity = activity_of(energy, {0: "a"}, ["edge-lab"], FY)
    assert [g["device_id"] for g in activity.headers[0]["gaps"]] == ["edge-01.cpu"]
    (gap,) = [f for f in activity.findings if f.code == "telemetry-gap"]
    assert dict(gap.params)["seconds"] == "660"


def test_whether_a_record_ended_well_may_be_unknown(tmp_path: Path) -> None:
    energy = energy_of(workspace(tmp_path))
    energy.facts[0] = replace(energy.facts[0], clean_end=None)
    assert activity_of(energy, {0: "a"}, ["edge-lab"], FY).headers[0]["clean_end"] is None


def test_data_covers_the_year_through_the_newest_measurement_or_reading(tmp_path: Path, registry: Registry) -> None:
    """The scenario's journal ends on 20 November 2026 10:55 JST, after its newest bill; plans cover nothing."""
    loaded = workspace(tmp_path)
    year = year_of(loaded, registry)
    assert instant(year.as_of_ms) == "2026-11-20T01:55:00Z"
    assert "year-not-ended" in codes(year)
    shutil.rmtree(loaded.root / "telemetry" / "journals")
    assert instant(year_of(load_workspace(loaded.root), registry).as_of_ms) == "2026-10-31T15:00:00Z"


def test_a_declaration_alone_covers_nothing(tmp_path: Path, registry: Registry) -> None:
    year = year_of(workspace(tmp_path), registry, FiscalYear(2028))
    assert year.as_of_ms == FiscalYear(2028).start_ms
    assert "declared-in-future" in codes(year)
    assert not year.is_final


def test_evidence_has_a_readable_id_or_one_by_digest() -> None:
    assert evidence_id_of("evidence/a-1.txt") == "evidence.a-1.txt"
    for path in ("evidence/請求書.pdf", "x" * 81, "a//b", "a b"):
        assert evidence_id_of(path) == f"file.{sha256_bytes(path.encode())[:16]}"


def test_two_files_never_share_an_evidence_id(tmp_path: Path) -> None:
    index = EvidenceIndex(load_workspace(CONSORTIUM))
    first = index._add(EvidenceRow(evidence_id_of("bills/tokyo.txt"), "bill", "bills/tokyo.txt", 1, "0" * 64))
    other = index._add(EvidenceRow(evidence_id_of("bills.tokyo.txt"), "bill", "bills.tokyo.txt", 2, "1" * 64))
    again = index._add(EvidenceRow(evidence_id_of("bills.tokyo.txt"), "bill", "bills.tokyo.txt", 2, "1" * 64))
    assert (first, other) == ("bills.tokyo.txt", f"file.{sha256_bytes(b'bills.tokyo.txt')[:16]}")
    assert again == other
    assert {row.path for row in index.rows.values()} == {"bills/tokyo.txt", "bills.tokyo.txt"}


def test_a_workspace_without_journals_has_no_sources(tmp_path: Path) -> None:
    shutil.copytree(CONSORTIUM, tmp_path / "w")
    shutil.rmtree(tmp_path / "w" / "telemetry", ignore_errors=True)
    assert telemetry_sources(load_workspace(tmp_path / "w")) == []


def test_a_journal_that_leads_out_of_the_workspace_is_refused(tmp_path: Path) -> None:
    loaded = workspace(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (loaded.root / "telemetry" / "journals" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError) as caught:
        telemetry_sources(loaded)
    assert caught.value.code == "telemetry-outside"


def test_a_run_that_is_measured_and_declared_at_once_is_said(tmp_path: Path, registry: Registry) -> None:
    loaded = workspace(tmp_path)
    declared = {(part.site, document.model.id) for document in loaded.run_documents for part in document.model.declared}
    place, run = min(declared)
    row = next(p for d in loaded.run_documents if d.model.id == run for p in d.model.declared if p.site == place)
    shutil.rmtree(loaded.root / "telemetry" / "journals")
    write_journal(loaded.root / "telemetry" / "journals", run=run, site=place, start_ms=row.start_ms)
    fy = FiscalYear.of(row.start_ms)
    assert "declared-overlaps-measured" in codes(year_of(load_workspace(loaded.root), registry, fy))


def test_a_year_is_final_when_it_has_ended_and_no_factor_is_provisional(tmp_path: Path, registry: Registry) -> None:
    year = replace(year_of(workspace(tmp_path), registry), as_of_ms=FY.end_ms)
    assert not year.is_final  # ended, but provisional
    settled = {name: (entry, False) for name, (entry, _) in year.inventory.used.items()}
    assert replace(year, inventory=replace(year.inventory, used=settled)).is_final


def test_more_digits_than_are_exact_are_refused(registry: Registry) -> None:
    long = Decimal("1." + "123456789" * 3)
    odd = world(sites=(site(overhead_node=long, overhead_it=long),), declared=(part(energy_kwh=long),))
    with pytest.raises(InputError) as caught:
        account(odd, (), registry, FY)
    assert caught.value.code == "precision-exceeded"


def test_without_the_law_s_constants_there_is_no_primary_energy(registry: Registry) -> None:
    bare = Registry(tuple(entry for entry in registry.entries if entry.kind != "constant"))
    inventory = account(world(declared=(part(),)), (), bare, FY)
    assert "primary_energy_gj" not in {f.figure_id for f in inventory.figures}
    assert "factor-missing" in {f.code for f in inventory.findings}


def test_the_rest_of_a_bill_leads_back_to_the_bill(registry: Registry) -> None:
    declarations = world(declared=(part(),), meters=(bill(),))
    built = build_lines(declarations, (), registry, FY)
    origins = {source: first for _, source, first, _ in lineage(built.lines, built.entries, declarations)}
    assert origins == {"declared.csv": "part-1", "meters.csv": "bill-1"}


def test_two_certificates_alike_in_everything_lead_back_each_to_itself(registry: Registry) -> None:
    declarations = world(declared=(part(),), instruments=(certificate("cert-1"), certificate("cert-2")))
    built = build_lines(declarations, (), registry, FY)
    origins = lineage(built.lines, built.entries, declarations)
    named = [first for _, source, first, _ in origins if source == "instruments.csv"]
    assert named == ["cert-1", "cert-2", "cert-1", "cert-2"]


def test_a_certificate_whose_factor_is_not_known_is_not_taken_for_zero(registry: Registry) -> None:
    declarations = world(declared=(part(),), instruments=(certificate(factor_t_per_kwh=None),))
    inventory = account(declarations, (), registry, FY)
    assert [line.tco2_market for line in inventory.lines if line.kind == "instrument-in"] == [None]
    assert "figure-incomplete" in {f.code for f in inventory.findings}
    assert "scope2_market_t" not in {f.figure_id for f in inventory.figures}


def test_every_formula_that_a_figure_names_is_described(registry: Registry) -> None:
    credit = certificate("c", kind="j-credit", quantity_kwh=None, quantity_t=Decimal(1), contract_id="")
    figures = account(world(declared=(part(),), instruments=(credit,)), (), registry, FY).figures
    ids = [formula.formula_id for formula in FORMULAS]
    assert ids == sorted(set(ids))
    assert {f.formula_id for f in figures} <= set(ids)
    assert set(ids) - {f.formula_id for f in figures} == {"kwh-12-half-even", "target", "target-gap"}


def test_a_year_that_its_readings_cover_to_the_end_is_not_called_open(tmp_path: Path, registry: Registry) -> None:
    """A bill over the whole of FY2026 at the edge laboratory: the data reach the year's end."""
    loaded = workspace(tmp_path)
    days = "first_day: 2026-04-01, last_day: 2027-03-31"
    text = f"readings:\n  - {{id: y, site: edge-lab, kind: bill, {days}, energy_kwh: 900000, evidence: bill}}\n"
    (loaded.root / "meters" / "edge-lab.yaml").write_text(text, "utf-8")
    year = year_of(load_workspace(loaded.root), registry)
    assert year.as_of_ms == FY.end_ms
    assert "year-not-ended" not in codes(year)
