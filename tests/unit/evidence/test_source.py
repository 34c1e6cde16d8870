"""Where packages are read from: hostile folders and archives are findings or a refusal, never a crash."""

from __future__ import annotations

import contextlib
import os
import random
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import write_files, write_zip

from gxmeter.core.errors import InputError
from gxmeter.evidence.assemble import Sealed
from gxmeter.evidence.verify import source as module
from gxmeter.evidence.verify.judge import verify
from gxmeter.evidence.verify.source import Source, is_safe, open_package

BAG = {"bagit.txt": b"BagIt-Version: 1.0\n", "data/a.csv": b"x" * 2000}


def found(source: Source) -> list[tuple[str, str | None]]:
    return [(f.code, f.file) for f in source.findings]


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "..", "a/../b", "./a", ".", "a\\b", "a b", "é", "a\n", "a\0", "a:b", "\ud800"]
)
def test_what_may_lead_elsewhere_is_not_safe(path: str) -> None:
    assert not is_safe(path)


def test_plain_paths_are_safe() -> None:
    assert all(map(is_safe, ["a", "data/a-b_c.csv", "a/.hidden", "..a/b..c"]))


def test_a_folder_and_a_zip_hold_the_same_files(tmp_path: Path) -> None:
    assert open_package(write_files(tmp_path / "f", BAG)).files == BAG
    assert open_package(write_zip(tmp_path / "a.zip", BAG)).files == BAG
    assert open_package(write_zip(tmp_path / "b.zip", BAG, "R-1/")).files == BAG


@pytest.mark.parametrize("prefix", ["../", "/", "a b/"])
def test_an_unsafe_common_folder_is_not_left_out_in_silence(tmp_path: Path, prefix: str) -> None:
    source = open_package(write_zip(tmp_path / "a.zip", BAG, prefix))
    assert source.files == {}
    assert [code for code, _ in found(source)] == ["path-unsafe"] * 2


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "data/../../x", "data\\a", "data/ü.csv", "C:x", "data//a"])
def test_a_member_of_an_unsafe_name_is_refused(tmp_path: Path, name: str) -> None:
    source = open_package(write_zip(tmp_path / "a.zip", BAG | {name: b"evil"}))
    assert source.files == BAG
    assert found(source) == [("path-unsafe", name)]


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    raw = write_zip(tmp_path / "a.zip", BAG | {"data/aZb": b"evil"}).read_bytes()
    (tmp_path / "a.zip").write_bytes(raw.replace(b"data/aZb", b"data/a\0b"))
    source = open_package(tmp_path / "a.zip")
    assert source.files == BAG
    assert [code for code, _ in found(source)] == ["path-unsafe"]


def test_links_and_special_files_are_refused(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "f", BAG)
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "deep").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    assert found(open_package(folder)) == [("path-unsafe", name) for name in ("deep", "link", "pipe")]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("bagit.txt", b"x")
        info = zipfile.ZipInfo("data/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert found(open_package(tmp_path / "a.zip")) == [("path-unsafe", "data/link")]


def test_a_file_name_that_is_no_text_does_not_reach_the_terminal(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "f", BAG)
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff\x1b[31m"))).write_bytes(b"")
    (finding,) = open_package(folder).findings
    finding.en.encode()
    assert finding.file is not None
    assert "\x1b" not in finding.file + finding.en
    finding.file.encode()


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(tmp_path / "f", BAG)
    whole = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "a.csv":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert found(open_package(folder)) == [("file-unreadable", "data/a.csv")]


def test_doubles_and_case_twins_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("bagit.txt", "data/a", "data/A"):
            archive.writestr(name, name)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("data/a", "again")
    assert found(open_package(tmp_path / "a.zip")) == [("path-twin", "data/a"), ("path-twin", "data/A")]
    folder = write_files(tmp_path / "f", {"bagit.txt": b"", "a": b"", "A": b""})
    assert [code for code, _ in found(open_package(folder))] == ["path-twin"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    source = open_package(write_zip(tmp_path / "a.zip", BAG | {"data/bomb": b"\0" * 3_000_000}))
    assert source.files == BAG
    assert found(source) == [("package-too-large", "data/bomb")]


@pytest.mark.parametrize(("limit", "value"), [("MAX_TOTAL", 100), ("MAX_FILES", 1)])
def test_a_package_beyond_the_limits_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(module, limit, value)
    for path in (write_zip(tmp_path / "a.zip", BAG), write_files(tmp_path / "f", BAG)):
        assert [code for code, _ in found(open_package(path))] == ["package-too-large"]


def test_a_damaged_member_is_named_and_the_rest_is_judged(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(5_000)
    path = write_zip(tmp_path / "a.zip", BAG | {"data/noise": noise})
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data/noise") + 2_000
    raw[at : at + 50] = bytes(50)
    path.write_bytes(raw)
    source = open_package(path)
    assert source.files == BAG
    assert found(source) == [("file-unreadable", "data/noise")]


def _with_flags(path: Path, flags: int, method: int | None = None) -> Path:
    """Set general-purpose flags (and the method) of every member in both headers."""
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(signature)
        while at >= 0:
            raw[at + offset : at + offset + 2] = struct.pack("<H", flags)
            if method is not None:
                raw[at + offset + 2 : at + offset + 4] = struct.pack("<H", method)
            at = raw.find(signature, at + 4)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(("flags", "method"), [(1, None), (0, 99), (0x20, None)])
def test_encrypted_members_and_unknown_methods_are_findings(tmp_path: Path, flags: int, method: int | None) -> None:
    source = open_package(_with_flags(write_zip(tmp_path / "a.zip", BAG), flags, method))
    assert source.files == {}
    assert {code for code, _ in found(source)} == {"file-unreadable"}


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_what_is_no_archive_of_a_package_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InputError) as caught:
        open_package(tmp_path / "a.zip")
    assert caught.value.code == "not-a-package"


def test_a_broken_list_of_members_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", BAG)
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x00"))
    with pytest.raises(InputError) as caught:
        open_package(path)
    assert caught.value.code == "not-a-package"


@given(st.data())
def test_no_bit_flipped_in_an_archive_stops_the_verifier(
    package: Sealed, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    small = {name: content for name, content in package.files.items() if len(content) < 3_000}
    path = write_zip(tmp_path_factory.mktemp("z") / "a.zip", small)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    with contextlib.suppress(InputError):  # not-a-package: the list of members itself is broken
        assert verify(path).exit_code == 1
