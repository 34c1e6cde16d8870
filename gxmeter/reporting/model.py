"""What a report shows: plain frozen data, selected once and rendered by every output format.

Nothing here is computed beyond selecting, counting and ordering. A number that the company reports is
always a :class:`~gxmeter.ledger.tables.Figure`; all else that is printed (factor values, meter readings,
counts, dates) stands in the package's other tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.findings import Finding
from gxmeter.factors.model import FactorEntry
from gxmeter.ledger.tables import (
    Declarations,
    EvidenceRow,
    Figure,
    InstrumentRow,
    Line,
    MeterRow,
    PueRow,
    RunRow,
    SiteRow,
)
from gxmeter.roadmap.content import Approval, TargetRow
from gxmeter.roadmap.progress import ProgressRow


@dataclass(frozen=True, slots=True)
class UsedFactor:
    """A factor that some line used, as published; ``provisional``: it is of an earlier year than the emissions."""

    entry: FactorEntry
    provisional: bool


@dataclass(frozen=True, slots=True)
class FactorUse:
    """A used factor with the bases it serves and how many lines it prices."""

    factor: UsedFactor
    bases: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Time without a number of one device of a run [Unix ms]: shown as missing, never filled."""

    run_id: str
    site_id: str
    device_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """A site, its PUE periods and what was found there."""

    site: SiteRow
    pue: tuple[PueRow, ...]
    scopes: tuple[str, ...]
    grades: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run with how its energy came to be known.

    ``has_energy`` is False for void runs and for runs without lines in the fiscal year.
    """

    run: RunRow
    statuses: tuple[str, ...]
    grades: tuple[str, ...]
    sites: tuple[str, ...]
    has_energy: bool


@dataclass(frozen=True, slots=True)
class MeterCheck:
    """A bill or meter reading and the energy beyond the runs that the ledger booked for it [kWh]."""

    meter: MeterRow
    unattributed_kwh: Decimal | None


@dataclass(frozen=True, slots=True)
class InstrumentUse:
    """A certificate or credit and the kWh of it that the ledger applied (None: not applied, or a credit)."""

    instrument: InstrumentRow
    applied_kwh: Decimal | None


@dataclass(frozen=True, slots=True)
class GradeUse:
    """A quality grade with its interval [%], methods and the number of lines that carry it."""

    grade: str
    methods: tuple[str, ...]
    statuses: tuple[str, ...]
    low_pct: Decimal
    high_pct: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class TracedFigure:
    """A figure and the factors that price its lines."""

    figure: Figure
    factor_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where figures come from: those of one filter together, with its lines and their evidence.

    ``lines`` is None for figures of other formulas than ``sum``: they come from figures or declarations.
    """

    figures: tuple[TracedFigure, ...]
    lines_filter: str
    lines: int | None
    evidence_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportModel:
    """Everything a report of one fiscal year prints, in printing order.

    Attributes:
        statement: ``statement.json`` of the package (docs/reference/package.md).
        fiscal_year: the reported year.
        declarations: what the company declares about itself.
        lines: all lines of the ledger.
        figures: all reported figures by id.
        progress: targets of the year against actuals.
        targets: the roadmap's targets of all years.
        approval: the approval of the roadmap's version, or None.
        roadmap_state: approved, changed-since-approval or unapproved.
        factors: used factors with their uses.
        findings: once each, heaviest first.
        gaps: missing time by device.
        run_headers: ``run_headers.jsonl`` of the package.
        months: the twelve months of the year, ``2026-04`` first.
        signer_keyid: id of the key that seals the package.
        package_files: paths inside the package.
    """

    statement: Mapping[str, Any]
    fiscal_year: FiscalYear
    declarations: Declarations
    lines: tuple[Line, ...]
    figures: Mapping[str, Figure]
    progress: tuple[ProgressRow, ...]
    targets: tuple[TargetRow, ...]
    approval: Approval | None
    roadmap_state: str
    factors: tuple[FactorUse, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    run_headers: tuple[Mapping[str, Any], ...]
    evidence: tuple[EvidenceRow, ...]
    months: tuple[str, ...]
    sites: tuple[SiteSummary, ...]
    runs: tuple[RunSummary, ...]
    meters: tuple[MeterCheck, ...]
    instruments: tuple[InstrumentUse, ...]
    grades: tuple[GradeUse, ...]
    traces: tuple[Trace, ...]
    signer_keyid: str
    package_files: tuple[str, ...]
