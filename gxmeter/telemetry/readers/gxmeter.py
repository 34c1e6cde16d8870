"""Reader of gxmeter's own journals: one segment file, or a folder of segments checked as a chain.

Segments may be sealed (``0003.gxj.parquet``): the numbers and the findings are the same. A journal of a meter that
took part without counting holds no energy, and that is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import STOPPED
from gxmeter.core.journal_decode import Segment, check_chain, check_link, decode, looks_like_journal
from gxmeter.telemetry.journal_compared import Compared
from gxmeter.telemetry.journal_devices import describe, grown, owner_of
from gxmeter.telemetry.journal_files import PATTERNS as _PATTERNS
from gxmeter.telemetry.journal_files import SegmentFile, neighbour, segment_files
from gxmeter.telemetry.journal_remarks import remarks, too_short_ms
from gxmeter.telemetry.journal_rows import batches
from gxmeter.telemetry.model import IntervalBatch, Reading
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions

FORMAT = "gxmeter"
PATTERNS = _PATTERNS
"""Which files of a folder are read."""
FOLDERS = True
"""A journal is the folder of its segments, not one of them."""
NAMES_RUNS = True
"""Its records say whose they are."""
OPTIONS = ()
"""A journal says everything itself."""


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:  # noqa: ARG001 - it says all itself
    """Open a segment file or a journal folder.

    The journal names its run and site itself; ``site`` is used where the journal says ``unknown``, ``run``
    where it names none. A segment read alone is checked against the segments that lie beside it.

    Args:
        path: a segment, sealed or not, or the folder of a journal.
        run: fallback run id.
        site: fallback site id.
        options: a journal says everything itself.

    Raises:
        InputError: ``journal-not-a-journal``; ``journal-version-unknown``.
    """
    files = segment_files(path) if path.is_dir() else [SegmentFile(path)]
    if not files:
        return _nothing(path)
    reading = Reading(format=FORMAT, batches=iter(()), clean_end=False)
    first = open_segment(files[0])
    if first.head is not None:
        reading.period_ms = first.head.period_ms
        reading.sensors = _sensors(first)
        describe(first, reading, owner_of(first.head, run, site))
    reading.batches = _stream(_Journal(files, run, site, first), reading)
    return reading


def _nothing(folder: Path) -> Reading:
    """A folder that a meter made and could write nothing into; one that holds anything else is no journal.

    Raises:
        InputError: ``journal-not-a-journal``.
    """
    if any(not path.name.startswith(".") for path in folder.iterdir()):
        raise InputError("journal-not-a-journal", file=folder.name)
    return Reading(
        format=FORMAT, batches=iter(()), clean_end=False, findings=[finding("journal-empty", file=folder.name)]
    )


def open_segment(file: SegmentFile) -> Segment:
    """The records of a segment, sealed or not.

    Raises:
        InputError: ``journal-not-a-journal``; ``journal-version-unknown``.
        OSError: the file cannot be read.
    """
    data, faults = file.checked()
    if data is None:
        return Segment(findings=faults)
    # A power cut may leave a file of the right length without its bytes: a damaged head, not another kind of file.
    if data.strip(b"\0") and not looks_like_journal(data):
        raise InputError("journal-not-a-journal", file=file.name)
    segment = decode(data, file=file.name)
    versions = [item for item in segment.findings if item.code == "journal-version-unknown"]
    if versions:
        raise InputError.from_findings(versions)
    segment.findings[:0] = faults
    return segment


@dataclass(frozen=True, slots=True)
class _Journal:
    """What a streaming pass needs: files, fallback ids, and the first segment, already decoded."""

    files: list[SegmentFile]
    run: str
    site: str
    first: Segment


def _stream(journal: _Journal, reading: Reading) -> Iterator[IntervalBatch]:
    before: Segment | None = None
    compared = Compared()
    for position, file in enumerate(journal.files):
        segment = journal.first if position == 0 else open_segment(file)
        reading.findings += segment.findings
        reading.findings += _links(segment, file, before)
        reading.clean_end = segment.footer is not None
        reading.stopped = segment.footer is not None and segment.footer.reason in STOPPED
        reading.too_short_ms = too_short_ms(segment)
        before = segment
        if segment.head is not None:
            owner = owner_of(segment.head, journal.run, journal.site)
            describe(segment, reading, owner)
            reading.sensors += [one for one in _sensors(segment) if one not in reading.sensors]
            reading.origin = grown(reading.origin, segment, owner)
            reading.findings += remarks(segment, file.name)
            compared.add(segment)
            yield from batches(segment, reading, owner)
    if reading.origin is not None:
        reading.findings += compared.findings(reading.origin.journal)


def _sensors(segment: Segment) -> list[tuple[str, str]]:
    return [(sensor.name, sensor.version) for sensor in segment.sensors()]


def _links(segment: Segment, file: SegmentFile, before: Segment | None) -> list[Finding]:
    """Chain faults: against the segment just read, else against the files that lie beside it."""
    if segment.head is None:
        return []
    number = segment.head.segment
    followed = neighbour(file, number + 1) is not None
    if before is not None and before.head is not None and before.head.segment + 1 == number:
        faults = check_chain(before, segment, file=file.name)
        rotated_away = check_link(segment, None, file=file.name, next_exists=followed)
        return faults + [item for item in rotated_away if item.expected != str(number - 1)]
    return check_link(segment, _bytes_before(file, number), file=file.name, next_exists=followed)


def _bytes_before(file: SegmentFile, number: int) -> bytes | None:
    """The bytes of the segment before; None where it is not there or cannot be restored."""
    previous = neighbour(file, number - 1)
    return previous.checked()[0] if previous is not None else None
