"""Seals made by somebody who holds the key but says something else: each word of the statement is judged."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small import KEY, OTHER_KEY, forged, read, resealed, write_zip

from gxmeter.core.canonical import canonical_json
from gxmeter.core.keys import SigningKey
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.seal import PAYLOAD_TYPE, pre_authentication_encoding
from gxmeter.evidence.trust import Trust
from gxmeter.evidence.verify.judge import verify

ENVELOPE = "signatures/statement.dsse.json"


def must(tmp_path: Path, files: dict[str, bytes], trust: Trust | None = None) -> set[str]:
    return {f.code for f in verify(write_zip(tmp_path / "p.zip", files), trust).findings if f.level == "must"}


def signed(package: Sealed, edit: Callable[[dict[str, Any]], Any], key: SigningKey = KEY) -> dict[str, bytes]:
    """The package with an edited statement in its envelope, signed anew."""
    statement = json.loads(base64.b64decode(json.loads(package.files[ENVELOPE])["payload"]))
    edit(statement)
    payload = canonical_json(statement)
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key.key_id, "sig": base64.b64encode(signature).decode()}],
    }
    return package.files | {ENVELOPE: canonical_json(envelope)}


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (put("_type", value="https://in-toto.io/Statement/v0.1"), "signature-malformed"),
        (put("predicateType", value="urn:other"), "signature-malformed"),
        (put("predicate", value={}), "signature-malformed"),
        (put("subject", value=[]), "signature-malformed"),
        (put("subject", value={}), "signature-malformed"),
        (put("subject", 0, "digest", value="x"), "signature-malformed"),
        (put("subject", 0, "name", value="manifest-sha256.txt"), "subject-mismatch"),
        (put("subject", 0, "digest", value={"sha256": "0" * 64}), "subject-mismatch"),
        (put("subject", 0, "digest", value={"sha1": "0"}), "subject-mismatch"),
        (put("predicate", "role", value="reviewer"), "signer-wrong-role"),
        (put("predicate", "decision", value="approved"), "signer-wrong-role"),
        (put("predicate", "report_id", value="R-2026-000009"), "subject-mismatch"),
        (put("predicate", "fy", value=2025), "subject-mismatch"),
        (put("predicate", "entity_id", value="other"), "subject-mismatch"),
        (put("predicate", "as_of", value="2026-06-30T00:00:00Z"), "subject-mismatch"),
        (put("predicate", "signer", value=OTHER_KEY.key_id), "subject-mismatch"),
    ],
)
def test_a_statement_that_says_otherwise_is_refused(
    tmp_path: Path, package: Sealed, edit: Callable[[dict[str, Any]], Any], code: str
) -> None:
    assert must(tmp_path, signed(package, edit)) == {code}


def test_an_untouched_statement_signed_again_is_the_same(tmp_path: Path, package: Sealed) -> None:
    assert must(tmp_path, signed(package, lambda _: None)) == set()


def test_a_signature_by_another_key_than_it_names_is_refused(tmp_path: Path, package: Sealed) -> None:
    forged_envelope = signed(package, put("predicate", "signer", value=OTHER_KEY.key_id), OTHER_KEY)
    assert "signature-invalid" in must(tmp_path, forged_envelope)  # the hint is still the first key
    hinted = forged_envelope | {"signatures/calculator.pub.pem": OTHER_KEY.public_pem}
    assert must(tmp_path, hinted) == {"signature-invalid"}  # the detached signature is still the first key's


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e | {"payloadType": "text/plain"},
        lambda e: e | {"extra": 1},
        lambda e: e | {"payload": "*"},
        lambda e: e | {"payload": 7},
        lambda e: e | {"signatures": e["signatures"] * 2},
        lambda e: e | {"signatures": [{"sig": "AA=="}]},
        lambda e: e | {"payload": base64.b64encode(b'{"a":1.5}').decode()},
        lambda e: e | {"payload": base64.b64encode(b"null").decode()},
    ],
)
def test_an_envelope_of_another_form_is_refused(
    tmp_path: Path, package: Sealed, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    envelope = canonical_json(change(json.loads(package.files[ENVELOPE])))
    assert must(tmp_path, package.files | {ENVELOPE: envelope}) == {"signature-malformed"}


@pytest.mark.parametrize("pem", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_hint_that_is_no_key_is_refused(tmp_path: Path, package: Sealed, pem: bytes) -> None:
    assert must(tmp_path, package.files | {"signatures/calculator.pub.pem": pem}) == {"signature-malformed"}


def test_a_hint_of_another_key_is_only_a_hint(tmp_path: Path, package: Sealed) -> None:
    files = package.files | {"signatures/calculator.pub.pem": OTHER_KEY.public_pem}
    assert must(tmp_path, files) == {"signature-invalid"}
    assert must(tmp_path, files, package.trust) == set()


def test_the_window_is_judged_only_where_the_statement_says_when(tmp_path: Path, package: Sealed) -> None:
    found = must(tmp_path, forged(package, statement={"as_of": "soon"}), package.trust)
    assert "json-malformed" in found
    assert "signer-out-of-window" not in found


def test_other_grades_are_another_method(tmp_path: Path, package: Sealed) -> None:
    rows = read(package, "method/grades.csv")
    assert must(tmp_path, forged(package, {"method/grades.csv": rows[:-1]})) == {"method-mismatch"}


def test_an_illustrative_report_is_never_final(tmp_path: Path, package: Sealed) -> None:
    found = must(tmp_path, forged(package, statement={"kind": "final", "illustrative": True}))
    assert {"workspace-illustrative", "final-year-not-ended"} <= found


def test_two_targets_of_one_id_are_no_roadmap(tmp_path: Path, package: Sealed) -> None:
    roadmap = json.loads(package.files["data/roadmap/roadmap.json"])
    roadmap["targets"] *= 2
    found = must(tmp_path, resealed(package, {"data/roadmap/roadmap.json": canonical_json(roadmap)}))
    assert {"roadmap-mismatch", "roadmap-changed-since-approval"} <= found


def test_a_final_report_of_an_ended_year_is_only_asked_for_its_factors(tmp_path: Path, package: Sealed) -> None:
    ended = {"kind": "final", "as_of": package.statement["period_end"]}
    assert must(tmp_path, forged(package, statement=ended)) == {"factor-not-published"}


def test_a_signature_of_another_statement_is_refused(tmp_path: Path, package: Sealed) -> None:
    envelope = json.loads(package.files[ENVELOPE])
    envelope["signatures"][0]["sig"] = base64.b64encode(KEY.sign(b"something else")).decode()
    assert must(tmp_path, package.files | {ENVELOPE: canonical_json(envelope)}) == {"signature-invalid"}
