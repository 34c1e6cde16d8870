"""The intact package re-computes; each of twelve falsifications is refused, by both verifiers, for the same reasons."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.falsifications import FALSIFICATIONS, Falsification
from tests.support.packages import Package, by_gxmeter, by_verify_py

NAMES = [item.name for item in FALSIFICATIONS]


def test_there_are_four_without_the_key_and_eight_with_it() -> None:
    assert len(set(NAMES)) == len(FALSIFICATIONS) == 12


def test_the_intact_package_agrees_with_both_and_is_marked_provisional(package: Package) -> None:
    ours, theirs = (judge(package.folder, package.trust) for judge in (by_gxmeter, by_verify_py))
    assert ours.codes("must") == theirs.codes("must") == set()
    assert ours.codes("should") == theirs.codes("should") == {"factor-provisional", "ratio-not-published"}
    assert (ours.exit_code, theirs.exit_code) == (3, 3)
    assert (ours.verdict, theirs.verdict) == ("verified", "verified")
    assert ours.not_checked == theirs.not_checked == {"sequence", "time-stamp"}


def test_without_a_trust_file_the_signer_is_not_checked(package: Package) -> None:
    for judge in (by_gxmeter, by_verify_py):
        judgement = judge(package.folder)
        assert judgement.exit_code == 3
        assert {"signer", "registry", "roadmap-approval", "sequence", "time-stamp"} == judgement.not_checked
        assert "trust-not-given" in judgement.codes("should")


@pytest.mark.parametrize("case", FALSIFICATIONS, ids=NAMES)
def test_both_verifiers_refuse_the_falsification(case: Falsification, package: Package, tmp_path: Path) -> None:
    folder = case.make(package, tmp_path / "package")
    ours, theirs = by_gxmeter(folder, package.trust), by_verify_py(folder, package.trust)
    assert (ours.exit_code, theirs.exit_code) == (1, 1)
    assert (ours.verdict, theirs.verdict) == ("findings", "findings")
    assert case.codes <= ours.codes("must") & theirs.codes("must")


@pytest.mark.parametrize("case", [c for c in FALSIFICATIONS if not c.needs_trust], ids=lambda c: c.name)
def test_the_package_alone_is_enough_for_all_but_one(case: Falsification, package: Package, tmp_path: Path) -> None:
    folder = case.make(package, tmp_path / "package")
    assert by_gxmeter(folder).exit_code == 1
    assert by_verify_py(folder).exit_code == 1


@pytest.mark.parametrize("case", FALSIFICATIONS[4:], ids=NAMES[4:])
def test_digests_and_signature_see_nothing_of_the_resealed_ones(
    case: Falsification, package: Package, tmp_path: Path
) -> None:
    """Otherwise these cases would show the seal at work, not the re-computation."""
    judgement = by_gxmeter(case.make(package, tmp_path / "package"), package.trust)
    seal = {"file-altered", "file-unlisted", "file-missing", "manifest-malformed", "bagit-malformed"}
    seal |= {"signature-invalid", "subject-mismatch", "signature-malformed", "signer-unknown"}
    form = {"text-malformed", "table-header", "cell-malformed", "json-malformed", "count-mismatch", "row-order"}
    assert not judgement.codes("must") & (seal | form)
