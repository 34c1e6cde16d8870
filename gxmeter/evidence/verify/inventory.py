"""Step 1: inventory and seal (package.md 1.1-1.6)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from gxmeter.core.calendar import parse_instant
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.keys import signature_holds
from gxmeter.evidence.bag import MANIFEST, TAGMANIFEST
from gxmeter.evidence.package import HOW_TO
from gxmeter.evidence.seal import (
    PAYLOAD_TYPE,
    PREDICATE_TYPE,
    ROLE,
    STATEMENT_TYPE,
    SUBJECT,
    pre_authentication_encoding,
)
from gxmeter.evidence.trust import TrustedKey
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.source import is_safe
from gxmeter.evidence.verify.strictjson import strict_json

_MANIFEST_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
TAG_FILES = frozenset({"bagit.txt", "bag-info.txt", MANIFEST, "datapackage.json", "verify.py", *HOW_TO})
"""What the tag manifest lists, no less."""

_BAGIT = re.compile(r"BagIt-Version: 1\.0\nTag-File-Character-Encoding: UTF-8\n")
ENVELOPE = "signatures/statement.dsse.json"
DETACHED = "signatures/tagmanifest.ed25519"
PUBLIC_KEY = "signatures/calculator.pub.pem"
_ED25519_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")
_RAW_KEY = 32
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=]+)\s+-----END PUBLIC KEY-----\s*")


def step1_inventory(case: Case) -> None:
    """1.1 to 1.6, in order."""
    listed = _manifest(case, MANIFEST, payload=True) | _manifest(case, TAGMANIFEST, payload=False)
    for path in sorted(set(case.source.files) - listed):
        if path != TAGMANIFEST and not path.startswith("signatures/"):
            case.add("file-unlisted", file=path)
    case.evaluated["files"] = len(listed)
    _bagit(case)
    signer = _seal(case)
    _trusted_signer(case, signer)


def _manifest(case: Case, name: str, *, payload: bool) -> set[str]:
    """1.1: the paths a manifest lists; each safe, listed once, there, and of the stated digest."""
    data = case.source.files.get(name)
    if data is None:
        case.add("file-missing", file=name)
        return set()
    listed = _entries(case, name, data, payload=payload)
    for path, digest in listed.items():
        content = case.source.files.get(path)
        if content is None:
            case.add("file-missing", file=path)
        elif sha256_bytes(content) != digest:
            case.add("file-altered", file=path, expected=digest, found=sha256_bytes(content))
    if list(listed) != sorted(listed):
        case.add("manifest-malformed", file=name, found="order")
    if not payload:
        for path in sorted(TAG_FILES - listed.keys()):
            case.add("manifest-malformed", file=name, expected=path)
    return set(listed)


def _entries(case: Case, name: str, data: bytes, *, payload: bool) -> dict[str, str]:
    """The stated digests by path, in the manifest's order."""
    if not data.endswith(b"\n"):
        case.add("manifest-malformed", file=name, found="no line end at the end")
    listed: dict[str, str] = {}
    for row, line in enumerate(data.decode("utf-8", "replace").removesuffix("\n").split("\n"), 1):
        match = _MANIFEST_LINE.fullmatch(line)
        if not match or match[2].startswith("data/") != payload or match[2] in listed:
            case.add("manifest-malformed", file=name, row=row, found=line)
        elif not is_safe(match[2]):
            case.add("path-unsafe", file=match[2])
        else:
            listed[match[2]] = match[1]
    return listed


def _bagit(case: Case) -> None:
    """1.3: bagit.txt and the Payload-Oxum."""
    text = case.source.files.get("bagit.txt", b"").decode("utf-8", "replace")
    if not _BAGIT.fullmatch(text):
        case.add("bagit-malformed", file="bagit.txt")
    payload = [data for path, data in case.source.files.items() if path.startswith("data/")]
    expected = f"{sum(map(len, payload))}.{len(payload)}"
    lines = case.source.files.get("bag-info.txt", b"").decode("utf-8", "replace").split("\n")
    found = [line for line in lines if line.startswith("Payload-Oxum")]
    if found != [f"Payload-Oxum: {expected}"]:
        case.add("bagit-malformed", file="bag-info.txt", expected=expected, found="; ".join(found))


