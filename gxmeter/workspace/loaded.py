"""A workspace as it was loaded: the models, and where in which file each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from gxmeter.core.files import sha256_file
from gxmeter.core.findings import Finding
from gxmeter.core.yaml_text import TextDocument
from gxmeter.workspace.models import (
    Config,
    Contract,
    Declaration,
    Entity,
    ImportedFile,
    ImportedTelemetry,
    Instrument,
    MeterFile,
    MeterReading,
    Roadmap,
    Run,
    Site,
)

M = TypeVar("M", bound=Declaration)

IMPORTED = "telemetry/imported"
"""Where telemetry of other tools is kept: a folder for each import."""
IMPORT_FILE = "import.yaml"
"""What an import is, in its folder."""
RECEIVED, LINKED = "received", "linked"
"""The folder of the files of an import; the word in its place where they were left elsewhere."""


class Place(NamedTuple):
    """A file of the workspace (relative, with ``/``) and a line in it, from 1."""

    file: str
    row: int


@dataclass(frozen=True)
class Document(Generic[M]):
    """One file without faults: its model and the lines of its keys."""

    file: str
    model: M
    text: TextDocument

    def place(self, *path: str | int) -> Place:
        """Where a key stands, e.g. ``place("pue", 0, "value")``; list positions count from 0."""
        return Place(self.file, self.text.line(path))


@dataclass(frozen=True)
class SourceText:
    """A file that could be parsed, with or without faults: its kind (``config``, ``site``, ...) and its texts."""

    kind: str
    file: str
    text: TextDocument


@dataclass(frozen=True)
class EvidenceFile:
    """A document of the workspace that a declaration refers to: relative path, size [bytes] and SHA-256."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Workspace:
    """Everything declared in a workspace folder. Files with faults are left out; ``findings`` says why.

    Attributes:
        root: the folder that holds ``gxmeter.yaml``, resolved.
        config_document: ``gxmeter.yaml``.
        entity_documents, site_documents, run_documents, meter_documents, instrument_documents: by file name.
        roadmap_documents: by (id, version).
        import_documents: what was imported, by folder name.
        factor_files: local additions to the factor registry, by file name; read by ``gxmeter.factors``.
        findings: faults met while loading; :func:`gxmeter.workspace.check.run_checks` adds what spans files.
        texts: every file that could be parsed, faulty ones included, so that ids are compared everywhere.
        left_out: ids that files with faults would have declared, by kind, so that nobody calls them unknown.
    """

    root: Path
    config_document: Document[Config]
    entity_documents: tuple[Document[Entity], ...] = ()
    site_documents: tuple[Document[Site], ...] = ()
    run_documents: tuple[Document[Run], ...] = ()
    meter_documents: tuple[Document[MeterFile], ...] = ()
    instrument_documents: tuple[Document[Instrument], ...] = ()
    roadmap_documents: tuple[Document[Roadmap], ...] = ()
    import_documents: tuple[Document[ImportedTelemetry], ...] = ()
    factor_files: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    texts: tuple[SourceText, ...] = ()
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """The workspace's settings."""
        return self.config_document.model

    @cached_property
    def entities(self) -> tuple[Entity, ...]:
        """All entities, by file name."""
        return tuple(document.model for document in self.entity_documents)

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """All sites, by file name."""
        return tuple(document.model for document in self.site_documents)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All runs, by file name."""
        return tuple(document.model for document in self.run_documents)

    @cached_property
    def meters(self) -> tuple[MeterReading, ...]:
        """All bills and readings, by file name and place in the file."""
        return tuple(reading for document in self.meter_documents for reading in document.model.readings)

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """All certificates and credits, by file name."""
        return tuple(document.model for document in self.instrument_documents)

    @cached_property
    def roadmaps(self) -> tuple[Roadmap, ...]:
        """All versions of the roadmap, by (id, version)."""
        return tuple(document.model for document in self.roadmap_documents)

    @cached_property
    def imported(self) -> Mapping[str, ImportedFile]:
        """Every imported file, or folder that is read as one, by the name that results and findings give it."""
        found: dict[str, ImportedFile] = {}
        for document in self.import_documents:
            for file in document.model.files:
                found[imported_name(document, file)] = file
        return found

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """All supply contracts, by site."""
        return tuple(contract for site in self.sites for contract in site.contracts)

    @property
    def reporting_entity(self) -> Entity | None:
        """The entity that ``gxmeter.yaml`` names; None where it is not declared."""
        return self.entity(self.config.organisation.reporting_entity)

    def entity(self, entity_id: str) -> Entity | None:
        """The entity of an id."""
        return _by_id(self.entities, entity_id)

    def site(self, site_id: str) -> Site | None:
        """The site of an id."""
        return _by_id(self.sites, site_id)

    def run(self, run_id: str) -> Run | None:
        """The run of an id."""
        return _by_id(self.runs, run_id)

    @cached_property
    def declared_ids(self) -> tuple[tuple[str, str, Place], ...]:
        """Every id with its kind and place, in the order of files and lines.

        Kinds: entity, site, contract, device (``site/device``), run, part, reading, instrument,
        roadmap (``id/version``).
        """
        found: list[tuple[str, str, Place]] = []
        found += [("entity", doc.model.id, doc.place("id")) for doc in self.entity_documents]
        for doc in self.site_documents:
            site = doc.model
            found.append(("site", site.id, doc.place("id")))
            found += [("contract", c.id, doc.place("contracts", i, "id")) for i, c in enumerate(site.contracts)]
            found += [
                ("device", f"{site.id}/{d.id}", doc.place("devices", i, "id")) for i, d in enumerate(site.devices)
            ]
        for run in self.run_documents:
            found.append(("run", run.model.id, run.place("id")))
            found += [("part", p.id, run.place("declared", i, "id")) for i, p in enumerate(run.model.declared)]
        for meter in self.meter_documents:
            found += [("reading", r.id, meter.place("readings", i, "id")) for i, r in enumerate(meter.model.readings)]
        found += [("instrument", doc.model.id, doc.place("id")) for doc in self.instrument_documents]
        found += [("roadmap", f"{doc.model.id}/{doc.model.version}", doc.place("id")) for doc in self.roadmap_documents]
        return tuple(found)

    @cached_property
    def _places(self) -> dict[tuple[str, str], Place]:
        places: dict[tuple[str, str], Place] = {}
        for kind, name, place in self.declared_ids:
            places.setdefault((kind, name), place)
        return places

    def where(self, kind: str, name: str) -> Place | None:
        """File and line of an id; kinds as in :attr:`declared_ids`. None where it is not declared."""
        return self._places.get((kind, name))

    def ids(self, kind: str) -> list[str]:
        """All declared ids of a kind, sorted."""
        return sorted(name for found, name in self._places if found == kind)

    def evidence(self, reference: str) -> EvidenceFile | None:
        """The file that an ``evidence`` text names, with its digest; None where the text names none.

        Only regular files inside the workspace count: a text that leads out of it is a reference, nothing more.
        """
        path = inside(self.root, reference)
        if path is None or not path.is_file():
            return None
        return EvidenceFile(Path(reference).as_posix(), path.stat().st_size, sha256_file(path))


def imported_name(document: Document[ImportedTelemetry], file: ImportedFile) -> str:
    """What an imported file is called: its path in the workspace; of one that was left elsewhere, as if it lay here."""
    model = document.model
    place = LINKED if model.location else RECEIVED
    path = model.received_as if file.path == "." else file.path
    return "/".join((document.file.rpartition("/")[0], place, path))


def inside(root: Path, reference: str) -> Path | None:
    """The resolved path of a relative reference, or None if it is no path inside ``root``."""
    if not reference or "\0" in reference or Path(reference).is_absolute():
        return None
    try:
        path = (root / reference).resolve()
        path.stat()
    except (OSError, RuntimeError):
        return None
    return path if path.is_relative_to(root) else None


IdM = TypeVar("IdM", Entity, Site, Run)


def _by_id(models: Iterable[IdM], wanted: str) -> IdM | None:
    return next((model for model in models if model.id == wanted), None)
