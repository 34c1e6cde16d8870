"""Whether the meter that writes a segment without an end may still be at it, or was killed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from gxmeter.core.journal import Head

SILENT_MS = 600_000
"""After so long without a word a writer that cannot be looked at is taken to be dead [ms]; it writes every second."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def may_write(path: Path, head: Head | None, *, now_ms: int) -> bool:
    """Whether a segment's writer may still live.

    The process is looked for where it can be: on this boot, by the number that the head names. Another host, or a
    container with numbers of its own, cannot be looked into; there the time since the last record decides.

    Args:
        path: the segment.
        head: its head; None where that is damaged.
        now_ms: the time now [Unix ms].

    Raises:
        OSError: the segment cannot be read.
    """
    if head is not None and head.boot == _boot():
        if _holds(head.pid, path):
            return True
        if head.host == socket.gethostname() and not Path(f"/proc/{head.pid}").exists():
            return False
    silence_ms = now_ms - path.stat().st_mtime_ns // 1_000_000
    return silence_ms < max(SILENT_MS, 10 * head.period_ms if head is not None else 0)


def _boot() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def _holds(pid: int, path: Path) -> bool:
    """Whether a process has a file open; False where it may not be asked."""
    wanted = path.stat()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            found = _stat(descriptor)
            if found is not None and os.path.samestat(found, wanted):
                return True
    except OSError:
        return False
    return False


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