def _seal(case: Case) -> tuple[str, bytes] | None:
    """1.4, 1.5: the statement's subject and both signatures; returns (key id, public key) that signed."""
    missing = [path for path in (ENVELOPE, DETACHED, PUBLIC_KEY) if path not in case.source.files]
    for path in missing:
        case.add("signature-missing", file=path)
    if missing:
        return None
    try:
        payload, key_id, signature = _envelope(case.source.files[ENVELOPE])
        statement = strict_json(payload, ENVELOPE)
        _expect_statement(case, statement, key_id)
        hint = _hint(case.source.files[PUBLIC_KEY])
    except (InputError, ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error):
        case.add("signature-malformed", file=ENVELOPE)
        return None
    public = _public_key(case, key_id, hint)
    if public is None:
        case.add("signature-invalid", file=PUBLIC_KEY, expected=key_id)
        return None
    signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    if not signature_holds(public, signature, signed):
        case.add("signature-invalid", file=ENVELOPE)
    if not signature_holds(public, case.source.files[DETACHED], case.source.files.get(TAGMANIFEST, b"")):
        case.add("signature-invalid", file=DETACHED)
    return key_id, public


def _envelope(data: bytes) -> tuple[bytes, str, bytes]:
    envelope = strict_json(data, ENVELOPE)
    (entry,) = envelope["signatures"]
    if envelope["payloadType"] != PAYLOAD_TYPE or set(envelope) != {"payloadType", "payload", "signatures"}:
        raise ValueError("payloadType")
    payload = base64.b64decode(envelope["payload"], validate=True)
    return payload, str(entry["keyid"]), base64.b64decode(entry["sig"], validate=True)


def _expect_statement(case: Case, statement: dict[str, Any], key_id: str) -> None:
    """1.4: type, predicate and the one subject, which must be this package's tag manifest."""
    if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise ValueError("type")
    (subject,) = statement["subject"]
    digest = sha256_bytes(case.source.files.get(TAGMANIFEST, b""))
    if subject["name"] != SUBJECT or subject["digest"] != {"sha256": digest}:
        case.add("subject-mismatch", file=ENVELOPE, expected=digest, found=subject["digest"].get("sha256"))
    if statement["predicate"]["role"] != ROLE or statement["predicate"]["decision"] != "calculated":
        case.add("signer-wrong-role", file=ENVELOPE, expected=ROLE, found=statement["predicate"]["role"])
    inside = strict_json(case.source.files.get("data/statement.json", b"null"), "data/statement.json")
    stated = {key: inside[key] for key in ("report_id", "fy", "entity_id", "as_of")} | {"signer": key_id}
    for key, value in stated.items():
        if statement["predicate"][key] != value:
            case.add("subject-mismatch", file=ENVELOPE, expected=value, found=statement["predicate"][key])


def _public_key(case: Case, key_id: str, hint: bytes) -> bytes | None:
    """The key that the signature names: from the trust file, else the hint in the package, if its id fits."""
    known = _trusted(case, key_id)
    raw = bytes.fromhex(known.public_key) if known else hint
    return raw if sha256_bytes(raw) == key_id else None


def _hint(pem: bytes) -> bytes:
    """The raw key of a PEM SubjectPublicKeyInfo (RFC 8410: 12 fixed bytes, then 32).

    Raises:
        ValueError: it is none.
    """
    match = _PEM.fullmatch(pem)
    der = base64.b64decode(match[1], validate=True) if match else b""
    if len(der) != len(_ED25519_SPKI_PREFIX) + _RAW_KEY or not der.startswith(_ED25519_SPKI_PREFIX):
        raise ValueError("no Ed25519 public key")
    return der.removeprefix(_ED25519_SPKI_PREFIX)


def _trusted(case: Case, key_id: str) -> TrustedKey | None:
    keys = case.trust.keys if case.trust else ()
    return next((key for key in keys if key.keyid == key_id), None)


def _trusted_signer(case: Case, signer: tuple[str, bytes] | None) -> None:
    """1.6: is the signer known, in its role, in its time, and is verify.py the known one."""
    if case.trust is None:
        case.not_checked.append("signer")
        case.add("trust-not-given")
        return
    if sha256_bytes(case.source.files.get("verify.py", b"")) != case.trust.verify_py_sha256:
        case.add("verifier-replaced", file="verify.py", expected=case.trust.verify_py_sha256)
    if signer is None:
        return
    known = _trusted(case, signer[0])
    if known is None:
        case.add("signer-unknown", found=signer[0])
        return
    if known.role != ROLE:
        case.add("signer-wrong-role", expected=ROLE, found=known.role)
    try:
        as_of = strict_json(case.source.files["data/statement.json"], "data/statement.json")["as_of"]
        inside = parse_instant(known.valid_from) <= parse_instant(as_of) <= parse_instant(known.valid_to)
    except (InputError, KeyError, TypeError):
        return
    if not inside:
        case.add("signer-out-of-window", expected=f"{known.valid_from}/{known.valid_to}", found=as_of)
