"""Ed25519 keys and signatures (RFC 8032): key files of mode 0600, outside any workspace."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key in use; ``key_id`` is the SHA-256 of the raw 32-byte public key, hex."""

    private: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        """The raw 32-byte public key."""
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415

        return self.private.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)

    @property
    def public_pem(self) -> bytes:
        """The public key as PEM (SubjectPublicKeyInfo), for OpenSSL."""
        from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415

        return self.private.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        """SHA-256 of the raw public key, hex."""
        return sha256_bytes(self.public_bytes)

    def sign(self, data: bytes) -> bytes:
        """The 64-byte signature over the bytes; Ed25519 is deterministic."""
        return self.private.sign(data)


def signature_holds(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether an Ed25519 signature over the bytes holds; malformed keys and signatures do not."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def default_key_path() -> Path:
    """Where the calculator's key lies: ``$GXMETER_KEY``, else under ``$XDG_CONFIG_HOME/gxmeter/keys``."""
    if named := os.environ.get("GXMETER_KEY"):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "gxmeter" / "keys" / "calculator.pem"


def load_key(path: Path) -> SigningKey:
    """Read a private key file (PEM, PKCS #8, Ed25519).

    Raises:
        InputError: ``key-unreadable``, ``key-mode`` (others may read the file).
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        data = path.read_bytes()
        open_to_others = path.stat().st_mode & 0o077
        private = load_pem_private_key(data, password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("key-unreadable", file=str(path)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError("key-unreadable", file=str(path))
    if open_to_others:
        raise InputError("key-mode", file=str(path))
    return SigningKey(private)


def create_key(path: Path) -> SigningKey:
    """Make a new private key file of mode 0600; an existing file is never overwritten.

    Raises:
        InputError: ``key-exists``; ``key-unwritable``: the folder cannot be made or written to.
    """
    from cryptography.hazmat.primitives import serialization as s  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    if path.exists():
        raise InputError("key-exists", file=str(path))
    try:
        _write_new(path, pem)
    except OSError as error:
        code = "key-exists" if path.exists() else "key-unwritable"
        raise InputError(code, file=str(path)) from error
    return SigningKey(private)


def _write_new(path: Path, pem: bytes) -> None:
    """Write a new file of mode 0600 beside its place, then link it there: never half a key, never over another."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink()
