"""Every finding code is raised by a package made wrong in one place and sealed again with the reporter's own key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import build
import pytest
import test_seal

EXPECTED_SHOULD = {"factor-provisional", "ratio-not-published"}
Judge = Callable[..., dict[str, Any]]


def cell(table: str, old: str, new: str, count: int = 1) -> build.Mutation:
    """Replace a text in a table, which must be there."""

    def mutate(files: build.Files) -> None:
        name = table if "." in table else f"data/{table}.csv"
        body = files[name].decode()
        assert old in body, f"{old} is not in {name}"
        files[name] = body.replace(old, new, count).encode()

    return mutate


def document(name: str, **changes: Any) -> build.Mutation:
    """Change keys of a JSON document."""

    def mutate(files: build.Files) -> None:
        files[name] = build.canonical(json.loads(files[name]) | changes)

    return mutate


def registered(factor_id: str, **changes: Any) -> build.Mutation:
    """Change a registry entry."""

    def mutate(files: build.Files) -> None:
        entries = [e | changes if e["id"] == factor_id else e for e in build.registry()]
        entries = [{k: v for k, v in e.items() if v is not None} for e in entries]
        files[REGISTRY] = build.canonical({"schema": "gxmeter-registry/1", "entries": entries})

    return mutate


def both(*mutations: build.Mutation) -> build.Mutation:
    def mutate(files: build.Files) -> None:
        for one in mutations:
            one(files)

    return mutate


def approved_digest(files: build.Files) -> None:
    """Let the statement carry the digest of the roadmap as it is."""
    state = build.statement()["roadmap"] | {"content_sha256": hashlib.sha256(files[ROADMAP]).hexdigest()}
    state |= {"state": "changed-since-approval"}
    document(STATEMENT, roadmap=state)(files)


def drop_row(table: str, start: str) -> build.Mutation:
    def mutate(files: build.Files) -> None:
        name = f"data/{table}.csv"
        rows = files[name].decode().splitlines(keepends=True)
        kept = [row for row in rows if not row.startswith(start)]
        assert len(kept) == len(rows) - 1
        files[name] = "".join(kept).encode()

    return mutate


REGISTRY = "data/factors/registry/registry.json"
STATEMENT = "data/statement.json"
ROADMAP = "data/roadmap/roadmap.json"
HEADERS = "data/activity/run_headers.jsonl"
NINE = ("2026-03-31T15:00:00Z,2026-03-31T15:30:00Z", "2026-03-31T15:10:00Z,2026-03-31T15:40:00Z")
C1 = "c1,tokyo,A0001,B,2026-03-31T15:00:00Z,2027-03-31T15:00:00Z\n"
C1_LATE = "c1,tokyo,A0001,B,2026-04-10T15:00:00Z,2027-03-31T15:00:00Z\n"
NEW_TARGETS = [t | {"value": "0.2"} if t["id"] == "t-2026" else t for t in build.roadmap()["targets"]]

RESEALED: list[tuple[str, build.Mutation]] = [
    ("file-missing", lambda files: files.pop("data/checks/checks.json") and None),
    ("text-malformed", cell("boundary/sites", "tokyo,", "\ntokyo,")),
    ("text-malformed", cell("boundary/sites", "\n", "\r\n")),
    ("text-malformed", cell("boundary/runs", "Declared", '"Declared"')),
    ("text-malformed", cell("boundary/runs", "Declared", 'Decl"ared')),
    (
        "text-malformed",
        lambda files: files.update({"data/boundary/pue.csv": b"\xef\xbb\xbf" + files["data/boundary/pue.csv"]}),
    ),
    ("table-header", cell("boundary/sites", "name_ja,name_en", "name_en,name_ja")),
    ("cell-malformed", cell("boundary/pue", "1.2,", "1.20,")),
    ("cell-malformed", cell("boundary/pue", "1.2,", "1e0,")),
    ("cell-malformed", cell("boundary/pue", "1.2,", f"1.{'1' * 60},")),
    ("cell-malformed", cell("boundary/runs", "Declared", "=SUM(A1)")),
    ("cell-malformed", cell("boundary/sites", "owned", "rented")),
    ("meter-crosses-contract", cell("boundary/sites", ",1,none", ",0.5,none")),
    ("json-malformed", cell("data/checks/checks.json", "{}", "{}\n")),
    ("certificate-without-contract", cell("boundary/instruments", "2026,c1", "2026,c9")),
    ("factor-unregistered", cell("factors/used", "8.640", "8.64")),
    ("figure-mismatch", cell("results/figures", ",2.09088,", ",2.36192,")),
    ("json-malformed", lambda files: files.update({STATEMENT: files[STATEMENT].replace(b'"fy":2026', b'"fy":2026.0')})),
    ("json-malformed", lambda files: files.update({STATEMENT: files[STATEMENT].replace(b'"fy":', b'"fy":1,"fy":')})),
    ("json-malformed", document(STATEMENT, surprise=1)),
    ("json-malformed", lambda files: files.update({"data/checks/checks.json": b"[" * 100 + b"]" * 100})),
    ("json-malformed", lambda files: files.update({"data/checks/checks.json": b"1" * 1_000_000})),
    ("json-malformed", lambda files: files.update({ROADMAP: json.dumps(build.roadmap(), indent=1).encode()})),
    ("row-order", cell("boundary/devices", "gpu-0", "gpu-9")),
    ("id-duplicate", cell("boundary/devices", "gpu-1", "gpu-0")),
    ("reference-dangling", cell("boundary/declared", "e-decl", "e-none")),
    ("reference-dangling", cell("activity/energy", "r-measured", "r-unknown")),
    ("reference-dangling", cell("results/lines", "average", "avenger")),
    ("reference-dangling", cell("results/lines", "cert-1,0,0", "cert-9,0,0")),
    ("cell-malformed", cell("activity/energy", "nvml,B", "nvml,Z")),
    ("cell-malformed", cell("activity/meters", "bill,200", "guess,200")),
    ("cell-malformed", cell("boundary/runs", "completed,measured", "completed,imagined")),
    ("cell-malformed", cell("factors/used", "List of factors,p. 3", "List of factors,")),
    ("method-mismatch", cell("method/grades", "B,BMC/Redfish or PSU input,5,5", "B,BMC/Redfish or PSU input,4,5")),
    ("method-mismatch", drop_row("method/grades", "X,")),
    ("workspace-illustrative", document(STATEMENT, kind="final", illustrative=True)),
    ("final-year-not-ended", document(STATEMENT, kind="final")),
    ("count-mismatch", drop_row("boundary/devices", "gpu-1")),
    ("period-mismatch", document(STATEMENT, period_end="2027-04-30T15:00:00Z")),
    ("activity-off-slot", cell("activity/energy", *NINE)),
    ("activity-off-slot", cell("activity/energy", NINE[0], "2027-03-31T15:00:00Z,2027-03-31T15:30:00Z")),
    ("activity-duplicate", cell("activity/energy", "gpu-1", "gpu-0")),
    ("device-counted-twice", cell("activity/energy", "1800000", "1800001")),
    ("activity-incomplete", drop_row("activity/energy", "2,")),
    ("energy-implausible", cell("activity/energy", "2880000000000", "4000000000000")),
    ("energy-negative", cell("activity/energy", "2880000000000", "-2880000000000")),
    ("energy-negative", cell("activity/meters", ",200,", ",-200,")),
    ("pue-out-of-range", cell("boundary/pue", "1.2,", "0.9,")),
    ("pue-out-of-range", cell("boundary/sites", ",1,none", ",1.1,none")),
    ("contract-overlap", cell("boundary/contracts", C1, C1 + C1.replace("c1", "c2"))),
    (
        "pue-overlap",
        cell(
            "boundary/pue",
            "meter of 2025\n",
            "meter of 2025\ntokyo,2026-05-31T15:00:00Z,2027-03-31T15:00:00Z,1.3,measured,x\n",
        ),
    ),
    ("cut-off-slot", cell("boundary/pue", "2026-03-31T15:00:00Z", "2026-04-10T15:00:01Z")),
    ("factor-unregistered", cell("factors/used", "0.000423", "0.00042")),
    ("factor-unregistered", cell("factors/used", "0.0005,t-CO2/kWh", "0.5,kg-CO2/kWh")),
    ("factor-unregistered", drop_row("factors/used", "jp.energy-law.crude-oil")),
    (
        "factor-unused",
        cell(
            "factors/used",
            "average,",
            "a1-b-basic-old,0.0007,t-CO2/kWh,2023,2024,2025,2024-07-19,x,x,x,confirmed,true\naverage,",
        ),
    ),
    (
        "factor-status",
        both(
            registered("average", status="suspect"),
            cell("factors/used", "confirmed,true\njp", "suspect,true\njp"),
        ),
    ),
    (
        "factor-illustrative",
        both(
            registered("average", status="illustrative"),
            cell("factors/used", "confirmed,true\njp", "illustrative,true\njp"),
        ),
    ),
    (
        "factor-unit-wrong",
        both(registered("average", unit="kg-CO2/kWh"), cell("factors/used", "0.000423,t-CO2", "0.000423,kg-CO2")),
    ),
    ("factor-year-wrong", cell("factors/used", "confirmed,true", "confirmed,false")),
    ("provisional-wrong", document(STATEMENT, provisional=False)),
    ("factor-not-published", document(STATEMENT, kind="final")),
    ("factor-not-applicable", cell("results/lines", "average", "substitute")),
    ("factor-missing", cell("boundary/contracts", "A0001", "A0009")),
    ("menu-not-published", cell("boundary/contracts", "A0001,B", "A0001,C")),
    ("whole-where-residual-exists", cell("boundary/contracts", "A0001,B", "A0001,whole")),
    ("menu-assumed-residual", cell("boundary/contracts", "A0001,B", "A0001,")),
    ("contract-missing", cell("boundary/contracts", C1, C1_LATE)),
    ("boundary-step-missing", cell("boundary/sites", "1.25", "")),
    ("runs-exceed-meter", cell("activity/meters", ",200,", ",20,")),
    ("runs-exceed-meter", both(cell("activity/meters", ",200,", ",42.5,"), document(STATEMENT, materiality_pct="1"))),
    ("runs-exceed-meter", both(cell("activity/meters", ",200,", ",40,"), document(STATEMENT, materiality_pct="90"))),
    ("runs-exceed-meter-slightly", cell("activity/meters", ",200,", ",42.5,")),
    ("meter-crosses-contract", cell("boundary/contracts", C1, C1_LATE)),
    (
        "certificate-outside-vintage",
        cell(
            "boundary/instruments",
            "c1,2026-03-31T15:00:00Z,2027-03-31T15:00:00Z",
            "c1,2025-03-31T15:00:00Z,2026-03-31T15:00:00Z",
        ),
    ),
    ("certificate-on-zero-menu", registered("a1-b-basic", value="0")),
    ("certificate-exceeds-consumption", cell("boundary/instruments", ",50,,0", ",5000,,0")),
    ("line-mismatch", cell("results/lines", ",0.825,", ",0.835,")),
    ("line-unexpected", cell("results/lines", "L000009", "L000010")),
    ("line-mismatch", cell("results/lines", ",0.2,1,7,2", ",0.2,1,7,3")),
    ("line-missing", drop_row("results/lines", "L000009")),
    (
        "line-mismatch",
        cell(
            "results/lines",
            "r-measured,tokyo,c1,development,JP,2026-03-31",
            "r-measured,tokyo,c1,development,JP,2026-04-01",
        ),
    ),
    ("scope1-not-assessed", cell("boundary/sites", ",none", ",not-assessed")),
    ("figure-missing", drop_row("results/figures", "net_market_t")),
    ("figure-unexpected", cell("results/figures", "net_market_t", "nett_market_t")),
    ("figure-mismatch", cell("results/figures", "0.086,0.08600", "0.085,0.08500")),
    ("figure-mismatch", cell("results/figures", ",84.99,84.99,kWh", ",84.99,84.98,kWh")),
    (
        "figure-mismatch",
        cell("results/figures", "0.086,0.08600,t-CO2,5,half-up-4sig,true", "0.086,0.08600,t-CO2,5,half-up-4sig,false"),
    ),
    ("figure-unexpected", cell("boundary/sites", ",none", ",not-assessed")),
    ("report-active-content", cell("data/report/report.en.html", "<p>", "<p><script>x</script>")),
    ("report-active-content", cell("data/report/report.ja.html", "<p>", '<p title=">"/onclick=x>')),
    ("roadmap-mismatch", document(STATEMENT, entity_id="other")),
    ("as-of-wrong", document(STATEMENT, as_of="2026-04-30T14:59:59Z")),
    ("as-of-wrong", document(STATEMENT, as_of="2027-03-31T15:00:01Z")),
    ("serial-twice", cell("boundary/instruments", "j-credit,J1,J2", "j-credit,1,J2")),
    (
        "meter-overlap",
        cell(
            "activity/meters",
            "e-bill\n",
            "e-bill\nm2,tokyo,2026-04-29T15:00:00Z,2026-05-31T15:00:00Z,bill,200,e-bill\n",
        ),
    ),
    ("json-malformed", document(STATEMENT, sequence=8)),
    ("json-malformed", document(STATEMENT, sequence=0, report_id="R-2026-000000")),
    ("json-malformed", document(STATEMENT, fy=10**9)),
    ("cell-malformed", cell("boundary/instruments", "2026,c1", "2026,")),
    ("cell-malformed", cell("boundary/instruments", ",50,,0", ",50,1,0")),
    ("cell-malformed", cell("boundary/instruments", ",,0.01,,", ",5,0.01,,")),
    ("cell-malformed", cell("boundary/contracts", "2027-03-31T15:00:00Z", "2026-03-31T15:00:00Z")),
    ("report-figure-mismatch", cell("data/report/report.en.html", ">84.99<", ">84.98<")),
    ("report-figure-mismatch", cell("data/report/report.en.html", "data-fig", "data-x")),
    ("roadmap-mismatch", cell("roadmap/roadmap", "0.09", "0.08")),
    ("roadmap-mismatch", both(cell("roadmap/roadmap", "0.1,t-CO2", "0.1,kg-CO2"))),
    ("roadmap-mismatch", document(ROADMAP, targets=[*build.roadmap()["targets"], build.roadmap()["targets"][0]])),
    ("target-unit-wrong", both(cell("roadmap/roadmap", "0.1,t-CO2", "0.1,kg-CO2"))),
    ("roadmap-changed-since-approval", both(document(ROADMAP, targets=NEW_TARGETS), approved_digest)),
    ("roadmap-state-wrong", document(ROADMAP, targets=NEW_TARGETS)),
    ("roadmap-unapproved", lambda files: files.update({"data/roadmap/approvals.jsonl": b""})),
    ("progress-mismatch", cell("results/progress", "-0.004", "-0.005")),
    ("progress-mismatch", cell("results/progress", "t-CO2,", "t-CO2,true")),
    (
        "nothing-evaluated",
        lambda files: files.update({"data/results/lines.csv": files["data/results/lines.csv"].split(b"\n")[0] + b"\n"}),
    ),
]


@pytest.mark.parametrize(("code", "mutate"), RESEALED, ids=[f"{i:02d}-{code}" for i, (code, _) in enumerate(RESEALED)])
def test_a_resealed_fault_is_found(judged: Judge, verify: Any, code: str, mutate: build.Mutation) -> None:
    files = build.payload()
    mutate(files)
    answer = judged(build.seal(files), build.trust(build.payload()))
    assert code in answer["codes"]
    assert "unparsable" not in answer["codes"], [f for f in answer["findings"] if f["code"] == "unparsable"]
    assert answer["exit"] == (1 if verify.MESSAGES[code][0] == "must" or answer["codes"] & musts(verify) else 3)


def musts(verify: Any) -> set[str]:
    return {code for code, message in verify.MESSAGES.items() if message[0] == "must"}


def test_intact_package_is_recomputed(judged: Judge) -> None:
    files = build.seal(build.payload())
    answer = judged(files, build.trust(files))
    assert (answer["codes"], answer["exit"]) == (EXPECTED_SHOULD, 3)
    assert answer["not_checked"] == ["time-stamp"]
    assert answer["evaluated"] == {"files": 36, "rows": 114, "factors": 5, "lines": 9, "figures": 57, "targets": 1}


def test_without_trust_what_needs_it_is_not_checked(judged: Judge) -> None:
    answer = judged(build.seal(build.payload()))
    assert answer["codes"] == EXPECTED_SHOULD | {"trust-not-given"}
    assert set(answer["not_checked"]) == {"signer", "registry", "roadmap-approval", "sequence", "time-stamp"}
    assert (answer["verdict"], answer["exit"]) == ("verified", 3)


def test_messages_have_two_languages_and_every_code_is_tested(verify: Any) -> None:
    tested = {code for code, _ in RESEALED} | EXPECTED_SHOULD | {"trust-not-given"}
    tested |= {code for code, _ in test_seal.AFTER_SEALING + test_seal.BY_TRUST} | {
        code for code, _ in test_seal.MEMBERS
    }
    elsewhere = {"not-a-package", "trust-unreadable", "unparsable"}  # test_command, test_seal
    assert set(verify.MESSAGES) == tested | elsewhere
    for _, ja, en in verify.MESSAGES.values():
        assert not ja.isascii()
        assert en.isascii()
        assert "verified" not in en
        assert "検証済" not in ja
