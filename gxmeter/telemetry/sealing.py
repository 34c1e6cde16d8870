"""Sealing the closed segments of a journal: Parquet in their place, and the original goes only when that is proved.

A segment is sealed when it has an end and nothing is wrong with it or its place in the chain. The steps survive a
crash at any moment: the sealed file is written beside, forced to disk, renamed, read again from disk and restored;
only where that gives the original's bytes is the original removed. A segment that is still written has no end; one
whose meter was killed has none either, and stays as it is too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gxmeter.core.clock import SystemClock
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes, write_atomically
from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import SUFFIX, Interval
from gxmeter.core.journal_decode import Segment, check_link, decode
from gxmeter.telemetry.journal_files import SegmentFile, neighbour, segment_files
from gxmeter.telemetry.journal_writer import may_write
from gxmeter.telemetry.sealed import SEALED_SUFFIX, seal, unseal


@dataclass(frozen=True, slots=True)
class Sealed:
    """A segment that was sealed: its file, size before and after [bytes], and how many energies it holds."""

    path: Path
    bytes_before: int
    bytes_after: int
    energies: int


@dataclass(slots=True)
class Sealing:
    """What was done.

    Attributes:
        sealed: what was sealed.
        writing: segments left because their meter may still write them.
        young: segments left because they ended after the instant that was asked for.
        unended: last segments of meters that were killed; they have no end and stay as they are.
        findings: remarks.
    """

    sealed: list[Sealed] = field(default_factory=list)
    writing: int = 0
    young: int = 0
    unended: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many segments were left as they are without a fault."""
        return self.writing + self.young + self.unended


def seal_journals(folders: Iterable[Path], *, before_ms: int | None = None, keep: bool = False) -> Sealing:
    """Seal what is closed in the folders of journals.

    Args:
        folders: folders of journals; segments that are sealed already are left alone.
        before_ms: seal only what ended before this instant [Unix ms]; None seals all that is closed.
        keep: leave the originals beside the sealed files.

    Raises:
        OSError: a folder cannot be read or written; what was not sealed is as it was.
    """
    done = Sealing()
    for folder in folders:
        _remove_leftovers(folder)
        files = segment_files(folder)
        for place, file in enumerate(files):
            if not file.is_sealed:
                _seal_one(file, done, before_ms, keep=keep, last=place == len(files) - 1)
    return done


def _seal_one(file: SegmentFile, done: Sealing, before_ms: int | None, *, keep: bool, last: bool) -> None:
    try:
        data = file.path.read_bytes()
    except FileNotFoundError:
        return  # somebody else sealed it meanwhile
    segment = decode(data, file=file.name)
    if last and segment.footer is None:
        writing = may_write(file.path, segment.head, now_ms=SystemClock().now_ms())
        done.writing, done.unended = done.writing + writing, done.unended + (not writing)
        return
    if _is_young(segment, before_ms):
        done.young += 1
        return
    faults = [item.code for item in (*segment.findings, *_links(file, segment))]
    if faults:
        done.findings.append(_refused(file, faults))
        return
    try:
        blob = seal(data, file=str(file.path))
    except InputError as error:
        done.findings += error.findings
        return
    target = file.path.with_name(file.path.name.removesuffix(SUFFIX) + SEALED_SUFFIX)
    if not _replace(file.path, data, target, blob, keep=keep):
        done.findings.append(_refused(file, ["restored bytes differ"]))
        return
    done.sealed.append(Sealed(target, len(data), len(blob), _energies(segment)))


def _is_young(segment: Segment, before_ms: int | None) -> bool:
    return before_ms is not None and segment.footer is not None and segment.footer.utc_ms >= before_ms


def _refused(file: SegmentFile, reasons: Sequence[str]) -> Finding:
    return finding("journal-not-sealable", file=str(file.path), reason=", ".join(dict.fromkeys(reasons)))


def _links(file: SegmentFile, segment: Segment) -> list[Finding]:
    """What is wrong with the segment's place in the chain."""
    if segment.head is None:
        return []
    previous = neighbour(file, segment.head.segment - 1)
    data = previous.checked()[0] if previous is not None else None
    followed = neighbour(file, segment.head.segment + 1) is not None
    return check_link(segment, data, file=file.name, next_exists=followed)


def _gives(sealed: Path | bytes, data: bytes) -> bool:
    """Whether a sealed segment restores to these bytes."""
    try:
        restored = unseal(sealed)
    except InputError:
        return False
    return restored.intact and restored.sha256 == sha256_bytes(data) and restored.data == data


def _replace(original: Path, data: bytes, target: Path, blob: bytes, *, keep: bool) -> bool:
    """Put the sealed file beside the original, and take that away once the one on disk restores to it."""
    if not _gives(blob, data):
        return False
    write_atomically(target, blob)
    _force(target.parent)
    if not _gives(target, data):
        target.unlink(missing_ok=True)
        return False
    if not keep:
        original.unlink(missing_ok=True)
        _force(original.parent)
    return True


def _force(folder: Path) -> None:
    """Force a folder's names to disk, so that a power cut cannot bring back what was before."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remove_leftovers(folder: Path) -> None:
    """Half-written files of a sealing that was killed: the originals are still there."""
    for path in folder.glob(f".*{SEALED_SUFFIX}.*"):
        path.unlink(missing_ok=True)


def _energies(segment: Segment) -> int:
    """How many energies stand in a segment, over all components and intervals."""
    intervals = (record for _, record in segment.records if isinstance(record, Interval))
    return sum(1 for record in intervals for energy in record.energy_uj if energy is not None)
