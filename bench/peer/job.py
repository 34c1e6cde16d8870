"""The job that every tool measures: it sleeps. Runs in the tool's own environment: ``job.py TOOL SECONDS``.

Writes ``events.jsonl`` in the current folder: the moment [ns, monotonic] at which Python began, the tool was
imported, had started, was asked to stop, had stopped; with the last, what the tool says of the energy:
``joules`` per part, ``seconds`` that they cover (None: the job's own time), ``grams_per_kwh`` that it applied.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PERIOD_S = 1
J_PER_KWH = 3.6e6
Answer = dict[str, Any]


def note(event: str, **more: object) -> None:
    """One line to ``events.jsonl``."""
    line = json.dumps({"event": event, "at_ns": time.monotonic_ns(), "pid": os.getpid(), **more})
    with Path("events.jsonl").open("a", encoding="utf-8") as out:
        out.write(line + "\n")


@contextmanager
def _nothing() -> Iterator[Callable[[], Answer]]:
    note("imported")
    yield dict


@contextmanager
def _gxmeter() -> Iterator[Callable[[], Answer]]:
    import gxmeter  # noqa: PLC0415

    meter_class = gxmeter.Meter
    note("imported")
    meter = meter_class(run="bench", period_s=PERIOD_S).start()

    def stop() -> Answer:
        result = meter.stop()
        return {"journal": str(result.journal)}

    yield stop


@contextmanager
def _codecarbon() -> Iterator[Callable[[], Answer]]:
    import codecarbon  # noqa: PLC0415

    note("imported")
    tracker = codecarbon.OfflineEmissionsTracker(
        country_iso_code="JPN", measure_power_secs=PERIOD_S, log_level="critical"
    )
    tracker.start()

    def stop() -> Answer:
        tracker.stop()
        said = tracker.final_emissions_data
        parts = {"cpu": said.cpu_energy, "ram": said.ram_energy, "gpu": said.gpu_energy}
        grams = said.emissions * 1000 / said.energy_consumed if said.energy_consumed else None
        joules = {part: kwh * J_PER_KWH for part, kwh in parts.items()}
        return {"joules": joules, "seconds": said.duration, "grams_per_kwh": grams}

    yield stop


@contextmanager
def _zeus() -> Iterator[Callable[[], Answer]]:
    from zeus.monitor import ZeusMonitor  # noqa: PLC0415

    note("imported")
    monitor = ZeusMonitor(log_file="zeus.csv")
    monitor.begin_window("bench", sync_execution=False)

    def stop() -> Answer:
        said = monitor.end_window("bench", sync_execution=False)
        kinds = {"gpu": said.gpu_energy, "cpu": said.cpu_energy or {}, "dram": said.dram_energy or {}}
        joules = {f"{kind}{index}": value for kind, per in kinds.items() for index, value in per.items()}
        return {"joules": joules, "seconds": said.time, "grams_per_kwh": None}

    yield stop


@contextmanager
def _carbontracker() -> Iterator[Callable[[], Answer]]:
    from carbontracker.tracker import CarbonTracker  # noqa: PLC0415

    note("imported")
    tracker = CarbonTracker(epochs=1, log_dir="carbontracker", verbose=0, update_interval=PERIOD_S)
    tracker.epoch_start()

    def stop() -> Answer:
        tracker.epoch_end()
        tracker.stop()
        return {"carbontracker": True}

    yield stop


TOOLS = {
    "none": _nothing,
    "gxmeter": _gxmeter,
    "codecarbon": _codecarbon,
    "zeus": _zeus,
    "carbontracker": _carbontracker,
}


def main(tool: str, seconds: float) -> None:
    """Sleep for so long under the tool."""
    note("began")
    with TOOLS[tool]() as stop:
        note("started")
        time.sleep(seconds)
        note("stopping")
        answer = stop()
        note("stopped", answer=answer)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
