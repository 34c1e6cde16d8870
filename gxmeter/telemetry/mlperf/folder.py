"""What lies in the folder of a submission's power logs: the logs, and what the submitter says beside them.

Files are told by what they hold, not by their names: submitters name their logs as they like. The layout that the
rules give (mlcommons/logging, ``result_summarizer``): ``results/SYSTEM/BENCHMARK/power/result_0/node_*.txt`` and
``sw_*.txt``, the run's own log two folders up as ``result_0.txt``, the system's description in ``systems/SYSTEM.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.mlperf.events import ESTIMATE, MARK, READING, RUN_START, RUN_STOP, START, events
from gxmeter.telemetry.text.lines import encoding_of
from gxmeter.telemetry.text.numbers import number
from gxmeter.telemetry.text.opening import head
from gxmeter.telemetry.text.remarks import Remarks

AC, DC = "ac", "dc"
"""Which side of a node's power supplies was read."""

_HEAD = 1 << 16
_TAR = b"ustar"
_TAR_AT = 257
_TOTAL = re.compile(r"([\d.,]+)\s*(MWh|kWh|Wh)\b")
_WH = {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000}
_SIDE = re.compile(r"(?<![a-z])(ac|dc)(?![a-z])")
_SIDE_FAR = re.compile(r"(?<![a-z])(ac|dc)[-_]power(?![a-z])")
_NEAR = 2
_FAR = 7
_TYPE = re.compile(r'"measurement_type"\s*:\s*"(AC|DC)"')


@dataclass(slots=True)
class Folder:
    """The files of a folder by what they hold.

    Attributes:
        logs: power readings.
        estimates: estimates of what the network drew.
        results: logs of runs, without power.
        total: the submitter's own sum.
        system: what the system's description says; empty where there is none.
        others: files that are none of these.
        side: ``ac`` or ``dc`` as a log itself says, or empty text.
    """

    logs: list[Path] = field(default_factory=list)
    estimates: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)
    total: Path | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    others: list[Path] = field(default_factory=list)
    side: str = ""


def folder_of(path: Path, encoding: str = "") -> Folder:
    """Look through the files that lie in a folder itself.

    Raises:
        InputError: ``mlperf-no-logs`` or ``mlperf-archive``: none of them holds power.
        OSError: the folder cannot be read.
    """
    found = Folder()
    archives: list[Finding] = []
    for file in sorted(path.iterdir(), key=lambda file: _numbered(file.name)):
        if file.is_file() and not file.name.startswith("."):
            try:
                _sort_in(found, file, beginning(file, encoding))
            except InputError as error:
                archives += error.findings
                found.others.append(file)
    if not found.logs:
        raise InputError.from_findings(archives or [finding("mlperf-no-logs", file=path.name)])
    run = path.parent.parent / f"{path.name}.txt"
    if not found.results and run.is_file():
        found.results.append(run)
    if not found.system and len(path.parents) > _FAR:
        system = path.parents[2]
        found.system = _system(system.parents[1] / "systems" / f"{system.name}.json")
    return found


def _numbered(name: str) -> list[tuple[int, str]]:
    """A key that puts ``node_2`` before ``node_10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name, flags=re.ASCII)]


def _sort_in(found: Folder, file: Path, text: str) -> None:
    if MARK in text and (READING in text or START in text):
        found.logs.append(file)
        kind = _TYPE.search(text)
        found.side = found.side or (kind[1].lower() if kind else "")
    elif MARK in text and ESTIMATE in text:
        found.estimates.append(file)
    elif MARK in text:
        found.results.append(file)
    elif file.name.lower().startswith("total_power"):
        found.total = file
    elif file.suffix.lower() == ".json" and (system := _system(file)):
        found.system = system
    else:
        found.others.append(file)


def beginning(file: Path, encoding: str = "") -> str:
    """The first characters of a file, packed or not, whatever its encoding.

    Raises:
        InputError: ``mlperf-archive``: it is an archive of files; ``encoding-unknown``.
    """
    first = head(file, _HEAD)
    if first[_TAR_AT:].startswith(_TAR) or first.startswith(b"PK\x03\x04"):
        raise InputError("mlperf-archive", file=file.name)
    return first.decode(encoding_of(file, encoding), errors="replace")


def _system(file: Path) -> Mapping[str, Any]:
    """A system's description; empty where the file is none."""
    try:
        body = json.loads(head(file).decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (OSError, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) and "number_of_nodes" in body else {}


def side_of(path: Path, folder: Folder) -> str:
    """Which side the names of the folders or the system's description tell; empty where they do not."""
    for depth, name in enumerate(_names(path)):
        told = (_SIDE if depth < _NEAR else _SIDE_FAR).search(name.lower())
        if told:
            return told[1]
    told = _SIDE.search(str(folder.system.get("system_name", "")).lower())
    return told[1] if told else ""


def _names(path: Path) -> Iterator[str]:
    """Names of a folder and of those around it, from the inside out."""
    around = path.resolve()
    yield from (one.name for one in (around, *around.parents[: _FAR - 1]))


def other_side(path: Path) -> Path | None:
    """Where the AC side of the same folder or log lies, if the names tell it and it is there."""
    around = path.resolve()
    for depth, one in enumerate((around, *around.parents[: _FAR - 1])):
        pattern = _SIDE if depth < _NEAR else _SIDE_FAR
        told = pattern.search(one.name.lower())
        if told:
            start, end = told.span(1)
            mark = AC if one.name[start:end].islower() else AC.upper()
            other = one.with_name(one.name[:start] + mark + one.name[end:]) / around.relative_to(one)
            return other if other != around and other.exists() else None
    return None


def run_window(folder: Folder) -> tuple[int, int] | None:
    """First ``run_start`` and last ``run_stop`` [Unix ms] of the run that was metered; None where they are not told."""
    if len(folder.results) != 1:
        return None
    starts: list[int] = []
    stops: list[int] = []
    for event in events(folder.results[0], Remarks(folder.results[0].name)):
        if event.time_ms is not None and event.key in {RUN_START, RUN_STOP}:
            (starts if event.key == RUN_START else stops).append(event.time_ms)
    return (min(starts), max(stops)) if starts and stops and max(stops) > min(starts) else None


def submitted_wh(folder: Folder) -> Fraction | None:
    """The submitter's own sum [Wh]; None where there is none."""
    told = _TOTAL.search(beginning(folder.total)) if folder.total else None
    exact = number(told[1]) if told else None
    return Fraction(exact) * _WH[told[2]] if told and exact is not None else None
