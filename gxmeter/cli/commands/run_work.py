"""Work that meters inside the command counted: they take part without counting energy, each with its own record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gxmeter.core.journal import PARTICIPANT, SUFFIX, Count, Head
from gxmeter.core.journal_decode import decode

if TYPE_CHECKING:
    from gxmeter.meter.totals import MeterResult


def with_work_inside(result: MeterResult) -> MeterResult:
    """The result with the tokens, steps and operations that records of meters inside the command hold.

    Looked at are records of this run and this boot that were begun after ours, beside ours; one that cannot be read
    is left out, as it is when the record is read.
    """
    own = _head(result.journal) if result.journal is not None else None
    if result.journal is None or own is None:
        return result
    counts = [count for folder in _beside(result.journal, own) for count in _counts(folder)]
    return replace(
        result,
        tokens=result.tokens + sum(count.tokens for count in counts),
        steps=result.steps + sum(count.steps for count in counts),
        flop=result.flop + sum(count.flop for count in counts),
    )


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


def _head(folder: Path) -> Head | None:
    try:
        with (folder / f"0000{SUFFIX}").open("rb") as file:
            return decode(file.readline()).head
    except OSError:
        return None


def _counts(folder: Path) -> Iterator[Count]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        yield from (record for _, record in decode(data).records if isinstance(record, Count))
