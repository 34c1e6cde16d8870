"""A workspace to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

BASE = Path(__file__).parent / "cases" / "_base"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the base workspace, which has no fault."""
    return Path(shutil.copytree(BASE, tmp_path / "w"))
