"""What files say about themselves, added to their energy: digests, devices, remarks under the file's full name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.numbers import plain
from gxmeter.energy.model import Device, EnergyResult, Source
from gxmeter.energy.overlaps import Repeat
from gxmeter.energy.tasks import Answer, FileResult
from gxmeter.telemetry.model import DeviceInfo

EARLIEST_MS = 946_684_800_000
"""Start of the year 2000 [Unix ms]: an earlier instant is a clock that was not set, or a time in another unit."""


def describe(
    result: EnergyResult,
    sources: Sequence[Source],
    answers: Sequence[Answer[FileResult]],
    repeated: Mapping[int, Repeat],
) -> None:
    """Add digests, devices and the readers' findings to a result.

    Args:
        result: the closed result of all files.
        sources: the files in the order of their names.
        answers: what came back of each.
        repeated: which of them repeat others, and what.
    """
    unnamed = {item for answer in answers for item in answer.result.part.findings}
    findings = [item for item in result.findings if item not in unnamed]
    for i, (source, answer) in enumerate(zip(sources, answers, strict=True)):
        file = answer.result
        result.sources.append((source.label, answer.seal.digest))
        result.facts.append(file.facts)
        findings += [named(item, source) for item in (*file.findings, *file.part.findings)]
        findings += _about_energy(source, file, repeated.get(i))
        if file.facts.first_ms is not None and file.facts.first_ms < EARLIEST_MS:
            findings.append(finding("time-too-early", file=source.label, found=instant(max(file.facts.first_ms, 0))))
        if answer.changed:
            findings.append(finding("source-changed", file=source.label))
        for key, info in file.devices.items():
            known = result.devices.setdefault(key, info)
            if known.boundary != info.boundary:
                findings.append(_two_boundaries(source, known, info))
    result.devices = dict(sorted(result.devices.items()))
    result.findings = ordered([*findings, *_without_energy(result)])


def _without_energy(result: EnergyResult) -> list[Finding]:
    """Devices whose readings all lie further apart than may be joined: they have no energy, which is not zero."""
    measured = {Device(key.site, key.device) for key in result.leaves}
    holes = Counter(Device(gap.site, gap.device) for gap in result.gaps)
    return [
        finding(
            "readings-too-far-apart",
            device=device.device,
            site=device.site,
            count=count,
            limit=result.limits.of(device) // 1000,
        )
        for device, count in sorted(holes.items())
        if device not in measured
    ]


def named(item: Finding, source: Source) -> Finding:
    """A reader's finding under the file's full name: of a folder, readers name the file inside it only.

    A file that was named by its path keeps the name that the reader gives it, its own; one with a name of its own, such
    as an import, is called by that.
    """
    if not item.file:
        return replace(item, file=source.label)
    is_itself = item.file == source.path.name
    if not (source.is_folder or (source.name and is_itself)) or item.file.startswith(source.label):
        return item
    file = source.label if is_itself else f"{source.label}/{item.file}"
    return finding(item.code, file=file, row=item.row, expected=item.expected, found=item.found, **dict(item.params))


def _about_energy(source: Source, file: FileResult, repeat: Repeat | None) -> list[Finding]:
    """Why a file adds no energy. A meter that took part without counting adds none, and that is no fault."""
    if file.part.samples:
        return []
    if repeat is not None:
        return [finding("source-repeated", file=source.label, other=", ".join(sorted(repeat.others)))]
    if file.facts.origin is not None and not file.facts.origin.measures:
        return []
    if file.too_short_ms is None:
        return [finding("source-empty", file=source.label)]
    return [finding("source-too-short", file=source.label, seconds=plain(Decimal(file.too_short_ms).scaleb(-3)))]


def _two_boundaries(source: Source, known: DeviceInfo, info: DeviceInfo) -> Finding:
    return finding(
        "device-boundary-conflict",
        file=source.label,
        device=info.device,
        site=info.site,
        expected=known.boundary,
        found=info.boundary,
    )
