"""The telemetry of a workspace: its journals, and what was imported, which counts only while it is what it was.

An import says which bytes it was made of. A file that is gone or holds other bytes is named and left out: no figure is
ever made of it in silence. Its digest is the one that is taken while it is read, so nothing is read twice for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import bytes_of, digest_of
from gxmeter.energy.units import at_hand, remote_units, wanted_by
from gxmeter.telemetry.jobs import jobs_file
from gxmeter.telemetry.location import Remote, is_url
from gxmeter.telemetry.options import JobsFile, ReadOptions
from gxmeter.telemetry.registry import check_options
from gxmeter.workspace.loaded import RECEIVED, Document, Workspace, imported_name
from gxmeter.workspace.models import ImportedFile, ImportedTelemetry, ImportOptions

JOURNALS = "telemetry/journals"
JOURNAL_FORMAT = "gxmeter"


@dataclass(slots=True)
class Telemetry:
    """What can be integrated, and what of the workspace's telemetry cannot."""

    sources: list[Source] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def telemetry_of(workspace: Workspace) -> Telemetry:
    """Every journal and every import of a workspace. No network is touched but by imports left on object storage.

    Raises:
        InputError: ``telemetry-outside`` for each journal or import that is a link leading out of the workspace.
    """
    found = Telemetry(_journals(workspace))
    outside: list[Finding] = []
    for document in workspace.import_documents:
        faults = _option_faults(workspace, document)
        if faults:
            found.findings += faults
            continue
        for name, file, source in _units(workspace, document, found.findings):
            if source is None:
                found.findings.append(_missing(document, name))
            elif not document.model.location and not source.path.resolve().is_relative_to(workspace.root):
                outside.append(finding("telemetry-outside", file=name))
            elif bytes_of(source) != file.bytes:
                found.findings.append(_changed(document, name))
            else:
                found.sources.append(source)
    if outside:
        raise InputError.from_findings(outside)
    return found


def integrated(workspace: Workspace, integrate: Callable[[Sequence[Source]], EnergyResult]) -> EnergyResult:
    """The energy of all telemetry of a workspace, without imports that are not what they were.

    Args:
        workspace: the declarations.
        integrate: an engine's way from sources to energy.

    Raises:
        InputError: as :func:`telemetry_of`; the engine's.
    """
    told = telemetry_of(workspace)
    energy, changed = _unless_changed(workspace, told.sources, integrate)
    if changed:
        rest = [source for source in told.sources if source.label not in changed]
        energy = integrate(rest) if rest else EnergyResult()
        of = {imported_name(document, file): document for document, file in _listed(workspace)}
        told.findings += [_changed(of[name], name) for name in sorted(changed)]
    energy.findings = ordered([*energy.findings, *told.findings])
    return energy


def _unless_changed(
    workspace: Workspace, sources: Sequence[Source], integrate: Callable[[Sequence[Source]], EnergyResult]
) -> tuple[EnergyResult, set[str]]:
    """The energy of some sources, and the names of those that are not what they were when they were imported."""
    expected = {name: file.sha256 for name, file in workspace.imported.items()}
    energy = EnergyResult()
    try:
        if sources:
            energy = integrate(sources)
        digests = energy.sources
    except InputError:
        # What was changed may be no file of its format any more: that is then what is wrong with it.
        digests = [(source.label, _digest(source)) for source in sources if source.label in expected]
        if all(expected[name] == digest for name, digest in digests):
            raise
    return energy, {name for name, digest in digests if expected.get(name, digest) != digest}


def _digest(source: Source) -> str:
    """The digest of a source as it is; empty where it cannot be told."""
    try:
        with at_hand(source) as here:
            return digest_of(here.path)
    except (InputError, OSError):
        return ""


def read_options(options: ImportOptions, folder: Path) -> ReadOptions:
    """The options of an import, which lies in a folder, as readers take them."""
    jobs = options.jobs and JobsFile(str(folder / options.jobs.path), options.jobs.sha256)
    told = options.model_dump() | {"columns": tuple(options.columns.items()), "jobs": jobs}
    return ReadOptions(**told)


def _option_faults(workspace: Workspace, document: Document[ImportedTelemetry]) -> list[Finding]:
    """Why nothing of an import can be read: its format and options, or a table of jobs that is not what it was."""
    folder = (workspace.root / document.file).parent
    options = read_options(document.model.options, folder)
    try:
        check_options(document.model.format, options)
        if options.jobs is not None and jobs_file(Path(options.jobs.path)) != options.jobs:
            name = Path(options.jobs.path).relative_to(workspace.root).as_posix()
            return [finding("import-changed", file=name, place=name)]
    except InputError as error:
        return [replace(item, file=document.file) for item in error.findings]
    return []


def _journals(workspace: Workspace) -> list[Source]:
    folder = workspace.root / JOURNALS
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    journals = [path for path in found if not path.name.startswith(".")]
    outside = [path for path in journals if not path.resolve().is_relative_to(workspace.root)]
    if outside:
        names = [path.relative_to(workspace.root).as_posix() for path in outside]
        raise InputError.from_findings(finding("telemetry-outside", file=name) for name in names)
    return [Source(path, JOURNAL_FORMAT, name=path.relative_to(workspace.root).as_posix()) for path in journals]


def _listed(workspace: Workspace) -> Iterator[tuple[Document[ImportedTelemetry], ImportedFile]]:
    for document in workspace.import_documents:
        yield from ((document, file) for file in document.model.files)


def _units(
    workspace: Workspace, document: Document[ImportedTelemetry], faults: list[Finding]
) -> Iterator[tuple[str, ImportedFile, Source | None]]:
    """What an import lists, with its name and its source; None where it is gone."""
    model = document.model
    options = read_options(model.options, (workspace.root / document.file).parent)
    remote: dict[str, Remote] = {}
    if is_url(model.location):
        try:
            remote = remote_files(model.location, model.format)
        except InputError as error:
            faults += [replace(item, file=document.file) for item in error.findings]
            return
    base = Path(model.location) if model.location else (workspace.root / document.file).parent / RECEIVED
    for file in model.files:
        name = imported_name(document, file)
        unit = remote.get(file.path)
        path = Path(unit.path) if unit else base / file.path
        there = unit is not None if is_url(model.location) else path.exists()
        source = Source(path, model.format, model.run or "", model.site or "", name, options, unit)
        yield name, file, source if there else None


def remote_files(url: str, format: str) -> dict[str, Remote]:  # noqa: A002 - the word of the command line
    """The units below a URL by their paths below it; ``.`` is the URL itself.

    Raises:
        InputError: what ``location.listed`` raises.
    """
    units = list(remote_units(url, wanted_by(format)))
    return {unit.url.removeprefix(url.rstrip("/")).strip("/") or ".": unit for unit in units}


def _missing(document: Document[ImportedTelemetry], name: str) -> Finding:
    return finding("import-missing", file=name, place=document.model.location or name)


def _changed(document: Document[ImportedTelemetry], name: str) -> Finding:
    return finding("import-changed", file=name, place=document.model.location or name)
