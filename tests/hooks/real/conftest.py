"""A workspace and quiet libraries for the tests that run trainers; the runner puts fake GPUs under the process."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from gxmeter.meter.hooks import _run

sys.path.insert(0, str(Path(__file__).parent))

for name in [n for n in os.environ if n.startswith(("CODECARBON_", "GXMETER_"))]:
    del os.environ[name]
_claims = tempfile.TemporaryDirectory(prefix="gxmeter-claims-")
os.environ.update(
    {
        # Other tests on this machine may have the processor at this moment.
        "GXMETER_CLAIMS": _claims.name,
        "GXMETER_LANG": "en",
        "HF_HUB_OFFLINE": "1",
        "KERAS_BACKEND": "torch",
        "TOKENIZERS_PARALLELISM": "false",
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
    }
)


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    """What a process says once, every test may hear."""
    _run._said.clear()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with one site, which is also the current folder."""
    folder = tmp_path / "ws"
    (folder / "sites").mkdir(parents=True)
    (folder / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n")
    (folder / "sites" / "lab.yaml").write_text("id: lab\n")
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "WANDB_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    (tmp_path / "wandb_dir").mkdir()
    monkeypatch.chdir(folder)
    return folder
