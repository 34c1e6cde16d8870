"""Where the segments of a journal lie, sealed or not, and their original bytes.

A sealed segment ``0003.gxj.parquet`` stands for the segment ``0003.gxj``; where both lie there, the original is
read. Findings name a segment by its original name, so they do not change when it is sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import SUFFIX
from gxmeter.telemetry.sealed import SEALED_SUFFIX, sealed_size, unseal

PATTERNS = (f"*{SUFFIX}", f"*{SEALED_SUFFIX}")
"""Names of segments, sealed or not."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment's file."""

    path: Path

    @property
    def is_sealed(self) -> bool:
        """Whether it is sealed."""
        return self.path.name.endswith(SEALED_SUFFIX)

    @property
    def name(self) -> str:
        """The name of the segment before it was sealed."""
        return self.path.name.removesuffix(SEALED_SUFFIX) + SUFFIX if self.is_sealed else self.path.name

    def data(self) -> bytes:
        """The original bytes; of a sealed segment that was changed, what can be restored.

        Raises:
            InputError: ``journal-seal-unreadable``.
            OSError: the file cannot be read.
        """
        return unseal(self.path).data if self.is_sealed else self.path.read_bytes()

    def checked(self) -> tuple[bytes | None, list[Finding]]:
        """The original bytes, or None where a seal cannot be read, and what is wrong with the seal.

        Raises:
            OSError: the file cannot be read.
        """
        if not self.is_sealed:
            return self.path.read_bytes(), []
        try:
            restored = unseal(self.path)
        except InputError as error:
            return None, list(error.findings)
        broken = [] if restored.intact else [finding("journal-seal-broken", file=self.path.name)]
        return restored.data, broken

    def size(self) -> int:
        """Size of the original [bytes]; of a sealed segment as its file says it."""
        size = sealed_size(self.path) if self.is_sealed else None
        return self.path.stat().st_size if size is None else size


def segment_files(folder: Path) -> list[SegmentFile]:
    """The segments of a journal's folder in order of number; of a segment that lies there twice, the original.

    Files with other names (``0003 copy.gxj``) come last, so that a copy never stands before what it was made of.
    """
    found: dict[str, SegmentFile] = {}
    for pattern in PATTERNS:
        for path in folder.glob(pattern):
            if path.is_file() and not path.name.startswith("."):
                file = SegmentFile(path)
                found.setdefault(file.name, file)
    return sorted(found.values(), key=in_order)


def in_order(file: SegmentFile) -> tuple[bool, int, str]:
    """Sorts segments by their number: after more than a year of hours the names have five digits."""
    number = file.name.removesuffix(SUFFIX)
    is_number = number.isascii() and number.isdigit()
    return (not is_number, int(number) if is_number else 0, file.name)


def neighbour(file: SegmentFile, number: int) -> SegmentFile | None:
    """The segment of a number that lies beside a file; None where there is none."""
    original = file.path.with_name(f"{number:04d}{SUFFIX}")
    for path in (original, file.path.with_name(f"{number:04d}{SEALED_SUFFIX}")):
        if number >= 0 and path.is_file():
            return SegmentFile(path)
    return None
