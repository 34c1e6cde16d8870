"""The verifier as a module, loaded from its file as a stranger would have it, and ways to judge a package."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import build


@pytest.fixture(scope="session")
def verify() -> ModuleType:
    spec = importlib.util.spec_from_file_location("standalone_verify", build.VERIFY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def judged(verify: ModuleType, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Write files to a folder, judge it and return the JSON answer with the exit code."""

    def judge(files: build.Files, trust: dict[str, Any] | None = None) -> dict[str, Any]:
        folder = build.write(files, tmp_path / "R-2026-000001")
        if trust is not None:
            (tmp_path / "trust.json").write_text(json.dumps(trust), "utf-8")
        document, code = verify.judge(folder, tmp_path / "trust.json" if trust is not None else None)
        return document | {"exit": code, "codes": {f["code"] for f in document["findings"]}}

    return judge
