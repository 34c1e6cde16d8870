"""Where a run's record would go: found and judged without leaving anything behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gxmeter.core.findings import Finding, finding
from gxmeter.meter.doctor.checks import as_finding
from gxmeter.meter.record.place import MARKER, WORKSPACE_VARIABLE, settle_site, state_folder, workspace_of

LEAST_DAYS = 30
"""Room for fewer days of this host's record is said."""

BYTES = 100
"""Most that a device's interval takes on average in the journal [bytes]."""

_INTERVALS_A_DAY = 86_400
_MB = 1_000_000


def check_place(
    environ: Mapping[str, str], workspace: str | os.PathLike[str] | None, site: str | None, parts: int
) -> Iterator[Finding]:
    """Whether the record can be written, where, for which site, and for how long.

    Args:
        environ: environment.
        workspace: as wished, or None.
        site: as wished, or None.
        parts: how many parts this host records.
    """
    fallback = state_folder(environ) / "journals"
    folder = workspace_of(workspace or environ.get(WORKSPACE_VARIABLE) or None)
    target = fallback if folder is None else folder / "telemetry" / "journals"
    reason = unwritable(target)
    if folder is None:
        yield finding("workspace-missing", journal=str(fallback))
    elif reason:
        yield finding("workspace-unwritable", folder=str(folder), reason=reason, journal=str(fallback))
        target = fallback
    elif not (folder / MARKER).is_file():
        yield finding("workspace-not-initialised", folder=str(folder))
    if (folder is None or reason) and unwritable(fallback):
        yield finding("journal-unwritable")
        return
    if folder is not None and (folder / MARKER).is_file():
        for item in settle_site(site, folder)[1]:
            yield as_finding(item)
    yield from _room(target, parts)


def unwritable(folder: Path) -> str:
    """Why nothing can be written to a folder that may have to be made first; empty where it can."""
    there = _nearest(folder)
    try:
        if os.statvfs(there).f_flag & os.ST_RDONLY:
            return "Read-only file system"
        if not there.is_dir():
            return f"{there} is not a folder"
    except OSError as error:
        return error.strerror or type(error).__name__
    return "" if os.access(there, os.W_OK | os.X_OK) else f"no permission for {there}"


def _room(folder: Path, parts: int) -> Iterator[Finding]:
    try:
        disk = os.statvfs(_nearest(folder))
    except OSError:
        return
    free = disk.f_bavail * disk.f_frsize
    days = free // (BYTES * _INTERVALS_A_DAY * max(parts, 1))
    if days < LEAST_DAYS:
        yield finding("disk-small", folder=str(folder), free=free // _MB, days=days)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    for candidate in (folder, *folder.parents):
        try:
            if candidate.exists():
                return candidate
        except OSError:
            continue
    return Path("/")
