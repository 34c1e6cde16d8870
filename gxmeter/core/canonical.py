"""Canonical JSON (RFC 8785) for digests of JSON objects; decimals travel as strings, floats are refused."""

from __future__ import annotations

from typing import Any

from gxmeter.core.files import sha256_bytes


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """The one byte form of a JSON value (RFC 8785).

    Raises:
        TypeError: the value holds a float or something that is no JSON.

    >>> canonical_json({"b": 1, "a": "x"})
    b'{"a":"x","b":1}'
    """
    import rfc8785  # noqa: PLC0415 - only writers and verifiers need it

    _refuse_floats(value)
    return bytes(rfc8785.dumps(value))


def canonical_sha256(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of the canonical JSON of a value, lower-case hex."""
    return sha256_bytes(canonical_json(value))


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"float {value!r} in a document that must be exact")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
