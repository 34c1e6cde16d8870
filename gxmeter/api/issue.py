"""Issuing a report: refuse what must not be written, render, seal, write; all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gxmeter.api.account import Account
from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import folder_atomically, write_atomically
from gxmeter.core.findings import Finding, Level, finding, ordered
from gxmeter.core.keys import SigningKey, create_key, default_key_path, load_key
from gxmeter.core.numbers import plain
from gxmeter.energy.integrate import Progress
from gxmeter.evidence.assemble import Frame, Sealed, assemble
from gxmeter.evidence.bag import TAGMANIFEST
from gxmeter.evidence.contents import Contents, raw_row
from gxmeter.evidence.issue import final_faults, is_there_already, newest_identity, next_identity
from gxmeter.evidence.package import write_folder
from gxmeter.evidence.statement import FINAL, INTERIM, Identity, Reporter
from gxmeter.evidence.trust import trust_document
from gxmeter.factors.registry import Registry
from gxmeter.reporting.build import build_model
from gxmeter.reporting.html import file_name, glyph_findings, render_html
from gxmeter.reporting.json_report import FILE_NAME, render_json
from gxmeter.reporting.model import ReportModel
from gxmeter.roadmap.content import Plan
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import Config

STEPS = 3
"""Steps that the progress counts: account, render and seal, write."""

LANGUAGES = ("ja", "en")
EXPORTS = ("results/lines.csv", "results/figures.csv")
"""Tables that are laid beside the report for people who want just these."""

_REPORTABLE = frozenset({"roadmap-changed-since-approval"})
"""The must-level finding that a report may be written with, because the report itself says it on page one."""


@dataclass(frozen=True)
class Issued:
    """What was written.

    Attributes:
        package: the sealed package's folder; None if nothing was written.
        files: what lies beside it: the trust file (to be sent another way), the report's pages, exports.
        account: the account that was reported.
        findings: the account's, and what kept the report from being written.
        made_key: where a new signing key was made, because there was none.
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


@dataclass(frozen=True)
class Issuer:
    """What a report needs beside the account: who reports, the factors, the folder, the key, the kind, today [ms]."""

    workspace: Workspace
    registry: Registry
    out: Path
    key_path: Path | None
    final: bool
    now_ms: int

    def issue(self, account: Account, tell: Progress) -> Issued:
        """Write the report of an account; see :meth:`gxmeter.api.book.Book.report`."""
        faults = [item for item in account.findings if item.level is Level.MUST and item.code not in _REPORTABLE]
        if self.final:
            illustrative = self.workspace.config.illustrative
            faults += final_faults(account.year, now_ms=self.now_ms, illustrative=illustrative)
        if account.plan is None:
            faults.append(finding("report-needs-roadmap"))
        if not account.lines:
            fy = account.year.fy
            faults.append(finding("report-needs-energy", label=fy.label_en, label_ja=fy.label_ja))
        if faults or account.plan is None:
            return Issued(None, (), account, tuple(ordered([*faults, *account.findings])))
        path = self.key_path or default_key_path()
        made_key = None if path.exists() else path
        key = load_key(path) if made_key is None else create_key(path)
        drawn: list[Finding] = []
        sealed = self._newest_if_unchanged(account, account.plan, key, drawn)
        if sealed is None:
            sealed = self._sealed(account, account.plan, next_identity(self.out, account.year.fy), key, drawn)
        tell(STEPS - 1, STEPS)
        folder, files = self._write(sealed)
        tell(STEPS, STEPS)
        return Issued(folder, files, account, tuple(ordered([*account.findings, *drawn])), made_key)

    def _newest_if_unchanged(
        self, account: Account, plan: Plan, key: SigningKey, drawn: list[Finding]
    ) -> Sealed | None:
        """The newest package of the year, if the same input would make it again byte for byte."""
        identity = newest_identity(self.out, account.year.fy)
        if identity is None:
            return None
        sealed = self._sealed(account, plan, identity, key, drawn)
        return sealed if is_there_already(self.out, identity, sealed.files) else None

    def _sealed(
        self, account: Account, plan: Plan, identity: Identity, key: SigningKey, drawn: list[Finding]
    ) -> Sealed:
        """Render and seal; what could not be drawn in the report's typeface is added to ``drawn``."""
        year = account.year
        frame = Frame(identity, self._reporter(), year.fy, year.as_of_ms, FINAL if self.final else INTERIM)

        def reports(statement: dict[str, Any], paths: Sequence[str]) -> dict[str, bytes]:
            model = _model(account, plan, statement, paths, key)
            drawn.extend(glyph_findings(model))
            pages = {file_name(language): render_html(model, language) for language in LANGUAGES}
            return {**pages, FILE_NAME: render_json(model)}

        return assemble(self._contents(account, plan), frame, account.findings, reports=reports, key=key)

    def _reporter(self) -> Reporter:
        config, entity = self.workspace.config, self.workspace.reporting_entity
        return Reporter(
            entity_id=config.organisation.reporting_entity,
            entity_name_ja=entity.name_ja if entity else "",
            entity_name_en=entity.name_en if entity else "",
            programme=_programme(config),
            illustrative=config.illustrative,
            materiality_pct=plain(config.materiality_pct),
            gap_limit_s=config.gap_limit_s,
        )

    def _contents(self, account: Account, plan: Plan) -> Contents:
        year = account.year
        evidence = {row.evidence_id: row for row in year.declarations.evidence}
        return Contents(
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

    def _write(self, sealed: Sealed) -> tuple[Path, tuple[Path, ...]]:
        """Package, trust file and the files for people; each beside its place, then renamed."""
        report_id = sealed.statement["report_id"]
        folder = self.out / report_id
        if not (folder / TAGMANIFEST).is_file():
            write_folder(sealed.files, folder)
        trust = self.out / f"{report_id}.trust.json"
        write_atomically(trust, canonical_json(trust_document(sealed.trust)) + b"\n")
        reading = self.out / f"{report_id}.report"
        names = [f"report/{name}" for name in (*map(file_name, LANGUAGES), FILE_NAME)]
        with folder_atomically(reading) as building:
            for name in (*names, *EXPORTS):
                (building / Path(name).name).write_bytes(sealed.files[f"data/{name}"])
        return folder, (trust, *(reading / Path(name).name for name in (*names, *EXPORTS)))


def _model(
    account: Account, plan: Plan, statement: dict[str, Any], paths: Sequence[str], key: SigningKey
) -> ReportModel:
    """What the report prints."""
    year = account.year
    return build_model(
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
