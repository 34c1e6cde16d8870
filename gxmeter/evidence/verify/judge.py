"""The judge: runs the six steps, never crashes, and gives one verdict (package.md, "Verdict")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gxmeter.core.errors import ExitCode, exit_code
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.evidence.trust import Trust
from gxmeter.evidence.verify.arithmetic import step5_arithmetic
from gxmeter.evidence.verify.case import Case, Step, Unread
from gxmeter.evidence.verify.factors import step4_factors
from gxmeter.evidence.verify.form import step2_form
from gxmeter.evidence.verify.history import step6_history
from gxmeter.evidence.verify.inventory import step1_inventory
from gxmeter.evidence.verify.physics import step3_physics
from gxmeter.evidence.verify.source import open_package

STEPS: tuple[tuple[str, Step], ...] = (
    ("1 inventory", step1_inventory),
    ("2 form", step2_form),
    ("3 physics", step3_physics),
    ("4 factors", step4_factors),
    ("5 arithmetic", step5_arithmetic),
    ("6 history", step6_history),
)
"""The steps by number and name, in the order of package.md."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found; ``to_json`` is the answer of ``gxmeter verify --json``."""

    evaluated: dict[str, int]
    not_checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 or 3: re-computed and agreeing; 1: a must-level finding."""
        return exit_code(self.findings)

    def to_json(self) -> dict[str, Any]:
        """The JSON document of interfaces.md."""
        word = "findings" if self.exit_code is ExitCode.MUST_FINDINGS else "verified"
        return {
            "verdict": word,
            "evaluated": self.evaluated,
            "not_checked": list(self.not_checked),
            "findings": [item.to_json() for item in self.findings],
        }


def verify(path: Path, trust: Trust | None = None, *, more: Sequence[tuple[str, Step]] = ()) -> Verdict:
    """Judge a package, a folder or a zip.

    Args:
        path: the package.
        trust: the trust file, received another way.
        more: steps beyond the six of package.md, by number and name (``verify.second``, ``verify.raw``).

    Raises:
        InputError: ``not-a-package``.
    """
    source = open_package(path)
    case = Case(source, trust)
    case.findings += source.findings
    for name, step in (*STEPS, *more):
        try:
            step(case)
        except Unread as unread:
            case.not_checked.append(f"step {name}: {unread}")
        except Exception as error:  # noqa: BLE001 - a verifier never crashes: the unforeseen is a finding
            case.findings.append(finding("unparsable", step=name, found=f"{type(error).__name__}: {error}"))
    if not case.evaluated["lines"] or not case.evaluated["figures"]:
        case.findings.append(finding("nothing-evaluated"))
    return Verdict(case.evaluated, tuple(dict.fromkeys(case.not_checked)), tuple(ordered(case.findings)))
