"""Step 6: roadmap, approval, sequence (package.md 6.1-6.5)."""

from __future__ import annotations

from gxmeter.core.files import sha256_bytes
from gxmeter.evidence.bag import TAGMANIFEST
from gxmeter.evidence.verify.case import Case
from gxmeter.roadmap.content import Approval, Plan, plan_from

_ROADMAP = "data/roadmap/roadmap.json"


def step6_history(case: Case) -> None:
    """6.1 to 6.5, in order; the time stamp is not part of this package version."""
    case.not_checked.append("time-stamp")
    _sequence(case)
    plan = plan_from(case.need("roadmap"), tuple(Approval(**approval) for approval in case.need("approvals")))
    claim = case.need("statement")["roadmap"]
    if case.need("roadmap")["entity_id"] != case.need("statement")["entity_id"]:
        case.add("roadmap-mismatch", file=_ROADMAP)
    if plan.targets != case.rows("roadmap/roadmap.csv"):
        case.add("roadmap-mismatch", file="data/roadmap/roadmap.csv")
    if (claim["roadmap_id"], claim["version"], claim["content_sha256"]) != (
        plan.roadmap_id,
        plan.version,
        plan.content_sha256,
    ):
        case.add("roadmap-mismatch", file="data/statement.json")
    case.findings += plan.findings()
    if claim["state"] != plan.state:
        case.add("roadmap-state-wrong", file="data/statement.json", expected=plan.state, found=claim["state"])
    _trusted_roadmap(case, plan)


def _trusted_roadmap(case: Case, plan: Plan) -> None:
    if case.trust is None:
        case.not_checked.append("roadmap-approval")
        return
    known = case.trust.roadmap
    if (known.roadmap_id, known.version, known.content_sha256) != (plan.roadmap_id, plan.version, plan.content_sha256):
        case.add("roadmap-unknown", file=_ROADMAP, expected=known.content_sha256, found=plan.content_sha256)


def _sequence(case: Case) -> None:
    if case.trust is None or case.trust.last is None:
        case.not_checked.append("sequence")
        return
    last = case.trust.last
    same = sha256_bytes(case.source.files.get(TAGMANIFEST, b"")) == last.tagmanifest_sha256
    if not same and case.need("statement")["sequence"] <= last.sequence:
        case.add("sequence-replayed", expected=f"> {last.sequence}", found=case.need("statement")["sequence"])
