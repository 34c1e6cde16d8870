"""Work that meters inside the command counted: they take part without counting energy, each with its own record.

The command has ended and its exit code is waited for, so this is quick: only the lines that tell work are looked at,
in the spelling in which they are written, and where there are more than can be read in about a second none is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gxmeter.core.journal import PARTICIPANT, Head
from gxmeter.core.journal_decode import decode

if TYPE_CHECKING:
    from gxmeter.meter.totals import MeterResult
    from gxmeter.telemetry.journal_files import SegmentFile

MOST_BYTES = 64_000_000
"""Records of more are not read at the end of a command [bytes]: some 600,000 lines, about a second."""

_COUNT = re.compile(
    rb'^(\{"t":"count","n":\d+,"u":\d+,"m":\d+(?:,"tokens":(\d+))?(?:,"steps":(\d+))?(?:,"flop":"(\d+)")?\})'
    rb" ([0-9a-f]{8})\n",
    re.MULTILINE,
)


def with_work_inside(result: MeterResult) -> MeterResult:
    """The result with the tokens, steps and operations that records of meters inside the command hold.

    Looked at are records of this run and this boot that were begun after ours, beside ours; one that cannot be read
    is left out, as it is when the record is read. Where they are longer than :data:`MOST_BYTES` the result is as it
    was: how much was counted is then not said, and ``gxmeter energy`` tells it from the record.
    """
    own = _head(result.journal) if result.journal is not None else None
    if result.journal is None or own is None:
        return result
    files = [file for folder in _beside(result.journal, own) for file in _segments(folder)]
    if sum(_size(file) for file in files) > MOST_BYTES:
        return result
    work = [0, 0, 0]
    for file in files:
        for place, amount in enumerate(_counted(_data(file))):
            work[place] += amount
    tokens, steps, flop = work
    return replace(result, tokens=result.tokens + tokens, steps=result.steps + steps, flop=result.flop + flop)


def _beside(journal: Path, own: Head) -> Iterator[Path]:
    """Folders of meters that took part in this run."""
    begun_s = own.utc_ms // 1000
    try:
        folders = sorted(folder for folder in journal.parent.iterdir() if folder.stat().st_mtime >= begun_s)
    except OSError:
        return
    for folder in folders:
        head = _head(folder) if folder != journal else None
        if head is not None and (head.run, head.boot, head.role) == (own.run, own.boot, PARTICIPANT):
            yield folder


def _segments(folder: Path) -> list[SegmentFile]:
    """A journal's segments; some may have been sealed while the command ran."""
    from gxmeter.telemetry.journal_files import segment_files

    try:
        return segment_files(folder)
    except OSError:
        return []


def _head(folder: Path) -> Head | None:
    """The head of a journal's first segment."""
    for file in _segments(folder)[:1]:
        if file.is_sealed:
            return decode(_data(file).partition(b"\n")[0] + b"\n").head
        try:
            with file.path.open("rb") as lines:
                return decode(lines.readline()).head
        except OSError:
            return None
    return None


def _size(file: SegmentFile) -> int:
    try:
        return file.size()
    except (OSError, ModuleNotFoundError):
        return 0


def _data(file: SegmentFile) -> bytes:
    """A segment's lines; empty where it cannot be read, or is sealed and this host has no pyarrow."""
    try:
        return file.checked()[0] or b""
    except (OSError, ModuleNotFoundError):
        return b""


def _counted(data: bytes) -> tuple[int, int, int]:
    """Tokens, steps and operations in a segment's whole lines."""
    tokens = steps = flop = 0
    for line in _COUNT.finditer(data):
        if int(line[5], 16) == zlib.crc32(line[1]):
            tokens += int(line[2] or 0)
            steps += int(line[3] or 0)
            flop += int(line[4] or 0)
    return tokens, steps, flop
