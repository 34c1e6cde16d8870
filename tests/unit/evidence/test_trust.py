"""The trust file: read strictly, whatever the bytes; what is written is read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import OTHER_KEY

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.trust import Trust, load_trust, trust_document


def load(folder: Path, data: bytes) -> Trust:
    (folder / "trust.json").write_bytes(data)
    return load_trust(folder / "trust.json")


def document(package: Sealed) -> dict[str, Any]:
    return json.loads(canonical_json(trust_document(package.trust)))


def test_what_is_written_is_read_back(tmp_path: Path, package: Sealed) -> None:
    assert load(tmp_path, canonical_json(document(package))) == package.trust
    last = {"sequence": 1, "tagmanifest_sha256": "0" * 64}
    assert load(tmp_path, canonical_json(document(package) | {"last": last})).last is not None


def test_the_writer_names_the_approved_roadmap_and_the_year(package: Sealed) -> None:
    trust = package.trust
    assert (trust.keys[0].valid_from, trust.keys[0].valid_to) == ("2025-04-01T00:00:00Z", "2028-04-01T00:00:00Z")
    assert trust.roadmap.content_sha256 == package.statement["roadmap"]["content_sha256"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "gxmeter-trust/2"),
        (("schema",), None),
        (("extra",), 1),
        (("registry_sha256",), "0" * 63),
        (("registry_sha256",), "0" * 64 + "\n"),
        (("registry_sha256",), "G" * 64),
        (("keys",), {}),
        (("keys", 0, "role"), "king"),
        (("keys", 0, "keyid"), "0" * 64),
        (("keys", 0, "public_key"), OTHER_KEY.public_bytes.hex()),
        (("keys", 0, "valid_from"), "2026-02-30T00:00:00Z"),
        (("keys", 0, "valid_to"), "２０２６-04-01T00:00:00Z"),
        (("keys", 0, "valid_to"), "2026-04-01"),
        (("keys", 0, "name"), 1),
        (("roadmap", "version"), "1"),
        (("roadmap", "version"), True),
        (("last",), {"sequence": "1", "tagmanifest_sha256": "0" * 64}),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, package: Sealed, path: tuple[Any, ...], value: object) -> None:
    changed: Any = document(package)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError) as caught:
        load(tmp_path, json.dumps(changed).encode())
    assert caught.value.code == "trust-unreadable"


@pytest.mark.parametrize("key", ["schema", "keys", "registry_sha256", "roadmap", "verify_py_sha256", "last"])
def test_every_key_is_needed(tmp_path: Path, package: Sealed, key: str) -> None:
    changed = document(package)
    del changed[key]
    with pytest.raises(InputError):
        load(tmp_path, json.dumps(changed).encode())


@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: json.dumps({"schema": text}).encode()))
def test_arbitrary_bytes_are_one_clear_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path_factory.getbasetemp(), data)
    assert caught.value.code == "trust-unreadable"


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"x"', b"{}", b'{"schema":"\\ud800"}', b"[" * 100_000])
def test_other_json_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, data)
    assert caught.value.code == "trust-unreadable"


def test_a_file_that_is_not_there_or_a_folder_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", tmp_path / "a\0b"):
        with pytest.raises(InputError) as caught:
            load_trust(path)
        assert caught.value.code == "trust-unreadable"
