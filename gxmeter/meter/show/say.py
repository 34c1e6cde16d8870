"""What the meter says to people while it measures: one line each on standard error, never an exception."""

from __future__ import annotations

import os
import sys

from gxmeter.core.findings import Finding, Level


def japanese() -> bool:
    """Whether the user's language is Japanese: GXMETER_LANG, else LC_ALL, LC_MESSAGES, LANG."""
    names = ("GXMETER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    said = next((value for name in names if (value := os.environ.get(name, ""))), "")
    return said.lower().startswith("ja")


def warn(item: Finding) -> None:
    """Say a finding of weight (must, should) at once; remarks of level may stay in the record."""
    if item.level is not Level.MAY:
        tell(f"gxmeter: {item.ja if japanese() else item.en}")


def tell(line: str) -> None:
    """One line on standard error; a closed or broken one is no reason to disturb a training."""
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
