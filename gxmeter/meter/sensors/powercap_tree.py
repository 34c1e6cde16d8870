"""What stands in Linux's powercap tree: which counters there are, whose they are, and what their parts may draw.

The kernel's ``Documentation/power/powercap/powercap.rst`` describes the tree: a control type (``intel-rapl``, also
on AMD) has zones ``intel-rapl:N``, a zone has sub-zones ``intel-rapl:N:M``, each with ``name``, ``energy_uj``,
``max_energy_range_uj`` and, where power can be limited, ``constraint_*``. Which of them are counted:

- ``package-N`` and ``package-N-die-M``: a processor package, or one die of it; each is a part.
- ``dram`` below a package: its memory, which is outside the package's energy.
- ``core`` and ``uncore`` are inside their package and would count twice.
- ``psys`` is the platform, packages and memory included. What else is inside differs from board to board and
  cannot be asked for, so that it can neither be added to nor stand for the packages: it is not counted.
- ``intel-rapl-mmio`` shows the package counters of ``intel-rapl`` by another way. It is read only where
  ``intel-rapl`` has no package at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = "/sys/class/powercap"
"""Where the kernel shows the tree."""

PACKAGE_CEILING_MW = 1_000_000
"""Taken for a package whose rating the tree does not say [mW]; processors of 2026 are rated at up to 600 W."""

DRAM_CEILING_MW = 500_000
"""Taken for the memory of a package where the tree does not say [mW]: 24 modules of 20 W."""

_LEAST_PLAUSIBLE_UW = 1_000_000
"""A limit below 1 W is a register nobody set [uW]."""

_LONG_AND_SHORT = ("constraint_0_power_limit_uw", "constraint_1_power_limit_uw")
_PACKAGE = re.compile(r"package-(\d+)(?:-die-(\d+))?")
_ZONE = re.compile(r"[a-z-]+((?::\d+)+)")
_CPU_NAME_KEYS = {"model name", "cpu model", "Model"}


@dataclass(frozen=True, slots=True)
class Zone:
    """One counter that is to be read.

    Attributes:
        label: ``cpu0`` or ``dram0``; the number is the package's (the die's) place in order.
        name: as the kernel says it, with the folder, e.g. ``package-0 (intel-rapl:0)``.
        package: number of the processor package that it belongs to.
        path: of ``energy_uj``.
        span_uj: the count at which it starts again from zero [uJ], None where the tree does not say. The kernel says
            the largest count, one step (about 61 uJ) less: so much is lost at a wrap.
        rated_mw: the most that its part is allowed to draw for long [mW], None where the tree does not say.
    """

    label: str
    name: str
    package: int
    path: Path
    span_uj: int | None
    rated_mw: int | None

    @property
    def is_dram(self) -> bool:
        """Whether it counts memory, not a processor."""
        return self.label.startswith("dram")

    @property
    def limit_mw(self) -> int:
        """The rating, or the ceiling where there is none [mW]."""
        return self.rated_mw or (DRAM_CEILING_MW if self.is_dram else PACKAGE_CEILING_MW)


def zones(root: Path) -> list[Zone]:
    """The packages in order, each followed by its memory; empty where there is no tree."""
    for control in ("intel-rapl", "intel-rapl-mmio"):
        folders = _folders(root, control)
        packages = sorted(
            (int(match[1]), int(match[2] or 0), place)
            for place, folder in folders.items()
            if (match := _PACKAGE.fullmatch(_text(folder / "name")))
        )
        if packages:
            return list(_parts(packages, folders))
    return []


def hidden(root: Path) -> bool:
    """Whether the tree's links lead nowhere, as in a container from which the host's counters are hidden."""
    try:
        return any(path.is_symlink() and not path.exists() for path in root.glob("intel-rapl*"))
    except OSError:
        return False


def cpu_name(path: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as the kernel says it."""
    for line in _text(path).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in _CPU_NAME_KEYS and value.strip():
            return value.strip()
    return "unknown CPU"


def _folders(root: Path, control: str) -> dict[tuple[int, ...], Path]:
    """Zones of a control type by their numbers, e.g. ``intel-rapl:0:1`` by (0, 1).

    They are looked for where the kernel's class folder links them and in the folders of the control type, since a
    container may be given only one of both.
    """
    found: dict[tuple[int, ...], Path] = {}
    for pattern in (f"{control}:*", f"{control}/{control}:*", f"{control}/{control}:*/{control}:*"):
        try:
            for path in sorted(root.glob(pattern)):
                if (match := _ZONE.fullmatch(path.name)) and path.is_dir():
                    found.setdefault(tuple(int(number) for number in match[1].split(":")[1:]), path)
        except OSError:
            continue
    return found


def _parts(packages: list[tuple[int, int, tuple[int, ...]]], folders: dict[tuple[int, ...], Path]) -> Iterator[Zone]:
    for number, (package, _, place) in enumerate(packages):
        yield _zone(f"cpu{number}", package, folders[place])
        for below, folder in sorted(folders.items()):
            if len(below) > len(place) and below[: len(place)] == place and _text(folder / "name") == "dram":
                yield _zone(f"dram{number}", package, folder)


def _zone(label: str, package: int, folder: Path) -> Zone:
    ceiling_mw = DRAM_CEILING_MW if label.startswith("dram") else PACKAGE_CEILING_MW
    name = f"{_text(folder / 'name')} ({folder.name})"
    span_uj = _number(folder / "max_energy_range_uj")
    return Zone(label, name, package, folder / "energy_uj", span_uj, _rated_mw(folder, ceiling_mw))


def _rated_mw(folder: Path, ceiling_mw: int) -> int | None:
    """The largest plausible limit of a zone [mW].

    ``constraint_*_max_power_uw`` is the vendor's rating; boards often leave it at zero. The limits set by the board
    for long and for short times are taken too: a desktop part may draw twice its rating for minutes. Limits above
    the ceiling mean "none".
    """
    try:
        paths = [*folder.glob("constraint_*_max_power_uw"), *(folder / name for name in _LONG_AND_SHORT)]
    except OSError:
        return None
    limits_uw = [limit for path in paths if (limit := _number(path)) is not None]
    plausible = [uw for uw in limits_uw if _LEAST_PLAUSIBLE_UW <= uw <= ceiling_mw * 1000]
    return max(plausible) // 1000 if plausible else None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _text(path: Path) -> str:
    """A small file's text, empty where it cannot be read."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
