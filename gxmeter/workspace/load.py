"""Finds and loads a workspace: every file, every fault, in an order that does not depend on the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, Level, finding
from gxmeter.core.yaml_text import TextDocument
from gxmeter.workspace.loaded import IMPORT_FILE, IMPORTED, Document, SourceText, Workspace
from gxmeter.workspace.models import (
    Config,
    Declaration,
    Entity,
    ImportedTelemetry,
    Instrument,
    MeterFile,
    Roadmap,
    Run,
    Site,
)
from gxmeter.workspace.names import IDS, names_in
from gxmeter.workspace.reading import read_declaration, read_inside

CONFIG_NAME = "gxmeter.yaml"
FOLDERS: dict[str, tuple[str, type[Declaration]]] = {
    "entity": ("entities", Entity),
    "site": ("sites", Site),
    "run": ("runs", Run),
    "meter": ("meters", MeterFile),
    "instrument": ("instruments", Instrument),
    "roadmap": ("roadmap", Roadmap),
}
"""Kind of declaration -> its folder and the model of its files."""
FACTOR_FOLDER = "factors"

M = TypeVar("M", bound=Declaration)


def find_workspace(start: Path | None = None) -> Path:
    """The workspace to use, resolved.

    Args:
        start: the folder given with ``-w``: exactly that one, so that a wrong argument never falls back to a
            workspace further up. None: the current folder or the nearest parent that holds ``gxmeter.yaml``.

    Raises:
        InputError: ``workspace-not-found``.
    """
    if start is not None:
        if not _holds_config(start):
            raise InputError("workspace-not-found", found=start)
        return start.resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if _holds_config(folder):
            return folder
    raise InputError("workspace-not-found", found=here)


def find_factor_files(start: Path | None = None) -> tuple[Path, ...]:
    """The local factor files of the workspace that a command is told of or stands in, by name.

    The same files as ``load_workspace(...).factor_files``, but nothing else is read, so that the registry can be
    asked while declarations still have faults. Remarks, such as a wrong ending, are left to the check.

    Args:
        start: as in :func:`find_workspace`; a workspace that was not named may be missing, and then has no files.

    Raises:
        InputError: the named folder is no workspace, or the folder or a file may not be read.
    """
    try:
        root = find_workspace(start)
    except InputError:
        if start is not None:
            raise
        return ()
    loader = _Loader(root)
    files = loader.factor_files()
    faults = [item for item in loader.findings if item.level is Level.MUST]
    if faults:
        raise InputError.from_findings(faults)
    return files


def load_workspace(root: Path) -> Workspace:
    """Load all declarations below a folder.

    Raises:
        InputError: ``gxmeter.yaml`` is missing or has faults; every other file's faults are in ``findings``.
    """
    if not _holds_config(root):
        raise InputError("workspace-not-found", found=root)
    root = root.resolve()
    config = read_declaration(root / CONFIG_NAME, Config, file=CONFIG_NAME, root=root)
    if config.document is None:
        raise InputError.from_findings(config.findings)
    loader = _Loader(root, texts=[SourceText("config", CONFIG_NAME, config.document.text)])
    roadmaps = loader.documents("roadmap", Roadmap)
    return Workspace(
        root=root,
        config_document=config.document,
        entity_documents=loader.documents("entity", Entity),
        site_documents=loader.documents("site", Site),
        run_documents=loader.documents("run", Run),
        meter_documents=loader.documents("meter", MeterFile),
        instrument_documents=loader.documents("instrument", Instrument),
        roadmap_documents=tuple(sorted(roadmaps, key=lambda doc: (doc.model.id, doc.model.version, doc.file))),
        import_documents=loader.imports(),
        factor_files=loader.factor_files(),
        findings=tuple(loader.findings),
        texts=tuple(loader.texts),
        left_out={kind: frozenset(names) for kind, names in loader.left_out.items()},
    )


def _ids_of(kind: str, text: TextDocument | None) -> set[str]:
    """The ids of the declared things themselves (not of their parts) in a file with faults."""
    if text is None:
        return set()
    return {found.name for found in names_in(text, IDS.get(kind, {})) if found.kind == kind}


def _holds_config(folder: Path) -> bool:
    """Whether a folder is a workspace; one that may not be looked into is none."""
    try:
        return (folder / CONFIG_NAME).exists()
    except (OSError, ValueError):
        return False


@dataclass
class _Loader:
    """Collects documents and faults folder by folder."""

    root: Path
    texts: list[SourceText] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: dict[str, set[str]] = field(default_factory=dict)

    def documents(self, kind: str, model: type[M]) -> tuple[Document[M], ...]:
        """All good documents of a kind; the others leave findings and their ids."""
        return self._read(kind, model, self._files(FOLDERS[kind][0]))

    def imports(self) -> tuple[Document[ImportedTelemetry], ...]:
        """What was imported: one file in each folder; a folder without it is the check's."""
        place = self.root / IMPORTED
        try:
            folders = sorted(place.iterdir()) if place.is_dir() else []
            places = (path / IMPORT_FILE for path in folders if not path.name.startswith("."))
            files = [path for path in places if path.exists()]
        except OSError:
            self.findings.append(finding("declaration-unreadable", file=IMPORTED))
            files = []
        return self._read("import", ImportedTelemetry, files)

    def _read(self, kind: str, model: type[M], files: list[Path]) -> tuple[Document[M], ...]:
        good: list[Document[M]] = []
        for path in files:
            name = self._name(path)
            read = read_declaration(path, model, file=name, root=self.root)
            self.findings += read.findings
            if read.text is not None:
                self.texts.append(SourceText(kind, name, read.text))
            if read.document is not None:
                good.append(read.document)
            else:
                self.left_out.setdefault(kind, set()).update({path.stem, *_ids_of(kind, read.text)})
        return tuple(good)

    def factor_files(self) -> tuple[Path, ...]:
        """Local factor files that may be read; their content is judged by the factor room."""
        good: list[Path] = []
        for path in self._files(FACTOR_FOLDER):
            try:
                read_inside(path, file=self._name(path), root=self.root)
            except InputError as error:
                self.findings += error.findings
            else:
                good.append(path)
        return tuple(good)

    def _files(self, folder: str) -> list[Path]:
        """The ``*.yaml`` of a folder by name; hidden files are not looked at, ``*.yml`` is remarked."""
        place = self.root / folder
        if not place.exists() and not place.is_symlink():
            return []
        try:
            if not place.resolve().is_relative_to(self.root):
                self.findings.append(finding("declaration-outside", file=folder))
                return []
            names = sorted(entry.name for entry in place.iterdir() if not entry.name.startswith("."))
        except (OSError, RuntimeError):
            self.findings.append(finding("declaration-unreadable", file=folder))
            return []
        for name in names:
            if name.lower().endswith((".yml", ".yaml")) and not name.endswith(".yaml"):
                self.findings.append(finding("declaration-file-ignored", file=f"{folder}/{name}"))
        return [place / name for name in names if name.endswith(".yaml")]

    def _name(self, path: Path) -> str:
        """The path as findings show it: relative to the workspace, with ``/``."""
        return path.relative_to(self.root).as_posix()
