"""What kind of machine this is, as far as it decides what can be measured; read from files, never guessed."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_NVIDIA, _AMD = "0x10de", "0x1002"
"""Vendors in the PCI ID repository."""

_DISPLAY_CLASS = "0x03"
"""Base class of display controllers (PCI Code and ID Assignment Specification)."""

_CONTAINER_FILES = (("docker", ".dockerenv"), ("podman", "run/.containerenv"))
_CONTAINER_VARIABLES = (
    ("kubernetes", "KUBERNETES_SERVICE_HOST"),
    ("apptainer", "APPTAINER_CONTAINER"),
    ("apptainer", "SINGULARITY_CONTAINER"),
    ("container", "container"),
)

_STA_UNSYNC = 0x0040
"""Bit of ``timex.status``: the clock is not synchronised (adjtimex(2))."""

_TIMEX_BYTES = 512
_STATUS_OFFSET = 40
"""``struct timex`` of 64-bit Linux: modes, then offset, freq, maxerror and esterror of 8 bytes each, then status."""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine.

    Attributes:
        name: host name.
        kernel: its release.
        processor: kind of processor, e.g. ``x86_64``.
        virtual: whether a hypervisor is below.
        container: ``docker``, ``podman``, ``kubernetes``, ``apptainer``, ``container``, or empty.
        nvidia_card, amd_card: whether the PCI bus has such a display controller.
        nvidia_device: whether there is a device file of an NVIDIA GPU.
        nvidia_driver: version of the loaded NVIDIA driver, or empty.
        amd_device: whether there is AMD's compute device file.
        rapl: whether there is a tree of RAPL counters, readable or not.
        controller: whether the kernel talks to a management controller (IPMI).
        shared_memory: whether there is ``/dev/shm``.
    """

    name: str
    kernel: str
    processor: str
    virtual: bool
    container: str
    nvidia_card: bool
    amd_card: bool
    nvidia_device: bool
    nvidia_driver: str
    amd_device: bool
    rapl: bool
    controller: bool
    shared_memory: bool


def look(environ: Mapping[str, str], root: Path = Path("/")) -> Host:
    """The machine as its files and the environment say it.

    Args:
        environ: environment.
        root: of the file system.
    """
    cards = set(_cards(root))
    system = os.uname()
    return Host(
        name=system.nodename or "host",
        kernel=f"Linux {system.release}",
        processor=platform.machine(),
        virtual=_virtual(root),
        container=_container(environ, root),
        nvidia_card=_NVIDIA in cards,
        amd_card=_AMD in cards,
        nvidia_device=_exists(root / "dev/nvidia0") or _exists(root / "dev/nvidiactl"),
        nvidia_driver=_driver(root),
        amd_device=_exists(root / "dev/kfd"),
        rapl=any(_glob(root / "sys/class/powercap", "intel-rapl*")),
        controller=_exists(root / "dev/ipmi0") or any(_glob(root / "sys/class/ipmi", "*")),
        shared_memory=(root / "dev/shm").is_dir(),
    )


def clock_synchronised() -> bool | None:
    """Whether the kernel's clock is kept by a time server; None where that cannot be known.

    The kernel is asked by adjtimex(2) without changing anything. A time daemon that does not tell the kernel
    (chrony without ``rtcsync``) looks as if there were none.
    """
    try:
        asked = ctypes.create_string_buffer(_TIMEX_BYTES)
        if ctypes.sizeof(ctypes.c_long) != 8 or ctypes.CDLL(None).adjtimex(asked) < 0:  # noqa: PLR2004 - 64 bits
            return None
    except (OSError, AttributeError):
        return None
    return not int.from_bytes(asked.raw[_STATUS_OFFSET : _STATUS_OFFSET + 4], "little") & _STA_UNSYNC


def _cards(root: Path) -> list[str]:
    """Vendors of the display controllers on the PCI bus."""
    folders = _glob(root / "sys/bus/pci/devices", "*")
    return [_text(folder / "vendor") for folder in folders if _text(folder / "class").startswith(_DISPLAY_CLASS)]


def _virtual(root: Path) -> bool:
    """The processor's flag, which every hypervisor sets for its guests, or what the kernel knows of Xen."""
    return " hypervisor" in _text(root / "proc/cpuinfo") or _exists(root / "sys/hypervisor/type")


def _container(environ: Mapping[str, str], root: Path) -> str:
    named = [kind for kind, variable in _CONTAINER_VARIABLES if environ.get(variable)]
    marked = [kind for kind, file in _CONTAINER_FILES if _exists(root / file)]
    return next(iter([*named, *marked]), "")


def _driver(root: Path) -> str:
    """The version in ``NVRM version: NVIDIA UNIX ... Kernel Module  580.65.06  Release ...``."""
    first = _text(root / "proc/driver/nvidia/version").partition("\n")[0]
    return next((word for word in first.split() if word[0].isdigit() and "." in word), "")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
