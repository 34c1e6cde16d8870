"""Where the data that ships beside the code lies: ``factors/`` and ``reports/``."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def data_folder(name: str) -> Path:
    """The shipped folder ``factors`` or ``reports``: inside the wheel, or beside the package in a checkout.

    Args:
        name: ``"factors"`` or ``"reports"``.

    Raises:
        FileNotFoundError: the installation is broken.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"gxmeter is installed without its {name}/ folder")
