"""The case under judgement: what has been read so far, what was found, what was not checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gxmeter.core.findings import Finding, finding
from gxmeter.evidence.trust import Trust
from gxmeter.evidence.verify.source import Source
from gxmeter.factors.registry import Registry
from gxmeter.ledger.tables import Declarations


@dataclass(slots=True)
class Case:
    """One package under judgement.

    Attributes:
        source: its files.
        trust: the trust file, or None.
        tables: rows by table path, for tables that could be read.
        statement: the statement, once read.
        headers: run headers.
        approvals: approval objects.
        roadmap: the roadmap content object.
        registry: the registry inside the package.
        evaluated: counts of what was judged.
        not_checked: names of what was not judged.
        findings: what was found.
    """

    source: Source
    trust: Trust | None
    tables: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    statement: dict[str, Any] | None = None
    headers: list[dict[str, Any]] | None = None
    approvals: list[dict[str, Any]] | None = None
    roadmap: dict[str, Any] | None = None
    registry: Registry | None = None
    evaluated: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("files", "rows", "factors", "lines", "figures", "targets"), 0)
    )
    not_checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: str, **params: Any) -> None:  # noqa: ANN401 - holes of a message
        """Add one finding."""
        self.findings.append(finding(code, **params))

    def rows(self, path: str) -> tuple[Any, ...]:
        """The rows of a table that step 2 has read.

        Raises:
            Unread: it could not be read.
        """
        if path not in self.tables:
            raise Unread(path)
        return self.tables[path]

    def need(self, name: str) -> Any:  # noqa: ANN401 - the attribute's type
        """An attribute that step 2 fills.

        Raises:
            Unread: it could not be read.
        """
        value = getattr(self, name)
        if value is None:
            raise Unread(name)
        return value

    def declarations(self) -> Declarations:
        """The declared tables as the ledger takes them."""
        return Declarations(
            sites=self.rows("boundary/sites.csv"),
            pue=self.rows("boundary/pue.csv"),
            contracts=self.rows("boundary/contracts.csv"),
            devices=self.rows("boundary/devices.csv"),
            runs=self.rows("boundary/runs.csv"),
            declared=self.rows("boundary/declared.csv"),
            meters=self.rows("activity/meters.csv"),
            instruments=self.rows("boundary/instruments.csv"),
            evidence=self.rows("evidence/evidence.csv"),
        )


class Unread(Exception):  # noqa: N818 - a condition, caught by the judge and written to not_checked
    """A file that a check needs could not be read; the check goes to ``not_checked``."""


Step = Callable[[Case], None]
