"""Case workspaces: ``cases/_base`` with the files of one case laid over it."""

from __future__ import annotations

import shutil
from pathlib import Path

CASES = Path(__file__).parent / "cases"
BASE = CASES / "_base"


def case_names() -> list[str]:
    """All cases, by name."""
    return sorted(path.name for path in CASES.iterdir() if path.is_dir() and path != BASE)


def expected(case: str) -> list[str]:
    """What a case's ``expect.txt`` promises: ``code file[:row]``, sorted."""
    lines = (CASES / case / "expect.txt").read_text("utf-8").splitlines()
    return sorted(line for line in lines if line and not line.startswith("#"))


def build(case: str, folder: Path) -> Path:
    """Lay a case over the base in a fresh folder."""
    shutil.copytree(BASE, folder)
    shutil.copytree(CASES / case, folder, dirs_exist_ok=True)
    (folder / "expect.txt").unlink()
    return folder
