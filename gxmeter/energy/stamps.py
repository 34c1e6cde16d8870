"""Whether a file is what it was: a cheap stamp, and whether its reader looks at more than the file."""

from __future__ import annotations

from pathlib import Path

from gxmeter.energy.model import Source
from gxmeter.energy.units import wanted_by
from gxmeter.telemetry.journal_files import segment_files


def stamp_of(source: Source) -> str:
    """Sizes and times of change of a file, a journal or all files in a folder: another stamp, other bytes.

    Of object storage it is what the listing told: a copy is fetched only of exactly that.

    Raises:
        OSError: a file cannot be read.
    """
    if source.remote is not None:
        return "\n".join(f"{file.path} {file.size} {file.mark}" for file in source.remote.files)
    return _local_stamp(source.path)


def _local_stamp(path: Path) -> str:
    files = [path]
    if path.is_dir():
        segments = [segment.path for segment in segment_files(path)]
        files = sorted(segments or (file for file in path.rglob("*") if file.is_file()))
    told = ((file.name, file.stat()) for file in files)
    return "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in told)


def looks_beside(source: Source) -> bool:
    """Whether a reader may look at what lies beside: one part alone of what it reads as a folder, or as it says itself.

    Raises:
        InputError: ``format-unknown``.
    """
    wanted = wanted_by(source.format)
    return bool(wanted.beside) or (wanted.as_folders and not source.is_folder)
