"""Tools that owe us nothing accept the package as it is: sha256sum, OpenSSL, BagIt, Frictionless, zip."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packages import Package, by_gxmeter, by_verify_py


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed here")


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum(package: Package, manifest: str) -> None:
    needs("sha256sum")
    assert run(package.folder, "sha256sum", "--strict", "--quiet", "-c", manifest).returncode == 0


OPENSSL = (
    "openssl",
    *("pkeyutl", "-verify", "-pubin", "-inkey", "signatures/calculator.pub.pem", "-rawin"),
    *("-in", "tagmanifest-sha256.txt", "-sigfile", "signatures/tagmanifest.ed25519"),
)


def test_openssl_accepts_the_detached_signature_and_refuses_an_edit(package: Package, tmp_path: Path) -> None:
    needs("openssl")
    assert run(package.folder, *OPENSSL).returncode == 0
    copy = shutil.copytree(package.folder, tmp_path / "copy")
    (copy / "tagmanifest-sha256.txt").write_bytes(b"x" + (copy / "tagmanifest-sha256.txt").read_bytes())
    assert run(copy, *OPENSSL).returncode != 0


def test_bagit_validates_and_objects_to_an_added_file(package: Package, tmp_path: Path) -> None:
    validate = (sys.executable, "-m", "bagit", "--validate", ".")
    assert run(package.folder, *validate).returncode == 0
    copy = shutil.copytree(package.folder, tmp_path / "copy")
    (copy / "data" / "extra.csv").write_bytes(b"a\n")
    assert run(copy, *validate).returncode != 0


def test_frictionless_validates_every_table(package: Package) -> None:
    done = run(package.folder, sys.executable, "-m", "frictionless", "validate", "datapackage.json")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "lines" in done.stdout


def test_a_zip_of_the_folder_is_judged_like_the_folder(package: Package, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "package"), "zip", package.folder.parent, package.folder.name))
    for judge in (by_gxmeter, by_verify_py):
        assert judge(archive, package.trust) == judge(package.folder, package.trust)


def test_the_packages_own_verify_py_needs_nothing_installed(package: Package) -> None:
    done = run(package.folder, sys.executable, "-I", "-S", "verify.py", ".", "--trust", str(package.trust))
    assert done.returncode == 3, done.stdout
    assert "verified" not in done.stdout.lower()


def test_two_builds_are_byte_equal(package: Package, tmp_path: Path) -> None:
    """The same workspace and key, written elsewhere, give the same bytes in every file."""
    from gxmeter.api import open_workspace

    key = package.folder.parent.parent / "keys" / "calculator.pem"
    again = open_workspace(package.workspace).report(2026, out=tmp_path, key_path=key).package
    assert again is not None
    files = sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(package.folder) for p in package.folder.rglob("*") if p.is_file())
    assert all((again / f).read_bytes() == (package.folder / f).read_bytes() for f in files)
