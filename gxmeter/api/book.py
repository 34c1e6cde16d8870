"""An opened workspace: check it, account a year, report it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from gxmeter.api.account import Account
from gxmeter.api.cover import Covered, covered
from gxmeter.api.issue import STEPS, Issued, Issuer
from gxmeter.api.period import span_of
from gxmeter.api.reconcile import Reconciled, reconciled
from gxmeter.core.calendar import SLOT_MS, FiscalYear
from gxmeter.core.clock import Clock, writer_clock
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, Level, finding, ordered
from gxmeter.energy.double import metering_of, settled
from gxmeter.energy.engines import EngineChoice, Notice
from gxmeter.energy.fleet import fleet_findings
from gxmeter.energy.integrate import Progress, ignored, integrate
from gxmeter.energy.model import EnergyResult
from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.telemetry import integrated
from gxmeter.ledger.year import compute_year
from gxmeter.roadmap.content import running_plan
from gxmeter.roadmap.progress import progress_rows, target_faults, target_figures
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.load import load_workspace
from gxmeter.workspace.loaded import Workspace

CACHE = "out/cache"
"""Where a workspace keeps the results of its telemetry files; it may be deleted at any time."""


@dataclass
class Book:
    """An opened workspace. Its files are read once; nothing is written but by :meth:`report`, and the cache.

    Attributes:
        workspace: the declarations.
        engine: what reads the telemetry; all engines give the same digits.
        cached: whether results of telemetry files are kept in :data:`CACHE` and taken from there.
        notice: told of lost workers and damaged cache entries; no result depends on them.
    """

    workspace: Workspace
    clock: Clock = field(default_factory=writer_clock)
    engine: EngineChoice = field(default_factory=EngineChoice)
    cached: bool = True
    notice: Notice = ignored
    _registry: Registry | None = None
    _records: EnergyResult | None = None
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
        findings = [*run_checks(self.workspace), *self._future_readings()]
        try:
            plan = running_plan(self.workspace.roadmaps)
            if plan:
                findings += [*plan.findings(), *target_faults(plan.targets)]
            elif not self.workspace.left_out.get("roadmap"):
                findings.append(finding("roadmap-missing"))
            _ = self.registry
        except InputError as error:
            findings += error.findings
        return findings

    def _future_readings(self) -> list[Finding]:
        """A bill or reading that ends after today cannot have been read."""
        now_ms = self.clock.now_ms()
        return [
            finding("reading-in-future", reading=reading.id, site=reading.site)
            for reading in self.workspace.meters
            if reading.end_ms > now_ms
        ]

    def _integrated(self, progress: Progress | None) -> EnergyResult:
        """The energy of all telemetry of the workspace, integrated once."""
        if self._energy is None:
            limit_s = self.workspace.config.gap_limit_s
            read = partial(
                integrate,
                gap_limit_ms=None if limit_s is None else limit_s * 1000,
                engine=self.engine,
                cache=self.workspace.root / CACHE if self.cached else None,
                progress=progress,
                notice=self.notice,
            )
            energy = integrated(self.workspace, read)
            self._records = energy
            self._energy, doubles = settled(energy, metering_of(self.workspace.sites))
            self._energy.findings = ordered([*energy.findings, *fleet_findings(energy, doubles)])
        return self._energy

    def account(self, fy: int, *, engine: str = "", progress: Progress | None = None) -> Account:
        """The inventory of a fiscal year.

        Args:
            fy: fiscal year of the emissions (April to March, JST).
            engine: name of an engine to use instead of the book's.
            progress: told how much telemetry has been read.

        Raises:
            InputError: ``workspace-has-faults``: the declarations hold must-level faults (all of them are in
                the error); telemetry that cannot be read; what :func:`~gxmeter.energy.integrate.integrate` raises.
        """
        if engine:
            self.engine = replace(self.engine, name=engine)
        if fy not in self._accounts:
            self._accounts[fy] = self._computed(FiscalYear(fy), progress)
        return self._accounts[fy]

    def reconcile(
        self, fy: int | None = None, *, month: str = "", site: str = "", progress: Progress | None = None
    ) -> Reconciled:
        """Hold the accounted energy of a year or a month against bills and meters, per site.

        Args:
            fy: the fiscal year; may be left out where ``month`` is given.
            month: a month of it, such as ``2026-04``; empty: all of it.
            site: only this one; empty: all.
            progress: told how much telemetry has been read.

        Raises:
            InputError: as :meth:`account`; a period that is none; ``site-not-in-sites``.
        """
        span = span_of(fy, month)
        self._need_site(site)
        year = self.account(span.fy.year, progress=progress).year
        now_ms = self.clock.now_ms()
        return reconciled(self.workspace, year, self._integrated(progress), span, site=site, now_ms=now_ms)

    def cover(
        self, fy: int | None = None, *, month: str = "", site: str = "", progress: Progress | None = None
    ) -> Covered:
        """How every declared device accounts for every half-hour of a year or a month, as far as it has passed.

        Args:
            fy: the fiscal year; may be left out where ``month`` is given.
            month: a month of it, such as ``2026-04``; empty: all of it.
            site: only this one; empty: all.
            progress: told how much telemetry has been read.

        Raises:
            InputError: telemetry that cannot be read; a period that is none; ``site-not-in-sites``.
        """
        span = span_of(fy, month).until(self.clock.now_ms())
        self._need_site(site)
        energy = self._integrated(progress)
        sites = [place for place in self.workspace.sites if site in {"", place.id}]
        return covered(span, self._records or energy, sites, faults=_faults(energy.findings))

    def _need_site(self, site: str) -> None:
        names = [place.id for place in self.workspace.sites]
        if site and site not in names:
            raise InputError("site-not-in-sites", found=site, expected=", ".join(names) or "-")

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
            final: read all telemetry anew, never from the cache; refuse provisional factors, an unfinished year and
                illustrative numbers; a must-level finding keeps any report from being written, but for a roadmap
                changed since its approval, which it shows.
            key_path: the calculator's key; by default :func:`gxmeter.core.keys.default_key_path`, made if missing.
            progress: told how much of the work is done, in steps.

        Raises:
            InputError: as :meth:`account`; ``key-unreadable``, ``key-mode``; ``cell-not-writable``.
        """
        tell = progress or (lambda _done, _total: None)
        tell(0, STEPS)
        if final and self.cached:
            self.cached, self._energy = False, None
            self._accounts.clear()
        account = self.account(fy)
        tell(1, STEPS)
        return Issuer(self.workspace, self.registry, out, key_path, final, self.clock.now_ms()).issue(account, tell)

    def _computed(self, fy: FiscalYear, progress: Progress | None) -> Account:
        checked = self._declaration_findings()
        if faults := _faults(checked):
            raise InputError.from_findings(faults)
        year = compute_year(self.workspace, self._integrated(progress), self.registry, fy)
        plan = running_plan(self.workspace.roadmaps)
        by_id = {figure.figure_id: figure for figure in year.inventory.figures}
        rows, remarks = progress_rows(plan.targets if plan else (), by_id, fy.year, final=year.is_final)
        figures = sorted([*by_id.values(), *target_figures(rows, by_id)], key=lambda f: f.figure_id)
        return Account(
            year=year,
            plan=plan,
            progress=rows,
            figures={f.figure_id: f for f in figures},
            findings=tuple(ordered([*checked, *year.findings, *remarks])),
        )


