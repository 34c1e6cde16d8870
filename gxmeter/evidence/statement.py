"""``statement.json``: who reports what for which period, from which version of what (package.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gxmeter import __version__
from gxmeter.core.calendar import FiscalYear, instant

SCHEMA = "gxmeter-statement/1"
INTERIM = "interim"
FINAL = "final"
NOT_YET_VERIFIED = "none"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which report this is: id, running number, the report it replaces (or None)."""

    report_id: str
    sequence: int
    supersedes: str | None

    @classmethod
    def numbered(cls, fy: int, sequence: int, supersedes: str | None) -> Identity:
        """``R-<fy>-<six digits>``."""
        return cls(f"R-{fy}-{sequence:06d}", sequence, supersedes)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: entity, its names, the programme (an object, or None), materiality [%] as text, gap limit [s]."""

    entity_id: str
    entity_name_ja: str
    entity_name_en: str
    programme: Mapping[str, str] | None
    illustrative: bool
    materiality_pct: str
    gap_limit_s: int | None


@dataclass(frozen=True, slots=True)
class RoadmapClaim:
    """What the statement says about the roadmap it was tracked against."""

    roadmap_id: str
    version: int
    state: str
    content_sha256: str


def make_statement(
    *,
    identity: Identity,
    reporter: Reporter,
    fy: FiscalYear,
    as_of_ms: int,
    kind: str,
    provisional: bool,
    roadmap: RoadmapClaim,
    counts: Mapping[str, int],
) -> dict[str, Any]:
    """The statement as a JSON object; all keys are required and no others are allowed."""
    return {
        "schema": SCHEMA,
        "report_id": identity.report_id,
        "sequence": identity.sequence,
        "supersedes": identity.supersedes,
        "entity_id": reporter.entity_id,
        "entity_name_ja": reporter.entity_name_ja,
        "entity_name_en": reporter.entity_name_en,
        "programme": None if reporter.programme is None else dict(reporter.programme),
        "illustrative": reporter.illustrative,
        "fy": fy.year,
        "period_start": instant(fy.start_ms),
        "period_end": instant(fy.end_ms),
        "as_of": instant(as_of_ms),
        "kind": kind,
        "provisional": provisional,
        "roadmap": {
            "roadmap_id": roadmap.roadmap_id,
            "version": roadmap.version,
            "state": roadmap.state,
            "content_sha256": roadmap.content_sha256,
        },
        "third_party_verification": NOT_YET_VERIFIED,
        "materiality_pct": reporter.materiality_pct,
        "gap_limit_s": reporter.gap_limit_s,
        "counts": dict(counts),
        "tool": {"name": "gxmeter", "version": __version__},
    }
