"""What is to be said about the files of one reading: each fault once, with a count where there are many."""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.core.findings import Finding, finding

_Kind = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class Notes:
    """Findings by kind: code, file and what tells kinds of one code apart.

    A file is read twice, so what the walk through it meets is told by :meth:`once`; what is met in the second reading
    only is added up by :meth:`count`.
    """

    _once: dict[_Kind, None] = field(default_factory=dict)
    _counted: dict[_Kind, tuple[int, str]] = field(default_factory=dict)

    def once(self, code: str, file: str, **names: str) -> None:
        """A fault that does not become another one by being met again."""
        self._once[code, file, tuple(sorted(names.items()))] = None

    def count(self, code: str, file: str, count: int, found: str = "", **names: str) -> None:
        """So many more of a fault; ``found`` is kept of the first."""
        if count:
            kind = (code, file, tuple(sorted(names.items())))
            known, first = self._counted.get(kind, (0, found))
            self._counted[kind] = (known + count, first)

    def findings(self) -> list[Finding]:
        """One finding per kind, in the order of first appearance."""
        told = [finding(code, file=file, row=None, **dict(names)) for code, file, names in self._once]
        return told + [
            finding(code, file=file, row=None, count=count, found=found or None, **dict(names))
            for (code, file, names), (count, found) in self._counted.items()
        ]
