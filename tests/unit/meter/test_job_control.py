"""``gxmeter run`` under a real shell on a real terminal: Ctrl-Z, ``fg`` and Ctrl-C do what they do without it."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import sys
import time
from pathlib import Path

import pytest
from meter_helpers import environment, remarks

STEPS = """
import pathlib, time
print("ready", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.05)
print("went on", flush=True)
"""
SAVES = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("saved")
    raise SystemExit(9)
"""


class Shell:
    """An interactive bash on a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--norc", "-i"], {**environment({"GXMETER_LANG": "en"}), "TERM": "dumb"})

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, wanted: str, seconds: float = 30) -> str:
        """What is shown until a text comes."""
        shown, deadline = "", time.monotonic() + seconds
        while wanted not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([self.fd], [], [], 0.2)[0]:
                shown += os.read(self.fd, 65536).decode(errors="replace")
        return shown


@pytest.fixture
def shell(workspace: Path) -> Shell:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    made = Shell(workspace)
    made.type("PS1=; echo up$((1+1))\n")
    made.until("up2")
    return made


def metered(code: str) -> str:
    return f"{sys.executable} -m gxmeter run -w . -- {sys.executable} -c {shlex.quote(code)}; echo code=$?.\n"


def test_ctrl_z_stops_both_and_fg_goes_on(shell: Shell, workspace: Path) -> None:
    shell.type(metered(STEPS))
    shell.until("\nready")
    shell.type("\x1a")
    shell.until("Stopped")
    (workspace / "go").touch()
    time.sleep(5)
    shell.type("echo still$((1+1))\n")
    assert "went on\r" not in shell.until("still2"), "a stopped training works on"
    shell.type("fg; echo code=$?.\n")
    shown = shell.until("code=0.")
    assert "went on" in shown
    (journal,) = (workspace / "telemetry" / "journals").iterdir()
    assert "sampling-stalled" in remarks(journal)


def test_ctrl_c_is_the_commands_own(shell: Shell, workspace: Path) -> None:
    shell.type(metered(SAVES))
    shell.until("\nready")
    time.sleep(1)
    shell.type("\x03")
    assert "saved" in shell.until("code=9.")
