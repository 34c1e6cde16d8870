"""The tools side by side, each in an environment of its own below ``out/bench/``, made by pip with these versions.

gxmeter stands in the metering install (``requirements-meter.lock`` and its wheel, ADR 0013). The others are
installed as their own documentation says, with all they ask for; perun with ``nvidia-ml-py``, which it names as
an extra. None asks for torch.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

from bench.machine import CACHE, ROOT

VERSIONS = {
    "codecarbon": ["codecarbon==3.3.2"],
    "zeus": ["zeus==0.16.0"],
    "carbontracker": ["carbontracker==2.4.7"],
    "perun": ["perun==1.0.0", "nvidia-ml-py==13.615.71"],
}


def python_of(tool: str) -> Path:
    """The interpreter of a tool's environment, made on first use; ``gxmeter`` is built anew from the checkout."""
    folder = CACHE / f"venv-{tool}"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=False, symlinks=True)
        if tool != "gxmeter":
            _pip(python, "install", *VERSIONS[tool])
    if tool == "gxmeter":
        _gxmeter(python)
    return python


def _gxmeter(python: Path) -> None:
    wheels = CACHE / "wheel"
    for old in wheels.glob("*.whl"):
        old.unlink()
    _pip(python, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT)
    _pip(python, "install", "--no-deps", "--require-hashes", "-r", ROOT / "requirements-meter.lock")
    _pip(python, "install", "--no-deps", "--force-reinstall", *wheels.glob("*.whl"))


def _pip(python: Path, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, *arguments, "--quiet"]
    subprocess.run([str(each) for each in command], check=True, capture_output=True)


def weight(python: Path) -> tuple[float, int]:
    """Size [MB of 10^6 bytes, byte code included] and number of distributions of an environment."""
    (site,) = (python.parents[1] / "lib").glob("python*/site-packages")
    size_mb = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
    return size_mb, len(list(distributions(path=[str(site)])))
