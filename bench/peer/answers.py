"""What each tool has left on disk, in one shape: joules per part, the seconds they cover, the factor it applied."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gxmeter.core.journal import Interval
from gxmeter.core.journal_decode import decode

_J_PER_KWH = 3.6e6
_PERUN_SENSOR = {"CUDA": "gpu", "cpu": "cpu", "ram": "dram"}


@dataclass(slots=True)
class Answer:
    """A tool's account of a run.

    Attributes:
        joules: energy per part, with the part's label in the tool's own words [J].
        seconds: time that it covers [s]; None where the tool does not say.
        counting_ns: moment of the monotonic clock from which energy is counted [ns]; None where it does not say.
        grams_per_kwh: factor it applied without being given one; None where it applies none.
    """

    joules: dict[str, float] = field(default_factory=dict)
    seconds: float | None = None
    counting_ns: int | None = None
    grams_per_kwh: float | None = None

    def watts(self, kind: str, seconds: float) -> float | None:
        """Power of the parts whose label begins with ``kind`` [W]; None where there is none."""
        parts = [joules for label, joules in self.joules.items() if label.startswith(kind)]
        return sum(parts) / (self.seconds or seconds) if parts else None


def events(folder: Path) -> dict[str, dict[str, Any]]:
    """What the job noted, by event."""
    path = folder / "events.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {line["event"]: line for line in map(json.loads, lines)}


def of_gxmeter(folder: Path) -> Answer:
    """The journal, read by gxmeter's own decoder; parts that only stand beside another are left out."""
    answer = Answer(seconds=0.0)
    for path in sorted(folder.rglob("*.gxj")):
        segment = decode(path.read_bytes())
        parts = segment.components()
        for _, record in segment.records:
            if not isinstance(record, Interval):
                continue
            answer.counting_ns = answer.counting_ns or record.start_mono_ns
            answer.seconds += (record.end_mono_ns - record.start_mono_ns) / 1e9
            for part, energy_uj in zip(parts, record.energy_uj, strict=False):
                if energy_uj is not None and part.beside is None:
                    label = part.device.rpartition(".")[2]
                    answer.joules[label] = answer.joules.get(label, 0.0) + energy_uj / 1e6
    return answer


def of_codecarbon(folder: Path) -> Answer:
    """What ``stop()`` gave, else the CSV."""
    said = events(folder).get("stopped", {}).get("answer")
    if said is not None:
        return Answer(said["joules"], said["seconds"], None, said["grams_per_kwh"])
    answer = Answer()
    for path in folder.glob("emissions*.csv"):
        with path.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                answer.joules = {part: float(row[f"{part}_energy"]) * _J_PER_KWH for part in ("cpu", "ram", "gpu")}
                answer.seconds = float(row["duration"])
    return answer


def of_zeus(folder: Path) -> Answer:
    """What ``end_window()`` gave, else the CSV, which has one row per finished window."""
    said = events(folder).get("stopped", {}).get("answer")
    if said is not None:
        return Answer(said["joules"], said["seconds"])
    answer = Answer()
    for path in folder.glob("zeus.csv*"):
        with path.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                answer.joules = {key: float(value) for key, value in row.items() if "energy" in key and value}
    return answer


def of_carbontracker(folder: Path) -> Answer:
    """Average powers and duration from its log, which it writes when an epoch ends."""
    text = "".join(path.read_text("utf-8") for path in sorted(folder.glob("carbontracker/*.log")))
    hours = re.search(r"Duration: (\d+):(\d+):([\d.]+)", text)
    if hours is None:
        return Answer()
    seconds = int(hours[1]) * 3600 + int(hours[2]) * 60 + float(hours[3])
    watts = re.findall(r"Average power usage \(W\) for (\w+): \[?([\d.]+)", text)
    grams = re.search(r"Average carbon intensity during training was ([\d.]+)", text)
    return Answer(
        {kind: float(each) * seconds for kind, each in watts}, seconds, None, float(grams[1]) if grams else None
    )


def of_perun(folder: Path) -> Answer:
    """Its JSON report; energies of the single sensors."""
    answer = Answer()
    for path in folder.glob("perun_results/*.json"):
        document = json.loads(path.read_text("utf-8"))
        for node in _nodes(document):
            metrics = node.get("metrics") or {}
            if node.get("raw_data") and "energy" in metrics:
                kind = _PERUN_SENSOR.get(node["id"].partition(":")[0], node["deviceType"])
                answer.joules[f"{kind}.{node['id']}"] = float(metrics["energy"]["value"])
            text = (node.get("metadata") or {}).get("post-processing.emissions_factor")
            answer.grams_per_kwh = float(text) if text else answer.grams_per_kwh
        answer.seconds = float(document["metrics"]["runtime"]["mean"])
    return answer


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("nodes") or []:
        for each in inner.values():
            yield from _nodes(each)


ANSWERS: dict[str, Callable[[Path], Answer]] = {
    "gxmeter": of_gxmeter,
    "gxmeter run": of_gxmeter,
    "codecarbon": of_codecarbon,
    "zeus": of_zeus,
    "carbontracker": of_carbontracker,
    "perun": of_perun,
}
