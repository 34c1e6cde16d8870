"""Opening sources: find the files under a path, read one in batches, take its digest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes, sha256_file
from gxmeter.core.findings import Finding, finding
from gxmeter.energy.model import Source
from gxmeter.energy.units import Wanted, remote_units, wanted_by
from gxmeter.telemetry.assign import with_jobs
from gxmeter.telemetry.declared import as_declared
from gxmeter.telemetry.journal_files import SegmentFile, segment_files
from gxmeter.telemetry.location import is_url
from gxmeter.telemetry.model import Batch, IntervalBatch, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.registry import check_options, reader


def sources_under(
    paths: Sequence[Path | str],
    *,
    format: str,  # noqa: A002 - the word of the command line
    run: str = "",
    site: str = "",
    options: ReadOptions = NO_OPTIONS,
) -> list[Source]:
    """Every file that the paths name, folders walked in sorted order; hidden files are passed over.

    A reader module may name what it reads: ``PATTERNS`` (globs; default all files), ``FOLDERS`` (true if the folder
    that holds such files is the unit it reads) and ``BESIDE`` (globs of what it looks at beside a file). A text may
    be the URL of a file or folder on object storage.

    Raises:
        InputError: ``source-unreadable`` for each path that does not exist, ``no-sources``; what ``check_options`` and
            ``location.listed`` raise. All paths' faults at once.
    """
    check_options(format, options)
    wanted = wanted_by(format)
    found: dict[Path, Source] = {}
    faults: list[Finding] = []
    for path in paths:
        try:
            if isinstance(path, str) and is_url(path):
                units = remote_units(path, wanted)
                new = [Source(Path(unit.path), format, run, site, unit.url, options, unit) for unit in units]
            else:
                new = [Source(unit, format, run, site, options=options) for unit in _local_units(Path(path), wanted)]
        except InputError as error:
            faults += error.findings
        else:
            for source in new:
                found.setdefault(Path(source.label) if source.remote else source.path.resolve(), source)
    if faults:
        raise InputError.from_findings(faults)
    if not found:
        raise InputError("no-sources", found=", ".join(str(p) for p in paths) or "-")
    return sorted(found.values(), key=lambda source: source.path)


def _local_units(path: Path, wanted: Wanted) -> list[Path]:
    if not path.exists():
        raise InputError("source-unreadable", file=str(path), reason="no such file or folder")
    files = _files(path, wanted.patterns)
    return [file.parent if wanted.as_folders and path.is_dir() else file for file in files]


def _files(path: Path, patterns: Iterable[str]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted({file for pattern in patterns for file in path.rglob(pattern) if file.is_file()}):
        if not any(part.startswith(".") for part in file.relative_to(path).parts):
            yield file


def open_source(source: Source) -> Reading:
    """Open a source with its format's reader.

    Raises:
        InputError: the reader's, or ``source-unreadable``.
    """
    try:
        reading = reader(source.format).read(source.path, run=source.run, site=source.site, options=source.options)
        return with_jobs(
            as_declared(reading, source.options, file=source.path.name), source.options, file=source.path.name
        )
    except OSError as error:
        raise unreadable(source, error) from error


def unreadable(source: Source, error: OSError) -> InputError:
    """The error of an operating system as one sentence for people."""
    found: Finding = finding("source-unreadable", file=source.label, reason=error.strerror or str(error))
    return InputError.from_findings([found])


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder: of its files' digests and names, sorted (the form of ``sha256sum``).

    Of a journal only the segments count: a note beside them, or what a sealing that was killed left, is no part of the
    record. A sealed segment stands in it as the segment that it was: its original name and the digest of the bytes that
    it restores to. So sealing changes no digest, and a digest taken before it still holds.
    """
    if not path.is_dir():
        return _sha256(path)
    files = sorted((named, file) for file, named in _named_files(path))
    lines = (f"{_sha256(file)}  {named.relative_to(path).as_posix()}\n" for named, file in files)
    return sha256_bytes("".join(lines).encode())


def size_of(path: Path) -> int:
    """Size of a file, a journal or all files in a folder [bytes], segments as unsealed; 0 if it cannot be told."""
    try:
        files = [file for file, _ in _named_files(path)] if path.is_dir() else [path]
        return sum(SegmentFile(file).size() for file in files)
    except OSError:
        return 0


def bytes_of(source: Source) -> int:
    """Size of a source [bytes], wherever it lies."""
    return size_of(source.path) if source.remote is None else source.remote.size


def _named_files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The files of a folder with the paths that count: of a journal each segment once, by its original name."""
    segments = segment_files(folder)
    for file in segments:
        yield file.path, file.path.with_name(file.name)
    if not segments:
        yield from ((file, file) for file in folder.rglob("*") if file.is_file())


def _sha256(path: Path) -> str:
    """Digest of a file; of a sealed segment that can be restored, of the segment."""
    segment = SegmentFile(path)
    if segment.is_sealed:
        with suppress(InputError):
            return sha256_bytes(segment.data())
    return sha256_file(path)


def gathered(batches: Iterable[Batch]) -> list[Batch]:
    """All batches of one file as one per shape, for files whose batches go back in time.

    Memory: the whole file, 20 bytes a power sample and 28 an interval record.
    """
    everything = list(batches)
    codes: dict[SeriesKey, int] = {}
    for batch in everything:
        for key in batch.keys:
            codes.setdefault(key, len(codes))
    power = [b for b in everything if isinstance(b, PowerBatch)]
    interval = [b for b in everything if isinstance(b, IntervalBatch)]

    def key_of(parts: Sequence[Batch]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        columns = [np.array([codes[key] for key in part.keys], np.int32)[part.key] for part in parts]
        return np.concatenate(columns)

    out: list[Batch] = []
    if power:
        ts_ms, power_mw = (np.concatenate(c) for c in zip(*((b.ts_ms, b.power_mw) for b in power), strict=True))
        out.append(PowerBatch(tuple(codes), key_of(power), ts_ms, power_mw))
    if interval:
        columns = zip(*((b.start_ms, b.end_ms, b.half_uj) for b in interval), strict=True)
        start_ms, end_ms, half_uj = (np.concatenate(column) for column in columns)
        out.append(IntervalBatch(tuple(codes), key_of(interval), start_ms, end_ms, half_uj))
    return out
