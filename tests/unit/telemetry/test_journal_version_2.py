"""What version 2 of the journal adds, as the reader sees it; and that version 1 still reads."""

from __future__ import annotations

import zlib
from pathlib import Path

from gxmeter.core.journal import PARTICIPANT, Change, Component, Sensor, SensorCame
from gxmeter.telemetry.model import IntervalBatch, Reading
from gxmeter.telemetry.registry import reader
from tests.support.journals import BMC, GPU, LOAD, NS_PER_S, PACKAGE, RAM, T0, JournalMaker, a_head, part

CPU = part(0, "cpu0", PACKAGE)
MODEL = part(1, "cpu0", LOAD, beside=0)


def rows(path: Path) -> tuple[list[tuple[str, int, int]], Reading]:
    """Every row as (device, second, uJ), and the finished reading."""
    reading = reader("gxmeter").read(path, run="", site="")
    out = []
    for batch in reading.batches:
        assert isinstance(batch, IntervalBatch)
        out += [
            (batch.keys[k].device, (int(a) - T0) // 1000, int(e) // 2)
            for k, a, e in zip(batch.key, batch.start_ms, batch.half_uj, strict=True)
        ]
    return out, reading


def texts(reading: Reading, code: str) -> list[str]:
    return [item.en for item in reading.findings if item.code == code]


def codes(reading: Reading) -> list[str]:
    return [item.code for item in reading.findings]


def test_a_part_beside_another_is_compared_and_never_added(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU, MODEL)).second(0, 100_000_000, 80_000_000).second(1, 100_000_000, None)
    found, reading = rows(maker.second(2, None, 70_000_000).end().write(tmp_path))
    assert found == [("node7.cpu0", 0, 100_000_000), ("node7.cpu0", 1, 100_000_000)]
    assert [info.method for info in reading.devices.values()] == ["powercap-package"]
    (text,) = texts(reading, "journal-comparison")
    assert "powercap-package, which counts, said 0.000027777778 kWh" in text
    assert "codecarbon-cpu-load, kept for comparison, said 0.000022222222 kWh" in text
    assert "ratio 0.8" in text
    assert codes(reading) == ["journal-comparison"]


def test_a_comparison_is_one_remark_over_all_segments(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU, MODEL)).second(0, 100_000_000, 50_000_000).rotate()
    _, reading = rows(maker.second(1, 100_000_000, 70_000_000).end().write(tmp_path))
    (text,) = texts(reading, "journal-comparison")
    assert "ratio 0.6" in text


def test_a_part_beside_what_never_has_a_number_at_the_same_time_is_not_compared(tmp_path: Path) -> None:
    _, reading = rows(JournalMaker(a_head(CPU, MODEL)).second(0, None, 5).second(1, 5, None).end().write(tmp_path))
    assert codes(reading) == []


def test_the_parts_inside_a_whole_machine_are_one_remark(tmp_path: Path) -> None:
    node = part(0, "node", BMC, boundary="node")
    inside = [part(1, "gpu0", GPU, beside=0), part(2, "cpu0", PACKAGE, beside=0), part(3, "cpu0", LOAD, beside=0)]
    maker = JournalMaker(a_head(node, *inside)).second(0, 1_000_000_000, 600_000_000, 100_000_000, 90_000_000)
    found, reading = rows(maker.end().write(tmp_path))
    assert found == [("node7.node", 0, 1_000_000_000)]
    (info,) = reading.devices.values()
    assert (info.boundary, info.grade, info.kind) == ("node", "B", "node")
    assert codes(reading) == ["journal-parts-inside"]
    assert "(node7.cpu0, node7.gpu0)" in reading.findings[0].en
    assert "ratio 0.7" in reading.findings[0].en, "of a part read twice the better reading stands"


def test_the_machines_own_meter_counts_alone_even_where_its_parts_stand_beside_nothing(
    tmp_path: Path,
) -> None:
    node = part(1, "node", BMC, boundary="node")
    maker = JournalMaker(a_head(part(0, "gpu0", GPU), node))
    maker.second(0, 300, None).second(1, 300, 900).second(2, None, 900).second(3, 300, 0)
    found, reading = rows(maker.end().write(tmp_path / "j"))
    assert sorted((device, half_uj) for device, _, half_uj in found) == [
        ("node7.gpu0", 300),
        ("node7.node", 0),
        ("node7.node", 900),
        ("node7.node", 900),
    ]
    (text,) = texts(reading, "journal-parts-inside")
    assert "node7.gpu0" in text


def test_a_participants_journal_is_no_energy_and_no_fault(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(role=PARTICIPANT)).phase(5, "train").count(9, tokens=3)
    found, reading = rows(maker.end().write(tmp_path))
    assert (found, reading.findings, reading.clean_end) == ([], [], True)
    assert reading.origin is not None
    assert not reading.origin.measures


