"""NVIDIA GPUs that are not there: a ``libnvidia-ml.so.1`` of our own, which does what a script says.

The real nvidia-ml-py, CodeCarbon, Zeus and others load it in place of the driver's, so their own code runs. It is
compiled by gcc when it is first asked for (:func:`library`; a machine without a compiler skips the test).

For a process of its own, by its environment, decided beforehand::

    subprocess.run([...], env=os.environ | fakenvml.environment())  # 8 GPUs, 300..370 W
    fakenvml.environment("gpu0.counter=no", "@+2 gpu1.lost=yes", gpus=2, power_w=250)  # 2 s after this call

for one whose GPUs are to change while it runs::

    fake = fakenvml.Fake(tmp_path, gpus=2)
    child = subprocess.Popen([...], env=os.environ | fake.environment())
    fake.say("gpu0.counter_mj=0")  # from now on; kept in a file that every call looks at

and inside the test's own process, with time moved by hand, so that every millijoule is known::

    with fakenvml.Fake(tmp_path, gpus=2).loaded() as clock:
        sensor = NvmlSensor(clock=clock)
        clock.advance(1.0)

The script's language: assignments ``key=value`` (of the whole library), ``gpu3.key=value`` or ``*.key=value`` (of
one or all GPUs), one a line, first to last. ``@+2.5 `` in front makes one happen 2.5 s after the beginning, and
``@<ns> `` at a moment of CLOCK_MONOTONIC. Keyword arguments are assignments for the library where it has the key,
else for all GPUs.

==================  ===============================================================  ====================
key of the library  meaning                                                          default
==================  ===============================================================  ====================
``gpus``            how many there are                                               8
``begin``           moment of the beginning [ns]                                     the call; first use
``step_s``          the counters move once in this time [s]                          0.1, as real ones do
``driver_version``  what the driver calls itself                                     580.65.06
``init``            ``ok``, ``not_loaded``, ``mismatch`` or ``error``: its answer    ok
``driver``          ``gone``: every call fails; ``reloaded``: it is back, all        -
                    counters are 0, and who had it open must open it anew
==================  ===============================================================  ====================

==================  ===============================================================  ====================
key of a GPU        meaning                                                          default
==================  ===============================================================  ====================
``name``            e.g. ``NVIDIA GH200 480GB``                                      NVIDIA H100 80GB HBM3
``uuid``            ``GPU-...``                                                      one of its own
``power_w``         constant power [W]                                               300, 310, 320 ...
``period_s``        a square wave of this period, high first [s]; 0 for none         0
``high_w, low_w``   its powers [W]                                                   700, 100
``limit_w``         power limit in force [W]                                         700
``max_limit_w``     the highest that may be set [W]                                  700
``limit``           ``no``: limits are not supported                                 yes
``counter``         ``yes``, ``no`` (not supported), ``error``, ``zero``, ``stuck``  yes
``power``           ``yes``, ``no``, ``error``, ``zero``                             yes
``counter_mj``      what the counter shows from here on; 0 is a reset [mJ]           1,000,000 + 1,000 n
``jump_mj``         added to the counter without any energy [mJ]                     -
``phase_s``         its counter moves this much after the others' [s]                0
``lost``            ``yes``: fallen off the bus, until ``no``                        no
``hidden``          ``yes``: this user may not open it                               no
``block_s``         every call about it takes so long [s]                            0
``mig``             MIG mode with so many devices (``MIG-<uuid>``, at most 7)        0
``mig_seen``        how many of them this container may see                          all
==================  ===============================================================  ====================

A counter starts at ``begin`` and is a function of the script and the time alone, so every process that has the same
script reads the same. It moves in steps: a measurement that begins and ends at any moment may be off by one step
(0.1 s of power) at each end, as on real hardware; where this must not show, use ``step_s`` or whole tenths.
"""

from __future__ import annotations

import _ctypes
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_SOURCE = Path(__file__).with_name("fakenvml.c")
_SONAME = "libnvidia-ml.so.1"
_OF_LIBRARY = {"gpus", "begin", "step_s", "driver_version", "init", "driver"}

_SMI = """#!/bin/sh
echo "NVIDIA-SMI of the fake library"
"""


def library() -> Path:
    """The folder with the compiled library; built once for each version of its source.

    ``LD_LIBRARY_PATH`` is for this folder. Its sub-folder ``smi`` has an ``nvidia-smi`` that only exists, for tools
    that look whether there is one.
    """
    source = _SOURCE.read_bytes() + _SOURCE.with_name("world.h").read_bytes()
    name = f"gxmeter-fakenvml-{os.getuid()}-{hashlib.sha256(source).hexdigest()[:16]}"
    folder = Path(tempfile.gettempdir()) / name
    if (folder / _SONAME).exists():
        return folder
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler, so the fake NVIDIA library cannot be built")
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        made = Path(work) / "made"
        (made / "smi").mkdir(parents=True)
        options = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-Wl,-soname,{_SONAME}"]
        subprocess.run([compiler, *options, "-o", made / _SONAME, _SOURCE, "-lpthread"], check=True)
        (made / "smi" / "nvidia-smi").write_text(_SMI)
        (made / "smi" / "nvidia-smi").chmod(0o755)
        try:
            made.rename(folder)
        except OSError:
            if not (folder / _SONAME).exists():
                raise
    return folder


