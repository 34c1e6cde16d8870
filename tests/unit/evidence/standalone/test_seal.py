"""Step 1 and the trust file: packages changed after sealing, foreign keys, replays; hostile zips."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import build
import pytest

Judge = Callable[..., dict[str, Any]]
DSSE, DETACHED, PEM = (
    "signatures/statement.dsse.json",
    "signatures/tagmanifest.ed25519",
    "signatures/calculator.pub.pem",
)


def changed(name: str, old: bytes, new: bytes) -> build.Mutation:
    def mutate(files: build.Files) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return mutate


def foreign_payload(files: build.Files) -> None:
    """A valid envelope of another package."""
    other = build.payload()
    other["datapackage.json"] = b'{"x":1}\n'
    files[DSSE] = build.seal(other)[DSSE]


def twice(files: build.Files) -> None:
    files["manifest-sha256.txt"] += files["manifest-sha256.txt"].split(b"\n")[0] + b"\n"


AFTER_SEALING: list[tuple[str, build.Mutation]] = [
    ("file-altered", changed("data/results/figures.csv", b"0.086", b"0.076")),
    ("file-altered", changed("verify.py", b"Promised", b"promised")),
    ("file-missing", lambda files: files.pop("data/roadmap/roadmap.csv") and None),
    ("file-unlisted", lambda files: files.update({"data/extra.csv": b"x\n"})),
    ("file-unlisted", lambda files: files.update({"json.py": b"x\n"})),
    (
        "path-unsafe",
        changed("manifest-sha256.txt", b"  data/activity/energy.csv", b"  data/../data/activity/energy.csv"),
    ),
    ("path-twin", lambda files: files.update({"data/Statement.json": b"{}\n"})),
    ("manifest-malformed", twice),
    ("manifest-malformed", changed("manifest-sha256.txt", b"  data/activity", b" data/activity")),
    ("manifest-malformed", changed("tagmanifest-sha256.txt", b"  verify.py", b"  verify.pyc")),
    ("bagit-malformed", changed("bagit.txt", b"1.0", b"0.9")),
    ("bagit-malformed", changed("bag-info.txt", b"Oxum: ", b"Oxum: 1")),
    ("signature-missing", lambda files: files.pop(DETACHED) and None),
    ("signature-missing", lambda files: files.pop(PEM) and None),
    ("signature-malformed", changed(DSSE, b'"payloadType"', b'"payloadKind"')),
    ("signature-malformed", changed(PEM, b"MCow", b"MCox")),
    ("signature-malformed", lambda files: files.update({DSSE: b"{"})),
    ("subject-mismatch", foreign_payload),
    ("signature-invalid", lambda files: files.update({DETACHED: bytes(64)})),
    ("signature-invalid", lambda files: files.update({DETACHED: files[DETACHED][:32] + bytes(32)})),
]


@pytest.mark.parametrize(("code", "mutate"), AFTER_SEALING)
@pytest.mark.parametrize("trusted", [True, False])
def test_changes_after_sealing(judged: Judge, code: str, mutate: build.Mutation, trusted: bool) -> None:
    files = build.seal(build.payload())
    mutate(files)
    answer = judged(files, build.trust(build.payload()) if trusted else None)
    assert code in answer["codes"]
    assert "unparsable" not in answer["codes"]
    assert answer["exit"] == 1


def test_a_signature_over_another_payload_type_is_refused(judged: Judge) -> None:
    files = build.seal(build.payload())
    envelope = json.loads(files[DSSE])
    body = base64.b64decode(envelope["payload"])
    envelope["signatures"][0]["sig"] = base64.b64encode(
        build.KEY.sign(b"DSSEv1 1 x %d %s" % (len(body), body))
    ).decode()
    files[DSSE] = build.canonical(envelope)
    assert "signature-invalid" in judged(files, build.trust(files))["codes"]


BY_TRUST: list[tuple[str, dict[str, Any]]] = [
    ("signer-unknown", {"keys": []}),
    ("signer-wrong-role", {"role": "approver"}),
    ("signer-out-of-window", {"valid_from": "2026-06-01"}),
    ("signer-out-of-window", {"valid_to": "2026-04-30"}),
    ("registry-unknown", {"registry_sha256": "0" * 64}),
    ("roadmap-unknown", {"roadmap": {"roadmap_id": "rm", "version": 1, "content_sha256": "0" * 64}}),
    ("verifier-replaced", {"verify_py_sha256": "0" * 64}),
    ("sequence-replayed", {"last": {"sequence": 7, "tagmanifest_sha256": "0" * 64}}),
]


@pytest.mark.parametrize(("code", "change"), BY_TRUST)
def test_what_only_the_trust_file_shows(judged: Judge, code: str, change: dict[str, Any]) -> None:
    files = build.seal(build.payload())
    trust = build.trust(files)
    for key, value in change.items():
        (trust if key in trust else trust["keys"][0])[key] = value
    answer = judged(files, trust)
    assert code in answer["codes"]
    assert answer["exit"] == 1


def test_the_same_package_again_is_no_replay(judged: Judge) -> None:
    files = build.seal(build.payload())
    digest = hashlib.sha256(files["tagmanifest-sha256.txt"]).hexdigest()
    answer = judged(files, build.trust(files, last={"sequence": 7, "tagmanifest_sha256": digest}))
    assert answer["exit"] == 3


def test_an_envelope_holds_exactly_one_signature(judged: Judge) -> None:
    files = build.seal(build.payload())
    for count in (0, 2):
        envelope = json.loads(files[DSSE])
        envelope["signatures"] = envelope["signatures"][:1] * count
        assert "signature-malformed" in judged(files | {DSSE: build.canonical(envelope)})["codes"]


def test_a_foreign_key_is_unknown_and_a_stolen_key_id_does_not_help(judged: Judge) -> None:
    files = build.seal(build.payload(), build.OTHER_KEY)
    assert "signer-unknown" in judged(files, build.trust(files))["codes"]
    envelope = json.loads(files[DSSE])
    envelope["signatures"][0]["keyid"] = build.trust(files)["keys"][0]["keyid"]
    files[DSSE] = build.canonical(envelope)
    assert "signature-invalid" in judged(files, build.trust(files))["codes"]


@pytest.mark.parametrize("predicate", [{"fy": 2025}, {"report_id": "R-1"}, {"as_of": "2026-06-01T00:00:00Z"}])
def test_the_signed_predicate_is_that_of_the_statement(judged: Judge, predicate: dict[str, Any]) -> None:
    files = build.seal(build.payload(), **predicate)
    assert "subject-mismatch" in judged(files, build.trust(files))["codes"]


@pytest.mark.parametrize(
    "predicate", [{"role": "approver"}, {"decision": "approved"}, {"as_of": "today"}, {"signer": "officer"}]
)
def test_the_predicate_says_calculated_by_the_calculator(judged: Judge, predicate: dict[str, Any]) -> None:
    files = build.seal(build.payload(), **predicate)
    assert "signature-malformed" in judged(files, build.trust(files))["codes"]


def test_links_and_special_files_are_refused(judged: Judge, verify: Any, tmp_path: Path) -> None:
    files = build.seal(build.payload())
    folder = build.write(files, tmp_path / "p")
    (tmp_path / "elsewhere").write_bytes(files["data/roadmap/roadmap.csv"])
    (folder / "data/roadmap/roadmap.csv").unlink()
    (folder / "data/roadmap/roadmap.csv").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "data" / "pipe")
    (folder / "data" / "loop").symlink_to(folder)
    found = [f["file"] for f in verify.judge(folder)[0]["findings"] if f["code"] == "path-unsafe"]
    assert sorted(found) == ["data/loop", "data/pipe", "data/roadmap/roadmap.csv"]


# ---- zip


def zipped(files: build.Files, path: Path, prefix: str = "R-2026-000001/", **extra: Any) -> Path:
    with zipfile.ZipFile(path, "w", extra.pop("compression", zipfile.ZIP_STORED)) as archive:
        for name, body in files.items():
            archive.writestr(prefix + name, body)
        for name, body in extra.pop("more", []):
            archive.writestr(name, body)
    return path


@pytest.mark.parametrize("prefix", ["", "R-2026-000001/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_judged_like_the_folder(
    judged: Judge, verify: Any, tmp_path: Path, prefix: str, compression: int
) -> None:
    files = build.seal(build.payload())
    folder = judged(files)
    document, code = verify.judge(zipped(files, tmp_path / "p.zip", prefix, compression=compression))
    assert code == folder["exit"]
    assert document == {k: v for k, v in folder.items() if k not in {"exit", "codes"}}


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("R-2026-000001/data/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


MEMBERS: list[tuple[str, tuple[Any, bytes]]] = [
    ("path-unsafe", ("/etc/passwd", b"x")),
    ("path-unsafe", ("R-2026-000001/../evil", b"x")),
    ("path-unsafe", ("R-2026-000001/data/a\\b", b"x")),
    ("path-unsafe", ("R-2026-000001/data/statement.json", b"{}\n")),
    ("path-twin", ("R-2026-000001/data/Statement.json", b"{}\n")),
    ("path-unsafe", (link(), b"/etc/passwd")),
    ("package-too-large", ("R-2026-000001/data/bomb", bytes(10_000_000))),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("code", "member"), MEMBERS)
def test_hostile_members_are_found_before_reading(
    verify: Any, tmp_path: Path, code: str, member: tuple[Any, bytes]
) -> None:
    files = build.seal(build.payload())
    path = zipped(files, tmp_path / "p.zip", more=[member], compression=zipfile.ZIP_DEFLATED)
    answer, exit_code = verify.judge(path)
    assert code in {f["code"] for f in answer["findings"]}
    assert exit_code == 1


def test_a_zip_over_the_total_limit_is_not_read(verify: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, most in (("TOTAL_LIMIT", 1000), ("COUNT_LIMIT", 10), ("FILE_LIMIT", 1000)):
        with monkeypatch.context() as context:
            context.setattr(verify, limit, most)
            answer, code = verify.judge(zipped(build.seal(build.payload()), tmp_path / f"{limit}.zip"))
        assert "package-too-large" in {f["code"] for f in answer["findings"]}
        assert (answer["evaluated"]["lines"], code) == (0, 1)


def test_a_damaged_zip_member_is_a_finding(verify: Any, tmp_path: Path) -> None:
    path = zipped(build.seal(build.payload()), tmp_path / "p.zip")
    body = path.read_bytes()
    at = body.index(b"scope2_market_t,2026,0.1")
    path.write_bytes(body[:at] + b"X" + body[at + 1 :])
    answer, code = verify.judge(path)
    assert code == 1
    assert "unparsable" in {f["code"] for f in answer["findings"]}
