"""The facade: what the command line and notebooks call.

>>> import gxmeter
>>> book = gxmeter.open_workspace("seeds/consortium")  # doctest: +SKIP
>>> book.account(fy=2026).figures["energy_ai_kwh"].rounded  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant
from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.core.files import write_atomically
from gxmeter.core.findings import Finding, Level, finding, ordered
from gxmeter.core.keys import SigningKey, create_key, default_key_path, load_key
from gxmeter.core.numbers import plain
from gxmeter.energy.engine_local import Progress, integrate
from gxmeter.energy.model import EnergyResult
from gxmeter.evidence.assemble import Frame, Sealed, assemble
from gxmeter.evidence.bag import TAGMANIFEST
from gxmeter.evidence.columns import write_cell
from gxmeter.evidence.contents import Contents, raw_row
from gxmeter.evidence.issue import final_faults, is_there_already, newest_identity, next_identity
from gxmeter.evidence.layout import BY_PATH
from gxmeter.evidence.package import write_folder
from gxmeter.evidence.statement import FINAL, INTERIM, Identity, Reporter
from gxmeter.evidence.trust import trust_document
from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.tables import Figure, Line
from gxmeter.ledger.year import Year, compute_year, telemetry_sources
from gxmeter.reporting.build import build_model
from gxmeter.reporting.html import render_html
from gxmeter.reporting.json_report import render_json
from gxmeter.roadmap.content import Plan, running_plan
from gxmeter.roadmap.progress import ProgressRow, progress_rows, target_figures
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.load import load_workspace
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import Config

if TYPE_CHECKING:
    import pandas as pd

REPORT_STEPS = 3
"""Steps of :meth:`Book.report` that its progress counts: account, render and seal, write."""

ENGINES = ("local",)
"""Engines that can integrate telemetry; all give the same digits."""


@dataclass(frozen=True)
class Account:
    """The inventory of a fiscal year and its progress against the roadmap.

    Attributes:
        year: declarations, activity, lines.
        plan: the running roadmap, or None.
        progress: targets of the year against actuals.
        figures: every figure by id, targets and gaps included.
        findings: everything remarkable, heaviest first.
    """

    year: Year
    plan: Plan | None
    progress: tuple[ProgressRow, ...]
    figures: Mapping[str, Figure]
    findings: tuple[Finding, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the year."""
        return self.year.inventory.lines

    def lines_frame(self) -> pd.DataFrame:
        """The lines as a pandas table; quantities are texts, as in the files, so that nothing is rounded."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame(line_texts(self.lines))

    def figures_frame(self) -> pd.DataFrame:
        """The figures as a pandas table: id, exact, rounded, unit; quantities are texts."""
        import pandas as pd  # noqa: PLC0415

        rows = [
            {"figure_id": f.figure_id, "exact": plain(f.exact), "rounded": f.rounded, "unit": f.unit}
            for f in self.figures.values()
        ]
        return pd.DataFrame(rows)

    def by_grade(self) -> dict[str, str]:
        """Energy of the runs by quality grade [kWh], exact texts."""
        sums: dict[str, Any] = {}
        for line in self.lines:
            if line.kind == "run":
                sums[line.grade] = sums.get(line.grade, 0) + line.facility_kwh
        return {grade: plain(value) for grade, value in sorted(sums.items())}

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter account --json``."""
        return {
            "fy": self.year.fy.year,
            "as_of": instant(self.year.as_of_ms),
            "provisional": self.year.inventory.provisional,
            "figures": {
                f.figure_id: {"exact": plain(f.exact), "rounded": f.rounded, "unit": f.unit}
                for f in self.figures.values()
            },
            "lines": line_texts(self.lines),
            "by_grade": self.by_grade(),
            "findings": [item.to_json() for item in self.findings],
        }

    def progress_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter progress --json``."""
        return {
            "fy": self.year.fy.year,
            "targets": [
                {
                    "id": row.target_id,
                    "scope": row.measure,
                    "unit": row.unit,
                    "target": plain(row.target),
                    "actual": None if row.actual is None else plain(row.actual),
                    "gap": None if row.gap is None else plain(row.gap),
                    "met": row.met,
                }
                for row in self.progress
            ],
            "approval": approval_json(self.plan),
            "findings": [item.to_json() for item in self.findings],
        }


@dataclass
class Book:
    """An opened workspace. Its files are read once; nothing is written but by :meth:`report`."""

    workspace: Workspace
    _registry: Registry | None = None
    _energy: EnergyResult | None = None
    _accounts: dict[int, Account] = field(default_factory=dict)

    @property
    def registry(self) -> Registry:
        """The shipped factors and the workspace's own additions.

        Raises:
            InputError: faults of the workspace's factor files.
        """
        if self._registry is None:
            self._registry = load_registry(self.workspace.factor_files)
        return self._registry

    def check(self, *, progress: Progress | None = None) -> list[Finding]:
        """Everything that is wrong or remarkable: declarations, factors, roadmap, telemetry, double counting.

        Each fiscal year that holds energy is computed too, and what keeps its figures from being made is listed;
        remarks of the account itself (such as provisional factors) are left to :meth:`account`.
        """
        findings = self._declaration_findings()
        if not _faults(findings):
            energy = self._integrated(progress)
            findings += energy.findings
            for fy in _years(self.workspace, energy):
                year = compute_year(self.workspace, energy, self.registry, fy)
                findings += [item for item in year.findings if item.level is Level.MUST or item.code in _CHECKED]
        return ordered(findings)

    def _declaration_findings(self) -> list[Finding]:
        findings = run_checks(self.workspace)
        try:
            plan = running_plan(self.workspace.roadmaps)
            findings += plan.findings() if plan else [finding("roadmap-missing")]
            _ = self.registry
        except InputError as error:
            findings += error.findings
        return findings

    def _integrated(self, progress: Progress | None) -> EnergyResult:
        """The energy of all telemetry of the workspace, integrated once."""
        if self._energy is None:
            limit_s = self.workspace.config.gap_limit_s
            sources = telemetry_sources(self.workspace)
            limit_ms = None if limit_s is None else limit_s * 1000
            self._energy = integrate(sources, gap_limit_ms=limit_ms, progress=progress) if sources else EnergyResult()
        return self._energy

    def account(self, fy: int, *, engine: str = "local", progress: Progress | None = None) -> Account:
        """The inventory of a fiscal year.

        Args:
            fy: fiscal year of the emissions (April to March, JST).
            engine: what integrates the telemetry; one of :data:`ENGINES`.
            progress: told how much telemetry has been read.

        Raises:
            InputError: ``workspace-has-faults``: the declarations hold must-level faults (all of them are in
                the error); ``engine-unknown``; telemetry that cannot be read.
        """
        if engine not in ENGINES:
            raise InputError("engine-unknown", expected=", ".join(ENGINES), found=engine)
        if fy not in self._accounts:
            self._accounts[fy] = self._computed(FiscalYear(fy), progress)
        return self._accounts[fy]

    def progress(self, fy: int) -> Account:
        """The same account; its ``progress`` rows hold actual against target."""
        return self.account(fy)

    def report(
        self, fy: int, *, out: Path, final: bool = False, key_path: Path | None = None, progress: Progress | None = None
    ) -> Issued:
        """Write the report, its exports and the sealed package.

        The same input gives the same report: where the newest package of the year is already byte for byte
        what would be written, it stays; a changed input gives the next number, which supersedes it.

        Args:
            fy: the fiscal year.
            out: the output folder.
            final: refuse provisional factors, an unfinished year and illustrative numbers.
            key_path: the calculator's key; by default :func:`gxmeter.core.keys.default_key_path`, made if missing.
            progress: told how much of the work is done, in steps.

        Raises:
            InputError: as :meth:`account`; ``key-unreadable``, ``key-mode``; ``cell-not-writable``.
        """
        tell = progress or (lambda _done, _total: None)
        tell(0, REPORT_STEPS)
        account = self.account(fy)
        tell(1, REPORT_STEPS)
        faults = final_faults(account.year, illustrative=self.workspace.config.illustrative) if final else []
        faults += [item for item in account.findings if item.code in _UNREPORTABLE]
        if account.plan is None:
            faults.append(finding("report-needs-roadmap"))
        if faults or account.plan is None:
            return Issued(None, (), account, tuple(ordered([*faults, *account.findings])))
        path = key_path or default_key_path()
        made_key = None if path.exists() else path
        key = load_key(path) if made_key is None else create_key(path)
        newest = newest_identity(out, account.year.fy)
        identities = [newest] if newest else []
        for identity in [*identities, next_identity(out, account.year.fy)]:
            sealed = self._sealed(account, account.plan, identity, kind=FINAL if final else INTERIM, key=key)
            tell(2, REPORT_STEPS)
            if identity != newest or is_there_already(out, identity, sealed.files):
                break
        issued = replace(self._written(account, sealed, out), made_key=made_key)
        tell(REPORT_STEPS, REPORT_STEPS)
        return issued

    def _sealed(self, account: Account, plan: Plan, identity: Identity, *, kind: str, key: SigningKey) -> Sealed:
        year, config = account.year, self.workspace.config
        entity = self.workspace.reporting_entity
        reporter = Reporter(
            entity_id=config.organisation.reporting_entity,
            entity_name_ja=entity.name_ja if entity else "",
            entity_name_en=entity.name_en if entity else "",
            programme=_programme(config),
            illustrative=config.illustrative,
            materiality_pct=plain(config.materiality_pct),
            gap_limit_s=config.gap_limit_s,
        )
        evidence = {row.evidence_id: row for row in year.declarations.evidence}
        contents = Contents(
            declarations=year.declarations,
            activity=year.activity,
            headers=year.headers,
            raw_index=[raw_row(evidence[evidence_id], facts) for evidence_id, facts in year.records],
            registry=self.registry,
            inventory=year.inventory,
            figures=tuple(account.figures.values()),
            plan=plan,
            progress=account.progress,
        )

        def reports(statement: dict[str, Any], paths: Sequence[str]) -> dict[str, bytes]:
            model = build_model(
                statement=statement,
                declarations=year.declarations,
                lines=account.lines,
                figures=tuple(account.figures.values()),
                progress=account.progress,
                targets=plan.targets,
                approval=plan.approval,
                used_factors=year.inventory.used,
                findings=account.findings,
                run_headers=year.headers,
                signer_keyid=key.key_id,
                package_files=paths,
            )
            pages = {f"report.{language}.html": render_html(model, language) for language in ("ja", "en")}
            return {**pages, "report.json": render_json(model)}

        frame = Frame(identity, reporter, year.fy, year.as_of_ms, kind)
        return assemble(contents, frame, account.findings, reports=reports, key=key)

    def _written(self, account: Account, sealed: Sealed, out: Path) -> Issued:
        """Write package, trust file and exports; each beside its place, then renamed."""
        report_id = sealed.statement["report_id"]
        folder = out / report_id
        if not (folder / TAGMANIFEST).is_file():
            write_folder(sealed.files, folder)
        exports = {f"{report_id}.trust.json": canonical_json(trust_document(sealed.trust)) + b"\n"}
        for name in ("report.ja.html", "report.en.html", "report.json"):
            exports[f"{report_id}.{name}"] = sealed.files[f"data/report/{name}"]
        exports[f"{report_id}.lines.csv"] = sealed.files["data/results/lines.csv"]
        exports[f"{report_id}.figures.csv"] = sealed.files["data/results/figures.csv"]
        for name, data in exports.items():
            write_atomically(out / name, data)
        return Issued(folder, tuple(out / name for name in sorted(exports)), account, account.findings)

    def _computed(self, fy: FiscalYear, progress: Progress | None) -> Account:
        checked = self._declaration_findings()
        if faults := _faults(checked):
            raise InputError.from_findings(faults)
        year = compute_year(self.workspace, self._integrated(progress), self.registry, fy)
        plan = running_plan(self.workspace.roadmaps)
        by_id = {figure.figure_id: figure for figure in year.inventory.figures}
        rows, remarks = progress_rows(plan.targets if plan else (), by_id, fy.year, final=False)
        figures = sorted([*by_id.values(), *target_figures(rows)], key=lambda f: f.figure_id)
        return Account(
            year=year,
            plan=plan,
            progress=rows,
            figures={f.figure_id: f for f in figures},
            findings=tuple(ordered([*checked, *year.findings, *remarks])),
        )


@dataclass(frozen=True)
class Issued:
    """What :meth:`Book.report` wrote.

    ``package``: the folder, None if nothing was written. ``files``: what lies beside it. ``made_key``: where a new
    signing key was made, because there was none.
    """

    package: Path | None
    files: tuple[Path, ...]
    account: Account
    findings: tuple[Finding, ...]
    made_key: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter report --json``."""
        return {
            "package": None if self.package is None else str(self.package),
            "files": [str(path) for path in self.files],
            "figures": self.account.to_json()["figures"],
            "findings": [item.to_json() for item in self.findings],
        }


