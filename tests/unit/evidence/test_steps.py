"""The steps of verification, one fault each: sealed again with the reporter's own key, so that only they can object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from small import HEADER, ROADMAP, forged, read, resealed, write_zip

from gxmeter.core.canonical import canonical_json
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.verify.judge import Verdict, verify
from gxmeter.ledger.tables import Instant, Printed
from tests.support.world import day

D = Decimal
Edit = Callable[[list[Any]], Iterable[Any]]
ENERGY = "activity/energy.csv"


def must(verdict: Verdict) -> set[str]:
    return {f.code for f in verdict.findings if f.level == "must"}


def judged(tmp_path: Path, files: dict[str, bytes]) -> set[str]:
    return must(verify(write_zip(tmp_path / "p.zip", files)))


def first(**changes: Any) -> Edit:
    """Change the first row."""
    return lambda rows: [replace(rows[0], **changes), *rows[1:]]


TABLE_FAULTS: list[tuple[str, Edit, str]] = [
    # 2: form
    (ENERGY, first(run_id="nobody"), "reference-dangling"),
    (ENERGY, first(evidence_id="evidence|nothing"), "reference-dangling"),
    ("boundary/contracts.csv", first(site_id="nowhere"), "reference-dangling"),
    ("boundary/sites.csv", first(arrangement="borrowed"), "cell-malformed"),
    ("boundary/sites.csv", first(direct_sources="perhaps"), "cell-malformed"),
    # 3: completeness and physics
    (ENERGY, first(start=Instant(day(2026, 5, 10) + 1)), "activity-off-slot"),
    (ENERGY, first(end=day(2026, 5, 11)), "activity-off-slot"),
    (ENERGY, first(start=day(2026, 3, 31), end=Instant(day(2026, 3, 31) + 1_800_000)), "activity-off-slot"),
    (ENERGY, first(energy_half_uj=-1), "energy-negative"),
    (ENERGY, lambda rows: [*rows, replace(rows[0], row_id=2)], "activity-duplicate"),
    (ENERGY, lambda rows: [*rows, replace(rows[0], row_id=2, run_id="run-2")], "device-counted-twice"),
    (ENERGY, lambda rows: rows[:0], "activity-incomplete"),
    (ENERGY, first(energy_half_uj=1), "activity-incomplete"),
    (ENERGY, first(energy_half_uj=2000 * 2200 * 1_800_000 + 1), "energy-implausible"),
    ("boundary/declared.csv", first(energy_kwh=D(-1)), "energy-negative"),
    ("activity/meters.csv", first(energy_kwh=D(-1)), "energy-negative"),
    ("boundary/instruments.csv", first(quantity_kwh=D(-1)), "energy-negative"),
    ("boundary/pue.csv", first(pue=D("0.99")), "pue-out-of-range"),
    ("boundary/sites.csv", first(overhead_it=D("0.5")), "pue-out-of-range"),
    ("boundary/sites.csv", first(accounting_share=D("1.01")), "pue-out-of-range"),
    ("boundary/sites.csv", first(accounting_share=D("-0.01")), "pue-out-of-range"),
    ("boundary/pue.csv", lambda rows: [*rows, replace(rows[0], start=day(2026, 8, 1))], "pue-overlap"),
    (
        "boundary/contracts.csv",
        lambda rows: [*rows, replace(rows[0], contract_id="b", start=day(2026, 8, 1))],
        "contract-overlap",
    ),
    ("boundary/contracts.csv", first(start=Instant(day(2026, 4, 2) + 1)), "cut-off-slot"),
    # 4: factors
    ("factors/used.csv", first(value=Printed("0.000001")), "factor-unregistered"),
    ("factors/used.csv", first(unit="kg-CO2/kWh"), "factor-unit-wrong"),
    ("factors/used.csv", first(status="suspect"), "factor-status"),
    ("factors/used.csv", first(provisional=False), "factor-year-wrong"),
    ("factors/used.csv", first(applies_to_fy=2027), "factor-year-wrong"),
    ("factors/used.csv", first(applies_to_fy=None), "factor-unregistered"),
    ("factors/used.csv", lambda rows: rows[1:], "factor-unregistered"),
    ("factors/used.csv", lambda rows: [replace(r, provisional=True) for r in rows], "factor-year-wrong"),
    (
        "factors/used.csv",
        lambda rows: [*rows, replace(rows[0], factor_id="jp.elec.a0267.A.fy2024.adjusted")],
        "factor-unused",
    ),
    ("factors/used.csv", lambda rows: [*rows, replace(rows[0], factor_id="z.invented")], "factor-unregistered"),
    # 5: lines and figures
    ("results/lines.csv", first(facility_kwh=D(1)), "line-mismatch"),
    ("results/lines.csv", first(location_t_per_kwh=D("0.0001")), "factor-not-applicable"),
    ("results/lines.csv", lambda rows: rows[:-1], "line-missing"),
    ("results/lines.csv", lambda rows: [*rows, replace(rows[-1], line_id="L999999")], "line-unexpected"),
    ("results/figures.csv", first(exact=D(1)), "figure-mismatch"),
    ("results/figures.csv", first(rounded=Printed("1.0000")), "figure-mismatch"),
    ("results/figures.csv", lambda rows: rows[1:], "figure-missing"),
    ("results/figures.csv", lambda rows: [*rows, replace(rows[0], figure_id="z_extra")], "figure-unexpected"),
    ("results/progress.csv", first(met=True), "progress-mismatch"),
    ("results/progress.csv", first(gap=D(0)), "progress-mismatch"),
    # 6: history
    ("roadmap/roadmap.csv", first(value=D("0.6")), "roadmap-mismatch"),
]


@pytest.mark.parametrize(
    ("path", "edit", "code"), TABLE_FAULTS, ids=[f"{p}-{c}-{i}" for i, (p, _, c) in enumerate(TABLE_FAULTS)]
)
def test_a_fault_in_a_table_is_found(tmp_path: Path, package: Sealed, path: str, edit: Edit, code: str) -> None:
    assert code in judged(tmp_path, forged(package, {path: edit(read(package, path))}))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"period_start": "2026-04-01T00:00:00Z"}, "period-mismatch"),
        ({"fy": 2025}, "period-mismatch"),
        ({"provisional": False}, "provisional-wrong"),
        ({"counts": {}}, "count-mismatch"),
        ({"schema": "gxmeter-statement/2"}, "json-malformed"),
        ({"fy": 0}, "json-malformed"),
        ({"fy": 10**10}, "json-malformed"),
        ({"fy": True}, "json-malformed"),
        ({"kind": "draft"}, "json-malformed"),
        ({"as_of": "2026-06-01T00:00:00.000Z"}, "json-malformed"),
        ({"third_party_verification": "verified"}, "json-malformed"),
        ({"materiality_pct": "5 %"}, "json-malformed"),
        ({"materiality_pct": 5}, "json-malformed"),
        ({"roadmap": {"roadmap_id": "gx"}}, "json-malformed"),
        ({"extra": 1}, "json-malformed"),
    ],
)
def test_a_fault_in_the_statement_is_found(tmp_path: Path, package: Sealed, changes: dict[str, Any], code: str) -> None:
    assert code in judged(tmp_path, forged(package, statement=changes))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "unapproved"}, "roadmap-state-wrong"),
        ({"content_sha256": "0" * 64}, "roadmap-mismatch"),
        ({"version": 2}, "roadmap-mismatch"),
    ],
)
def test_the_statement_tells_the_roadmap_as_it_is(
    tmp_path: Path, package: Sealed, changes: dict[str, Any], code: str
) -> None:
    claim = package.statement["roadmap"] | changes
    assert code in judged(tmp_path, forged(package, statement={"roadmap": claim}))


def test_a_count_that_is_off_by_one_is_found(tmp_path: Path, package: Sealed) -> None:
    counts = package.statement["counts"] | {"lines": package.statement["counts"]["lines"] + 1}
    assert judged(tmp_path, forged(package, statement={"counts": counts})) == {"count-mismatch"}


def header(**changes: Any) -> bytes:
    return canonical_json(HEADER | changes) + b"\n"


def device(**changes: Any) -> list[dict[str, Any]]:
    return [HEADER["devices"][0] | changes]


HEADERS = "data/activity/run_headers.jsonl"
APPROVALS = "data/roadmap/approvals.jsonl"
APPROVAL = {
    "roadmap_id": "gx",
    "version": 1,
    "body": "b",
    "approved_on": "2026-05-01",
    "resolution_id": "r",
    "agenda_item": "3",
    "minutes_sha256": "0",
    "content_sha256": "0",
}


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        (HEADERS, header().rstrip(b"\n"), "text-malformed"),
        (HEADERS, b"\n", "json-malformed"),
        (HEADERS, b"{}\n", "json-malformed"),
        (HEADERS, b"[]\n", "json-malformed"),
        (HEADERS, header().replace(b'":', b'": ', 1), "json-malformed"),
        (HEADERS, header() + b"\n", "json-malformed"),
        (HEADERS, header(run_id="z") + header(), "row-order"),
        (HEADERS, header() * 2, "id-duplicate"),
        (HEADERS, header(extra=1), "json-malformed"),
        (HEADERS, header(records="1"), "json-malformed"),
        (HEADERS, header(start="yesterday"), "json-malformed"),
        (HEADERS, header(devices=device(energy_half_uj="７２")), "json-malformed"),
        (HEADERS, header(devices=device(energy_half_uj="1_0")), "json-malformed"),
        (HEADERS, header(devices=device(rows=True)), "json-malformed"),
        (HEADERS, header(devices=device() * 2), "row-order"),
        (HEADERS, header(devices=device(rows=2)), "activity-incomplete"),
        (HEADERS, header() + header(run_id="run-2"), "activity-incomplete"),
        (HEADERS, b"", "activity-incomplete"),
        (APPROVALS, b"{}\n", "json-malformed"),
        (APPROVALS, canonical_json(APPROVAL) + b"\n", "roadmap-changed-since-approval"),
        (APPROVALS, (canonical_json(APPROVAL) + b"\n") * 2, "id-duplicate"),
        ("data/roadmap/roadmap.json", b"null", "json-malformed"),
        ("data/roadmap/roadmap.json", b"{}", "json-malformed"),
        ("data/roadmap/roadmap.json", canonical_json(ROADMAP) + b"\n", "json-malformed"),
        ("data/roadmap/roadmap.json", canonical_json(ROADMAP | {"targets": [{}]}), "json-malformed"),
        ("data/factors/registry/registry.json", b"[]", "json-malformed"),
        ("data/factors/registry/registry.json", b'{"entries":[1],"schema":"gxmeter-registry/1"}', "json-malformed"),
        ("data/method/environment.json", b"{ }", "json-malformed"),
        ("data/checks/checks.json", b"null", "json-malformed"),
        ("data/report/report.json", b"1.5", "json-malformed"),
        ("data/report/report.en.html", b"<p>12 t</p>", "report-figure-mismatch"),
        ("data/report/report.ja.html", b"<data value=1 data-fig=nothing>1</data>", "report-figure-mismatch"),
        ("data/report/report.ja.html", b"<data data-fig>1</data>", "report-figure-mismatch"),
        ("data/report/report.ja.html", b"<![if x]><data", "report-figure-mismatch"),
        ("data/activity/energy.csv", b"", "text-malformed"),
    ],
)
def test_a_fault_in_a_document_is_found(tmp_path: Path, package: Sealed, path: str, data: bytes, code: str) -> None:
    assert code in judged(tmp_path, resealed(package, {path: data}))


def test_a_wrong_number_cannot_hide_around_a_right_one(tmp_path: Path, package: Sealed) -> None:
    page = package.files["data/report/report.en.html"]
    right = page[page.index(b"<data") :].split(b"\n")[0]
    for wrong in (
        right.replace(b">", b">9 ", 1).replace(b"</data>", right + b"</data>"),  # around it
        right + right.replace(b"</data>", b" 9"),  # left open at the end
        right.replace(b"</data>", b",9</data>"),
    ):
        assert "report-figure-mismatch" in judged(tmp_path, resealed(package, {"data/report/report.en.html": wrong}))


def test_thousands_commas_and_a_minus_sign_are_only_print(tmp_path: Path, package: Sealed) -> None:
    figures = {f.figure_id: f for f in read(package, "results/figures.csv")}
    energy = figures["energy_scope2_kwh"]
    assert str(energy.rounded) == "2000"
    page = b'<data value="2000" data-fig="energy_scope2_kwh"> 2,000 </data>'
    changes = {f"data/report/report.{language}.html": page for language in ("ja", "en")}
    assert judged(tmp_path, resealed(package, changes)) == set()


def test_what_cannot_be_read_is_named_and_the_rest_is_judged(tmp_path: Path, package: Sealed) -> None:
    verdict = verify(write_zip(tmp_path / "p.zip", resealed(package, {"data/boundary/sites.csv": b"x\n"})))
    assert "step 5 arithmetic: boundary/sites.csv" in verdict.not_checked
    assert {"table-header", "nothing-evaluated"} <= must(verdict)
    assert verdict.evaluated["factors"] > 0


def test_a_row_of_a_site_that_does_not_exist_is_found_and_nothing_crashes(tmp_path: Path, package: Sealed) -> None:
    rows = [replace(row, site_id="nowhere") for row in read(package, ENERGY)]
    assert {"reference-dangling"} <= judged(tmp_path, forged(package, {ENERGY: rows}))


def test_numbers_beyond_any_precision_are_found_and_nothing_crashes(tmp_path: Path, package: Sealed) -> None:
    long = D("1." + "123456789" * 6)
    pue = [replace(row, pue=long) for row in read(package, "boundary/pue.csv")]
    assert "unparsable" in judged(tmp_path, forged(package, {"boundary/pue.csv": pue}))


def edited(files: Mapping[str, bytes], name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    assert old in files[name]
    return {**files, name: files[name].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("manifest-sha256.txt", b"  data/", b" data/", "manifest-malformed"),
        ("manifest-sha256.txt", b"  data/", b"  data/../", "path-unsafe"),
        ("manifest-sha256.txt", b"  data/", b"  ", "manifest-malformed"),
        ("manifest-sha256.txt", b"\n", b"\r\n", "path-unsafe"),
        ("manifest-sha256.txt", b"\n", b"\x0b", "path-unsafe"),
        ("manifest-sha256.txt", b"\n", b"\n\n", "manifest-malformed"),
        ("tagmanifest-sha256.txt", b"bag-info.txt", b"zzz.txt", "file-missing"),
        ("bagit.txt", b"1.0", b"0.97", "bagit-malformed"),
        ("bag-info.txt", b"Payload-Oxum: ", b"Payload-Oxum: 1", "bagit-malformed"),
        ("bag-info.txt", b"Payload-Oxum: ", b"X: ", "bagit-malformed"),
        ("signatures/calculator.pub.pem", b"PUBLIC", b"PRIVATE", "signature-malformed"),
        ("signatures/statement.dsse.json", b"in-toto", b"other", "signature-malformed"),
        ("signatures/statement.dsse.json", b'"signatures":[', b'"signatures":[{},', "signature-malformed"),
        ("signatures/statement.dsse.json", b'"keyid":"', b'"keyid":"0', "signature-invalid"),
    ],
)
def test_a_fault_in_the_seal_is_found(
    tmp_path: Path, package: Sealed, name: str, old: bytes, new: bytes, code: str
) -> None:
    assert code in judged(tmp_path, edited(package.files, name, old, new))


def test_lines_listed_twice_out_of_order_or_without_end_are_no_manifest(tmp_path: Path, package: Sealed) -> None:
    lines = package.files["manifest-sha256.txt"].splitlines(keepends=True)
    for bad in (lines + lines[-1:], lines[::-1], [b"".join(lines).rstrip(b"\n")]):
        assert "manifest-malformed" in judged(tmp_path, package.files | {"manifest-sha256.txt": b"".join(bad)})


def test_each_signature_is_checked_on_its_own(tmp_path: Path, package: Sealed) -> None:
    flipped = bytes([package.files["signatures/tagmanifest.ed25519"][0] ^ 1])
    detached = flipped + package.files["signatures/tagmanifest.ed25519"][1:]
    assert judged(tmp_path, package.files | {"signatures/tagmanifest.ed25519": detached}) == {"signature-invalid"}
    assert judged(tmp_path, package.files | {"signatures/tagmanifest.ed25519": b""}) == {"signature-invalid"}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"signatures":[]}', b"\xff", b"[" * 10_000])
def test_an_envelope_that_is_none_is_said(tmp_path: Path, package: Sealed, data: bytes) -> None:
    assert "signature-malformed" in judged(tmp_path, package.files | {"signatures/statement.dsse.json": data})
