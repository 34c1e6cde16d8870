"""Issuing a report: what must hold before anything is written, which number it gets, where it lands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.evidence.bag import TAGMANIFEST
from gxmeter.evidence.statement import Identity
from gxmeter.ledger.year import Year


def final_faults(year: Year, *, now_ms: int, illustrative: bool) -> list[Finding]:
    """What keeps a report from being final; an interim one needs none of this.

    The year must have ended both by its data and by the clock [Unix ms]: a reading dated ahead ends nothing.
    """
    faults = [
        finding("factor-not-published", factor=factor_id, fy=year.fy.year)
        for factor_id, (_, provisional) in year.inventory.used.items()
        if provisional
    ]
    if min(year.as_of_ms, now_ms) < year.fy.end_ms:
        faults.append(finding("final-year-not-ended", label=year.fy.label_en, label_ja=year.fy.label_ja))
    if illustrative:
        faults.append(finding("workspace-illustrative"))
    return faults


def next_identity(out: Path, fy: FiscalYear) -> Identity:
    """The number after the newest package of the year in the output folder; it supersedes that one."""
    taken = sorted(path.name for path in out.glob(f"R-{fy.year}-[0-9][0-9][0-9][0-9][0-9][0-9]"))
    if not taken:
        return Identity.numbered(fy.year, 1, None)
    return Identity.numbered(fy.year, int(taken[-1].rpartition("-")[2]) + 1, taken[-1])


def newest_identity(out: Path, fy: FiscalYear) -> Identity | None:
    """The identity the newest package of the year was written under, or None."""
    following = next_identity(out, fy)
    if following.supersedes is None:
        return None
    before = Identity.numbered(fy.year, following.sequence - 1, None).report_id
    older = f"R-{fy.year}-{following.sequence - 2:06d}"
    return Identity(before, following.sequence - 1, older if (out / older).is_dir() else None)


def is_there_already(out: Path, identity: Identity, files: Mapping[str, bytes]) -> bool:
    """Whether exactly this package stands in the output folder: the same input gives the same report.

    Raises:
        InputError: ``package-damaged``: it was written as this package, but its files are no longer as sealed.
    """
    folder = out / identity.report_id
    manifest = folder / TAGMANIFEST
    if not manifest.is_file() or manifest.read_bytes() != files[TAGMANIFEST]:
        return False
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if present.keys() != files.keys() or any(path.read_bytes() != files[name] for name, path in present.items()):
        raise InputError("package-damaged", file=str(folder))
    return True
