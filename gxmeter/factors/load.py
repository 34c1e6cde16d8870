"""Loads the shipped registry and a workspace's additions, or says every fault of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.resources import data_folder
from gxmeter.factors.expand import Placed, read_entries
from gxmeter.factors.family import FAMILY_FILE, Family, read_family
from gxmeter.factors.registry import Registry
from gxmeter.factors.rules import (
    addition_faults,
    correction_faults,
    family_faults,
    id_faults,
    kind_faults,
    registry_faults,
)


def load_registry(extra: Sequence[Path] = ()) -> Registry:
    """The shipped registry with a workspace's additions.

    Args:
        extra: factor files; which files of a workspace count is for its own room to say.

    Raises:
        InputError: every fault of every file, with file and line.
    """
    return read_registry(data_folder("factors"), extra)


def read_registry(folder: Path, extra: Sequence[Path] = ()) -> Registry:
    """The registry in a folder laid out as ``<country>/<family>/*.yaml``, with additions.

    Raises:
        InputError: every fault of every file, with file and line.
    """
    families, findings = _families(folder)
    shipped: list[Placed] = []
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != FAMILY_FILE:
            placed, faults = _read(path, folder)
            shipped += placed
            findings += [*faults, *_path_faults(placed, path.relative_to(folder))]
    additions, faults = _additions(extra)
    everything = [*shipped, *additions]
    findings += [*faults, *registry_faults(shipped), *addition_faults(shipped, additions)]
    findings += [*id_faults(everything), *correction_faults(everything)]
    for item in everything:
        findings += [*kind_faults(item), *family_faults(item, families)]
    if findings:
        raise InputError.from_findings(ordered(findings))
    return Registry.of(item.entry for item in everything)


def _families(folder: Path) -> tuple[list[Family], list[Finding]]:
    families: list[Family] = []
    findings: list[Finding] = []
    for path in sorted(folder.rglob(FAMILY_FILE)):
        family, faults = read_family(path.read_bytes(), _shown(path, folder))
        findings += faults
        if family is not None:
            families.append(family)
            expected = f"{family.country.lower()}/{family.id}/{FAMILY_FILE}"
            if path.relative_to(folder).as_posix() != expected:
                findings.append(finding("factors-path-wrong", file=_shown(path, folder), row=1, expected=expected))
    return families, findings


def _additions(extra: Sequence[Path]) -> tuple[list[Placed], list[Finding]]:
    additions: list[Placed] = []
    findings: list[Finding] = []
    for path in extra:
        placed, faults = _read(path, path.parent)
        additions += placed
        findings += faults
    return additions, findings


def _read(path: Path, base: Path) -> tuple[list[Placed], list[Finding]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        return [], [finding("factors-file-unreadable", file=_shown(path, base), found=error.strerror)]
    return read_entries(data, _shown(path, base))


def _shown(path: Path, base: Path) -> str:
    """The file as findings name it: from the folder ``factors`` on, as in the workspace or the registry."""
    return f"{base.name}/{path.relative_to(base).as_posix()}"


def _path_faults(placed: Iterable[Placed], path: Path) -> Iterable[Finding]:
    """A shipped entry lies in the folder of its country and family."""
    for item in placed:
        expected = f"{item.entry.country.lower()}/{item.entry.family}"
        if path.parent.as_posix() != expected:
            yield item.origin.fault("factors-path-wrong", "family", expected=f"{expected}/{path.name}")
