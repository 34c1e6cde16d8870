"""Faults of rows, counted by kind: a million faulty cells are one finding with a count and the first row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gxmeter.core.findings import Finding, finding


@dataclass(slots=True)
class Remarks:
    """Collects what was left out of a file, in the order of first appearance.

    A message may have the holes ``{file}``, ``{count}``, ``{row}`` (the first one), ``{found}`` (of the first one) and
    the names given with it.
    """

    file: str
    _seen: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[int, int, str]] = field(default_factory=dict)

    def add(self, code: str, *, row: int, found: str = "", count: int = 1, **names: str) -> None:
        """Count a fault; ``names`` (such as ``column=``) tell kinds of one code apart."""
        self._count((code, tuple(sorted(names.items()))), count, row, found)

    def _count(self, key: tuple[str, tuple[tuple[str, str], ...]], count: int, row: int, found: str) -> None:
        known, first, shown = self._seen.get(key, (0, row, found))
        self._seen[key] = (known + count, first, shown)

    def add_rows(self, code: str, rows: Iterable[tuple[int, str]], **names: str) -> None:
        """Count (row, found) pairs."""
        for row, found in rows:
            self._count((code, tuple(sorted(names.items()))), 1, row, found)

    def findings(self) -> list[Finding]:
        """One finding per kind."""
        return [
            finding(code, file=self.file, row=row, count=count, found=found, **dict(names))
            for (code, names), (count, row, found) in self._seen.items()
        ]
