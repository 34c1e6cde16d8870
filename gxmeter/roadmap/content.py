"""The content a board approves, as canonical bytes with a digest, and what an approval says about it.

An approval names the SHA-256 of the content. Any edit of a target, a measure or the base changes the
digest, so an edited roadmap can never read "approved" (package.md 6.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import sha256_bytes
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import parse_decimal, plain
from gxmeter.workspace.models.roadmap import Roadmap


class State(StrEnum):
    """What may be said about a roadmap version."""

    APPROVED = "approved"
    CHANGED = "changed-since-approval"
    UNAPPROVED = "unapproved"


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target: ``measure`` is a figure id, ``value`` in ``unit``; lower is better (package table roadmap.csv)."""

    target_id: str
    measure: str
    fy: int
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A board's resolution on one version; ``approved_on`` is a date in Japan (YYYY-MM-DD)."""

    roadmap_id: str
    version: int
    body: str
    approved_on: str
    resolution_id: str
    agenda_item: str
    minutes_sha256: str
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The running roadmap as the package carries it: canonical content, its digest, targets, approvals, state."""

    roadmap_id: str
    version: int
    content: bytes
    content_sha256: str
    targets: tuple[TargetRow, ...]
    approvals: tuple[Approval, ...]
    state: State

    @property
    def approval(self) -> Approval | None:
        """The approval of this version, if there is one."""
        return approval_of(self.approvals, self.roadmap_id, self.version)

    def findings(self) -> list[Finding]:
        """``roadmap-changed-since-approval`` (must) or ``roadmap-unapproved`` (should)."""
        if self.state is State.CHANGED:
            approval = self.approval
            return [
                finding(
                    "roadmap-changed-since-approval",
                    version=self.version,
                    expected=approval.content_sha256 if approval else "",
                    found=self.content_sha256,
                )
            ]
        return (
            [finding("roadmap-unapproved", version=self.version, digest=self.content_sha256)]
            if self.state is State.UNAPPROVED
            else []
        )


def roadmap_content(roadmap: Roadmap) -> dict[str, Any]:
    """The part of a roadmap file that a board approves, as plain JSON with decimals as texts."""
    return {
        "roadmap_id": roadmap.id,
        "version": roadmap.version,
        "entity_id": roadmap.entity,
        "base": _plain(roadmap.base.model_dump(exclude_none=True)),
        "targets": [_plain(t.model_dump(exclude_none=True)) for t in sorted(roadmap.targets, key=lambda t: t.id)],
        "measures": [_plain(m.model_dump(exclude_none=True)) for m in sorted(roadmap.measures, key=lambda m: m.id)],
    }


def content_sha256(roadmap: Roadmap) -> str:
    """SHA-256 of the canonical content: what the board's resolution quotes."""
    return sha256_bytes(canonical_json(roadmap_content(roadmap)))


def running_plan(roadmaps: Iterable[Roadmap]) -> Plan | None:
    """The newest version as a plan, or None where there is no roadmap."""
    versions = sorted(roadmaps, key=lambda r: (r.version, r.id))
    if not versions:
        return None
    approvals = tuple(
        Approval(
            roadmap_id=r.id,
            version=r.version,
            body=r.approval.body,
            approved_on=r.approval.approved_on.isoformat(),
            resolution_id=r.approval.resolution_id,
            agenda_item=r.approval.agenda_item,
            minutes_sha256=r.approval.minutes_sha256,
            content_sha256=r.approval.content_sha256,
        )
        for r in versions
        if r.approval
    )
    return plan_from(roadmap_content(versions[-1]), approvals)


def plan_from(content: dict[str, Any], approvals: tuple[Approval, ...]) -> Plan:
    """A plan from its content and the approvals, as a workspace or a package holds them.

    Raises:
        KeyError, InputError: the content lacks a key or holds a malformed number.
    """
    data = canonical_json(content)
    digest = sha256_bytes(data)
    targets = tuple(
        TargetRow(t["id"], t["measure"], int(t["fy"]), parse_decimal(t["value"]), t["unit"]) for t in content["targets"]
    )
    return Plan(
        roadmap_id=content["roadmap_id"],
        version=content["version"],
        content=data,
        content_sha256=digest,
        targets=targets,
        approvals=approvals,
        state=state_of(approvals, content["roadmap_id"], content["version"], digest),
    )


def approval_of(approvals: Iterable[Approval], roadmap_id: str, version: int) -> Approval | None:
    """The approval of one version."""
    return next((a for a in approvals if (a.roadmap_id, a.version) == (roadmap_id, version)), None)


def state_of(approvals: Iterable[Approval], roadmap_id: str, version: int, digest: str) -> State:
    """Approved only if the approval of exactly this version quotes exactly this digest."""
    approval = approval_of(approvals, roadmap_id, version)
    if approval is None:
        return State.UNAPPROVED
    return State.APPROVED if approval.content_sha256 == digest else State.CHANGED


def _plain(value: Any) -> Any:  # noqa: ANN401 - walks any JSON-like value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | str | bool) else str(value)
