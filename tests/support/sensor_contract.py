"""What every sensor must do, whatever it reads; run on each class of ``gxmeter/meter/sensors`` that has the names.

:func:`sensors` finds the classes, so a new sensor is held to this without being named anywhere. :func:`broken` gives
what one of them does not keep. Run as a program it tries all of them in the environment as it is, and prints what
was read and what was broken as JSON.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import random
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import gxmeter.meter.sensors
from gxmeter.core.findings import catalogue
from gxmeter.meter.sensors.base import DEVICE, NODE, Opened, Sample

NAMES = ("name", "methods", "quick", "poll_s", "open", "start", "poll", "read", "close")
"""The protocol's."""

GRADES = {"A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"}
KINDS = {"cpu", "ram", "gpu", "node"}

ARGUMENTS: dict[str, Any] = {"url": "https://127.0.0.1:9"}
"""What a sensor is given that cannot be made without: here an address at which nobody answers."""

QUICK_S = 0.5
"""Five times what a quick sensor may take to open and start, for a busy machine [s]."""

WAIT_S = 0.7
"""Long enough for every counter to move."""


def sensors() -> list[type]:
    """Every class with the protocol's names, less the protocol itself and what only passes calls on."""
    found = []
    for module in pkgutil.iter_modules(gxmeter.meter.sensors.__path__, "gxmeter.meter.sensors."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            is_own = cls.__module__ == module.name and not getattr(cls, "_is_protocol", False)
            if is_own and all(name in dir(cls) or name in getattr(cls, "__annotations__", {}) for name in NAMES):
                found.append(cls)
    return found


def make(cls: type) -> Any:
    """A sensor with nothing said but what it cannot be made without."""
    needed = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    return cls(**{name: ARGUMENTS[name] for name in needed})


def broken(cls: type) -> tuple[list[str], list[Sample]]:
    """What of the contract this sensor does not keep here, and its samples."""
    before = (
        random.getstate(),
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
    )
    sensor, wrong, samples = make(cls), [], []
    wrong += _promises(sensor)
    try:
        sensor.poll()
        sensor.close()
        for _ in range(2):  # a sensor may be opened again
            wrong_now, samples = _session(sensor)
            wrong += wrong_now
            sensor.close()
            sensor.close()
        sensor.poll()
    except Exception as error:  # noqa: BLE001 - that none comes out is the point
        wrong.append(f"raised {type(error).__name__}: {error}")
    after = (random.getstate(), [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)])
    return wrong + (["changed the random state or a signal handler"] if before != after else []), samples


def _promises(sensor: Any) -> Iterator[str]:
    if not sensor.name or sensor.name != sensor.name.lower():
        yield f"name {sensor.name!r}"
    if not sensor.methods or not set(sensor.methods.values()) <= GRADES:
        yield f"methods {sensor.methods}"
    if not isinstance(sensor.quick, bool):
        yield f"quick {sensor.quick!r}"


def _session(sensor: Any) -> tuple[list[str], list[Sample]]:
    began = time.perf_counter()
    opened = sensor.open(frozenset())
    sensor.start()
    took, began_ns = time.perf_counter() - began, time.monotonic_ns()
    wrong = list(_of_opened(sensor, opened))
    if sensor.quick and took > QUICK_S:
        wrong.append(f"took {took:.3f} s to open and start")
    for _ in range(2):
        time.sleep(WAIT_S / 2)
        sensor.poll()
    samples = sensor.read(time.monotonic_ns() - began_ns)
    return wrong + list(_of_samples(sensor, opened, samples)), samples


def _of_opened(sensor: Any, opened: Opened) -> Iterator[str]:
    labels = [part.label for part in opened.parts]
    if len(set(labels)) != len(labels):
        yield f"labels {labels}"
    if not opened.version:
        yield "no version"
    if sensor.poll_s is not None and not sensor.poll_s > 0:
        yield f"poll_s {sensor.poll_s}"
    for fault in opened.faults:
        yield from _of_fault(fault.code, dict(fault.params))
    for part in opened.parts:
        is_known = part.method in sensor.methods and part.kind in KINDS and part.boundary in {DEVICE, NODE}
        is_sound = part.counter_unit in {None, "uJ", "mJ"} and (part.rated_mw is None or part.rated_mw > 0)
        if not (is_known and is_sound and part.name):
            yield f"part {part}"


def _of_samples(sensor: Any, opened: Opened, samples: list[Sample]) -> Iterator[str]:
    if len(samples) != len(opened.parts):
        yield f"{len(samples)} samples of {len(opened.parts)} parts"
    for sample in samples:
        if sample.method not in sensor.methods:
            yield f"method {sample.method}"
        if sample.energy_uj is None and sample.fault is None:
            yield "no energy and no fault"
        if sample.energy_uj is not None and (type(sample.energy_uj) is not int or sample.energy_uj <= 0):
            yield f"energy {sample.energy_uj!r}"
        if sample.fault is not None:
            yield from _of_fault(sample.fault.code, dict(sample.fault.params))


def _of_fault(code: str, params: dict[str, str]) -> Iterator[str]:
    """A fault has a message, and a value for every hole of it but the device, which the meter knows."""
    if code not in catalogue():
        yield f"{code} has no message"
        return
    for text in (catalogue()[code].ja, catalogue()[code].en):
        try:
            text.format(**({"device": "-"} | params))
        except KeyError as hole:
            yield f"{code} leaves {hole} open"


def main() -> None:
    """Try every sensor here."""
    report = {}
    for cls in sensors():
        wrong, samples = broken(cls)
        report[cls.__name__] = {"broken": wrong, "energy_uj": [sample.energy_uj for sample in samples]}
    sys.stderr.write(json.dumps(report))


if __name__ == "__main__":
    main()
