"""One import: its files copied or found, read as a whole, and written down as it will stand in the workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from gxmeter.api.import_readings import EVIDENCE, FACILITY, readings_of
from gxmeter.api.import_stage import Tell, Unit, copied, copy_file, import_id, linked, name_of, slug
from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.integrate import Progress, integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import digest_of
from gxmeter.energy.units import at_hand
from gxmeter.ledger.telemetry import JOURNAL_FORMAT, JOURNALS
from gxmeter.telemetry.journal_files import SegmentFile, segment_files
from gxmeter.telemetry.location import is_url
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.readers.gxmeter import open_segment
from gxmeter.workspace.loaded import IMPORT_FILE, IMPORTED, RECEIVED
from gxmeter.workspace.models import Declaration, ImportedTelemetry, MeterFile
from gxmeter.workspace.reading import read_declaration

_HEAD = "# gxmeter import が書きました。編集しないでください。/ Written by gxmeter import; do not edit.\n"
_READING_HEAD = (
    "# gxmeter import が書きました。tolerance_pct、explained_kwh、explanation_* だけを書き足せます。\n"
    "# Written by gxmeter import; only tolerance_pct, explained_kwh and explanation_* may be added.\n"
)
_NO_SITES = {"", "unknown"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of ``gxmeter import``, the same for all paths.

    Attributes:
        format: by which reader the files are read.
        run, site: of records that name none; without a run they belong to none.
        options: what else the files do not say.
        link: leave the files where they are, and note where that is and which bytes they hold.
        as_reading: make bills (``bill``) or readings (``meter``) of a facility's metering, and no telemetry.
    """

    format: str
    run: str = ""
    site: str = ""
    options: ReadOptions = NO_OPTIONS
    link: bool = False
    as_reading: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An import that is ready to become part of the workspace.

    Attributes:
        text: the path or URL as it was handed in.
        moves: what is moved where, relative to the workspace; the last one makes it count.
        units: what is read of it.
        result: its energy.
        findings: remarks on making it.
        answer: what the command says about it.
    """

    text: str
    moves: tuple[tuple[Path, str], ...]
    units: tuple[Unit, ...]
    result: EnergyResult
    findings: tuple[Finding, ...] = ()
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """A file that is in the workspace.

    Attributes:
        name: what results and findings call it.
        place: what holds it or rests on it, relative to the workspace.
        different: the options by which it was imported otherwise than is asked now.
        is_evidence: readings rest on it; by which options they were made is not kept.
    """

    name: str
    place: str
    different: tuple[str, ...] = ()
    is_evidence: bool = False

    def refusal(self, file: str) -> InputError:
        """Why a file with the same content is not imported, and what to do if it is to be read otherwise."""
        if self.is_evidence:
            return InputError("import-known-reading", file=file, other=self.name, place=self.place)
        if self.different:
            found = ", ".join(self.different)
            return InputError("import-known-otherwise", file=file, other=self.name, place=self.place, found=found)
        return InputError("import-known", file=file, other=self.name)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the drafts of a command in a folder.

    Attributes:
        wish: what is asked.
        known: what is in the workspace already, by digest.
        now_ms: when this is [Unix ms].
        tell: told how many bytes more are copied.
        read: told how many bytes of how many are read.
    """

    wish: Wish
    known: Mapping[str, Known]
    now_ms: int
    tell: Tell
    read: Progress

    def telemetry(self, text: str, sources: Sequence[Source], folder: Path) -> Draft:
        """An import of telemetry, copied or left where it is.

        Raises:
            InputError: what :meth:`Known.refusal` makes; ``import-empty``, ``import-facility``, ``import-name``; the
                reader's.
        """
        if self.wish.link:
            units, result = self._read(linked(text, sources))
            digests = dict(result.sources)
            units = [replace(unit, sha256=digests[unit.source.label]) for unit in units]
            self._refuse_known(text, units)
            name = import_id(name_of(text), units)
            folder.mkdir()
        else:
            units = copied(text, sources, folder / RECEIVED, self.tell)
            self._refuse_known(text, units)
            name = import_id(name_of(text), units)
            units, result = self._read(units, f"{IMPORTED}/{name}/{RECEIVED}")
        if any(info.boundary == FACILITY for info in result.devices.values()):
            raise InputError("import-facility", file=text)
        body = self._body(text, units, result)
        if self.wish.options.jobs is not None:
            jobs = self._kept_jobs(Path(self.wish.options.jobs.path), folder)
            body["options"] = {**body.get("options", {}), "jobs": jobs}
        _write(folder / IMPORT_FILE, body, ImportedTelemetry)
        place = f"{IMPORTED}/{name}"
        return Draft(text, ((folder, place),), tuple(units), result, (), {"id": name, "place": place} | body)

    def reading(self, text: str, sources: Sequence[Source], folder: Path) -> Draft:
        """An import of bills or readings: a file of readings, and the received file as its evidence.

        Raises:
            InputError: as :meth:`telemetry`; what ``readings_of`` raises.
        """
        units = copied(text, sources, folder, self.tell)
        self._refuse_known(text, units)
        name = import_id(name_of(text), units)
        (unit,), result = self._read(units, f"{EVIDENCE}/{name}")
        made = readings_of(unit, result, name=name, site=self.wish.site, kind=self.wish.as_reading)
        beside = folder.with_suffix(".yaml")
        _write(beside, {"readings": made.rows}, MeterFile, head=_READING_HEAD)
        moves = ((folder, f"{EVIDENCE}/{name}"), (beside, f"meters/{name}.yaml"))
        answer = {"id": name, "place": moves[-1][1], **self._body(text, [unit], result), "readings": made.rows}
        return Draft(text, moves, (unit,), result, tuple(made.findings), answer)

    def journal(self, text: str, source: Source, folder: Path, root: Path) -> Draft:
        """A journal, which names its run and site itself, among those of the workspace.

        Raises:
            InputError: ``import-known``, ``import-journal-other``; the reader's.
        """
        at = str(source.path) if source.remote is None else source.remote.url
        (unit,) = copied(at, [source], folder, self.tell)
        (unit,), result = self._read([unit], JOURNALS, may_be_empty=True)
        origin = result.facts[0].origin
        name = origin.journal if origin else Path(unit.path).name
        built = unit.source.path
        if not built.is_dir():
            built = folder / name
            built.mkdir()
            unit.source.path.rename(built / unit.source.path.name)
        place = f"{JOURNALS}/{name}"
        if (root / place).exists():
            same = digest_of(root / place) == digest_of(built)
            raise InputError("import-known" if same else "import-journal-other", file=text, other=place)
        answer = {"id": name, "place": place} | self._body(text, [unit], result)
        return Draft(text, ((built, place),), (unit,), result, (), answer)

    def _read(
        self, units: Sequence[Unit], place: str = "", *, may_be_empty: bool = False
    ) -> tuple[list[Unit], EnergyResult]:
        """Read some units as a whole, under the names that they will have."""
        called = [replace(u, source=replace(u.source, name=f"{place}/{u.path}" if place else "")) for u in units]
        result = integrate([unit.source for unit in called], progress=self.read)
        if not result.samples and not may_be_empty:
            raise InputError("import-empty", file=called[0].source.label)
        return called, result

    def _kept_jobs(self, table: Path, folder: Path) -> dict[str, Any]:
        """Keep the table of jobs beside what it was declared for."""
        inner = f"jobs/{slug(table.stem)}{table.suffix if table.suffix.isprintable() else ''}"
        digest = copy_file(table, folder / inner, self.tell)
        return {"path": inner, "bytes": (folder / inner).stat().st_size, "sha256": digest}

    def _refuse_known(self, text: str, units: Sequence[Unit]) -> None:
        for unit in units:
            if unit.sha256 in self.known:
                file = text if len(units) == 1 else f"{text} ({unit.path})"
                raise self.known[unit.sha256].refusal(file)

    def _body(self, text: str, units: Sequence[Unit], result: EnergyResult) -> dict[str, Any]:
        """The content of ``import.yaml``: nothing that was not said, and no quantity but counts."""
        wish = self.wish
        options = {name: getattr(wish.options, name) for name in wish.options.declared()}
        options.pop("jobs", None)
        if "columns" in options:
            options["columns"] = dict(options["columns"])
        location = (text.rstrip("/") if is_url(text) else str(Path(text).resolve())) if wish.link else ""
        told: dict[str, Any] = {
            "format": wish.format,
            "run": wish.run,
            "site": wish.site,
            "received_as": name_of(text),
            "location": location,
            "files": [{"path": unit.path, "bytes": unit.bytes, "sha256": unit.sha256} for unit in units],
            "options": options,
            "imported_at": instant(self.now_ms // 1000 * 1000),
            "start": None if result.start_ms is None else instant(result.start_ms),
            "end": None if result.end_ms is None else instant(result.end_ms),
            "records": sum(facts.records for facts in result.facts),
            "devices": len(result.devices),
        }
        return {key: value for key, value in told.items() if value not in ("", None, {})}


def _write(path: Path, body: dict[str, Any], model: type[Declaration], *, head: str = _HEAD) -> None:
    """Write a declaration, and make sure that it will be read.

    Raises:
        InputError: what loading it would say, such as a text that no declaration may hold.
    """
    path.write_text(head + yaml.safe_dump(body, allow_unicode=True, sort_keys=False), "utf-8")
    findings = read_declaration(path, model, file=path.name, root=path.parent.resolve()).findings
    if findings:
        raise InputError.from_findings(findings)


def names_itself(source: Source) -> bool:
    """Whether a journal says its run and its site, so that nothing has to be noted beside it.

    Raises:
        InputError: it is no journal.
    """
    with at_hand(source) as here:
        files = segment_files(here.path) if here.path.is_dir() else [SegmentFile(here.path)]
        heads = [open_segment(file).head for file in files]
    return all(head is None or (head.run and head.site not in _NO_SITES) for head in heads)


def is_journal(wish: Wish) -> bool:
    """Whether what is imported are journals of gxmeter's own meter."""
    return wish.format == JOURNAL_FORMAT and not wish.link