_UNREPORTABLE = frozenset({"factor-missing", "figure-incomplete"})
"""Findings with which no report can be made: a number would be missing."""

_ACCOUNTABLE = frozenset({"roadmap-changed-since-approval"})
"""Must-level findings that are about the roadmap, not about the numbers: the account goes on and carries them."""

_CHECKED = frozenset({"telemetry-gap", "run-unknown", "contract-missing", "boundary-step-missing"})
"""Remarks of a computed year that concern the declarations and the records themselves."""


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    return [item for item in findings if item.level is Level.MUST and item.code not in _ACCOUNTABLE]


def _years(workspace: Workspace, energy: EnergyResult) -> list[FiscalYear]:
    """The fiscal years in which anything was measured, metered or declared."""
    instants = [key.slot * SLOT_MS for key in energy.leaves]
    for period in (*(part for run in workspace.runs for part in run.declared), *workspace.meters):
        first, last = FiscalYear.of(period.start_ms), FiscalYear.of(period.end_ms - 1)
        instants += [FiscalYear(year).start_ms for year in range(first.year, last.year + 1)]
    return sorted({FiscalYear.of(ms) for ms in instants})


def open_workspace(path: str | Path) -> Book:
    """Open a workspace folder.

    Raises:
        InputError: there is no readable ``gxmeter.yaml``.
    """
    return Book(load_workspace(Path(path)))


def _programme(config: Config) -> dict[str, str] | None:
    programme = config.programme
    if programme is None:
        return None
    return {
        "id": programme.id,
        "name_ja": programme.name_ja,
        "name_en": programme.name_en,
        "call_text": programme.call_text,
    }


def line_texts(lines: Sequence[Line]) -> list[dict[str, str]]:
    """Lines as texts, column by column as in ``lines.csv``."""
    columns = BY_PATH["results/lines.csv"].columns
    return [{column.name: write_cell(column, getattr(line, column.name)) for column in columns} for line in lines]


def approval_json(plan: Plan | None) -> dict[str, Any]:
    """State of the roadmap and its approval, as in ``gxmeter progress --json``."""
    if plan is None:
        return {"state": "none"}
    approval = plan.approval
    document: dict[str, Any] = {
        "state": str(plan.state),
        "roadmap_id": plan.roadmap_id,
        "version": plan.version,
        "content_sha256": plan.content_sha256,
    }
    if approval:
        document |= {
            "body": approval.body,
            "approved_on": approval.approved_on,
            "resolution_id": approval.resolution_id,
            "approved_content_sha256": approval.content_sha256,
        }
    return document
