"""Who measures: at any moment at most one meter of a host has a device, and no dead one can keep it.

Every device is a place in one host-local file (``claims_file.py``), and to measure it is to lock that place. The
kernel gives the lock back when the process ends, by whatever end, so there is nothing to clean up and nothing stale.
Two meters of one process are kept apart by a table, since the kernel sees them as one.

A whole device is locked for oneself. A job that has a part of the host's CPU time or memory locks the whole *shared*
and its own control group for itself, and so on down a chain of groups in groups. So jobs with parts of their own
measure side by side, but neither beside a meter of the whole host nor beside a meter of a group that holds them.

It reaches as far as the file is seen: containers with a ``/dev/shm`` each do not meet here. ``GXMETER_CLAIMS`` names
a folder that they share. What counts twice in spite of all is found by the boot id when the year is accounted.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gxmeter.meter.host.claims_file import FOLDERS, ClaimsFile, Span
from gxmeter.meter.sensors.base import NODE, Fault, Part, fault

if TYPE_CHECKING:
    from gxmeter.meter.host.allocation import Allocation

FOLDER_VARIABLE = "GXMETER_CLAIMS"
"""Environment variable with the folder of the file, where containers of one host share one."""

_NODE = 0
_CPU, _CPUS = 1 << 20, 1 << 20
_RAM = 1 << 24
_CPU_GROUP = 1 << 52
_RAM_GROUP = 2 << 52
_GPU = 3 << 52
_HASH_BYTES = 6
"""Six bytes of SHA-256 name a GPU or a group: among a thousand, two alike have odds of one in half a billion."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Key:
    """What is claimed: a name for messages and the places in the file, all or none, in the order of their offsets."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has what we wanted: the process, or 0 where it is in a PID namespace that we do not see."""

    pid: int


def node_key() -> Key:
    """The machine as a whole, as its management controller measures it."""
    return Key("node", (Span(_NODE, 1),))


def gpu_key(uuid: str) -> Key:
    """A GPU by its serial identity; upper and lower case are one."""
    return Key(uuid, (Span(_GPU + _hash(uuid.lower()), 1),))


def cpu_key(allocation: Allocation) -> Key:
    """The processors that are ours: by number for ourselves, or all of them shared where we have a part of the time."""
    limited = allocation.cpu_quota_milli is not None and bool(allocation.cpu_groups)
    if allocation.cpus is None:
        spans = [Span(_CPU, _CPUS, limited)]
    else:
        spans = [Span(_CPU + first, count, limited) for first, count in _runs(allocation.cpus)]
    chain = _chain(_CPU_GROUP, allocation.cpu_groups) if limited else []
    return Key("cpu", tuple(sorted(spans + chain)))


def ram_key(allocation: Allocation) -> Key:
    """The memory: all of it for ourselves, or shared where we have a part."""
    limited = allocation.memory_bytes is not None and bool(allocation.memory_groups)
    chain = _chain(_RAM_GROUP, allocation.memory_groups) if limited else []
    return Key("ram", tuple(sorted([Span(_RAM, 1, limited), *chain])))


def part_key(part: Part, allocation: Callable[[], Allocation]) -> Key:
    """What must be claimed to record a part.

    Args:
        part: as its sensor says it.
        allocation: what of the host is ours; asked only where it matters.
    """
    if part.boundary == NODE:
        return node_key()
    if part.kind == "gpu":
        return gpu_key(part.uuid or part.label)
    return cpu_key(allocation()) if part.kind == "cpu" else ram_key(allocation())


def folder_of(environ: Mapping[str, str]) -> Path | None:
    """The folder that ``GXMETER_CLAIMS`` names by an absolute path, else None: the usual ones."""
    named = environ.get(FOLDER_VARIABLE, "")
    return Path(named) if named.startswith("/") else None


def lost(key: Key) -> Fault:
    """What to say of a key that ``keep`` gave back: another meter has it now."""
    return fault("claim-lost", device=key.name)


