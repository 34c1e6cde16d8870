"""Errors for people and the exit codes of every command.

An :class:`InputError` carries findings, so that all faults of an input come out at once. Below the
command line no foreign exception escapes a room: what is read from outside is wrapped at the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gxmeter.core.findings import Finding


class ExitCode(IntEnum):
    """Exit codes of all commands (interfaces.md)."""

    FINE = 0
    MUST_FINDINGS = 1
    COULD_NOT_RUN = 2
    SHOULD_FINDINGS = 3


class GxmeterError(Exception):
    """Base of every error that gxmeter raises on purpose; carries one or more findings."""

    def __init__(self, code: str, **params: object) -> None:
        """Make the error from a message code and the values of its holes."""
        from gxmeter.core.findings import finding  # noqa: PLC0415 - errors and findings name each other

        self.findings: tuple[Finding, ...] = (finding(code, **params),)  # type: ignore[arg-type]
        super().__init__(self.findings[0].en)

    @property
    def code(self) -> str:
        """The code of the first finding."""
        return self.findings[0].code


class InputError(GxmeterError):
    """An input could not be read or is not allowed: exit code 2, or findings where the caller collects."""

    @classmethod
    def from_findings(cls, findings: Iterable[Finding]) -> InputError:
        """All faults of one input as one error."""
        error = cls.__new__(cls)
        error.findings = tuple(findings)
        Exception.__init__(error, "; ".join(f.en for f in error.findings))
        return error


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """0 without findings that weigh, 1 with a must, 3 with should at most."""
    levels = {str(f.level) for f in findings}
    if "must" in levels:
        return ExitCode.MUST_FINDINGS
    return ExitCode.SHOULD_FINDINGS if "should" in levels else ExitCode.FINE
