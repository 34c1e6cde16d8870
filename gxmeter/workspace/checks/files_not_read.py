"""Every file of the workspace is read by something, or said not to be."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import SUFFIX
from gxmeter.core.yaml_text import Value
from gxmeter.workspace.load import CONFIG_NAME, FACTOR_FOLDER, FOLDERS
from gxmeter.workspace.loaded import IMPORTED, RECEIVED, Workspace

CODES = ("file-not-read", "more-files-not-read")

_TOLD = 50
"""Most files that are named one by one [count]."""
_COUNTED = 10_000
"""Most files that are counted beyond them [count]; a folder of a million files is not walked to its end."""
_DECLARED_IN = (*(folder for folder, _ in FOLDERS.values()), FACTOR_FOLDER)
_LEFT_ALONE = ("out", "evidence")
_TELEMETRY = "telemetry"
_JOURNALS = f"{_TELEMETRY}/journals"
_JOURNAL_PLACE = f"{_JOURNALS}/<journal>/0000{SUFFIX}"
_IMPORT_PLACE = f"{IMPORTED}/<import>/{RECEIVED}/ (gxmeter import)"
_IMPORT_DEPTH = 3
"""How many names lead to the folder of an import."""
_PACKAGE_MARK = "bagit.txt"
_NOTES = (".md", ".example")
_CLOSE = 0.6


def check(workspace: Workspace) -> list[Finding]:
    """Files that nothing reads: a misplaced declaration or record would be missing from the figures in silence.

    Left alone are hidden files, notes (``README*``, ``*.md``, ``*.example``), ``out/`` and ``evidence/``, folders of
    issued packages, files that a declaration names, the folders of journals, and what an import lists; of one that
    cannot be read itself, everything.
    """
    root = workspace.root
    named = {path for source in workspace.texts for path in _texts(source.text.value)}
    # Through a link, a file is read that lies elsewhere in the workspace.
    read = {(root / source.file).resolve() for source in workspace.texts}
    read |= {path.resolve() for path in workspace.factor_files}
    named |= set(workspace.imported) | set(_tables_of_jobs(workspace))
    folders = _import_folders(workspace)
    candidates = (
        name for name in _files(root) if not _is_read(name) and name not in named and not name.startswith(folders)
    )
    unread = (name for name in candidates if (root / name).resolve() not in read)
    told = [finding("file-not-read", file=name, expected=_place(name)) for name in islice(unread, _TOLD)]
    more = sum(1 for _ in islice(unread, _COUNTED))
    if more:
        told.append(finding("more-files-not-read", found=more if more < _COUNTED else f">= {more}"))
    return told


def _tables_of_jobs(workspace: Workspace) -> Iterator[str]:
    for document in workspace.import_documents:
        if document.model.options.jobs is not None:
            yield f"{document.file.rpartition('/')[0]}/{document.model.options.jobs.path}"


def _import_folders(workspace: Workspace) -> tuple[str, ...]:
    """Folders of imports that are looked into no further: a folder is what they list, or their list has faults."""
    good = {document.file for document in workspace.import_documents}
    broken = {item.file or "" for item in workspace.findings if (item.file or "").startswith(f"{IMPORTED}/")} - good
    of_folders = {name for name in workspace.imported if (workspace.root / name).is_dir()}
    return tuple({"/".join(name.split("/")[:_IMPORT_DEPTH]) + "/" for name in broken | of_folders})


def _texts(value: Value) -> Iterator[str]:
    """Every text in a file: whichever of them is a path of the workspace names a document of it."""
    if isinstance(value, str):
        yield value.removeprefix("./")
    elif value is not None:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _files(root: Path) -> Iterator[str]:
    """Files, and links to folders, that somebody might have meant to be read, in order of name."""
    journals = (root / _JOURNALS).resolve()
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        issued = {name for name in folders if os.path.exists(here / name / _PACKAGE_MARK)}  # noqa: PTH110 - never raises
        entries = [name for name in folders if _is_walked(here / name, root, journals)]
        # Beside a package lie its reading copies and its trust file, which begin with its name.
        folders[:] = sorted(name for name in entries if name.partition(".")[0] not in issued)
        links = [name for name in folders if os.path.islink(here / name)]  # noqa: PTH114 - never raises
        for name in sorted([*files, *links]):
            if not name.startswith(".") and name.partition(".")[0] not in issued:
                yield (here / name).relative_to(root).as_posix()


def _is_walked(folder: Path, root: Path, journals: Path) -> bool:
    """Whether a folder is looked into: not hidden, not what gxmeter wrote, no evidence, no journal that is read."""
    name = folder.relative_to(root).as_posix()
    if folder.name.startswith(".") or name in _LEFT_ALONE or folder.parent == journals:
        return False
    # A link in the place of the telemetry is followed when journals are read.
    return not (name in {_TELEMETRY, _JOURNALS} and os.path.islink(folder))  # noqa: PTH114 - never raises


def _is_read(name: str) -> bool:
    """Whether loading reads a file, or remarks on it already (``*.yml``)."""
    path = Path(name)
    folder, low = path.parent.as_posix(), path.name.lower()
    if low.startswith("readme") or low.endswith(_NOTES) or name == CONFIG_NAME:
        return True
    # A file or link in the place of a folder is loading's own finding.
    return name in _DECLARED_IN or (folder in _DECLARED_IN and low.endswith((".yaml", ".yml")))


def _place(name: str) -> str:
    """Where a file of this name would be read."""
    path = Path(name)
    if path.suffix.lower() == SUFFIX:
        return _JOURNAL_PLACE
    if path.parts[0].lower() == _TELEMETRY:
        return f"{_JOURNAL_PLACE} | {_IMPORT_PLACE}"
    stem = path.name.partition(".")[0]
    near = (
        difflib.get_close_matches(path.parts[0].lower(), _DECLARED_IN, n=1, cutoff=_CLOSE)
        if len(path.parts) > 1
        else []
    )
    if near:
        return f"{near[0]}/{stem}.yaml"
    return " | ".join(f"{folder}/*.yaml" for folder in sorted(_DECLARED_IN))
