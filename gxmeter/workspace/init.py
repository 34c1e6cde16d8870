"""Makes a new workspace from the template that ships with gxmeter; whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.files import folder_atomically
from gxmeter.workspace.load import CONFIG_NAME

TEMPLATE = Path(__file__).parent / "template"

_TELEMETRY, _JOURNALS = "telemetry", "journals"
"""What a meter makes in a folder before anybody has made a workspace of it."""

OUT = "out"
"""Where results go; nothing that a workspace declares lies there."""


def template_files() -> list[str]:
    """The files of a new workspace, relative, sorted; ``gxmeter.yaml``, which makes it one, comes last."""
    names = [path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*") if path.is_file()]
    return sorted(names, key=lambda name: (name == CONFIG_NAME, name))


def init_workspace(folder: Path) -> list[str]:
    """Write a commented workspace that passes ``gxmeter check``.

    Args:
        folder: a new or an empty folder, or one that holds only what a meter recorded there; that stays.

    Returns:
        The files written, relative to the folder.

    Raises:
        InputError: ``init-target-exists``, ``init-unwritable``; nothing is left behind.
    """
    try:
        target = folder.resolve()
        if target.exists():
            _fill_empty(target, shown=folder)
        else:
            with folder_atomically(target) as building:
                _copy(building)
    except (OSError, RuntimeError):
        raise InputError("init-unwritable", found=folder) from None
    return template_files()


def _copy(target: Path) -> None:
    for name in template_files():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((TEMPLATE / name).read_bytes())


def _is_free(target: Path) -> bool:
    """Whether nothing lies in a folder but the records of meters, and the folder in which results go."""
    names = {path.name for path in target.iterdir()}
    if not names <= {_TELEMETRY, OUT} or any(_is_other(target / name) for name in names):
        return False
    return _TELEMETRY not in names or {path.name for path in (target / _TELEMETRY).iterdir()} <= {_JOURNALS}


def _is_other(path: Path) -> bool:
    """Whether something of a folder's name is no folder of its own."""
    return path.is_symlink() or not path.is_dir()


def _fill_empty(target: Path, *, shown: Path) -> None:
    """Fill a folder that exists (perhaps the current one): write beside, move in, the marker file last."""
    if not target.is_dir() or not _is_free(target):
        raise InputError("init-target-exists", found=shown)
    beside = target / ".gxmeter-init"
    try:
        with folder_atomically(beside) as building:
            _copy(building)
        entries = sorted(beside.iterdir(), key=lambda entry: (entry.name == CONFIG_NAME, entry.name))
        for entry in entries:
            if entry.name == _TELEMETRY and (target / entry.name).is_dir():
                for inner in entry.iterdir():
                    inner.replace(target / entry.name / inner.name)
            else:
                entry.replace(target / entry.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
