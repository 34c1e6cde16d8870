"""The local engine: files to exact energy in one process.

One pass, as a rule. A file whose batches go back in time is read again as a whole; one with too many long
segments is read again when the gap limits are known. Other engines run the same ``partial`` and ``close``
elsewhere and give the same digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol, TypeVar

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.numbers import plain
from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import close, merged
from gxmeter.energy.model import EnergyResult, GapLimits, Source, SourceFacts
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.overlaps import Repeat, cut, repeats
from gxmeter.energy.partial import Partial
from gxmeter.energy.periods import gap_limits
from gxmeter.energy.sources import digest_of, gathered, open_source, size_of, unreadable
from gxmeter.telemetry.model import Batch, DeviceInfo, Reading

T = TypeVar("T")


class Progress(Protocol):
    """Told after each file how much is done."""

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """``done_bytes`` of ``total_bytes`` have been read."""


def integrate(
    sources: Sequence[Source], *, gap_limit_ms: int | None = None, progress: Progress | None = None
) -> EnergyResult:
    """Integrate a set of files.

    Memory: one batch and the leaves, one per half-hour, run, site and device. The order of ``sources`` does
    not matter; the result names them sorted by label.

    Args:
        sources: the files.
        gap_limit_ms: one limit for all devices [ms], 1..1,800,000; None derives one per device.
        progress: called after each file.

    Raises:
        InputError: faults of all files that are not of their format or cannot be read; ``gap-limit-out-of-range``.
    """
    files = _Files(sorted(sources, key=lambda s: (s.label, str(s.path))), progress)
    limits = None if gap_limit_ms is None else GapLimits(default_ms=gap_limit_ms)

    def one(i: int, repeat: Repeat, known: GapLimits | None) -> Partial:
        name = files.sources[i].label
        made = files.whole_or_streamed(i, lambda batches: partial(cut(batches, repeat), name=name, limits=known))
        return replace(made, stopped=files.readings[i].stopped)

    parts = files.each(lambda i: one(i, Repeat(), limits))
    limits = limits or gap_limits(part.periods for part in parts)
    parts = [one(i, Repeat(), limits) if part.needs_limit else part for i, part in enumerate(parts)]
    repeated = repeats(parts, files.batches)
    for i, repeat in repeated.items():
        parts[i] = one(i, repeat, limits)
    result = close(merged(parts), limits)
    files.describe(result, parts, repeated)
    return result


@dataclass
class _Files:
    """The sources of one integration, what their readers said, and how far the reading is."""

    sources: list[Source]
    progress: Progress | None
    devices: dict[int, dict[tuple[str, str], DeviceInfo]] = field(default_factory=dict)
    remarks: dict[int, list[Finding]] = field(default_factory=dict)
    readings: dict[int, Reading] = field(default_factory=dict)
    done_bytes: int = 0

    def __post_init__(self) -> None:
        self._sizes = [size_of(source.path) for source in self.sources]

    def batches(self, i: int) -> Iterator[Batch]:
        """The batches of a file from the beginning; keeps what its reader says about devices and faults."""
        reading = open_source(self.sources[i])
        try:
            yield from reading.batches
        except OSError as error:
            raise unreadable(self.sources[i], error) from error
        self.devices[i], self.remarks[i], self.readings[i] = reading.devices, reading.findings, reading

    def whole_or_streamed(self, i: int, work: Callable[[Iterator[Batch]], T]) -> T:
        """Stream a file through some work; if it goes back in time, hand it over as a whole."""
        with suppress(LateRecordError):
            return work(self.batches(i))
        return work(iter(gathered(self.batches(i))))

    def each(self, work: Callable[[int], T]) -> list[T]:
        """Do some work for every file; the faults of all unreadable ones come as one error."""
        results: list[T] = []
        faults: list[Finding] = []
        for i, size in enumerate(self._sizes):
            try:
                results.append(work(i))
            except InputError as error:
                faults += [_named(f, self.sources[i]) for f in error.findings]
            self.done_bytes += size
            if self.progress:
                self.progress(self.done_bytes, sum(self._sizes))
        if faults:
            raise InputError.from_findings(faults)
        return results

    def describe(self, result: EnergyResult, parts: Sequence[Partial], repeated: Mapping[int, Repeat]) -> None:
        """Add digests, devices and the readers' findings to a result."""
        for i, source in enumerate(self.sources):
            result.sources.append((source.label, digest_of(source.path)))
            result.facts.append(_facts(self.readings[i], parts[i]))
            named = [_named(f, source) for f in (*self.remarks[i], *parts[i].findings)]
            result.findings = [f for f in result.findings if f not in parts[i].findings] + named
            if i in repeated and not parts[i].samples:
                others = ", ".join(sorted(repeated[i].others))
                result.findings.append(finding("source-repeated", file=source.label, other=others))
            elif not parts[i].samples and _should_hold_energy(self.readings[i]):
                result.findings.append(_without_energy(source, self.readings[i]))
            for key, info in self.devices[i].items():
                known = result.devices.setdefault(key, info)
                if known.boundary != info.boundary:
                    result.findings.append(_two_boundaries(source, known, info))
        result.devices = dict(sorted(result.devices.items()))
        result.findings = ordered(result.findings)


def _facts(reading: Reading, part: Partial) -> SourceFacts:
    return SourceFacts(
        first_ms=min(part.instants(), default=None),
        last_ms=max(part.instants(), default=None),
        records=reading.records,
        clean_end=reading.clean_end,
        sensors=tuple(reading.sensors),
        origin=reading.origin,
    )


def _without_energy(source: Source, reading: Reading) -> Finding:
    if reading.too_short_ms is None:
        return finding("source-empty", file=source.label)
    return finding("source-too-short", file=source.label, seconds=plain(Decimal(reading.too_short_ms).scaleb(-3)))


def _should_hold_energy(reading: Reading) -> bool:
    """A meter that took part without counting leaves a record without energy, and that is no fault."""
    return reading.origin is None or reading.origin.measures


def _named(item: Finding, source: Source) -> Finding:
    """A reader's finding under the file's full name: of a folder, readers name the file inside it only."""
    if not item.file:
        return replace(item, file=source.label)
    if not source.path.is_dir() or item.file.startswith(source.label):
        return item
    file = source.label if item.file == source.path.name else f"{source.label}/{item.file}"
    return finding(item.code, file=file, row=item.row, expected=item.expected, found=item.found, **dict(item.params))


def _two_boundaries(source: Source, known: DeviceInfo, info: DeviceInfo) -> Finding:
    return finding(
        "device-boundary-conflict",
        file=source.label,
        device=info.device,
        site=info.site,
        expected=known.boundary,
        found=info.boundary,
    )
