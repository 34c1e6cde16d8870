"""What was declared of a file's instrument stands above what its reader says: in this one place, for all formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gxmeter.core.findings import finding
from gxmeter.telemetry.model import Batch, DeviceInfo, Reading
from gxmeter.telemetry.options import ReadOptions, rank


def as_declared(reading: Reading, options: ReadOptions, *, file: str) -> Reading:
    """The reading with the boundary and the grade that were declared for its file.

    A reader that knows nothing of its instrument takes the declaration itself. One that does, and says a weaker grade
    than the declared one, is overruled by name: finding ``grade-raised``.
    """
    if not options.boundary and not options.grade:
        return reading
    raised: dict[str, int] = {}
    reading.batches = _streamed(reading, reading.batches, options, raised, file)
    _declare(reading, options, raised)
    return reading


def _streamed(
    reading: Reading, batches: Iterator[Batch], options: ReadOptions, raised: dict[str, int], file: str
) -> Iterator[Batch]:
    for batch in batches:
        _declare(reading, options, raised)
        yield batch
    _declare(reading, options, raised)
    for grade, count in sorted(raised.items()):
        reading.findings.append(finding("grade-raised", file=file, count=count, expected=grade, found=options.grade))


def _declare(reading: Reading, options: ReadOptions, raised: dict[str, int]) -> None:
    for key, info in reading.devices.items():
        told = _told(info, options)
        if told == info:
            continue
        if rank(told.grade) < rank(info.grade):
            raised[info.grade] = raised.get(info.grade, 0) + 1
        reading.devices[key] = told


def _told(info: DeviceInfo, options: ReadOptions) -> DeviceInfo:
    return replace(info, boundary=options.boundary or info.boundary, grade=options.grade or info.grade)
