"""Record a metered run on a real terminal and draw it: ``docs/measurements/live-session*.cast`` and ``*.svg``.

The run is real (``gxmeter run --live`` on a pseudo-terminal, its own clock, its own record); the eight GPUs are not:
they are the tests' ``libnvidia-ml.so.1`` (``tests/support/fakenvml``), which the real nvidia-ml-py reads, and the
title says so. The recording is an asciicast, version 2 (the format of asciinema); the picture shows the screen a
moment before the end, and after it. Both are made in English and in Japanese. Needs a C compiler.

    .venv/bin/python tools/record_session.py
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

from session_picture import picture
from terminal_screen import Screen

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "measurements"
ROWS, COLUMNS = 16, 80
SECONDS = 24
"""How long the shown training runs [s]."""

STEP_S = 0.8
ARGUMENTS = ("run", "--live", "--budget", "0.05", "-w", "my-workspace", "--run", "demo", "--", "python", "train.py")

TITLES = {
    "en": "gxmeter run --live: a real metered run with 8 simulated GPUs (the tests' fake NVIDIA library)",
    "ja": "gxmeter run --live: 実際の計測。ただし 8 基の GPU は模擬(テスト用の偽 NVIDIA ライブラリー)",
}

TRAIN = f"""
import math, time
print("model: 1.2 B parameters, 8 ranks, bf16 (pretended)", flush=True)
for step in range(1, {round(SECONDS / STEP_S)} + 1):
    time.sleep({STEP_S})
    print(f"step {{step * 10:4d}}  loss {{2.2 + 6 * math.exp(-step / 9):.3f}}", flush=True)
"""

POWER = (
    "*.power_w=180",
    "@+1.5 *.power_w=420",
    "@+4 *.power_w=610",
    "@+6 *.power_w=655",
    "@+13 *.power_w=160",
    "@+15 *.power_w=600",
    "@+17 *.power_w=660",
)
"""Watts of every GPU over the run: loading, warming up, steps, a checkpoint, steps."""


def main() -> int:
    """Record and draw both languages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for language, ending in (("en", ""), ("ja", ".ja")):
        title = TITLES[language]
        events = record(language)
        header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": title, "env": {"TERM": "xterm-256color"}}
        lines = [json.dumps(header, ensure_ascii=False)]
        lines += [json.dumps([round(at_s, 3), "o", text], ensure_ascii=False) for at_s, text in events]
        (FOLDER / f"live-session{ending}.cast").write_text("\n".join(lines) + "\n", "utf-8")
        during = screen_until(events, lambda at_s, _: at_s < SECONDS - 1)
        after = screen_until(events, lambda _at_s, _: True)
        svg = picture(title, [during.text, after.text], COLUMNS, language)
        (FOLDER / f"live-session{ending}.svg").write_text(svg, "utf-8")
        print(f"{language}: {len(events)} events, {events[-1][0]:.1f} s", file=sys.stderr)
    return 0


def record(language: str) -> list[tuple[float, str]]:
    """Run it once; what the terminal showed, with seconds since the beginning [s]."""
    with tempfile.TemporaryDirectory(prefix="gxmeter-session-") as name:
        folder = Path(name)
        (folder / "train.py").write_text(TRAIN)
        environ = environment(folder, language)
        subprocess.run(["gxmeter", "init", "my-workspace"], cwd=folder, env=environ, check=True, capture_output=True)
        sys.path.insert(0, str(ROOT))
        fake = importlib.import_module("tests.support.fakenvml")
        environ |= fake.environment(*POWER, gpus=8)
        prompt = "$ " + " ".join(("gxmeter", *ARGUMENTS)) + "\r\n"
        return [(0.0, prompt), *whole(run_on_terminal(folder, environ))]


def environment(folder: Path, language: str) -> dict[str, str]:
    """The user's environment less what would change the run."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GXMETER", "CODECARBON", "XDG_"))}
    scripts = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "GXMETER_LANG": language,
        "GXMETER_CLAIMS": str(folder),
    }


def run_on_terminal(folder: Path, environ: dict[str, str]) -> list[tuple[float, bytes]]:
    """Run ``gxmeter`` on a pseudo-terminal of our size; its output in pieces with their times [s]."""
    began = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.chdir(folder)
        program = shutil.which("gxmeter", path=environ["PATH"]) or "gxmeter"
        os.execvpe(program, ["gxmeter", *ARGUMENTS], environ)  # noqa: S606 - a terminal needs a fork of our own
    pieces = []
    while True:
        select.select([terminal], [], [])
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            break
        if not piece:
            break
        pieces.append((time.monotonic() - began, piece))
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"gxmeter ended with {os.waitstatus_to_exitcode(status)}: {pieces[-3:]!r}")
    return pieces


def whole(pieces: list[tuple[float, bytes]]) -> list[tuple[float, str]]:
    """The pieces as text; a character that two pieces share goes to the later one."""
    texts, rest = [], b""
    for at_s, piece in pieces:
        data = rest + piece
        end = len(data)
        while end and len(data) - end < 4:
            try:
                texts.append((at_s, data[:end].decode()))
                break
            except UnicodeDecodeError:
                end -= 1
        rest = data[end:]
    return texts


def screen_until(events: list[tuple[float, str]], wanted: Callable[[float, str], bool]) -> Screen:
    """The screen after all events that are wanted."""
    screen = Screen(COLUMNS, ROWS)
    screen.feed("".join(text for at_s, text in events if wanted(at_s, text)))
    return screen


if __name__ == "__main__":
    sys.exit(main())
