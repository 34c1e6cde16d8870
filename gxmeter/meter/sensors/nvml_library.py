"""NVIDIA's management library as this process holds it: one reference, taken and given back, and errors as one kind.

The library is loaded once in a process and counts who uses it, so the training's own use of it and ours do not
meet. nvidia-ml-py is imported when it is first needed, never with gxmeter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

LIBRARY_NOT_FOUND = 12
NOT_SUPPORTED = 3
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
NOT_INSTALLED = -1
"""Codes of :class:`NvmlError`: NVML's own (``nvmlReturn_t`` in nvml.h), and one for nvidia-ml-py not being there."""

_MOST_REFERENCES = 64
_NVIDIA = "0x10de"
_DISPLAY = "0x03"


class NvmlError(Exception):
    """A call did not succeed; ``code`` is NVML's."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


class Library:
    """NVML, once :meth:`begin` has succeeded."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._held = False
        self._given = 0

    def begin(self) -> None:
        """Take a reference.

        Raises:
            NvmlError: the library or the driver is not there, or they do not fit.
        """
        if self._nvml is None:
            try:
                import pynvml  # noqa: PLC0415 - 17 ms, and only for who measures
            except ImportError as error:
                raise NvmlError(NOT_INSTALLED, str(error)) from error
            if not hasattr(pynvml, "NVMLError"):
                raise NvmlError(NOT_INSTALLED, "the module pynvml is not nvidia-ml-py")
            self._nvml = pynvml
        self.ask("nvmlInit")
        self._held = True

    def end(self) -> None:
        """Give the reference back, if there is one."""
        if self._held:
            self._held = False
            self.maybe("nvmlShutdown")

    def renew(self) -> None:
        """Take NVML anew, as after a reload of the driver.

        It counts its users (CodeCarbon takes a reference when it is imported and never gives it back), and only the
        first to come opens the driver. So every reference is given back and as many are taken again.

        Raises:
            NvmlError: the driver is not back yet; the references of others are taken again when it is.
        """
        while self._given < _MOST_REFERENCES and self._gave():
            self._given += 1
        self._held = False
        self.ask("nvmlInit")
        self._held = True
        for _ in range(self._given - 1):
            self.maybe("nvmlInit")
        self._given = 0

    def _gave(self) -> bool:
        try:
            self.ask("nvmlShutdown")
        except NvmlError:
            return False
        return True

    def ask(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - nvidia-ml-py is untyped
        """Call a function of nvidia-ml-py by its name.

        Raises:
            NvmlError: it did not succeed, or this nvidia-ml-py does not have it.
        """
        try:
            answer = getattr(self._nvml, function)(*arguments)
        except self._nvml.NVMLError as error:
            raise NvmlError(error.value, f"{function}: {error}") from error
        except Exception as error:  # a library that is not what it should be
            raise NvmlError(0, f"{function}: {type(error).__name__}: {error}") from error
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer

    def maybe(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - as above
        """As :meth:`ask`, but None where it does not succeed."""
        try:
            return self.ask(function, *arguments)
        except NvmlError:
            return None


def library_version() -> str:
    """Version of nvidia-ml-py, by the name of its metadata's folder: to load importlib.metadata for it costs 50 ms."""
    try:
        import pynvml  # noqa: PLC0415 - as above

        found = next(Path(pynvml.__file__).parent.glob("nvidia_ml_py-*.dist-info")).name
    except (ImportError, StopIteration, OSError):
        return "unknown"
    return found.removeprefix("nvidia_ml_py-").removesuffix(".dist-info")


def device_nodes(root: Path) -> bool:
    """Whether NVIDIA's driver has made its files here, so that there is a GPU to be read.

    Args:
        root: root of the file system; another one in tests.
    """
    return any((root / "dev").glob("nvidia[0-9]*")) or (root / "proc/driver/nvidia").exists()


def on_the_bus(root: Path) -> bool:
    """Whether a display controller of NVIDIA's is on the PCI bus, its driver loaded or not."""
    return any(
        _text(device / "vendor") == _NVIDIA and _text(device / "class").startswith(_DISPLAY)
        for device in (root / "sys/bus/pci/devices").glob("*")
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
