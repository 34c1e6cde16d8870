"""The demo's scripts are no package: their folder joins the path as it does when they are run."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "seeds" / "demo"))


@pytest.fixture
def scenario() -> Path:
    return ROOT / "seeds" / "consortium"
