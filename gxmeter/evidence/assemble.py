"""From a computed year to the files of a package: statement, report, checks, payload, seal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import sha256_bytes
from gxmeter.core.findings import Finding
from gxmeter.core.keys import SigningKey
from gxmeter.evidence.contents import Contents
from gxmeter.evidence.package import build_package, environment, verify_py
from gxmeter.evidence.statement import Identity, Reporter, RoadmapClaim, make_statement
from gxmeter.evidence.trust import SCHEMA, Trust, TrustedKey, TrustedRoadmap

KEY_YEARS = 2
"""A self-issued key is trusted from one year before the period to this many years after it [years]."""

Reports = Callable[[dict[str, Any], Sequence[str]], dict[str, bytes]]
"""(statement, payload paths) -> files under ``data/report/`` by name."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A built package: its files by path, its statement, and the trust file that goes another way."""

    files: dict[str, bytes]
    statement: dict[str, Any]
    trust: Trust


@dataclass(frozen=True, slots=True)
class Frame:
    """What a report says about itself: identity, reporter, year, data cut-off, kind."""

    identity: Identity
    reporter: Reporter
    fy: FiscalYear
    as_of_ms: int
    kind: str


def assemble(
    contents: Contents, frame: Frame, findings: Sequence[Finding], *, reports: Reports, key: SigningKey
) -> Sealed:
    """Build and seal a package.

    Args:
        contents: the year's tables and results.
        frame: what the report says about itself.
        findings: what our own run found, for ``checks.json``.
        reports: renders the report files; they are sealed with the rest.
        key: the calculator's key.
    """
    plan = contents.plan
    statement = make_statement(
        identity=frame.identity,
        reporter=frame.reporter,
        fy=frame.fy,
        as_of_ms=frame.as_of_ms,
        kind=frame.kind,
        provisional=contents.inventory.provisional,
        roadmap=RoadmapClaim(plan.roadmap_id, plan.version, plan.state, plan.content_sha256),
        counts=contents.counts(),
    )
    payload = contents.files()
    payload["data/statement.json"] = canonical_json(statement)
    payload["data/method/environment.json"] = environment()
    payload["data/checks/checks.json"] = _checks(contents, findings)
    for name, data in reports(statement, sorted(payload)).items():
        payload[f"data/report/{name}"] = data
    return Sealed(build_package(payload, statement, key), statement, _trust(contents, frame, key))


def _checks(contents: Contents, findings: Sequence[Finding]) -> bytes:
    evaluated = {"lines": len(contents.inventory.lines), "figures": len(contents.figures)}
    return canonical_json({"evaluated": evaluated, "findings": [item.to_json() for item in findings]})


def _trust(contents: Contents, frame: Frame, key: SigningKey) -> Trust:
    plan = contents.plan
    return Trust(
        schema_name=SCHEMA,
        keys=(
            TrustedKey(
                keyid=key.key_id,
                public_key=key.public_bytes.hex(),
                role="calculator",
                name=frame.reporter.entity_name_en,
                valid_from=f"{frame.fy.year - 1}-04-01T00:00:00Z",
                valid_to=f"{frame.fy.year + KEY_YEARS}-04-01T00:00:00Z",
            ),
        ),
        registry_sha256=sha256_bytes(canonical_json(contents.registry.to_json())),
        roadmap=TrustedRoadmap(
            roadmap_id=plan.roadmap_id, version=plan.version, content_sha256=_approved_digest(contents)
        ),
        verify_py_sha256=sha256_bytes(verify_py()),
        last=None,
    )


def _approved_digest(contents: Contents) -> str:
    """What the board approved, where there is an approval; else what the package carries."""
    approval = contents.plan.approval
    return approval.content_sha256 if approval else contents.plan.content_sha256
