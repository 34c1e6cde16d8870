"""A metered training with a sensor that fails in every way that Python allows, beside one that works.

    python raising.py SECONDS

The good sensor says 50 W by the clock. The bad one raises on every call of the contract in turn, then at each
reading. Written as a user's own sensor would be: a class of the protocol, handed to the meter.
"""

from __future__ import annotations

import json
import sys
import time

import gxmeter
from gxmeter.meter.sensors.base import Opened, Part, Sample


class Good:
    """A steady 50 W."""

    name, methods, quick, poll_s = "good", {"steady": "F"}, True, None

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        return Opened("1", (Part("node", "node", "Good", "steady", boundary="node"),))

    def start(self) -> None:
        pass

    def poll(self) -> None:
        pass

    def read(self, elapsed_ns: int) -> list[Sample]:
        return [Sample(50 * elapsed_ns // 1000, "steady")]

    def close(self) -> None:
        pass


class Bad:
    """Works twice, then raises for the middle of the run, then works again."""

    name, methods, quick, poll_s = "bad", {"moody": "F"}, True, 0.2

    def __init__(self, silent_s: tuple[float, float]) -> None:
        self._begin = time.monotonic()
        self._silent_s = silent_s

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        return Opened("1", (Part("gpu0", "gpu", "Bad", "moody"),))

    def start(self) -> None:
        pass

    def _silent(self) -> bool:
        first, last = self._silent_s
        return first < time.monotonic() - self._begin < last

    def poll(self) -> None:
        if self._silent():
            raise ZeroDivisionError("poll")

    def read(self, elapsed_ns: int) -> list[Sample]:
        if self._silent():
            raise ValueError("no answer today")
        return [Sample(70 * elapsed_ns // 1000, "moody")]

    def close(self) -> None:
        raise RuntimeError("close")


class Hopeless(Bad):
    """Raises already when it is opened."""

    name, methods = "hopeless", {"none": "F"}

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        raise OSError("open")


def main(seconds: float) -> None:
    """Measure some seconds of work."""
    sensors = [Hopeless((0, 0)), Bad((2.0, 4.0)), Good()]
    with gxmeter.Meter(run="raising", site="lab", period_s=0.5, sensors=sensors) as meter:
        begin_ns = time.monotonic_ns()
        time.sleep(seconds)
        end_ns = time.monotonic_ns()
    print(json.dumps({"begin_ns": begin_ns, "end_ns": end_ns, "samples": meter.result.samples}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
    sys.exit(7)
