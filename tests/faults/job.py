"""A metered training on a host: start it, harm something, and hear what it felt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.case import Case
from tests.faults.host import Host, environment
from tests.faults.record import Journal, Span, journals
from tests.faults.worker import STEP_S

GXMETER = [sys.executable, "-m", "gxmeter", "run"]
WORKER = Path(__file__).with_name("worker.py")
PAUSE_NS = 2_000_000_000
"""A pause of the child that a busy machine explains [ns]; a meter that held it up would take longer."""

SITE = "id: lab\nname: {ja: 試験室, en: Laboratory}\n"


def wait_for(what: Callable[[], object], why: str, timeout_s: float = 40) -> None:
    """Poll until something is so.

    Raises:
        TimeoutError: it was not in time.
    """
    end = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(why)
        time.sleep(0.02)


def workspace(folder: Path) -> Path:
    """A workspace with one site."""
    (folder / "sites").mkdir(parents=True, exist_ok=True)
    (folder / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n")
    (folder / "sites" / "lab.yaml").write_text(SITE)
    return folder


@dataclass
class Job:
    """``gxmeter run`` around ``worker.py``.

    Attributes:
        host: where it runs.
        name: of its files in the host's folder, and its run id.
        seconds: how long the child works [s].
        code: the child's exit code.
        period_s: length of an interval [s].
        env: beside the clean environment: the sensors.
        child: more arguments of the worker.
        at: the workspace as the job names it; left out, one is made in the host's folder.
        before: what stands before the worker's command, e.g. ``env -u LD_PRELOAD``.
    """

    host: Host
    name: str = "job"
    seconds: float = 3
    code: int = 7
    period_s: float = 0.5
    env: dict[str, str] = field(default_factory=dict)
    child: Sequence[str] = ()
    at: Path | None = None
    before: Sequence[str] = ()
    process: subprocess.Popen[str] | None = None

    def begin(self) -> Self:
        """Start it."""
        self.at = self.at or workspace(self.host.folder / f"{self.name}-ws")
        command = [
            *GXMETER,
            "-w",
            self.at,
            "--run",
            self.name,
            "--site",
            "lab",
            "--period",
            f"{self.period_s:g}",
            "--",
            *self.before,
            sys.executable,
            "-u",
            WORKER,
            "--seconds",
            f"{self.seconds:g}",
            "--code",
            str(self.code),
            "--state",
            self.path("state.json"),
            *self.child,
        ]
        with self.path("out").open("w") as out, self.path("err").open("w") as err:
            self.process = self.host.start(command, env=environment(self.host.folder, **self.env), out=out, err=err)
        return self

    def path(self, ending: str) -> Path:
        return self.host.folder / f"{self.name}.{ending}"

    @property
    def pid(self) -> int:
        """The meter's process."""
        assert self.process is not None
        return self.process.pid

    @property
    def state(self) -> dict[str, int]:
        """The child's own account; empty before it began."""
        path = self.path("state.json")
        return json.loads(path.read_text()) if path.is_file() else {}

    def until_child(self) -> Self:
        """Wait until the child has begun."""
        wait_for(lambda: self.state or self._ended(), "the child never began")
        assert self.state, f"the meter ended before its child began: {self.stderr}"
        return self

    def until_recorded(self, intervals: int = 1) -> Self:
        """Wait until the record holds some intervals."""
        wait_for(lambda: self._intervals() >= intervals or self._ended(), "no interval was ever recorded")
        return self

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _intervals(self) -> int:
        return sum(path.read_bytes().count(b'{"t":"i"') for path in self.workspace.rglob("*.gxj"))

    @property
    def workspace(self) -> Path:
        """The workspace as it is seen from outside the host."""
        assert self.at is not None
        return self.host.root / str(self.at).lstrip("/")

    def end(self, timeout_s: float = 90) -> int:
        """Wait for the meter's end; the code that ``gxmeter run`` hands back, negative for a signal."""
        assert self.process is not None
        return self.process.wait(timeout_s)

    def end_of_orphan(self) -> int:
        """Wait for a child whose meter is gone; its exit code, negative for a signal."""
        _, status = os.waitpid(self.state["pid"], 0)
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the meter alone."""
        os.kill(self.pid, number)

    @property
    def stdout(self) -> str:
        return self.path("out").read_text()

    @property
    def stderr(self) -> str:
        return self.path("err").read_text()

    @property
    def journals(self) -> list[Journal]:
        return journals(self.workspace)

    @property
    def journal(self) -> Journal:
        """The only journal."""
        found = self.journals
        assert len(found) == 1, [item.folder.name for item in found]
        return found[0]

    def spans(self, label: str) -> list[Span]:
        """The time of a part that has a number, over all journals that count."""
        return [span for journal in self.journals if journal.counts for span in journal.spans(label)]

    @property
    def life_ns(self) -> tuple[int, int]:
        """From the child's first moment to its last one."""
        return self.state["begin_ns"], self.state["end_ns"]

    def unharmed(self, case: Case, code: int) -> None:
        """The child did all its steps, said each, was never held up, and ended with its own code."""
        state = self.state
        case.felt(code, state.get("longest_ns", 0))
        assert "Traceback" not in self.stderr, self.stderr
        assert code == self.code, f"exit code {code} in place of {self.code}: {self.stderr}"
        steps = round(self.seconds / STEP_S)
        assert state.get("steps") == steps
        assert self.stdout == "".join(f"step {step}\n" for step in range(steps))
        assert state["longest_ns"] < PAUSE_NS, f"the child stood still for {state['longest_ns'] / 1e9:.1f} s"
        took_s = (state["end_ns"] - state["begin_ns"]) / 1e9
        assert took_s < 1.5 * self.seconds + 3, f"{took_s:.1f} s in place of {self.seconds}"