def test_where_the_record_comes_from_is_told(tmp_path: Path) -> None:
    launch = (("launcher", "slurm"), ("job", "slurm-7"), ("nodes", 4), ("node", 2), ("attempt", 1))
    gpu = part(0, "gpu0", GPU, uuid="GPU-1")
    maker = JournalMaker(a_head(gpu, launch=launch)).second(3, 5).rotate().second(4, 5)
    _, reading = rows(maker.end().write(tmp_path))
    origin = reading.origin
    assert origin is not None
    assert (origin.job, origin.nodes, origin.node, origin.attempt) == ("slurm-7", 4, 2, "0.1")
    assert (origin.host, origin.boot, origin.start_ns, origin.end_ns) == ("node7", "boot-7", 0, 5 * NS_PER_S)
    assert origin.parts == {("GPU-1", "gpu0", "node7.gpu0")}


def test_a_sensor_that_came_later_is_among_the_sensors(tmp_path: Path) -> None:
    late = Component(0, "node7.ram", "ram", "x", 1, RAM)
    maker = JournalMaker(a_head()).put(SensorCame(0, T0, 1, Sensor("codecarbon", "3.3.2")))
    found, reading = rows(maker.put(Change(0, T0, 1, added=late)).second(1, 20).end().write(tmp_path))
    assert found == [("node7.ram", 1, 20)]
    assert reading.sensors == [("nvml", "13"), ("codecarbon", "3.3.2")]
    assert reading.findings == []


def test_a_part_whose_sensor_never_came_is_refused(tmp_path: Path) -> None:
    late = Component(0, "node7.ram", "ram", "x", 1, RAM)
    _, reading = rows(JournalMaker(a_head()).put(Change(0, T0, 1, added=late)).second(1, 20).end().write(tmp_path))
    assert codes(reading) == ["journal-record-malformed", "journal-record-malformed"]


def test_a_device_that_left_is_told(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU, part(1, "gpu0", GPU))).second(0, 7, 8).put(Change(0, T0 + 1000, NS_PER_S, None, 1))
    found, reading = rows(maker.second(1, 7, None).end().write(tmp_path))
    assert [row[0] for row in found] == ["node7.cpu0", "node7.gpu0", "node7.cpu0"]
    assert codes(reading) == ["journal-component-left"]
    assert "node7.gpu0" in reading.findings[0].en


def test_a_device_that_changes_its_place_has_not_left(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(part(0, "cpu0", LOAD))).second(0, 7)
    maker.put(Change(0, T0, NS_PER_S, removed=0)).put(Change(0, T0, NS_PER_S, added=part(1, "cpu0", PACKAGE)))
    maker.put(Change(0, T0, NS_PER_S, added=part(2, "cpu0", LOAD, beside=1)))
    found, reading = rows(maker.second(1, None, 9, 8).end().write(tmp_path))
    assert found == [("node7.cpu0", 0, 7), ("node7.cpu0", 1, 9)]
    assert codes(reading) == ["journal-comparison"]
    assert [info.grade for info in reading.devices.values()] == ["E1"], "the weaker grade of what counted"


def test_a_number_of_a_part_that_left_is_refused(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU)).put(Change(0, T0, 1, removed=0)).second(1, 7)
    found, reading = rows(maker.end().write(tmp_path))
    assert found == []
    assert "journal-record-malformed" in codes(reading)


def test_a_journal_of_version_1_reads_as_before(tmp_path: Path) -> None:
    """Written by hand from the specification of version 1, not by this program."""
    head = (
        '{"t":"head","v":1,"n":0,"journal":"old","segment":0,"previous":null,"run":"r","site":"s","host":"h",'
        '"boot":"b","pid":1,"utc_ms":1795388000000,"mono_ns":0,"anchor_utc_ms":1795388000000,"anchor_mono_ns":0,'
        '"period_ms":1000,"gxmeter":"0.1.0","sensors":[{"name":"codecarbon","version":"3.3.2"}],'
        '"methods":[{"method":"codecarbon-ram-model","grade":"E2"}],"components":[{"index":0,"device":"h.ram",'
        '"kind":"ram","name":"x","sensor":0,"method":0,"boundary":"device"}],"node_ratio":"1.25"}'
    )
    interval = '{"t":"i","n":1,"u":[1795388000000,1795388001000],"m":[0,1000000000],"e":[20000000]}'
    data = b"".join(b"%s %08x\n" % (text.encode(), zlib.crc32(text.encode())) for text in (head, interval))
    (tmp_path / "0000.gxj").write_bytes(data)
    found, reading = rows(tmp_path)
    assert found == [("h.ram", 0, 20_000_000)]
    assert codes(reading) == ["journal-no-end"]
