"""``telemetry/imported/*/import.yaml``: what was received from elsewhere, what was declared of it, and its digests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, field_validator

from gxmeter.workspace.models.base import Declaration
from gxmeter.workspace.parsing import fault, integer_within, one_line
from gxmeter.workspace.types import Identifier, InstantMs, MaybeText, Note, Sha256, Text


def _inner_path(value: object) -> str:
    """A path that stays below the place it is told from; ``.`` is the place itself."""
    text = one_line(value)
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != text:
        raise fault("import-path", found=text)
    return text


Bytes = Annotated[
    int,
    PlainValidator(integer_within(0, 10**15 - 1)),
    WithJsonSchema({"type": ["integer", "string"], "pattern": "^(0|[1-9][0-9]{0,14})$", "minimum": 0}),
]
InnerPath = Annotated[str, PlainValidator(_inner_path), WithJsonSchema({"type": "string", "minLength": 1})]


class ImportedFile(Declaration):
    """A file, or a folder that is read as one: where below the place, size [bytes] and SHA-256 when it was imported."""

    path: InnerPath
    bytes: Bytes
    sha256: Sha256


class ImportOptions(Declaration):
    """What the files do not say themselves; the keys are the options of ``gxmeter import``.

    ``jobs``: the table of who ran where, kept in the folder of the import.
    """

    time_zone: MaybeText = ""
    encoding: MaybeText = ""
    decimal: Literal["", ".", ","] = ""
    boundary: Literal["", "device", "node", "it", "facility"] = ""
    grade: Literal["", "A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"] = ""
    host: MaybeText = ""
    columns: Mapping[Text, Text] = Field(default_factory=dict)
    jobs: ImportedFile | None = None


class ImportedTelemetry(Declaration):
    """Telemetry that another tool recorded, kept as it was received or left where it is.

    Attributes:
        format: by which reader it is read.
        run: the run of records that name none; left out: they belong to no run.
        site: the site of records that name none.
        received_as: the name under which it was handed in.
        location: where it was left: an absolute path, or the URL of object storage; left out: it is here, in the
            folder ``received`` beside this file.
        files: what is read of it.
        options: what was declared of it.
        imported_at: when it was imported.
        start, end: first and last instant in it.
        records: how many records were read.
        devices: of how many devices.
    """

    format: Text
    run: Identifier | None = None
    site: Identifier | None = None
    received_as: Text
    location: MaybeText = ""
    files: tuple[ImportedFile, ...]
    options: ImportOptions = ImportOptions()
    imported_at: InstantMs | None = None
    start: InstantMs | None = None
    end: InstantMs | None = None
    records: Bytes | None = None
    devices: Bytes | None = None
    note_ja: Note = ""
    note_en: Note = ""

    @field_validator("files")
    @classmethod
    def _each_once(cls, files: tuple[ImportedFile, ...]) -> tuple[ImportedFile, ...]:
        paths = [file.path for file in files]
        twice = sorted({path for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []
        if twice or not files:
            raise fault("import-files", found=twice[0] if twice else "-")
        return files
