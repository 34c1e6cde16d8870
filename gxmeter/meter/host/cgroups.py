"""Control groups, version 1 and 2: which limits stand around a process.

A process stands in a folder of a hierarchy (``/proc/<pid>/cgroup``, cgroups(7)), the hierarchy is mounted somewhere
(``/proc/<pid>/mountinfo``, proc_pid_mountinfo(5)), and every folder on the way up may limit. Inside a container a
cgroup namespace or a mount of an inner folder hides what is above; then the topmost folder that is seen is the
container's. On a hybrid host every controller is in the one or the other version, and each is looked for where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

V1, V2 = "cgroup-v1", "cgroup-v2"
"""Names of the versions in the record."""

_MILLI = 1000
_MOST_CPUS = 1 << 16
_MOST_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Where a process stands in the hierarchy of one controller.

    Attributes:
        version: :data:`V1` or :data:`V2`.
        path: as the kernel names it to this process; ``/`` in a cgroup namespace.
        folders: its folder and those above it, innermost first, as far as they are seen.
    """

    version: str
    path: str
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A finite limit and the group that has it, named by the inode of its folder: one name on the whole host."""

    amount: int
    group: str


@dataclass(frozen=True, slots=True)
class _Mount:
    kind: str
    controllers: frozenset[str]
    inner: PurePosixPath
    place: PurePosixPath


def find_cgroups(controllers: tuple[str, ...], root: Path, pid: str) -> dict[str, Cgroup]:
    """The groups of a process for controllers such as ``cpu``; those that there are.

    Args:
        controllers: names as the kernel has them.
        root: where ``/proc`` and the mounts are found.
        pid: as in ``/proc``.
    """
    paths = _paths(small_text(root / "proc" / pid / "cgroup"))
    mounts = _mounts(small_text(root / "proc" / pid / "mountinfo"))
    found = {name: _find(name, paths, mounts, root) for name in controllers}
    return {name: group for name, group in found.items() if group is not None}


def cpu_limits(group: Cgroup) -> list[Limit]:
    """Limits of CPU time [1/1000 CPU], outermost first: ``cpu.max``, or ``cpu.cfs_quota_us`` and its period."""
    return _limits(group, _cpu_max if group.version == V2 else _cfs_quota)


def memory_limits(group: Cgroup) -> list[Limit]:
    """Limits of memory [bytes], outermost first: ``memory.max`` or ``memory.limit_in_bytes``."""
    name = "memory.max" if group.version == V2 else "memory.limit_in_bytes"
    return _limits(group, lambda folder: _number(small_text(folder / name)))


def cpuset(group: Cgroup) -> tuple[int, ...] | None:
    """The CPUs on which the group may run, of the innermost folder that says so; None where none does."""
    names = ("cpuset.cpus.effective",) if group.version == V2 else ("cpuset.effective_cpus", "cpuset.cpus")
    found = (cpu_list(small_text(folder / name)) for folder in group.folders for name in names)
    return next((cpus for cpus in found if cpus), None)


def cpu_list(text: str) -> tuple[int, ...]:
    """CPU numbers of a list as the kernel writes it (cpuset(7), "List format"); empty where it is none.

    >>> cpu_list("0-3,8,10-11")
    (0, 1, 2, 3, 8, 10, 11)
    """
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        start, stop = _number(first), _number(last or first)
        if start is None or stop is None or stop - start > _MOST_CPUS:
            return ()
        cpus |= set(range(start, stop + 1))
    return tuple(sorted(cpus))


def _find(controller: str, paths: dict[str, str], mounts: list[_Mount], root: Path) -> Cgroup | None:
    version = V1 if controller in paths else V2
    path = paths.get(controller, paths.get(""))
    if path is None:
        return None
    for mount in sorted(mounts, key=lambda mount: _rank(mount, path)):
        if not _carries(mount, version, controller):
            continue
        folders = _folders(root, mount, path)
        if folders:
            return Cgroup(version, path, folders)
    return None


def _limits(group: Cgroup, amount_of: Callable[[Path], int | None]) -> list[Limit]:
    found = []
    for folder in reversed(group.folders):
        amount = amount_of(folder)
        if amount is not None:
            found.append(Limit(amount, _name(folder)))
    return found


def _cpu_max(folder: Path) -> int | None:
    quota, _, period = small_text(folder / "cpu.max").strip().partition(" ")
    return _per_mille(quota, period)


def _cfs_quota(folder: Path) -> int | None:
    return _per_mille(small_text(folder / "cpu.cfs_quota_us"), small_text(folder / "cpu.cfs_period_us"))


def _per_mille(quota: str, period: str) -> int | None:
    """Quota over period in thousandths, rounded down but at least one; None for ``max``, ``-1`` and nonsense."""
    time, of = _number(quota), _number(period)
    return max(1, time * _MILLI // of) if time and of else None


def _name(folder: Path) -> str:
    try:
        return f"cgroup-{folder.stat().st_ino}"
    except OSError:
        return f"cgroup{folder}"


def _paths(text: str) -> dict[str, str]:
    """Path by controller; version 2 stands under the empty name."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy.isdigit() and path.startswith("/"):
            paths |= dict.fromkeys(controllers.split(",") if controllers else [""], path)
    return paths


def _mounts(text: str) -> list[_Mount]:
    """The mounts of control groups, the last made first: of two at one place it hides the other."""
    found = []
    for line in reversed(text.splitlines()):
        before, _, after = line.partition(" - ")
        place, kind = before.split(), after.split()
        if len(place) >= 5 and len(kind) >= 1 and kind[0] in {"cgroup", "cgroup2"}:  # noqa: PLR2004 - proc_pid_mountinfo(5)
            options = frozenset(kind[2].split(",")) if len(kind) > 2 else frozenset()  # noqa: PLR2004
            found.append(_Mount(kind[0], options, _unescape(place[3]), _unescape(place[4])))
    return found


def _carries(mount: _Mount, version: str, controller: str) -> bool:
    return mount.kind == "cgroup2" if version == V2 else mount.kind == "cgroup" and controller in mount.controllers


def _holds(mount: _Mount, path: str) -> bool:
    """Whether the group is below what the mount shows; a path with ``..`` is outside the namespace."""
    inside = PurePosixPath(path)
    return ".." not in inside.parts and inside.is_relative_to(mount.inner)


def _rank(mount: _Mount, path: str) -> tuple[bool, int]:
    """The mount that shows most of the way to the group comes first, one that does not show the group last."""
    return not _holds(mount, path), len(mount.inner.parts)


def _folders(root: Path, mount: _Mount, path: str) -> tuple[Path, ...]:
    """The folders from the process's own up to the mount; only the mount where the path is outside what is seen."""
    top = root / mount.place.relative_to("/")
    below = PurePosixPath(path).relative_to(mount.inner) if _holds(mount, path) else PurePosixPath()
    return tuple(folder for part in (below, *below.parents) if (folder := top / part).is_dir())


def _unescape(text: str) -> PurePosixPath:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return PurePosixPath("/") / text


def _number(text: str) -> int | None:
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= _MOST_DIGITS else None


def small_text(path: Path) -> str:
    """The text of a small file, empty where it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except (OSError, ValueError):
        return ""
