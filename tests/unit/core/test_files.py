"""Nothing is ever half-written; the same value has one canonical form."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest

from gxmeter.core.canonical import canonical_json, canonical_sha256
from gxmeter.core.clock import FixedClock, SystemClock, writer_clock
from gxmeter.core.files import folder_atomically, sha256_bytes, sha256_file, write_atomically
from gxmeter.core.ids import is_id
from gxmeter.core.resources import data_folder


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "a", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "package"
    for text in ("one", "two"):
        with folder_atomically(target) as building:
            (building / "a.txt").write_text(text)
            assert not (target / "a.txt").exists() or (target / "a.txt").read_text() != text
    assert (target / "a.txt").read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["package"]


def _fail_while_building(target: Path) -> None:
    with folder_atomically(target) as building:
        (building / "a.txt").write_text("broken")
        raise RuntimeError


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "package"
    with folder_atomically(target) as building:
        (building / "a.txt").write_text("old")
    with pytest.raises(RuntimeError):
        _fail_while_building(target)
    assert (target / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["package"]


def test_digests_agree(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9_000
    (tmp_path / "a").write_bytes(data)
    assert sha256_file(tmp_path / "a") == sha256_bytes(data) == hashlib.sha256(data).hexdigest()


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert (
        canonical_json({"b": [1, {"z": None, "a": "円"}], "a": True})
        == '{"a":true,"b":[1,{"a":"円","z":null}]}'.encode()
    )
    assert canonical_sha256({"x": 1, "y": 2}) == canonical_sha256({"y": 2, "x": 1})


@pytest.mark.parametrize("value", [0.5, {"a": [{"b": 1.0}]}, ("x", 2.0), {"a": Decimal(1)}])
def test_canonical_json_takes_no_floats_and_nothing_foreign(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json(value)


@pytest.mark.parametrize("text", ["", ".a", "-a", "a..b", "a/b", "a b", "é", "a" * 81, "a\n"])
def test_what_may_not_name_a_file_is_no_id(text: str) -> None:
    assert not is_id(text)


def test_an_id_is_plain_ascii() -> None:
    assert is_id("GPU-0.node7_a")
    assert is_id("a" * 80)


def test_writers_take_their_time_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1775001600")
    assert writer_clock() == FixedClock(1_775_001_600_000)
    assert writer_clock().monotonic_ns() == 1_775_001_600_000_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert writer_clock() == SystemClock()


def test_the_machines_clocks_go_forward() -> None:
    clock = SystemClock()
    assert clock.monotonic_ns() <= clock.monotonic_ns()
    assert clock.now_ms() > 1_700_000_000_000


def test_the_shipped_data_is_found_and_its_absence_is_said() -> None:
    assert (data_folder("factors") / "jp").is_dir()
    with pytest.raises(FileNotFoundError, match="no-such"):
        data_folder("no-such")
