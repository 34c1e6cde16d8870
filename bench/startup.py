"""How long gxmeter takes to start: ``import gxmeter`` over bare Python, and ``gxmeter --help``.

Run it on a quiet machine: ``.venv/bin/python bench/startup.py``. Prints medians over 15 runs [ms].
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
CASES = {
    "bare Python": ["-c", "pass"],
    "import gxmeter": ["-c", "import gxmeter"],
    "import gxmeter.meter.session": ["-c", "import gxmeter.meter.session"],
    "gxmeter --help": ["-m", "gxmeter", "--help"],
}


def median_ms(arguments: list[str]) -> float:
    """Median wall time of a fresh interpreter with these arguments [ms]."""
    taken_ms = []
    for _ in range(RUNS):
        started_ns = time.perf_counter_ns()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        taken_ms.append((time.perf_counter_ns() - started_ns) / 1e6)
    return statistics.median(taken_ms)


def main() -> None:
    """Measure and print every case."""
    bare_ms = median_ms(CASES["bare Python"])
    for name, arguments in CASES.items():
        ms = median_ms(arguments)
        print(f"{name:<30} {ms:7.0f} ms   over bare Python {ms - bare_ms:6.0f} ms")


if __name__ == "__main__":
    main()
