"""``gxmeter run`` on a real terminal: Ctrl-C reaches the child once, ``--live`` draws and leaves its lines alone."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path

from meter_helpers import ROOT, end_reason, environment

_SPEC = importlib.util.spec_from_file_location("terminal_screen", ROOT / "tools" / "terminal_screen.py")
assert _SPEC is not None
assert _SPEC.loader is not None
terminal_screen = importlib.util.module_from_spec(_SPEC)
sys.modules["terminal_screen"] = terminal_screen
_SPEC.loader.exec_module(terminal_screen)

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

WRITE_LINES = "import time\nfor step in range(30):\n    print(f'step {step} of 30', flush=True)\n    time.sleep(0.1)\n"


def on_terminal(
    workspace: Path, *arguments: str, press: bytes = b"", size: tuple[int, int] = (0, 0), **extra: str
) -> tuple[int, str]:
    """Run on a pseudo-terminal, press a key when the child is ready; exit code and everything shown.

    Args:
        workspace: current folder and workspace.
        arguments: of ``gxmeter run``.
        press: typed once the child has said that it is ready.
        size: rows and columns of the terminal; 0 where it says none.
        extra: environment variables.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.chdir(workspace)
        command = [sys.executable, "-m", "gxmeter", "run", "-w", str(workspace), *arguments]
        os.execvpe(sys.executable, command, environment({"GXMETER_LANG": "en", "TERM": "xterm", **extra}))
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


def test_live_takes_the_last_row_and_leaves_the_childs_lines_whole(workspace: Path) -> None:
    arguments = ("--live", "--period", "0.3", "--", sys.executable, "-c", WRITE_LINES)
    code, shown = on_terminal(workspace, *arguments, size=(12, 72))
    assert code == 0
    screen = terminal_screen.Screen(72, 12)
    seen_live = False
    *drawings, rest = shown.split("\x1b8")
    for drawing in drawings:
        screen.feed(drawing + "\x1b8")
        seen_live = seen_live or ("Wh" in screen.text[-1] or " J" in screen.text[-1])
    screen.feed(rest)
    assert seen_live, "power and energy were on the last row"
    rows = [*screen.scrolled, *screen.text]
    steps = [row for row in rows if row.startswith("step ")]
    assert steps == [f"step {step} of 30" for step in range(30)]
    assert not any("gxmeter " in row and " W " in row for row in rows), "the line is gone"
    assert any(row.startswith("gxmeter: ") and "mean" in row for row in rows), "the summary stands there"


def test_live_on_a_terminal_without_a_size_draws_where_the_cursor_is(workspace: Path) -> None:
    code, shown = on_terminal(
        workspace, "--live", "--period", "0.3", "--", sys.executable, "-c", "import time; time.sleep(2)"
    )
    assert code == 0
    assert shown.count("\x1b[K\r") >= 2
    assert " W " in shown
    assert "\x1b[1;" not in shown, "no scrolling region"


def test_live_draws_nothing_on_a_terminal_that_cannot_move_its_cursor(workspace: Path) -> None:
    arguments = ("--live", "--period", "0.3", "--", sys.executable, "-c", "import time; time.sleep(1.2)")
    _, shown = on_terminal(workspace, *arguments, size=(24, 80), TERM="dumb")
    assert "\x1b" not in shown


def test_the_summary_speaks_japanese(workspace: Path) -> None:
    arguments = ("--", sys.executable, "-c", "import time; time.sleep(1.5)")
    code, shown = on_terminal(workspace, *arguments, size=(24, 80), GXMETER_LANG="ja")
    assert code == 0
    assert "装置の合計" in shown
    assert "記録: telemetry/journals/" in shown
