"""``gxmeter run`` on a real terminal: Ctrl-C reaches the child once, and ``--live`` draws."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

from meter_helpers import end_reason, environment

COUNT_INTERRUPTS = (
    "import signal, time\n"
    "hits = []\n"
    "signal.signal(signal.SIGINT, lambda *_: hits.append(1))\n"
    "print('ready', flush=True)\n"
    "end = time.monotonic() + 2\n"
    "while time.monotonic() < end: time.sleep(0.05)\n"
    "print('hits', len(hits), flush=True)\n"
    "raise SystemExit(3)\n"
)


def on_terminal(workspace: Path, *arguments: str, press: bytes = b"") -> tuple[int, str]:
    """Run on a pseudo-terminal, press a key when the child is ready; exit code and everything shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(workspace)
        command = [sys.executable, "-m", "gxmeter", "run", "-w", str(workspace), *arguments]
        os.execvpe(sys.executable, command, environment({"GXMETER_LANG": "en"}))
    shown, deadline = b"", time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
        if press and b"ready" in shown:
            os.write(terminal, press)
            press = b""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_ctrl_c_reaches_the_child_exactly_once(workspace: Path) -> None:
    code, shown = on_terminal(workspace, "--", sys.executable, "-c", COUNT_INTERRUPTS, press=b"\x03")
    assert "hits 1" in shown
    assert code == 3
    (journal,) = (workspace / "telemetry" / "journals").iterdir()
    assert end_reason(journal) == "stop"
    assert "Traceback" not in shown


def test_live_draws_one_line_that_updates(workspace: Path) -> None:
    code, shown = on_terminal(
        workspace, "--live", "--period", "0.3", "--", sys.executable, "-c", "import time; time.sleep(2)"
    )
    assert code == 0
    assert shown.count("\r\x1b[K") >= 2
    assert " W " in shown
    assert "kWh (device boundary" in shown
