"""The package's outer form: manifests, bag, Frictionless description, seal; numbers of reports."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from small import KEY, contents

from gxmeter.core.errors import InputError
from gxmeter.core.keys import signature_holds
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.bag import MANIFEST, TAGMANIFEST
from gxmeter.evidence.contents import COUNTED
from gxmeter.evidence.issue import final_faults, is_there_already, newest_identity, next_identity
from gxmeter.evidence.layout import TABLES
from gxmeter.evidence.package import package_digest, verify_py, write_folder
from gxmeter.evidence.seal import pre_authentication_encoding
from gxmeter.evidence.statement import Identity
from gxmeter.factors.registry import Registry
from gxmeter.ledger.year import Year
from tests.support.world import FY


def test_every_file_is_in_exactly_one_manifest_with_its_digest(package: Sealed) -> None:
    listed: dict[str, str] = {}
    for name in (MANIFEST, TAGMANIFEST):
        rows = [line.split("  ") for line in package.files[name].decode().splitlines()]
        assert [path for _, path in rows] == sorted(path for _, path in rows)
        assert not listed.keys() & {path for _, path in rows}
        listed |= {path: digest for digest, path in rows}
    outside = {TAGMANIFEST} | {path for path in package.files if path.startswith("signatures/")}
    assert listed.keys() == package.files.keys() - outside
    assert all(hashlib.sha256(package.files[path]).hexdigest() == digest for path, digest in listed.items())
    assert package_digest(package.files) == hashlib.sha256(package.files[TAGMANIFEST]).hexdigest()
    assert package.files["verify.py"] == verify_py()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="coreutils are not here")
def test_sha256sum_agrees(tmp_path: Path, package: Sealed) -> None:
    write_folder(package.files, tmp_path / "p")
    for name in (MANIFEST, TAGMANIFEST):
        subprocess.run(["sha256sum", "-c", "--quiet", name], cwd=tmp_path / "p", check=True)


def test_the_bag_says_how_much_it_holds(package: Sealed) -> None:
    payload = [data for path, data in package.files.items() if path.startswith("data/")]
    expected = f"Payload-Oxum: {sum(map(len, payload))}.{len(payload)}\n"
    assert expected in package.files["bag-info.txt"].decode()


def test_the_description_names_every_table_as_it_is(package: Sealed) -> None:
    document = json.loads(package.files["datapackage.json"])
    assert [r["path"] for r in document["resources"]] == [f"data/{table.path}" for table in TABLES]
    for resource in document["resources"]:
        data = package.files[resource["path"]]
        header = data.split(b"\n")[0].decode().split(",")
        assert [field["name"] for field in resource["schema"]["fields"]] == header
        assert (resource["bytes"], resource["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
    (sites,) = [r for r in document["resources"] if r["name"] == "sites"]
    kinds = {field["name"]: field for field in sites["schema"]["fields"]}
    assert kinds["overhead_node"] == {"name": "overhead_node", "type": "number"}
    assert kinds["site_id"]["constraints"] == {"required": True}
    (pue,) = [r for r in document["resources"] if r["name"] == "pue"]
    assert "pattern" in next(f for f in pue["schema"]["fields"] if f["name"] == "start")["constraints"]


def test_the_statement_counts_the_rows_of_every_table(package: Sealed) -> None:
    wanted = {
        table.name: package.files[f"data/{table.path}"].count(b"\n") - 1
        for table in TABLES
        if table.path.split("/")[0] in COUNTED
    }
    assert package.statement["counts"] == wanted


def test_what_is_signed_is_the_tag_manifest(package: Sealed) -> None:
    envelope = json.loads(package.files["signatures/statement.dsse.json"])
    payload = base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    assert signature_holds(KEY.public_bytes, signature, pre_authentication_encoding(envelope["payloadType"], payload))
    assert signature_holds(
        KEY.public_bytes, package.files["signatures/tagmanifest.ed25519"], package.files[TAGMANIFEST]
    )
    statement = json.loads(payload)
    assert statement["subject"] == [{"name": TAGMANIFEST, "digest": {"sha256": package_digest(package.files)}}]
    assert statement["predicate"]["signer"] == KEY.key_id


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_openssl_agrees_about_the_detached_signature(tmp_path: Path, package: Sealed) -> None:
    write_folder(package.files, tmp_path / "p")
    command = "openssl pkeyutl -verify -rawin -pubin -inkey signatures/calculator.pub.pem"
    command += f" -in {TAGMANIFEST} -sigfile signatures/tagmanifest.ed25519"
    done = subprocess.run(command.split(), cwd=tmp_path / "p", capture_output=True, text=True, check=False)
    if "rawin" in done.stderr:
        pytest.skip("this openssl is too old for Ed25519")
    assert done.returncode == 0, done.stderr


def test_a_record_that_holds_no_sample_has_no_extent(registry: Registry) -> None:
    from gxmeter.energy.model import SourceFacts
    from gxmeter.evidence.contents import raw_row

    evidence = contents(registry).declarations.evidence[0]
    names = dict.fromkeys(SourceFacts.__dataclass_fields__)
    facts = SourceFacts(**names | {"records": 0})
    assert (raw_row(evidence, facts).first, raw_row(evidence, facts).last) == (None, None)


def test_reports_are_numbered_and_follow_each_other(tmp_path: Path, package: Sealed) -> None:
    assert next_identity(tmp_path, FY) == Identity("R-2026-000001", 1, None)
    assert newest_identity(tmp_path, FY) is None
    assert not is_there_already(tmp_path, next_identity(tmp_path, FY), package.files)
    write_folder(package.files, tmp_path / "R-2026-000001")
    (tmp_path / "R-2026-000009.trust.json").write_text("{}")
    (tmp_path / "R-2026-0000010").mkdir()
    (tmp_path / "R-2025-000007").mkdir()
    assert next_identity(tmp_path, FY) == Identity("R-2026-000002", 2, "R-2026-000001")
    newest = newest_identity(tmp_path, FY)
    assert newest == Identity("R-2026-000001", 1, None)
    assert is_there_already(tmp_path, newest, package.files)
    assert not is_there_already(tmp_path, newest, package.files | {TAGMANIFEST: b""})
    (tmp_path / "R-2026-000002").mkdir()
    assert newest_identity(tmp_path, FY) == Identity("R-2026-000002", 2, "R-2026-000001")


def test_what_keeps_a_report_from_being_final(registry: Registry) -> None:
    parts = contents(registry)
    year = Year(FY, parts.declarations, (), (), (), parts.inventory, FY.end_ms - 1, ())
    faults = {f.code for f in final_faults(year, now_ms=FY.end_ms, illustrative=True)}
    assert faults == {"factor-not-published", "final-year-not-ended", "workspace-illustrative"}
    final: Any = replace(parts.inventory, used={k: (e, False) for k, (e, _) in parts.inventory.used.items()})
    ended = replace(year, inventory=final, as_of_ms=FY.end_ms)
    assert final_faults(ended, now_ms=FY.end_ms, illustrative=False) == []
    ahead = final_faults(ended, now_ms=FY.end_ms - 1, illustrative=False)
    assert [f.code for f in ahead] == ["final-year-not-ended"]


def test_a_package_that_is_no_longer_as_sealed_is_not_called_present(package: Sealed, tmp_path: Path) -> None:
    write_folder(package.files, tmp_path / "R-2026-000001")
    (tmp_path / "R-2026-000001" / "data" / "report" / "report.ja.html").write_bytes(b"edited")
    with pytest.raises(InputError) as caught:
        is_there_already(tmp_path, Identity("R-2026-000001", 1, None), package.files)
    assert caught.value.code == "package-damaged"


def test_a_certificate_s_lines_lead_back_to_it(package: Sealed) -> None:
    rows = [line.split(",") for line in package.files["data/results/lineage.csv"].decode().splitlines()[1:]]
    assert {(source, first) for _, source, first, _ in rows} == {
        ("energy.csv", "1"),
        ("declared.csv", "part-1"),
        ("meters.csv", "bill-1"),
        ("instruments.csv", "cert-1"),
    }
    assert Decimal(2000) == sum(
        Decimal(line.split(",")[21])
        for line in package.files["data/results/lines.csv"].decode().splitlines()[1:]
        if line.split(",")[1] in {"run", "unattributed"}
    )
