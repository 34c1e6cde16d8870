"""Integrate on Spark, in the environment that has it, and print everything that must not differ; a script, no test.

``spark_driver.py MASTER KILL FORMAT:NAME:PATH ...``: KILL is a word in the command line of the process that is killed
when the first file is done, or ``-``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any


def everything(result: Any) -> str:
    from gxmeter.energy.cache_form import to_bytes
    from gxmeter.energy.summary import document

    leaves = [[*key, leaf.half_uj, leaf.covered_ms] for key, leaf in result.leaves.items()]
    facts = [to_bytes(fact).decode() for fact in result.facts]
    return json.dumps([document(result, format="mixed"), leaves, result.sources, facts])


def kill_one(word: str) -> list[int]:
    """Kill one process of this session whose command line holds a word."""
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: -int(folder.name)):
        try:
            mine = os.getsid(int(folder.name)) == os.getsid(0)
            if mine and word in (folder / "cmdline").read_bytes().decode(errors="replace"):
                os.kill(int(folder.name), signal.SIGKILL)
                return [int(folder.name)]
        except OSError:
            continue
    raise SystemExit(f"no process with {word} to kill")


def main() -> None:
    from gxmeter.energy.engines import EngineChoice
    from gxmeter.energy.integrate import integrate
    from gxmeter.energy.model import Source

    master, word, *named = sys.argv[1:]
    parts = (one.split(":", 2) for one in named)
    sources = [Source(Path(path), format_, name=name) for format_, name, path in parts]
    killed: list[int] = []

    def progress(done_bytes: int, total_bytes: int) -> None:
        if word != "-" and not killed and done_bytes < total_bytes:
            killed.extend(kill_one(word))

    choice = EngineChoice("spark", scheduler=master) if master != "-" else EngineChoice("spark", workers=2)
    print(everything(integrate(sources, engine=choice, progress=progress)))
    print(f"killed: {len(killed)}", file=sys.stderr)


if __name__ == "__main__":
    main()
