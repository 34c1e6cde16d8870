"""The trust file: what a verifier knows from elsewhere. It travels another way than the package.

Keys with roles and validity windows, the digest of the factor registry, the approved roadmap, the
digest of ``verify.py``, and the last report seen (package.md, "Trust file").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from gxmeter.core.errors import InputError

SCHEMA = "gxmeter-trust/1"

Hex64 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
InstantText = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrustedKey(_Part):
    """A key, whose it is, what it may do, and when."""

    keyid: Hex64
    public_key: Hex64
    role: Literal["calculator", "reviewer", "approver", "verifier"]
    name: str
    valid_from: InstantText
    valid_to: InstantText


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
        document = json.loads(path.read_text("utf-8"))
        schema = document.pop("schema")
        return Trust.model_validate({**document, "schema_name": schema})
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError, ValidationError) as error:
        raise InputError("trust-unreadable", file=str(path)) from error


def trust_document(trust: Trust) -> dict[str, Any]:
    """A trust file's JSON object."""
    body = trust.model_dump(mode="json")
    return {"schema": body.pop("schema_name"), **body}