class Claims:
    """What one meter has. No call raises, waits or takes longer than some microseconds.

    In a forked child it has nothing, whatever its parent had.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        """Remember where the file may lie; see :meth:`open`."""
        self.folders = folders

    @classmethod
    def open(cls, folder: Path | None = None) -> Claims:
        """Claims on the file in this folder; left out, the first usable of ``/dev/shm``, ``/run/lock``, ``/tmp``.

        Where no file can be used every claim is granted (but two meters of one process still exclude each other),
        and ``faults`` says so.
        """
        made = cls(FOLDERS if folder is None else (folder,))
        made.keep()
        return made

    @property
    def faults(self) -> tuple[Fault, ...]:
        """``claims-unavailable`` where nothing can be locked."""
        process = _process()
        with process.lock:
            if process.settled(self.folders).usable:
                return ()
        return (fault("claims-unavailable", folders=", ".join(str(folder) for folder in self.folders)),)

    def claim(self, key: Key) -> Holder | None:
        """Take the key; None when we have it, now or already, else who has it. To wait, ask again in a second."""
        process = _process()
        with process.lock:
            if process.held.get(key) is self:
                return None
            if process.meets(key):
                return Holder(os.getpid())
            holder = process.take(self, key)
            if holder is None:
                process.held[key] = self
            return holder

    def keep(self) -> tuple[Key, ...]:
        """Hold on to what we have; to be called once an interval. Gives the keys that another got meanwhile.

        They are rare: the file was removed, or a descriptor of it was closed in this process, and another meter came
        first. For these this meter must count no longer.
        """
        process = _process()
        with process.lock:
            process.settled(self.folders)
            process.renew(self.folders)
            gone = tuple(key for key, owner in process.lost if owner is self)
            process.lost = [pair for pair in process.lost if pair[1] is not self]
            return gone

    def release(self, key: Key) -> None:
        """Give a key back; nothing happens where it is not ours."""
        process = _process()
        with process.lock:
            if process.held.get(key) is self:
                del process.held[key]
                _unlock(process.settled(self.folders), key.spans)

    def release_all(self) -> None:
        """Give everything back."""
        for key in self.held():
            self.release(key)

    def held(self) -> tuple[Key, ...]:
        """The keys that are ours, in the order in which they were taken."""
        process = _process()
        with process.lock:
            return tuple(key for key, owner in process.held.items() if owner is self)

    def holder(self, key: Key) -> Holder | None:
        """Who stands in the way of a claim now; None where nobody does, and where the key is ours."""
        process = _process()
        with process.lock:
            if process.held.get(key) is self:
                return None
            if process.meets(key):
                return Holder(os.getpid())
            file = process.settled(self.folders)
            pids = [pid for span in key.spans if (pid := file.holder(span)) is not None]
            return Holder(pids[0]) if pids else None


class _Process:
    """What the meters of this process have together; the kernel knows no finer owner than the process.

    Attributes:
        lock: for every call; re-entrant, since a signal handler may stop a meter in the middle of a claim.
        held: who of this process has a key.
        lost: keys that another process got, and whose they were.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.held: dict[Key, Claims] = {}
        self.lost: list[tuple[Key, Claims]] = []
        self._files: dict[tuple[Path, ...], ClaimsFile] = {}

    def settled(self, folders: tuple[Path, ...]) -> ClaimsFile:
        """The file that every newcomer would see in these folders, with what we have locked in it."""
        file = self._files.setdefault(folders, ClaimsFile(folders))
        if file.settle():
            self.renew(folders)
        return file

    def meets(self, key: Key) -> bool:
        """Whether a place of the key is one that a meter of this process has."""
        return any(_overlap(ours, wished) for had in self.held for ours in had.spans for wished in key.spans)

    def take(self, owner: Claims, key: Key) -> Holder | None:
        """Lock all places of a key in the file that every newcomer sees, or none; who is in the way where not."""
        for _ in range(_TRIES):
            file = self.settled(owner.folders)
            blocked = _lock(file, key.spans)
            if blocked is None:
                if not file.settle():
                    return None
                self.renew(owner.folders)
            elif (pid := file.holder(blocked)) is not None:
                return Holder(pid)
        return Holder(0)

    def renew(self, folders: tuple[Path, ...]) -> None:
        """Lock again what we have, which costs nothing where we still have it; what another has is lost."""
        file = self._files[folders]
        for key, owner in list(self.held.items()):
            if owner.folders == folders and _lock(file, key.spans) is not None:
                _unlock(file, key.spans)
                del self.held[key]
                self.lost.append((key, owner))


_PROCESSES: dict[int, _Process] = {}
"""The table of this process under its number; a forked child begins an empty one."""

os.register_at_fork(after_in_child=_PROCESSES.clear)


def _process() -> _Process:
    pid = os.getpid()
    return _PROCESSES.get(pid) or _PROCESSES.setdefault(pid, _Process())


def _lock(file: ClaimsFile, spans: tuple[Span, ...]) -> Span | None:
    """Lock all or none; the first that another has, None where all are ours."""
    for taken, span in enumerate(spans):
        if not file.lock(span):
            _unlock(file, spans[:taken])
            return span
    return None


def _unlock(file: ClaimsFile, spans: tuple[Span, ...]) -> None:
    for span in spans:
        file.unlock(span)


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.start + other.length and other.start < one.start + one.length


def _chain(base: int, groups: tuple[str, ...]) -> list[Span]:
    """The groups around ours shared, ours for ourselves."""
    return [Span(base + _hash(group), 1, group != groups[-1]) for group in groups]


def _runs(numbers: tuple[int, ...]) -> list[tuple[int, int]]:
    """First number and length of every run of neighbours.

    >>> _runs((0, 1, 2, 8, 9))
    [(0, 3), (8, 2)]
    """
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:_HASH_BYTES], "big")
