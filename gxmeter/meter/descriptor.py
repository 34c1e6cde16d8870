"""An open file that is known again: what the training does with descriptors must not turn ours against it.

A training may close every descriptor (a daemon does) and get the same numbers for files of its own. To write to a
remembered number then would write into a checkpoint, to close it would take the training's file away. And where it
was started without standard streams, a file of ours must not become one of them: whatever is printed would go into it.
"""

from __future__ import annotations

import fcntl
import os

_FIRST = 3
"""The first number that is no standard stream's."""


class Descriptor:
    """An open file.

    Args:
        number: as ``os.open`` gave it; taken over.

    Attributes:
        number: under which it is open; above those of the standard streams.
    """

    __slots__ = ("_file", "number")

    def __init__(self, number: int) -> None:
        """Take the number over.

        Raises:
            OSError: there is no number left.
        """
        self.number = lifted(number)
        self._file = _identity(self.number)

    @property
    def is_ours(self) -> bool:
        """Whether the number still means the file that was opened."""
        try:
            return _identity(self.number) == self._file
        except OSError:
            return False

    def is_same(self, other: Descriptor) -> bool:
        """Whether the other was opened on the same file."""
        return self._file == other._file

    def close(self) -> None:
        """Close it, unless the number means something else by now."""
        if self.is_ours:
            os.close(self.number)


def lifted(number: int) -> int:
    """The number itself, or where it is a standard stream's another one for the same file.

    Raises:
        OSError: there is no number left; the given one is closed.
    """
    if number >= _FIRST:
        return number
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FIRST)
    finally:
        os.close(number)


def _identity(number: int) -> tuple[int, int]:
    found = os.fstat(number)
    return found.st_dev, found.st_ino
