"""A host of its own for each scenario: its own mounts, host name, shared memory and, where asked, network and boot id.

A meter decides by host who measures, so scenarios that run side by side, or beside another meter on this machine,
need hosts of their own. Linux makes them cheap: a process in new namespaces holds them, and commands join it::

    with Host(tmp_path, name="node1") as host:
        process = host.start(["gxmeter", ...], env=...)

What a command sees there is ``/proc/<holder>/root`` from outside.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[2]

_SETUP = """
mount -t tmpfs -o size=32m,mode=1777 tmpfs /dev/shm
hostname "$1"
if [ -n "$2" ]; then mount --bind "$2" /proc/sys/kernel/random/boot_id; fi
echo ready
exec sleep 900
"""
_FOREIGN = ("GXMETER", "CODECARBON", "XDG_", "COVERAGE_", "COV_", "CUDA_", "NVIDIA_", "SLURM", "LD_")
_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` (prctl(2)): orphans below this process become its children."""


def adopt_orphans(wanted: bool) -> None:
    """Let this process be the parent of those whose meter was killed, so that their exit code can be asked."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, int(wanted), 0, 0, 0)


def obstacle() -> str | None:
    """Why this machine cannot make hosts, or None."""
    for program in ("unshare", "nsenter", "mount"):
        if shutil.which(program) is None:
            return f"needs {program} (Debian: util-linux, mount)"
    tried = subprocess.run([*_unshare(network=True), "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"needs namespaces (root or unprivileged ones): {tried.stderr.strip()}"


def _unshare(*, network: bool) -> list[str]:
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    net = ["--net"] if network else []
    return ["unshare", *user, "--mount", "--uts", *net, "--propagation", "private"]


@dataclass
class Host:
    """A host: namespaces held by a sleeping process.

    Attributes:
        folder: where its files go.
        name: its host name.
        own_network: whether it has a network of its own, in which nothing, not even the loopback, is up.
        own_boot: whether it has a boot id of its own.
    """

    folder: Path
    name: str = "node0"
    own_network: bool = False
    own_boot: bool = False
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    _holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        boot = ""
        if self.own_boot:
            (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
            boot = str(self.folder / "boot_id")
        command = [*_unshare(network=self.own_network), "sh", "-e", "-c", _SETUP, "sh", self.name, boot]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline().strip() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.started, *([self._holder] if self._holder else [])]:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    @property
    def root(self) -> Path:
        """The host's file system as it is seen from outside."""
        assert self._holder is not None
        return Path(f"/proc/{self._holder.pid}/root")

    def inside(self, command: Sequence[str | Path], cwd: Path | None = None) -> list[str]:
        """The command as one that joins the host; it keeps its process id."""
        assert self._holder is not None
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        net = ["--net"] if self.own_network else []
        join = ["nsenter", "--target", str(self._holder.pid), *user, "--mount", "--uts", *net]
        return [*join, "env", "-C", str(cwd or self.folder), *map(str, command)]

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: dict[str, str],
        out: int | IO[str] | None = subprocess.PIPE,
        err: int | IO[str] | None = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start a command on the host, in a session of its own."""
        process = subprocess.Popen(
            self.inside(command),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, command: Sequence[str | Path], *, env: dict[str, str] | None = None) -> str:
        """Run a short command on the host to its end; its output.

        Raises:
            CalledProcessError: it failed.
        """
        done = subprocess.run(
            self.inside(command, Path("/")), env=env, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """A clean environment that finds this tree's gxmeter and keeps the user's state in ``folder``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    own = {
        "LANG": "C.UTF-8",
        "GXMETER_LANG": "en",
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(folder / "state"),
        "TMPDIR": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
    }
    return kept | own | extra
