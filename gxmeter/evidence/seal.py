"""The seal: an in-toto statement in a DSSE envelope over the tag manifest, and a detached signature.

Formats: in-toto Statement v1 (https://in-toto.io/Statement/v1), DSSE 1.0 (secure-systems-lab/dsse,
protocol.md: PAE). What is signed is bytes, so canonical JSON is not in the trust path.
"""

from __future__ import annotations

import base64
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import sha256_bytes
from gxmeter.core.keys import SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:gxmeter:report:v1"
SUBJECT = "tagmanifest-sha256.txt"
ROLE = "calculator"


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """DSSE's PAE: what is signed in place of the payload alone.

    >>> pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(tagmanifest: bytes, statement: dict[str, Any], key: SigningKey) -> dict[str, bytes]:
    """The files of ``signatures/``.

    Args:
        tagmanifest: bytes of ``tagmanifest-sha256.txt``.
        statement: the package's ``statement.json`` as a dict.
        key: the calculator's key.
    """
    predicate = {
        "report_id": statement["report_id"],
        "fy": statement["fy"],
        "entity_id": statement["entity_id"],
        "role": ROLE,
        "decision": "calculated",
        "as_of": statement["as_of"],
        "signer": key.key_id,
    }
    payload = canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": SUBJECT, "digest": {"sha256": sha256_bytes(tagmanifest)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": predicate,
        }
    )
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key.key_id, "sig": base64.b64encode(signature).decode()}],
    }
    return {
        "signatures/statement.dsse.json": canonical_json(envelope) + b"\n",
        "signatures/tagmanifest.ed25519": key.sign(tagmanifest),
        "signatures/calculator.pub.pem": key.public_pem,
    }
