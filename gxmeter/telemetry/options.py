"""What a file does not say itself and whoever hands it in declares: zone, encoding, boundary, names of columns."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, fields
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gxmeter.core.findings import Finding, finding

BOUNDARIES = ("device", "node", "it", "facility")
"""What readings may cover, from the innermost on."""

GRADES = ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X")
"""Quality grades from the best on (docs/explanation/grades.md)."""

_MARKS = (".", ",")


def rank(grade: str) -> int:
    """Place of a grade from the best on; an unknown one is the weakest."""
    return GRADES.index(grade) if grade in GRADES else len(GRADES)


class JobsFile(NamedTuple):
    """A table of who ran where (:mod:`gxmeter.telemetry.jobs`): its path, and the SHA-256 that it must have."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Declared once for a file, and kept with it where it is imported. Empty text: not declared.

    Attributes:
        time_zone: IANA name for times that are written without a zone, e.g. ``Asia/Tokyo``.
        encoding: e.g. ``cp932``; otherwise told from the bytes.
        decimal: decimal mark, ``.`` or ``,``; otherwise told from the texts.
        boundary: what the readings cover: device, node, it or facility.
        grade: quality grade of the instrument, A..F, X (docs/explanation/grades.md).
        host: the machine whose devices these are, where the file names none.
        columns: what the source calls things, as (role, name) pairs; the roles are the reader's.
        jobs: a table by which time the records belong to runs; None: to the run that they name or that is given.
    """

    time_zone: str = ""
    encoding: str = ""
    decimal: str = ""
    boundary: str = ""
    grade: str = ""
    host: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    jobs: JobsFile | None = None

    def column(self, role: str) -> str:
        """The name declared for a role, or empty text."""
        return dict(self.columns).get(role, "")

    def declared(self) -> list[str]:
        """The names of what was declared, in the order of the attributes."""
        return [field.name for field in fields(self) if getattr(self, field.name)]


NO_OPTIONS = ReadOptions()
"""Nothing was declared."""

ALL_OPTIONS = tuple(field.name for field in fields(ReadOptions))
"""The names of all options: what a reader of text heeds unless its module names fewer in ``OPTIONS``."""


def flag(name: str) -> str:
    """An option as it stands on the command line.

    >>> flag("time_zone")
    '--time-zone'
    """
    return "--" + name.replace("_", "-")


def value_faults(options: ReadOptions) -> list[Finding]:
    """Declared values that nothing can be read by, all at once; which file they are for does not matter."""
    faults = [
        finding("option-value", option=flag(name), found=getattr(options, name), expected=" | ".join(allowed))
        for name, allowed in (("decimal", _MARKS), ("boundary", BOUNDARIES), ("grade", GRADES))
        if getattr(options, name) and getattr(options, name) not in allowed
    ]
    if options.encoding and not _is_encoding(options.encoding):
        faults.append(finding("option-value", option="--encoding", found=options.encoding, expected="utf-8, cp932, …"))
    if options.time_zone and not _is_zone(options.time_zone):
        faults.append(finding("time-zone-unknown", found=options.time_zone))
    return faults


def _is_encoding(name: str) -> bool:
    try:
        return bool(codecs.lookup(name))
    except (LookupError, ValueError):
        return False


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False
