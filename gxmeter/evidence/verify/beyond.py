"""Steps beyond the six of package.md, for verifiers who ask for them: a second implementation, the raw telemetry."""

from __future__ import annotations

from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.energy.sql.base import duckdb_module
from gxmeter.evidence.verify.case import Case, Step
from gxmeter.evidence.verify.raw import RawStep, by_kernel, by_sql
from gxmeter.evidence.verify.second import step7_sums

LOCAL, DUCKDB = "local", "duckdb"
ENGINES = (LOCAL, DUCKDB)
"""Who re-computes: the ordinary engine, or the second implementation beside the six steps."""


def steps_beyond(engine: str, raw: Path | None) -> list[tuple[str, Step]]:
    """The steps that were asked for, by number and name.

    Args:
        engine: one of :data:`ENGINES`.
        raw: a workspace or folder with the telemetry that the package names; None: it is not integrated again.

    Raises:
        InputError: ``engine-unknown``; ``extra-missing`` without DuckDB; ``source-unreadable``: no such folder.
    """
    if raw is not None and not raw.is_dir():
        raise InputError("source-unreadable", file=str(raw), reason="no such folder")
    if engine not in ENGINES:
        raise InputError("engine-unknown", expected=", ".join(ENGINES), found=engine)
    steps: list[tuple[str, Step]] = []
    if engine == DUCKDB:
        duckdb_module()
        steps.append(("7 second implementation", step7_sums))
    if raw is not None:
        steps.append(("8 raw telemetry", RawStep(raw, by_sql if engine == DUCKDB else by_kernel)))
    elif engine == DUCKDB:
        steps.append(("8 raw telemetry", _not_given))
    return steps


def _not_given(case: Case) -> None:
    case.not_checked.append("raw-telemetry")
