"""Keys: files of mode 0600, never overwritten, never half-written; signatures as RFC 8032 has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.keys import SigningKey, create_key, default_key_path, load_key, signature_holds

# RFC 8032, section 7.1, test 2.
SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def refused(code: str, path: Path, make: bool = False) -> None:
    with pytest.raises(InputError) as caught:
        create_key(path) if make else load_key(path)
    assert caught.value.code == code
    assert str(path) in str(caught.value)


def test_the_vector_of_the_standard() -> None:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(SECRET))
    assert key.public_bytes.hex() == PUBLIC
    assert key.sign(b"\x72").hex() == SIGNATURE
    assert key.key_id == sha256_bytes(bytes.fromhex(PUBLIC))
    assert signature_holds(key.public_bytes, bytes.fromhex(SIGNATURE), b"\x72")
    assert key.public_pem.startswith(b"-----BEGIN PUBLIC KEY-----\n")


@pytest.mark.parametrize(
    ("public", "signature", "data"),
    [
        (bytes.fromhex(PUBLIC), bytes.fromhex(SIGNATURE), b"\x73"),
        (bytes.fromhex(PUBLIC), bytes(64), b"\x72"),
        (bytes.fromhex(PUBLIC), b"", b"\x72"),
        (bytes(31), bytes.fromhex(SIGNATURE), b"\x72"),
        (b"", b"", b""),
    ],
)
def test_what_does_not_fit_does_not_hold(public: bytes, signature: bytes, data: bytes) -> None:
    assert not signature_holds(public, signature, data)


def test_a_new_key_is_private_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "calculator.pem"
    key = create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["calculator.pem"]
    assert load_key(path).key_id == key.key_id


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    key = create_key(path)
    refused("key-exists", path, make=True)
    assert load_key(path).key_id == key.key_id


def test_a_key_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "k.pem"
    link = os.link

    def late(source: str, target: Path) -> None:
        target.write_bytes(b"the other one's")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    refused("key-exists", path, make=True)
    assert path.read_bytes() == b"the other one's"
    assert [p.name for p in tmp_path.iterdir()] == ["k.pem"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused("key-unwritable", tmp_path / "file" / "k.pem", make=True)


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused("key-unwritable", tmp_path / "k.pem", make=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_key(tmp_path / "k.pem")
    (tmp_path / "k.pem").chmod(mode)
    refused("key-mode", tmp_path / "k.pem")


def _pem(private: object, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)  # type: ignore[attr-defined]


_UNKNOWN_CURVE = (
    b"-----BEGIN PRIVATE KEY-----\n"
    b"MC4CAQAwBQYDK2V2BCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    b"-----END PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\0",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        _UNKNOWN_CURVE,
        _pem(Ed25519PrivateKey.generate(), b"secret"),
        _pem(rsa.generate_private_key(65537, 1024)),
        SigningKey(Ed25519PrivateKey.from_private_bytes(SECRET)).public_pem,
    ],
)
def test_a_file_that_is_no_private_key_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "k.pem").write_bytes(data)
    (tmp_path / "k.pem").chmod(0o600)
    refused("key-unreadable", tmp_path / "k.pem")


def test_a_missing_key_or_a_folder_is_said(tmp_path: Path) -> None:
    refused("key-unreadable", tmp_path / "absent.pem")
    refused("key-unreadable", tmp_path)


def test_where_the_key_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GXMETER_KEY", "/keys/one.pem")
    assert default_key_path() == Path("/keys/one.pem")
    monkeypatch.delenv("GXMETER_KEY")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert default_key_path() == Path("/config/gxmeter/keys/calculator.pem")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert default_key_path() == Path.home() / ".config/gxmeter/keys/calculator.pem"
