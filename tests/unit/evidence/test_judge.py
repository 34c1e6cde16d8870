"""The verdict on an intact package, and on packages that were changed before sealing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from small import KEY, OTHER_KEY, resealed, sealed, write_files, write_zip

from gxmeter.core.errors import ExitCode, InputError
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.package import package_digest, write_folder
from gxmeter.evidence.trust import LastReport, Trust, TrustedKey
from gxmeter.evidence.verify import judge
from gxmeter.evidence.verify.case import Case, Unread
from gxmeter.evidence.verify.judge import Verdict, verify
from gxmeter.evidence.verify.words import verdict_lines
from gxmeter.factors.registry import Registry
from gxmeter.ledger.formulas import FORMULAS
from gxmeter.ledger.grades import GRADES


def must(verdict: Verdict) -> set[str]:
    return {f.code for f in verdict.findings if f.level == "must"}


def judged(tmp_path: Path, files: dict[str, bytes], trust: Trust | None = None) -> Verdict:
    return verify(write_zip(tmp_path / "p.zip", files), trust)


def test_the_intact_package_re_computes_as_folder_and_as_zip(tmp_path: Path, package: Sealed) -> None:
    write_folder(package.files, tmp_path / "R-1")
    folder = verify(tmp_path / "R-1", package.trust)
    assert must(folder) == set()
    assert folder.exit_code is ExitCode.SHOULD_FINDINGS
    assert folder.not_checked == ("time-stamp", "sequence")
    assert folder.evaluated == {
        "files": len(package.files) - 4,  # the tag manifest itself and the three files of the seal are in no manifest
        "rows": sum(package.statement["counts"].values()) + 1 + len(FORMULAS) + len(GRADES),  # and one target
        "factors": package.files["data/factors/used.csv"].count(b"\n") - 1,
        "lines": package.statement["counts"]["lines"],
        "figures": package.statement["counts"]["figures"],
        "targets": 1,
    }
    for prefix in ("", "R-2026-000001/"):
        zipped = verify(write_zip(tmp_path / "p.zip", package.files, prefix), package.trust)
        assert zipped.to_json() == folder.to_json()


def test_without_trust_the_signer_is_not_checked_and_it_is_said(tmp_path: Path, package: Sealed) -> None:
    verdict = judged(tmp_path, package.files)
    assert set(verdict.not_checked) == {"signer", "registry", "roadmap-approval", "sequence", "time-stamp"}
    assert "trust-not-given" in {f.code for f in verdict.findings}
    assert verdict.to_json()["verdict"] == "verified"
    assert verdict.exit_code is ExitCode.SHOULD_FINDINGS


@pytest.mark.parametrize("language", ["ja", "en"])
def test_people_never_read_the_word_verified(tmp_path: Path, package: Sealed, language: str) -> None:
    verdict = judged(tmp_path, package.files)
    said = "\n".join(verdict_lines(verdict, language))
    assert ("再計算一致" if language == "ja" else "re-computed") in said
    assert "verified" not in said
    assert "検証済" not in said
    assert "time-stamp" not in said  # named in words
    altered = judged(tmp_path, package.files | {"data/statement.json": b"{}"})
    assert ("規則に反する" if language == "ja" else "breaks a rule") in list(verdict_lines(altered, language))[-1]
    clean = Verdict(verdict.evaluated, ("something new",), ())
    assert list(verdict_lines(clean, language))[-1] in {"判定: 再計算一致", "Verdict: re-computed, all figures agree."}
    assert "something new" in "\n".join(verdict_lines(clean, language))


def some_of(package: Sealed) -> list[str]:
    """Every file but tables, and every sixth table."""
    tables = sorted(path for path in package.files if path.endswith(".csv"))
    return [*(path for path in package.files if path not in tables), *tables[::6]]


def test_every_single_changed_file_is_seen(tmp_path: Path, package: Sealed) -> None:
    for name in some_of(package):
        verdict = judged(tmp_path, package.files | {name: package.files[name] + b"x"}, package.trust)
        assert verdict.exit_code is ExitCode.MUST_FINDINGS, name


def test_every_single_missing_file_is_seen(tmp_path: Path, package: Sealed) -> None:
    for name in some_of(package):
        files = {path: data for path, data in package.files.items() if path != name}
        if name == "bagit.txt":
            with pytest.raises(InputError) as caught:
                judged(tmp_path, files)
            assert caught.value.code == "not-a-package"
        else:
            assert judged(tmp_path, files, package.trust).exit_code is ExitCode.MUST_FINDINGS, name


def test_a_missing_payload_file_is_a_fault_even_when_it_was_never_listed(tmp_path: Path, package: Sealed) -> None:
    for name in (path for path in some_of(package) if path.startswith("data/")):
        verdict = judged(tmp_path, resealed(package, {name: None}), package.trust)
        assert "file-missing" in must(verdict), name


def test_an_extra_file_is_unlisted_and_signatures_may_have_company(tmp_path: Path, package: Sealed) -> None:
    assert must(judged(tmp_path, package.files | {"data/x.txt": b""}, package.trust)) >= {"file-unlisted"}
    assert must(judged(tmp_path, package.files | {"signatures/second.sig": b""}, package.trust)) == set()


def test_another_signer_is_told_from_the_trusted_one(tmp_path: Path, package: Sealed) -> None:
    forged = resealed(package, {}, OTHER_KEY)
    assert must(judged(tmp_path, forged, package.trust)) == {"signer-unknown"}
    assert must(judged(tmp_path, forged)) == set()  # nobody knows the signer: that is what trust-not-given says


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"role": "reviewer"}, "signer-wrong-role"),
        ({"valid_from": "2026-06-02T00:00:00Z"}, "signer-out-of-window"),
        ({"valid_to": "2026-05-31T14:59:59Z"}, "signer-out-of-window"),
    ],
)
def test_a_key_is_trusted_in_its_role_and_its_time(
    tmp_path: Path, package: Sealed, change: dict[str, str], code: str
) -> None:
    trusted = package.trust.keys[0].model_dump() | change
    trust = package.trust.model_copy(update={"keys": (TrustedKey(**trusted),)})
    assert must(judged(tmp_path, package.files, trust)) == {code}


@pytest.mark.parametrize(
    ("field", "code"),
    [("registry_sha256", "registry-unknown"), ("verify_py_sha256", "verifier-replaced")],
)
def test_what_the_trust_file_knows_is_compared(tmp_path: Path, package: Sealed, field: str, code: str) -> None:
    trust = package.trust.model_copy(update={field: "0" * 64})
    assert must(judged(tmp_path, package.files, trust)) == {code}


def test_the_trusted_roadmap_is_compared(tmp_path: Path, package: Sealed) -> None:
    roadmap = package.trust.roadmap.model_copy(update={"content_sha256": "0" * 64})
    trust = package.trust.model_copy(update={"roadmap": roadmap})
    assert must(judged(tmp_path, package.files, trust)) == {"roadmap-unknown"}


@pytest.mark.parametrize(
    ("sequence", "same", "expected"), [(0, False, set()), (1, False, {"sequence-replayed"}), (1, True, set())]
)
def test_a_sequence_goes_forward(
    tmp_path: Path, package: Sealed, sequence: int, same: bool, expected: set[str]
) -> None:
    digest = package_digest(package.files) if same else "0" * 64
    trust = package.trust.model_copy(update={"last": LastReport(sequence=sequence, tagmanifest_sha256=digest)})
    verdict = judged(tmp_path, package.files, trust)
    assert must(verdict) == expected
    assert "sequence" not in verdict.not_checked


@pytest.mark.parametrize(
    ("approved", "code", "level"),
    [("0" * 64, "roadmap-changed-since-approval", "must"), ("", "roadmap-unapproved", "should")],
)
def test_a_roadmap_that_was_not_approved_so_is_said(
    tmp_path: Path, registry: Registry, approved: str, code: str, level: str
) -> None:
    verdict = judged(tmp_path, sealed(registry, approved=approved).files)
    assert level in {f.level for f in verdict.findings if f.code == code}


def test_a_final_report_refuses_provisional_factors(tmp_path: Path, registry: Registry) -> None:
    final = sealed(registry, kind="final")
    verdict = judged(tmp_path, final.files, final.trust)
    assert must(verdict) == {"factor-not-published", "final-year-not-ended"}


def test_the_judge_outlives_a_step_that_breaks(
    tmp_path: Path, package: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_case: Case) -> None:
        raise RecursionError("x")

    def unread(_case: Case) -> None:
        raise Unread("lines")

    steps: tuple[tuple[str, Callable[[Case], None]], ...] = (("1 broken", broken), ("2 unread", unread))
    monkeypatch.setattr(judge, "STEPS", steps)
    verdict = judged(tmp_path, package.files)
    assert must(verdict) == {"unparsable", "nothing-evaluated"}
    assert verdict.not_checked == ("step 2 unread: lines",)


def test_a_folder_that_is_no_package_could_not_be_judged(tmp_path: Path) -> None:
    write_files(tmp_path / "x", {"a.txt": b""})
    for path in (tmp_path / "x", tmp_path / "x" / "a.txt", tmp_path / "absent"):
        with pytest.raises(InputError) as caught:
            verify(path)
        assert caught.value.code == "not-a-package"


def test_the_same_input_gives_the_same_bytes(registry: Registry, package: Sealed) -> None:
    again = sealed(registry)
    assert again.files == package.files
    assert again.trust == package.trust
    assert replace(again, files={}) == replace(package, files={})
    assert KEY.key_id.encode() in package.files["HOW-TO-VERIFY.en.md"]
