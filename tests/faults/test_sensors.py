"""Sensors that fail: they raise, lose their driver, wrap; and many at once, each at its known watts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gxmeter.core.journal import Interval
from tests.faults.case import Case
from tests.faults.host import Host, environment
from tests.faults.job import Job, workspace
from tests.faults.record import Journal, journals, uncovered_s, watts
from tests.faults.sensors import LABELS, WATTS, Changing, gpus
from tests.support import fakepowercap

Scenario = Callable[[str], Case]
RAISING = Path(__file__).with_name("raising.py")
SILENT_S = 2.0
"""How long the sensor of ``raising.py`` raises."""


def test_a_sensor_that_raises_costs_its_own_numbers_only(case: Scenario, host: Host) -> None:
    row = case("sensor-raises")
    workspace(host.folder)
    out, err = host.folder / "out", host.folder / "err"
    with out.open("w") as to, err.open("w") as complaints:
        process = host.start([sys.executable, RAISING, "6"], env=environment(host.folder), out=to, err=complaints)
        code = process.wait(60)
    row.felt(code, 0)
    row.ran()
    assert code == 7, err.read_text()
    assert "Traceback" not in err.read_text()
    answer = json.loads(out.read_text())
    (journal,) = journals(host.folder)
    during = answer["begin_ns"], answer["end_ns"]
    row.loses_at_most_one(journal.spans("node"), during, 0.5)
    row.at_known_watts(journal.spans("node"), 50)
    silent_s = uncovered_s(journal.spans("gpu0"), *during)
    assert SILENT_S - 0.6 < silent_s < SILENT_S + 1.6, f"{silent_s:.2f} s without a number"
    assert journal.end == "stop"
    row.sees(journal, "sensor-read-failed", "gap: sensor-read-failed", "sensor-unavailable")


def _harmed(case: Case, host: Host, harm: Callable[[Changing], None]) -> Job:
    """A job whose graphics processors are harmed in the middle, judged but for what its record says."""
    fake = Changing(host.folder)
    job = Job(host, seconds=6, period_s=1, env=fake.env).begin().until_child().until_recorded(3)
    harm(fake)
    code = job.end()
    case.ran()
    job.unharmed(case, code)
    for label in LABELS:
        case.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        case.at_known_watts(job.spans(label), WATTS[label])
    return job


def test_a_driver_that_is_reloaded_costs_one_interval(case: Scenario, host: Host) -> None:
    row = case("driver-reload")
    job = _harmed(row, host, Changing.reload)
    row.sees(job.journal, "sensor-read-failed", "gap: sensor-read-failed")


def test_a_counter_that_begins_anew_costs_one_interval(case: Scenario, host: Host) -> None:
    row = case("counter-reset")
    job = _harmed(row, host, Changing.reset)
    row.sees(job.journal, "counter-backwards", "gap: counter-backwards")


def _powercap_job(host: Host, seconds: float, **tree: object) -> Job:
    """A job on a host whose processors' counters are a tree in a folder; run to its end."""
    with fakepowercap.background(host.folder / "powercap", **tree) as root:
        job = Job(host, seconds=seconds, env={"GXMETER_POWERCAP": str(root)}).begin()
        job.end()
    return job


def test_a_counter_that_wraps_loses_nothing(case: Scenario, host: Host) -> None:
    """150 W fill 260 J in less than two seconds, so each counter wraps several times."""
    row = case("counter-wrap")
    job = _powercap_job(host, 6, packages_w=(150, 120), dram_w=(), max_range_uj=260_000_000)
    assert job.process is not None
    row.ran()
    job.unharmed(row, job.process.returncode)
    for label, power_w in {"cpu0": 150, "cpu1": 120}.items():
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), power_w)
    assert _wraps(job.journal) >= 3
    row.notes("counters that end below their beginning")
    row.sees(job.journal)


def _wraps(journal: Journal) -> int:
    """How many counter readings of the record lie below the one before."""
    intervals = [record for record in journal.records(Interval) if isinstance(record, Interval)]
    pairs = [pair for record in intervals for pair in record.counters or () if pair is not None]
    return sum(after < before for before, after in pairs)


def test_processors_and_memory_are_read_from_powercap(case: Scenario, host: Host) -> None:
    """The platform's own domain (260 W) covers the others and is not added to them."""
    row = case("powercap-tree")
    job = _powercap_job(host, 4, packages_w=(100, 80), dram_w=(20, 15), psys_w=260)
    assert job.process is not None
    row.ran()
    job.unharmed(row, job.process.returncode)
    for label, power_w in {"cpu0": 100, "cpu1": 80, "dram0": 20, "dram1": 15}.items():
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), power_w)
    counting = [part for part in job.journal.segments[0].components() if part.beside is None]
    labels = {part.device.rpartition(".")[2] for part in counting if part.kind in {"cpu", "ram", "node"}}
    assert labels == {"cpu0", "cpu1", "dram0", "dram1"}
    row.sees(job.journal)


def test_eight_gpus_are_each_counted_at_their_own_watts(case: Scenario, host: Host) -> None:
    """Eight at 300 W to 370 W with counters that move every millisecond, so that only the meter's own clock errs."""
    row = case("eight-gpus")
    job = Job(host, seconds=8, period_s=1, env=gpus(8, step_s=0.001)).begin()
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    labels = [f"gpu{number}" for number in range(8)]
    for number, label in enumerate(labels):
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), 300 + 10 * number)
    assert sum(watts(job.spans(label)) for label in labels) == pytest.approx(2680, rel=0.01)
    row.sees(job.journal)
