"""A powercap tree in a folder whose counters move like those of a real machine, at known watts.

For tests in the same process, with a thread that writes the counters::

    with FakePowercap(tmp_path, packages_w=(100, 80), dram_w=(20, 20)) as fake:
        sensor = PowercapSensor(root=fake.root)

with time moved by hand, so that every microjoule is known (no thread is started)::

    clock = HandClock()
    fake = FakePowercap(tmp_path, clock=clock)
    clock.advance(1.5)
    fake.write()

and for measurements that must not share this process's interpreter::

    with background(tmp_path, packages_w=(100, 80)) as root:
        subprocess.run([...], env=os.environ | {"GXMETER_POWERCAP": str(root)})

What is in the tree: per package ``intel-rapl:N`` (name ``package-N``, or ``package-N-die-M`` with ``dies``) with a
sub-domain ``dram`` where it has DRAM watts and ``core`` where it has core watts, after them ``psys``, and with
``mmio=True`` a second control type ``intel-rapl-mmio`` that mirrors the packages. It is laid out twice as in
sysfs: flat links in ``root`` and folders below ``root/intel-rapl``. CodeCarbon reads it too, by
``IntelRAPL(rapl_dir=fake.rapl_dir)``; gxmeter by ``PowercapSensor(root=fake.root)`` or ``GXMETER_POWERCAP``.

A domain is named by its key: ``package-0`` (``package-0-die-1``), ``dram-0``, ``core-0``, ``psys``. ``set_power``
changes its watts, ``jump`` moves its counter, ``spoil`` makes it fail in one of the ways of :data:`WAYS` and
``mend`` undoes that. ``energy_uj`` is the truth: what the domain has used since it was made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

SERVER_RANGE_UJ = 262_143_328_850
"""``max_energy_range_uj`` of many server parts: 2^32 steps of 61 uJ."""

WRITE_S = 0.01
"""How often the thread writes the counters [s]; real ones move about every millisecond."""

WAYS = ("error", "empty", "garbage", "unreadable", "missing", "stuck")
"""What ``spoil`` can do: ``error`` puts a folder in place of the counter's file, so that opening works and reading
gives EISDIR; ``empty`` and ``garbage`` change its content in place; ``unreadable`` is mode 0000 (no obstacle to
root); ``missing`` removes it; ``stuck`` stops it while the power goes on."""

_DIGITS = 15
"""Counters are written with leading zeros: always the same length, so that a write in place is never torn."""


@dataclass
class HandClock:
    """A monotonic clock [ns] that moves only when told to."""

    ns: int = 1_000_000_000_000

    def __call__(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


@dataclass
class Domain:
    """One counter: a folder, its watts, and what it has used."""

    folder: Path
    power_mw: int
    span_uj: int
    since_ns: int
    start_uj: int
    used_pj: int = 0
    frozen: bool = False
    spoilt: str | None = None
    fd: int = field(default=-1, repr=False)

    @property
    def path(self) -> Path:
        return self.folder / "energy_uj"

    def settle(self, now_ns: int) -> None:
        """Book the energy up to now: one mW for one ns is one picojoule."""
        self.used_pj += self.power_mw * (now_ns - self.since_ns)
        self.since_ns = now_ns

    def counter(self) -> int:
        return (self.start_uj + self.used_pj // 1_000_000) % self.span_uj

    def open(self) -> None:
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)

    def write(self) -> None:
        if self.fd >= 0 and not self.frozen:
            os.pwrite(self.fd, f"{self.counter():0{_DIGITS}d}\n".encode(), 0)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class FakePowercap:
    """The tree and its counters; see the module's description.

    Args:
        folder: where it is built; made if need be.
        packages_w: watts of each processor package (of each die, with ``dies``).
        dram_w: watts of each package's DRAM; shorter or empty for packages without.
        core_w: watts of each package's ``core`` domain, which is inside the package's.
        psys_w: watts of the platform domain, None for none.
        dies: dies of each package; above 1 each die is a domain of its own.
        mmio: whether a second control type mirrors the packages.
        max_range_uj: the counters' range; small ones wrap often.
        rated_w: what ``constraint_0_max_power_uw`` says of a package, None for no such file.
        start_uj: the first package's count at the beginning; every other domain begins 7 J above the one before.
        clock: monotonic time [ns].
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        packages_w: tuple[float, ...] = (100, 80),
        dram_w: tuple[float, ...] = (20, 20),
        core_w: tuple[float, ...] = (),
        psys_w: float | None = 260,
        dies: int = 1,
        mmio: bool = False,
        max_range_uj: int = SERVER_RANGE_UJ,
        rated_w: float | None = 250,
        start_uj: int = 5_000_000,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.root = Path(folder)
        self.rapl_dir = str(self.root / "intel-rapl" / "subsystem")
        self.domains: dict[str, Domain] = {}
        self._clock, self._span, self._next_uj = clock, max_range_uj, start_uj
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        control = self._control("intel-rapl")
        for number, watts in enumerate(packages_w):
            key = f"package-{number // dies}-die-{number % dies}" if dies > 1 else f"package-{number}"
            package = self._domain(control / f"intel-rapl:{number}", key, watts, rated_w)
            inside = [("core", core_w), ("dram", dram_w)]
            present = [(name, inside_w[number]) for name, inside_w in inside if number < len(inside_w)]
            for sub, (name, sub_w) in enumerate(present):
                self._domain(package / f"{package.name}:{sub}", f"{name}-{number}", sub_w, None)
        if psys_w is not None:
            self._domain(control / f"intel-rapl:{len(packages_w)}", "psys", psys_w, rated_w)
        if mmio:
            self._mirror(len(packages_w))
        self.write()

    def environment(self) -> dict[str, str]:
        """What makes gxmeter read this tree in place of the machine's."""
        return {"GXMETER_POWERCAP": str(self.root)}

    def start(self) -> FakePowercap:
        """Begin a thread that writes the counters every 10 ms."""
        self._thread = threading.Thread(target=self._run, name="fakepowercap", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread and close the files; the tree stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for domain in self.domains.values():
            domain.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write(self) -> None:
        """Write every counter as it is now."""
        with self._lock:
            now_ns = self._clock()
            for domain in self.domains.values():
                domain.settle(now_ns)
                domain.write()

    def energy_uj(self, key: str) -> int:
        """The truth: what a domain has used since it was made [uJ], at the moment of the last write."""
        with self._lock:
            return self.domains[key].used_pj // 1_000_000

    def set_power(self, key: str, watts: float) -> None:
        """Other watts from now on."""
        self.write()
        with self._lock:
            self.domains[key].power_mw = round(watts * 1000)

    def jump(self, key: str, by_uj: int) -> None:
        """Move a counter without any energy; negative values move it back."""
        with self._lock:
            self.domains[key].start_uj += by_uj
        self.write()

    def spoil(self, key: str, way: str) -> None:
        """Make a counter fail in one of :data:`WAYS`; what it was spoilt by before is undone first."""
        if way not in WAYS:
            raise ValueError(f"{way} is none of {WAYS}")
        self.mend(key)
        with self._lock:
            domain = self.domains[key]
            domain.spoilt, domain.frozen = way, True
            if way == "error":
                domain.path.rename(domain.folder / "moved_energy_uj")
                domain.path.mkdir()
            elif way == "missing":
                domain.path.rename(domain.folder / "moved_energy_uj")
            elif way == "unreadable":
                domain.path.chmod(0)
                domain.frozen = False
            elif way in {"empty", "garbage"}:
                os.ftruncate(domain.fd, 0)
                os.pwrite(domain.fd, b"" if way == "empty" else b"not a number\n", 0)

    def mend(self, key: str) -> None:
        """Undo ``spoil``: the counter is there again and has counted on meanwhile."""
        with self._lock:
            domain = self.domains[key]
            if domain.spoilt in {"error", "missing"}:
                if domain.path.is_dir():
                    domain.path.rmdir()
                (domain.folder / "moved_energy_uj").rename(domain.path)
            elif domain.spoilt == "unreadable":
                domain.path.chmod(0o644)
            elif domain.spoilt in {"empty", "garbage"}:
                os.ftruncate(domain.fd, 0)
            domain.spoilt, domain.frozen = None, False
        self.write()

    def _run(self) -> None:
        while not self._stop.wait(WRITE_S):
            self.write()

    def _control(self, name: str) -> Path:
        """A control type: its folder, and CodeCarbon's usual way into it."""
        control = self.root / name
        control.mkdir(parents=True)
        (control / "enabled").write_text("1\n")
        (control / "subsystem").symlink_to("..")
        return control

    def _domain(self, folder: Path, key: str, watts: float, rated_w: float | None) -> Path:
        folder.mkdir()
        (self.root / folder.name).symlink_to(folder.relative_to(self.root))
        name = key if key.startswith("package") else key.split("-", maxsplit=1)[0]
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{self._span}\n")
        (folder / "enabled").write_text("1\n")
        if rated_w is not None:
            (folder / "constraint_0_name").write_text("long_term\n")
            (folder / "constraint_0_max_power_uw").write_text(f"{round(rated_w * 1e6)}\n")
            (folder / "constraint_0_power_limit_uw").write_text(f"{round(rated_w * 1e6)}\n")
        domain = Domain(folder, round(watts * 1000), self._span, self._clock(), self._next_uj)
        domain.open()
        self.domains[key] = domain
        self._next_uj += 7_000_000
        return folder

    def _mirror(self, packages: int) -> None:
        """``intel-rapl-mmio``: the same counters seen by another way, as hard links to the same files."""
        control = self._control("intel-rapl-mmio")
        for number in range(packages):
            there = self.root / "intel-rapl" / f"intel-rapl:{number}"
            here = control / f"intel-rapl-mmio:{number}"
            here.mkdir()
            (self.root / here.name).symlink_to(here.relative_to(self.root))
            for file in ("name", "energy_uj", "max_energy_range_uj", "enabled"):
                (here / file).hardlink_to(there / file)


@contextmanager
def background(folder: Path | str, **options: Any) -> Iterator[Path]:
    """A tree whose counters are moved by a small process of its own; it ends with the block or with this process.

    Args:
        folder: as for :class:`FakePowercap`.
        options: its keyword arguments, less ``clock``.

    Yields:
        The tree's root.
    """
    command = [sys.executable, str(Path(__file__)), str(folder), json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the fake powercap tree in {folder} could not be made")
        try:
            yield Path(folder)
        finally:
            process.terminate()


def main(folder: str, options: str) -> None:
    """Build the tree and move its counters until standard input ends."""
    keywords = {key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(options).items()}
    with FakePowercap(folder, **keywords):
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:3])
