"""A package of the small company of tests.support.world: one measured half-hour, a bill, a certificate, one target."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gxmeter.core.calendar import instant
from gxmeter.core.canonical import canonical_json
from gxmeter.core.keys import SigningKey
from gxmeter.core.numbers import plain
from gxmeter.evidence.assemble import Frame, Sealed, assemble
from gxmeter.evidence.bag import MANIFEST, TAGMANIFEST, bag_info, manifest
from gxmeter.evidence.contents import Contents
from gxmeter.evidence.layout import BY_PATH
from gxmeter.evidence.rows import RawRow
from gxmeter.evidence.seal import seal
from gxmeter.evidence.statement import Identity, Reporter
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.inventory import TAG_FILES
from gxmeter.evidence.verify.source import Source
from gxmeter.factors.registry import Registry
from gxmeter.ledger.inventory import account
from gxmeter.ledger.tables import DeviceRow, EvidenceRow, Instant
from gxmeter.roadmap.content import Approval, plan_from
from gxmeter.roadmap.progress import progress_rows, target_figures
from tests.support.world import FY, activity, bill, certificate, day, part, run, world

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROADMAP = {
    "roadmap_id": "gx",
    "version": 1,
    "entity_id": "example",
    "base": {"kind": "no-data", "reason_en": "first year", "reason_ja": "初年度"},
    "targets": [{"id": "t-2026", "measure": "scope2_market_t", "fy": 2026, "value": "0.5", "unit": "t-CO2"}],
    "measures": [],
}
ROW = activity()
HEADER: dict[str, Any] = {
    "run_id": "run-1",
    "site_id": "dc",
    "evidence": ["evidence"],
    "start": instant(ROW.start),
    "end": instant(ROW.end),
    "records": 1800,
    "clean_end": True,
    "sensors": [{"name": "nvml", "version": "12"}],
    "devices": [
        {
            "device_id": ROW.device_id,
            "method": ROW.method,
            "rows": 1,
            "energy_half_uj": str(ROW.energy_half_uj),
            "covered_ms": ROW.covered_ms,
        }
    ],
    "gaps": [],
}


def _approval(digest: str) -> Approval:
    return Approval("gx", 1, "board", "2026-05-01", "r-1", "3", "0" * 64, digest)


def contents(registry: Registry, *, approved: str | None = None) -> Contents:
    """The year's tables and results; ``approved`` is the digest that the board approved (right unless given)."""
    declarations = replace(
        world(runs=(run(), run("run-2", frame="")), declared=(part(run_id="run-2"),)),
        devices=(DeviceRow(ROW.device_id, "dc", "host", "gpu", "H100", Decimal(2000)),),
        meters=(bill(),),
        instruments=(certificate(),),
        evidence=(EvidenceRow("evidence", "journal", "telemetry/journals/a", 10, "0" * 64),),
    )
    inventory = account(declarations, (ROW,), registry, FY)
    digest = plan_from(ROADMAP, ()).content_sha256 if approved is None else approved
    plan = plan_from(ROADMAP, (_approval(digest),) if digest else ())
    by_id = {f.figure_id: f for f in inventory.figures}
    progress, _ = progress_rows(plan.targets, by_id, FY.year, final=False)
    return Contents(
        declarations=declarations,
        activity=(ROW,),
        headers=(HEADER,),
        raw_index=(RawRow("evidence", "telemetry/journals/a", 10, "0" * 64, 1800, ROW.start, ROW.end, True),),
        registry=registry,
        inventory=inventory,
        figures=(*inventory.figures, *target_figures(progress, by_id)),
        plan=plan,
        progress=progress,
    )


def sealed(registry: Registry, *, kind: str = "interim", approved: str | None = None) -> Sealed:
    """The package and its trust file."""
    parts = contents(registry, approved=approved)

    def reports(_statement: dict[str, Any], _paths: Iterable[str]) -> dict[str, bytes]:
        shown = "".join(
            f'<data value="{plain(f.exact)}" data-fig="{f.figure_id}">{f.rounded}</data>\n' for f in parts.figures
        )
        page = f"<!DOCTYPE html><body>{shown}</body>".encode()
        return {"report.ja.html": page, "report.en.html": page, "report.json": canonical_json({"schema": "x"})}

    reporter = Reporter(
        entity_id="example",
        entity_name_ja="例",
        entity_name_en="Example Inc.",
        programme=None,
        illustrative=False,
        materiality_pct="5",
        gap_limit_s=None,
    )
    frame = Frame(Identity.numbered(2026, 1, None), reporter, FY, Instant(day(2026, 6, 1)), kind)
    return assemble(parts, frame, parts.inventory.findings, reports=reports, key=KEY)


def resealed(package: Sealed, changes: Mapping[str, bytes | None], key: SigningKey = KEY) -> dict[str, bytes]:
    """The package with files under ``data/`` changed (None: left out) and everything sealed again."""
    payload = {path: data for path, data in package.files.items() if path.startswith("data/")} | dict(changes)
    payload = {path: data for path, data in payload.items() if data is not None}
    tags = {path: package.files[path] for path in TAG_FILES}
    tags["bag-info.txt"] = bag_info(payload, "R-2026-000001", "Example Inc.")
    tags[MANIFEST] = manifest(payload)
    signed = manifest(tags)
    return {**payload, **tags, TAGMANIFEST: signed, **seal(signed, dict(package.statement), key)}


def read(package: Sealed, path: str) -> list[Any]:
    """The rows of a table of the package."""
    rows, faults = BY_PATH[path].read(package.files[f"data/{path}"])
    assert not faults
    return list(rows)


def forged(
    package: Sealed,
    tables: Mapping[str, Iterable[Any]] | None = None,
    statement: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes | None] | None = None,
) -> dict[str, bytes]:
    """The package with tables, keys of the statement and files changed, the counts set right, and sealed again."""
    document = dict(package.statement) | {"counts": dict(package.statement["counts"])}
    changes: dict[str, bytes | None] = {}
    for path, rows in (tables or {}).items():
        members = list(rows)
        changes[f"data/{path}"] = BY_PATH[path].write(members)
        if BY_PATH[path].name in document["counts"]:
            document["counts"][BY_PATH[path].name] = len(members)
    document |= dict(statement or {})
    changes["data/statement.json"] = canonical_json(document)
    return resealed(replace(package, statement=document), changes | dict(files or {}))


def case_of(files: Mapping[str, bytes]) -> Case:
    """A case on files in memory."""
    return Case(Source(dict(files)), None)


def codes(case: Case) -> set[str]:
    """The codes found so far."""
    return {item.code for item in case.findings}


def write_zip(path: Path, files: Mapping[str, bytes], prefix: str = "") -> Path:
    """The files as a zip; only what compresses to nothing is packed, so that many of them are quick to make."""
    small = sum(map(len, files.values())) < 4_000_000 and len(files) < 5
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)
    return path


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files as a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
