"""Runs whose fault takes long: begun in threads before the first fault test, taken up by the last ones."""

from __future__ import annotations

import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.host import Host
from tests.faults.job import Job
from tests.faults.sensors import Changing, gpus

STOPPED_S = 61
BLOCKED_S = 30


@dataclass
class LongRuns:
    """The long runs, each on a host of its own."""

    folder: Path
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    _hosts: list[Host] = field(default_factory=list)
    _running: dict[str, Future[tuple[Job, int]]] = field(default_factory=dict)

    def begin(self) -> None:
        """Start them all."""
        for name, body in {"stopped": self._stop, "blocked": self._block}.items():
            host = Host(self.folder / name, name)
            self._hosts.append(host.__enter__())
            self._running[name] = self._pool.submit(body, host)

    def close(self) -> None:
        """Let go of the hosts."""
        for host in self._hosts:
            host.__exit__()
        self._pool.shutdown()

    def stopped(self) -> tuple[Job, int]:
        """The job whose meter stood still, and for how long [ns]."""
        return self._running["stopped"].result()

    def blocked(self) -> Job:
        """The job one of whose sensors answered late."""
        return self._running["blocked"].result()[0]

    def _stop(self, host: Host) -> tuple[Job, int]:
        """SIGSTOP for a minute in the middle of a training of sixty-six seconds."""
        job = Job(host, "stopped", seconds=STOPPED_S + 5, period_s=1, env=gpus()).begin().until_child()
        job.until_recorded(2)
        job.signal(signal.SIGSTOP)
        begun_ns = time.monotonic_ns()
        time.sleep(STOPPED_S)
        stopped_ns = time.monotonic_ns() - begun_ns
        job.signal(signal.SIGCONT)
        job.end()
        return job, stopped_ns

    def _block(self, host: Host) -> tuple[Job, int]:
        """A call of the graphics processors' library takes half a minute, once."""
        fake = Changing(host.folder)
        job = Job(host, "blocked", seconds=BLOCKED_S + 10, period_s=1, env=fake.env).begin()
        job.until_child().until_recorded(2)
        fake.block(BLOCKED_S)
        time.sleep(2)
        fake.answer()
        job.end()
        return job, BLOCKED_S
