"""What the meter says to people while it measures: one line each on standard error, never an exception."""

from __future__ import annotations

import os

from gxmeter.core.findings import Finding, Level
from gxmeter.meter.show.tell import tell


def japanese() -> bool:
    """Whether the user's language is Japanese: GXMETER_LANG, else LC_ALL, LC_MESSAGES, LANG."""
    names = ("GXMETER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    said = next((value for name in names if (value := os.environ.get(name, ""))), "")
    return said.lower().startswith("ja")


def warn(item: Finding) -> None:
    """Say a finding of weight (must, should) at once; remarks of level may stay in the record."""
    if item.level is not Level.MAY:
        tell(f"gxmeter: {item.ja if japanese() else item.en}")
