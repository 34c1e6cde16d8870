"""Local additions to the factor registry are well-formed, by the factor room's own loader."""

from __future__ import annotations

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.factors.load import load_registry
from gxmeter.workspace.loaded import Workspace

CODES = ()
"""The codes are those of ``core/messages/factors.toml``."""


def check(workspace: Workspace) -> list[Finding]:
    """Faults of ``factors/*.yaml``: unknown units, missing sources, ids that the registry has already."""
    if not workspace.factor_files:
        return []
    try:
        load_registry(workspace.factor_files)
    except InputError as error:
        return list(error.findings)
    return []
