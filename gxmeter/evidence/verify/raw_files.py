"""Finding the telemetry that a package names: by its digest, under a folder that the verifier has received."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.energy.model import Source
from gxmeter.energy.sources import digest_of, size_of, sources_under
from gxmeter.evidence.rows import RawRow
from gxmeter.ledger.year import telemetry_sources
from gxmeter.workspace.load import load_workspace

WORKSPACE_FILE = "gxmeter.yaml"
SELF_TOLD = ("gxmeter", "parquet")
"""Formats whose files say by themselves what they are; of others a workspace keeps run, site and options."""


def candidates(folder: Path) -> list[Source]:
    """Everything under a folder that can be integrated: a workspace's telemetry, or journals and Parquet files.

    Raises:
        InputError: ``telemetry-outside``.
    """
    if (folder / WORKSPACE_FILE).is_file():
        return telemetry_sources(load_workspace(folder))
    found: list[Source] = []
    for name in SELF_TOLD:
        with suppress(InputError):  # none of this format
            found += sources_under([folder], format=name)
    return found


def matched(rows: Iterable[RawRow], sources: Iterable[Source]) -> dict[str, Source]:
    """The sources that are, byte for byte, what the package names: by evidence id, under the package's path.

    Only files of the stated size are hashed.
    """
    by_size: dict[int, list[Source]] = {}
    for source in sources:
        by_size.setdefault(size_of(source.path), []).append(source)
    digests: dict[Path, str] = {}
    found: dict[str, Source] = {}
    for row in rows:
        for source in by_size.get(row.bytes, ()):
            if source.path not in digests:
                digests[source.path] = digest_of(source.path)
            if digests[source.path] == row.sha256:
                found[row.evidence_id] = replace(source, name=row.path)
                break
    return found