_ACCOUNTABLE = frozenset({"roadmap-changed-since-approval"})
"""Must-level findings that are about the roadmap, not about the numbers: the account goes on and carries them."""

_CHECKED = frozenset(
    {
        "boundary-step-missing",
        "contract-missing",
        "idle-without-reading",
        "run-unknown",
        "runs-exceed-meter-slightly",
        "telemetry-gap",
    }
)
"""Remarks of a computed year that concern the declarations and the records themselves."""


def _faults(findings: Sequence[Finding]) -> list[Finding]:
    return [item for item in findings if item.level is Level.MUST and item.code not in _ACCOUNTABLE]


def _years(workspace: Workspace, energy: EnergyResult) -> list[FiscalYear]:
    """The fiscal years in which anything was measured, metered or declared."""
    instants = [key.slot * SLOT_MS for key in energy.leaves]
    extents = [(part.start_ms, part.end_ms) for run in workspace.runs for part in run.declared]
    extents += [(reading.start_ms, reading.end_ms) for reading in workspace.meters]
    for start_ms, end_ms in extents:
        first, last = FiscalYear.of(start_ms), FiscalYear.of(end_ms - 1)
        instants += [FiscalYear(year).start_ms for year in range(first.year, last.year + 1)]
    return sorted({FiscalYear.of(ms) for ms in instants})


def open_workspace(
    path: str | Path, *, engine: EngineChoice | None = None, cached: bool = True, notice: Notice = ignored
) -> Book:
    """Open a workspace folder.

    Args:
        path: the folder.
        engine: what reads the telemetry; None: this process.
        cached: whether results of telemetry files are kept in the workspace and taken from there.
        notice: told of lost workers and damaged cache entries.

    Raises:
        InputError: there is no readable ``gxmeter.yaml``.
    """
    return Book(load_workspace(Path(path)), engine=engine or EngineChoice(), cached=cached, notice=notice)
