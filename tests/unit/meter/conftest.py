"""Workspaces to measure into, and the helpers importable by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one site whose node ratio is declared."""
    folder = tmp_path / "ws"
    (folder / "sites").mkdir(parents=True)
    (folder / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n")
    (folder / "sites" / "lab.yaml").write_text("id: lab\noverheads:\n  node:\n    ratio: 1.25\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("GXMETER_SITE", raising=False)
    monkeypatch.setenv("GXMETER_LANG", "en")
    return folder
