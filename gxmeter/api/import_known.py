"""What a workspace holds already, and how it is imported anew where it was declared in another way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gxmeter.api.import_files import Known, Wish
from gxmeter.ledger.telemetry import read_options
from gxmeter.telemetry.options import ALL_OPTIONS, ReadOptions, flag
from gxmeter.workspace.loaded import Workspace, imported_name
from gxmeter.workspace.models import ImportedTelemetry


def known_in(workspace: Workspace, wish: Wish) -> Mapping[str, Known]:
    """What the workspace holds already, by digest: imports, and the documents that readings rest on."""
    known: dict[str, Known] = {}
    for document in workspace.import_documents:
        place = document.file.rpartition("/")[0]
        different = _different(document.model, wish, workspace.root / place)
        for file in document.model.files:
            known[file.sha256] = Known(imported_name(document, file), place, different)
    for meters in workspace.meter_documents:
        for reading in meters.model.readings:
            evidence = workspace.evidence(reading.evidence)
            if evidence is not None:
                known.setdefault(evidence.sha256, Known(evidence.path, meters.file, is_evidence=True))
    return known


def _different(model: ImportedTelemetry, wish: Wish, folder: Path) -> tuple[str, ...]:
    """The options of the command in which an import, which lies in a folder, differs from what is asked."""
    told = read_options(model.options, folder)
    now = (wish.format, wish.run, wish.site, wish.link, wish.as_reading)
    then = (model.format, model.run or "", model.site or "", bool(model.location), "")
    flags = ("--format", "--run", "--site", "--link", "--as-reading")
    changed = [name for name, a, b in zip(flags, now, then, strict=True) if a != b]
    changed += [flag(name) for name in ALL_OPTIONS if _of(wish.options, name) != _of(told, name)]
    return tuple(changed)


def _of(options: ReadOptions, name: str) -> object:
    """An option as it is compared: columns in any order, a table of jobs by its content."""
    if name == "columns":
        return dict(options.columns)
    return (options.jobs and options.jobs.sha256) if name == "jobs" else getattr(options, name)
