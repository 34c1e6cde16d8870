"""What a file does not say itself and whoever hands it in declares: zone, encoding, boundary, names of columns."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    time_zone: str = ""
    encoding: str = ""
    decimal: str = ""
    boundary: str = ""
    grade: str = ""
    host: str = ""
    columns: tuple[tuple[str, str], ...] = ()

    def column(self, role: str) -> str:
        """The name declared for a role, or empty text."""
        return dict(self.columns).get(role, "")


NO_OPTIONS = ReadOptions()
"""Nothing was declared."""
