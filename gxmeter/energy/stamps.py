"""Whether a file is what it was: a cheap stamp, and whether its reader looks at more than the file."""

from __future__ import annotations

from pathlib import Path

from gxmeter.energy.model import Source
from gxmeter.telemetry.journal_files import segment_files
from gxmeter.telemetry.registry import reader


def stamp_of(path: Path) -> str:
    """Sizes and times of change of a file, a journal or all files in a folder: another stamp, other bytes.

    Raises:
        OSError: a file cannot be read.
    """
    files = [path]
    if path.is_dir():
        segments = [segment.path for segment in segment_files(path)]
        files = sorted(segments or (file for file in path.rglob("*") if file.is_file()))
    told = ((file.name, file.stat()) for file in files)
    return "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in told)


def looks_beside(source: Source) -> bool:
    """Whether a reader may look at what lies beside the file: one part alone of what it reads as a whole folder.

    Raises:
        InputError: ``format-unknown``.
    """
    return bool(getattr(reader(source.format), "FOLDERS", False)) and not source.path.is_dir()
