"""Real processes that claim: each evaluates the lines it is sent and answers with what came out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meter_helpers import environment

CODE = """
import os, sys
from pathlib import Path
from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims, Holder, Key, cpu_key, folder_of, gpu_key, node_key, ram_key
from gxmeter.meter.host.claims_file import FOLDERS, Span
user = int(sys.argv[1])
if user:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
claims = Claims(tuple(Path(folder) for folder in sys.argv[2:]))
claims.keep()
for line in sys.stdin:
    print(repr(eval(line)), flush=True)
"""


class Actor:
    """One process with its ``claims`` on the file in these folders; killed at the end of the test.

    A ``user`` other than 0 is taken on after the imports, so that the tree need not be readable for him.
    """

    def __init__(self, *folders: Path, user: int = 0, before: Sequence[str] = (), **how: Any) -> None:
        command = [*before, sys.executable, "-c", CODE, str(user), *map(str, folders)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), **how
        )

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def says(self, line: str) -> str:
        self.send(line)
        return self.answer()

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