def environment(*lines: str, nvidia_smi: bool = False, **script: object) -> dict[str, str]:
    """Environment variables that give a process these GPUs, from this moment on.

    Args:
        lines: assignments, see the module's description.
        nvidia_smi: whether the PATH has an ``nvidia-smi``; CodeCarbon's tracker counts no GPU without one.
        script: more of them, as keywords.
    """
    return _paths(nvidia_smi=nvidia_smi) | {"FAKENVML": ";".join(_script(lines, script))}


class Fake:
    """GPUs whose script can grow while they are read.

    Args:
        folder: where the script is kept.
        lines: assignments, see the module's description.
        script: more of them, as keywords.

    Attributes:
        path: the script.
    """

    def __init__(self, folder: Path | str, *lines: str, **script: object) -> None:
        self.path = Path(folder) / "fakenvml.script"
        self.path.write_text("".join(f"{line}\n" for line in _script(lines, script)))

    def environment(self, *, nvidia_smi: bool = False) -> dict[str, str]:
        """As :func:`environment`."""
        return _paths(nvidia_smi=nvidia_smi) | {"FAKENVML_SCRIPT": str(self.path)}

    def say(self, *lines: str, at_ns: int | None = None) -> None:
        """Let assignments hold from now on, or from a moment of the monotonic clock [ns]; not from the past."""
        moment = time.monotonic_ns() if at_ns is None else at_ns
        with self.path.open("a") as script:
            script.write("".join(f"@{moment} {line}\n" for line in lines))

    @contextmanager
    def loaded(self, *, begin_ns: int = 1_000_000_000_000) -> Iterator[Clock]:
        """Put the library into this process, in place of what nvidia-ml-py has loaded, and stop its clock.

        Args:
            begin_ns: the beginning, and what the clock says first [ns].

        Yields:
            the clock.
        """
        import pynvml

        with self.path.open("a") as script:
            script.write(f"begin={begin_ns}\n")
        before = os.environ.get("FAKENVML_SCRIPT")
        os.environ["FAKENVML_SCRIPT"] = str(self.path)
        fake, own = ctypes.CDLL(str(library() / _SONAME)), (pynvml.nvmlLib, pynvml._nvmlLib_refcount)
        _put(pynvml, fake, 0)
        try:
            yield Clock(fake, self, begin_ns)
        finally:
            _put(pynvml, *own)
            _ctypes.dlclose(fake._handle)
            os.environ.pop("FAKENVML_SCRIPT")
            if before is not None:
                os.environ["FAKENVML_SCRIPT"] = before


class Clock:
    """The stopped clock of a loaded library; calling it gives its time [ns]."""

    def __init__(self, fake: ctypes.CDLL, script: Fake, now_ns: int) -> None:
        self._fake, self._script, self.ns = fake, script, now_ns
        self._fake.fakenvml_set_clock.argtypes = [ctypes.c_int64]
        self._fake.fakenvml_calls.restype = ctypes.c_uint64
        self._fake.fakenvml_set_clock(now_ns)

    def __call__(self) -> int:
        return self.ns

    @property
    def calls(self) -> int:
        """How often the library has been called."""
        return int(self._fake.fakenvml_calls())

    def advance(self, seconds: float) -> int:
        """Move on; the time passed [ns]."""
        passed_ns = round(seconds * 1e9)
        self.ns += passed_ns
        self._fake.fakenvml_set_clock(self.ns)
        return passed_ns

    def say(self, *lines: str) -> None:
        """Let assignments hold from the clock's moment on."""
        self._script.say(*lines, at_ns=self.ns)


def _script(lines: tuple[str, ...], keywords: dict[str, object]) -> list[str]:
    named = [f"{key}={value}" if key in _OF_LIBRARY else f"*.{key}={value}" for key, value in keywords.items()]
    return [f"begin={time.monotonic_ns()}", *named, *lines]


def _paths(*, nvidia_smi: bool) -> dict[str, str]:
    folder = library()
    paths = {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH")]))}
    if nvidia_smi:
        paths["PATH"] = os.pathsep.join([str(folder / "smi"), os.environ.get("PATH", os.defpath)])
    return paths


def _put(pynvml: Any, library: ctypes.CDLL | None, users: int) -> None:
    """Make nvidia-ml-py call this library; None makes it look for the machine's when it is next asked."""
    pynvml.nvmlLib, pynvml._nvmlLib_refcount = library, users
    pynvml._nvmlGetFunctionPointer_cache.clear()
