"""The trust file: what a verifier knows from elsewhere. It travels another way than the package.

Keys with roles and validity windows, the digest of the factor registry, the approved roadmap, the
digest of ``verify.py``, and the last report seen (package.md, "Trust file").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from gxmeter.core.calendar import parse_instant
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.evidence.verify.strictjson import strict_json

SCHEMA: Final = "gxmeter-trust/1"


def _instant(text: str) -> str:
    try:
        parse_instant(text)
    except InputError as error:
        raise ValueError(str(error)) from None
    return text


Hex64 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
InstantText = Annotated[str, AfterValidator(_instant)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TrustedKey(_Part):
    """A key, whose it is, what it may do, and when."""

    keyid: Hex64
    public_key: Hex64
    role: Literal["calculator", "reviewer", "approver", "verifier"]
    name: str
    valid_from: InstantText
    valid_to: InstantText

    @model_validator(mode="after")
    def _named_by_its_digest(self) -> Self:
        if sha256_bytes(bytes.fromhex(self.public_key)) != self.keyid:
            raise ValueError("keyid is not the digest of public_key")
        return self


class TrustedRoadmap(_Part):
    """The roadmap version the board approved, as its holder knows it."""

    roadmap_id: str
    version: int
    content_sha256: Hex64


class LastReport(_Part):
    """The newest report the verifier has seen."""

    sequence: int
    tagmanifest_sha256: Hex64


class Trust(_Part):
    """A trust file."""

    schema_name: Literal["gxmeter-trust/1"]
    keys: tuple[TrustedKey, ...]
    registry_sha256: Hex64
    roadmap: TrustedRoadmap
    verify_py_sha256: Hex64
    last: LastReport | None


def load_trust(path: Path) -> Trust:
    """Read a trust file.

    Raises:
        InputError: ``trust-unreadable``.
    """
    try:
        document = strict_json(path.read_bytes(), path.name)
        schema = document.pop("schema")
        return Trust.model_validate_json(json.dumps({**document, "schema_name": schema}))
    except (OSError, InputError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError("trust-unreadable", file=str(path)) from error


def trust_document(trust: Trust) -> dict[str, Any]:
    """A trust file's JSON object."""
    body = trust.model_dump(mode="json")
    return {"schema": body.pop("schema_name"), **body}
