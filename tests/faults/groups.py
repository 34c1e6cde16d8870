"""A control group with a memory limit, so that the kernel's own OOM killer ends whoever takes more."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


@dataclass
class MemoryGroup:
    """The group; ``folder`` takes process ids in ``cgroup.procs``."""

    folder: Path
    events: str

    @classmethod
    def make(cls, limit_bytes: int) -> Self | str:
        """Make one at the top of the hierarchy, or say why this machine cannot."""
        if (_V1 / "memory.limit_in_bytes").exists():
            top, limit, events = _V1, "memory.limit_in_bytes", "memory.oom_control"
        elif "memory" in _read(_V2 / "cgroup.subtree_control").split():
            top, limit, events = _V2, "memory.max", "memory.events"
        else:
            return "needs a memory controller among the control groups"
        folder = top / f"gxmeter-fault-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError as error:
            return f"needs leave to make a control group: {error.strerror}"
        (folder / limit).write_text(str(limit_bytes))
        return cls(folder, events)

    @property
    def kills(self) -> int:
        """How often the kernel killed in it."""
        words = _read(self.folder / self.events).split()
        return int(words[words.index("oom_kill") + 1])

    def close(self) -> None:
        """Remove it; the kernel lets it go when its last process is gone."""
        for _ in range(100):
            try:
                self.folder.rmdir()
            except OSError:
                time.sleep(0.05)
            else:
                return


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
