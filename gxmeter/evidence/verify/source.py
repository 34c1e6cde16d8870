"""Where a package is read from: a folder or a zip, never extracted, every name checked before use."""

from __future__ import annotations

import re
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding

MAX_FILE = 2_000_000_000
"""Largest file that is read [bytes]."""

MAX_TOTAL = 8_000_000_000
"""Largest sum of all files [bytes]."""

MAX_RATIO = 200
"""Largest compression ratio of a zip member; text tables reach about 20."""

MAX_FILES = 100_000
_SAFE = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


def is_safe(path: str) -> bool:
    """Whether a package path is ASCII, relative, without ``..``, backslash or empty parts."""
    return bool(_SAFE.fullmatch(path)) and not any(part in {".", ".."} for part in path.split("/"))


@dataclass(slots=True)
class Source:
    """The files of a package by path; what could not be admitted is in ``findings``."""

    files: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def open_package(path: Path) -> Source:
    """Read a package.

    Raises:
        InputError: ``not-a-package``: neither a folder nor a zip with a ``bagit.txt``.
    """
    if path.is_dir():
        source = _read_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        source = _read_zip(path)
    else:
        raise InputError("not-a-package", file=str(path))
    if "bagit.txt" not in source.files and not source.findings:
        raise InputError("not-a-package", file=str(path))
    _refuse_twins(source)
    return source


def _read_folder(root: Path) -> Source:
    source = Source()
    total = 0
    for item in sorted(root.rglob("*")):
        name = item.relative_to(root).as_posix()
        if item.is_dir() and not item.is_symlink():
            continue
        if item.is_symlink() or not item.is_file() or not is_safe(name):
            source.findings.append(finding("path-unsafe", file=name))
            continue
        size = item.stat().st_size
        total += size
        if size > MAX_FILE or total > MAX_TOTAL or len(source.files) >= MAX_FILES:
            source.findings.append(finding("package-too-large", file=name))
            break
        try:
            source.files[name] = item.read_bytes()
        except OSError as error:
            source.findings.append(finding("file-unreadable", file=name, found=error.strerror))
    return source


def _read_zip(path: Path) -> Source:
    """The members of a zip; an archive whose list cannot be read is no package, a member that cannot is a finding."""
    source = Source()
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            prefix = _common_folder([info.filename for info in members])
            if sum(info.file_size for info in members) > MAX_TOTAL or len(members) > MAX_FILES:
                source.findings.append(finding("package-too-large", file=path.name))
                return source
            for info in members:
                _admit(source, archive, info, prefix)
    except Exception as error:  # a hostile archive raises what it likes
        raise InputError("not-a-package", file=str(path)) from error
    return source


def _common_folder(names: list[str]) -> str:
    """The one safe folder that all members stand in, to be left out of their paths; else nothing."""
    tops = {name.partition("/")[0] for name in names}
    inside = all("/" in name for name in names)
    return f"{tops.pop()}/" if len(tops) == 1 and inside and all(map(is_safe, tops)) else ""


def _admit(source: Source, archive: zipfile.ZipFile, info: zipfile.ZipInfo, prefix: str) -> None:
    name = info.filename.removeprefix(prefix)
    special = stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG}
    if special or info.orig_filename != info.filename or not is_safe(name):
        source.findings.append(finding("path-unsafe", file=name))
    elif name in source.files:
        source.findings.append(finding("path-twin", file=name))
    elif info.file_size > MAX_FILE or info.file_size > MAX_RATIO * max(info.compress_size, 1_000):
        source.findings.append(finding("package-too-large", file=name))
    else:
        try:
            with archive.open(info) as member:
                source.files[name] = member.read(info.file_size)
        except Exception as error:  # noqa: BLE001 - corrupt, encrypted, of an unknown method: each its own exception
            source.findings.append(finding("file-unreadable", file=name, found=f"{type(error).__name__}: {error}"))


def _refuse_twins(source: Source) -> None:
    seen: dict[str, str] = {}
    for name in source.files:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            source.findings.append(finding("path-twin", file=name))
