"""Make the virtual environment and install what a lock file names, then gxmeter itself from this checkout.

Runs under the bare interpreter that the Makefile found, so it uses the standard library only, in words that
an older Python can still read (so that it can say it is too old). pip's own output goes to
``setup.log`` in it and is shown when something fails; meanwhile a bar (on a terminal) or one line
(elsewhere) says how far it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import venv
from collections import deque
from pathlib import Path

OLDEST = (3, 11)
WIDTH = 30
TAIL_LINES = 30
ROOT = Path(__file__).resolve().parents[1]
_STEP = re.compile(r"^(Collecting|Requirement already satisfied:) ")


class Bar:
    """Progress on standard error: drawn over itself on a terminal, one line per stage elsewhere."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.stage = ""
        self.started_s = time.monotonic()

    def show(self, stage: str, *, step: int = 0) -> None:
        """Advance by ``step`` packages and name the stage."""
        self.done = min(self.total, self.done + step)
        elapsed_s = time.monotonic() - self.started_s
        if sys.stderr.isatty():
            filled = WIDTH * self.done // self.total
            bar = "#" * filled + "." * (WIDTH - filled)
            print(f"\r{stage:<24} [{bar}] {self.done}/{self.total} {elapsed_s:3.0f} s ", end="", file=sys.stderr)
        elif stage != self.stage:
            print(f"{stage} ({self.total} packages)", file=sys.stderr)
        sys.stderr.flush()
        self.stage = stage

    def close(self) -> None:
        """Leave the terminal on a fresh line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def pip(python: Path, log: Path, bar: Bar, *arguments: str) -> None:
    """Run pip, count the packages it takes up, and exit with its last lines if it fails."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    command = [str(python), "-m", "pip", "install", "--no-input", "--progress-bar", "off", *arguments]
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with log.open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in child.stdout or ():
            out.write(line)
            tail.append(line)
            if _STEP.match(line):
                bar.show("Fetching dependencies", step=1)
            elif line.startswith("Installing collected"):
                bar.show("Installing dependencies")
        child.wait()
    if child.returncode:
        bar.close()
        sys.stderr.write("".join(tail))
        sys.exit(f"Setting up {log.parent} failed; the whole of pip's output is in {log}")


def main() -> None:
    """``setup_venv.py LOCKFILE VENV [PACKAGE==VERSION ...]``: the packages are those that no lock can hold."""
    if sys.version_info < OLDEST:
        here = sys.version.split()[0]
        sys.exit(f"gxmeter needs Python 3.11 or newer; this is {here}. Try: make PYTHON=python3.11 demo")
    lock, folder, outside = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    packages = sum(1 for line in lock.read_text("utf-8").splitlines() if re.match(r"^[a-z0-9].*==", line))
    bar = Bar(packages + len(outside))
    python = folder / "bin" / "python"
    if not python.exists():
        bar.show(f"Making {folder}")
        venv.create(folder, with_pip=True)
    log = folder / "setup.log"
    log.unlink(missing_ok=True)
    bar.show("Fetching dependencies")
    if outside:
        pip(python, log, bar, "--no-deps", "--no-compile", *outside)
    # A lock that leaves packages out must not have pip fetch them after all.
    exact = ["--no-deps", "--no-compile"] if outside else []
    pip(python, log, bar, *exact, "--require-hashes", "-r", str(lock))
    # The lock holds the build back end, so the checkout itself is installed without fetching anything more.
    pip(python, log, bar, "--no-deps", "--no-build-isolation", "--editable", ".")
    bar.show("Ready", step=bar.total)
    bar.close()


if __name__ == "__main__":
    main()
