"""Where the journal goes and which site the run belongs to: found without reading YAML, failing softly.

A training must not stop because a folder cannot be written: then the journal goes to the user's state
folder (``$XDG_STATE_HOME/gxmeter``), and the record says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.calendar import from_ms
from gxmeter.core.ids import is_id
from gxmeter.core.journal import SUFFIX
from gxmeter.meter.sensors.base import Fault

MARKER = "gxmeter.yaml"
"""The file that makes a folder a workspace."""

UNKNOWN_SITE = "unknown"
SITE_VARIABLE = "GXMETER_SITE"
WORKSPACE_VARIABLE = "GXMETER_WORKSPACE"
"""Site and workspace for meters that are told none."""

_SITE_ID = re.compile(r"""^id:\s*["']?([A-Za-z0-9._-]+)""", re.MULTILINE)
_NOT_ID = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_ID = 80
_MAX_IN_NAME = 40


@dataclass(frozen=True, slots=True)
class Place:
    """The journal's folder, made and writable, and what had to be said about it."""

    journal: str
    folder: Path
    faults: tuple[Fault, ...] = ()


def find_workspace(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that holds ``gxmeter.yaml``."""
    return next((folder for folder in (start, *start.parents) if (folder / MARKER).is_file()), None)


def workspace_of(wished: str | os.PathLike[str] | None, folder: str | None = None) -> Path | None:
    """The workspace to write to: the wished one, else the nearest upwards from a folder, else None.

    Args:
        wished: as said; a relative one is seen from ``folder``.
        folder: where the caller is; left out, the current folder.
    """
    try:
        named = None if wished is None else os.fsdecode(wished)
        if named is not None and os.path.isabs(named):  # noqa: PTH117 - the current folder may be gone
            return Path(os.path.normpath(named))
        start = Path(folder) if folder is not None else Path.cwd()
        if named is not None:
            return Path(os.path.abspath(start / named))  # noqa: PTH100 - symbolic links stay as they are
        return find_workspace(start)
    except (OSError, ValueError, TypeError):
        return None


def journal_id(run: str, utc_ms: int) -> str:
    """``<run>-<UTC yyyymmddThhmmssZ>-<8 hex>``; the last part keeps two meters of one second apart.

    A run id of more than 40 characters is cut here (a folder name has room for so much), not in the record.
    """
    short = run[:_MAX_IN_NAME].rstrip("-._")
    return f"{short}-{from_ms(utc_ms):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"


def safe_id(text: str) -> str:
    """The text where it is an id of at most 80 characters, else the nearest id to it."""
    cleaned = _NOT_ID.sub("-", text).strip("-._")[:_MAX_ID]
    return text if is_id(text) and len(text) <= _MAX_ID else (cleaned.replace("..", "-") or "x")


def claim(workspace: Path | None, run: str, utc_ms: int) -> Place | None:
    """Make the journal's folder in the workspace, or in the state folder, or say that neither works (None)."""
    name = journal_id(run, utc_ms)
    faults: list[Fault] = []
    if workspace is None:
        faults.append(Fault("workspace-missing"))
    else:
        reason = _make(folder := workspace / "telemetry" / "journals" / name)
        if reason is None:
            known = (workspace / MARKER).is_file()
            note = () if known else (Fault("workspace-not-initialised", (("folder", str(workspace)),)),)
            return Place(name, folder, note)
        faults.append(Fault("workspace-unwritable", (("folder", str(workspace)), ("reason", reason))))
    fallback = state_folder(os.environ) / "journals" / name
    if _make(fallback) is not None:
        return None
    faults[0] = Fault(faults[0].code, (*faults[0].params, ("journal", str(fallback))))
    return Place(name, fallback, tuple(faults))


def _make(folder: Path) -> str | None:
    """Make the folder and prove that a file can be made in it; the reason where not."""
    probe = folder / f".probe{SUFFIX}"
    try:
        folder.mkdir(parents=True)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return None


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where records go that no workspace takes: ``$XDG_STATE_HOME/gxmeter``, by default ``~/.local/state/gxmeter``."""
    given = environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path(os.path.expanduser("~")) / ".local" / "state"  # noqa: PTH111 - never raises
    return base / "gxmeter"


def known_sites(workspace: Path | None) -> list[str]:
    """The ids in the workspace's site files, sorted; empty where there are none or they cannot be read."""
    if workspace is None:
        return []
    found = set()
    try:
        for path in sorted((workspace / "sites").glob("*.y*ml")):
            found |= set(_SITE_ID.findall(path.read_text("utf-8", "replace"))[:1])
    except OSError:
        return sorted(found)
    return sorted(found)


def settle_site(wished: str | None, workspace: Path | None) -> tuple[str, tuple[Fault, ...]]:
    """The site to write down: the wished one, ``GXMETER_SITE``, the workspace's only one, else ``unknown``.

    A site that the workspace does not know is kept as said, with a fault; so is a site that nobody said, unless there
    is no workspace that could know any.
    """
    sites = known_sites(workspace)
    site = wished or os.environ.get(SITE_VARIABLE, "")
    if not site and len(sites) == 1:
        return sites[0], ()
    if not site:
        return UNKNOWN_SITE, (Fault("site-not-said", (("sites", ", ".join(sites)),)),) if sites else ()
    kept = safe_id(site)
    if kept in sites:
        return kept, ()
    if not sites:
        return kept, (Fault("site-not-declared", (("site", site),)),)
    return kept, (Fault("site-unknown", (("site", site), ("sites", ", ".join(sites)))),)
