"""Options of ``gxmeter run`` that cannot be used are refused before the command starts, and what can be is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--node", "3"), "--nodes cannot be “0”; it must be >= 1."),
        (("--nodes", "-2"), "--nodes cannot be “-2”; it must be >= 1."),
        (("--nodes", "4", "--node", "4"), "--node cannot be “4”; it must be 0..3."),
        (("--nodes", "4"), "--node cannot be “-1”; it must be 0..3."),
        (("--budget", "-1"), "--budget cannot be “-1”; it must be >= 0."),
        (("--kg-per-kwh", "x"), "--kg-per-kwh cannot be “x”; it must be >= 0."),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_and_nothing_is_started(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "gxmeter", "run", *options, "--", "touch", "started"]
    environ = {"GXMETER_LANG": "en", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
