"""Reading journals: places, grades, chains and faults of whole folders."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.core.journal import (
    STEP,
    SUSPEND,
    ClockChange,
    Component,
    Footer,
    Gap,
    Head,
    Interval,
    Method,
    Record,
    Remark,
    Sensor,
)
from gxmeter.core.journal_encode import encode
from gxmeter.telemetry.model import IntervalBatch, Reading
from gxmeter.telemetry.registry import reader

T0, M0, S = 1_795_388_000_000, 5_000_000_000_000, 1_000_000_000
HEAD = Head(
    n=0,
    journal="j",
    segment=0,
    previous=None,
    run="pretrain",
    site="tokyo",
    host="node7",
    boot="b",
    pid=1,
    utc_ms=T0,
    mono_ns=M0,
    anchor_utc_ms=T0,
    anchor_mono_ns=M0,
    period_ms=1000,
    gxmeter="0.1.0",
    sensors=(Sensor("codecarbon", "3.3.2"),),
    methods=(Method("counter", "C1"), Method("power", "C2"), Method("model", "E2")),
    components=(Component(0, "node7.gpu0", "gpu", "H100", 0, 0), Component(1, "node7.ram", "ram", "x", 0, 2)),
)


def interval(n: int, second: int, *energy: int | None, methods: tuple[int, ...] | None = None) -> Interval:
    start, end = M0 + second * S, M0 + (second + 1) * S
    wall = T0 + second * 1000
    return Interval(n, wall, wall + 1000, start, end, energy or (700, 20), methods)


def segment(*records: Record, head: Head = HEAD, reason: str = "stop") -> bytes:
    data = b"".join(encode(item) for item in (head, *records))
    n = (records[-1] if records else head).n + 1
    return data + encode(Footer(n, T0, M0, reason, len(records) + 1, hashlib.sha256(data).hexdigest()))


def journal(folder: Path, *segments: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(segments):
        (folder / f"{number:04d}.gxj").write_bytes(data)
    return folder


def rows(path: Path) -> tuple[list[tuple[str, int, int, int]], Reading]:
    """Every row as (device, start and end in ms after T0, half-uJ), and the finished reading."""
    reading = reader("gxmeter").read(path, run="given", site="osaka")
    out = []
    for batch in reading.batches:
        assert isinstance(batch, IntervalBatch)
        out += [
            (batch.keys[k].device, int(a) - T0, int(b) - T0, int(e))
            for k, a, b, e in zip(batch.key, batch.start_ms, batch.end_ms, batch.half_uj, strict=True)
        ]
    return out, reading


def codes(reading: Reading) -> list[str]:
    return [item.code for item in reading.findings]


def test_energy_comes_in_half_microjoules_where_the_clock_says(tmp_path: Path) -> None:
    found, reading = rows(journal(tmp_path / "j", segment(interval(1, 0), interval(2, 1))))
    assert found == [
        ("node7.gpu0", 0, 1000, 1400),
        ("node7.ram", 0, 1000, 40),
        ("node7.gpu0", 1000, 2000, 1400),
        ("node7.ram", 1000, 2000, 40),
    ]
    assert (reading.records, reading.period_ms, reading.clean_end) == (4, 1000, True)
    assert reading.sensors == [("codecarbon", "3.3.2")]
    assert reading.findings == []


def test_devices_carry_method_and_grade_of_their_own(tmp_path: Path) -> None:
    _, reading = rows(journal(tmp_path / "j", segment(interval(1, 0))))
    gpu = reading.devices[("tokyo", "node7.gpu0")]
    assert (gpu.method, gpu.grade, gpu.boundary, gpu.host) == ("counter", "C1", "device", "node7")
    assert reading.devices[("tokyo", "node7.ram")].grade == "E2"


def test_no_number_gives_no_row_never_a_zero(tmp_path: Path) -> None:
    found, _ = rows(journal(tmp_path / "j", segment(interval(1, 0, None, 20))))
    assert found == [("node7.ram", 0, 1000, 40)]


def test_a_device_read_in_two_ways_takes_the_weaker_grade(tmp_path: Path) -> None:
    _, reading = rows(journal(tmp_path / "j", segment(interval(1, 0), interval(2, 1, 700, 20, methods=(1, 2)))))
    assert reading.devices[("tokyo", "node7.gpu0")].grade == "C2"
    assert codes(reading) == ["journal-method-changed"]


def test_a_stepped_wall_clock_moves_no_interval(tmp_path: Path) -> None:
    late = replace(interval(3, 1), start_utc_ms=T0 - 3_600_000, end_utc_ms=T0 - 3_599_000)
    found, reading = rows(
        journal(tmp_path / "j", segment(interval(1, 0), ClockChange(2, T0, M0, STEP, -3_600_000), late))
    )
    assert [row[1:3] for row in found[::2]] == [(0, 1000), (1000, 2000)]
    assert codes(reading) == ["journal-clock-step"]


def test_time_asleep_moves_what_comes_after(tmp_path: Path) -> None:
    asleep = ClockChange(2, T0 + 61_000, M0 + S, SUSPEND, 60_000)
    found, reading = rows(journal(tmp_path / "j", segment(interval(1, 0), asleep, interval(3, 1))))
    assert [row[1:3] for row in found[::2]] == [(0, 1000), (61_000, 62_000)]
    assert codes(reading) == ["journal-suspended"]


def test_the_meters_own_remarks_are_told(tmp_path: Path) -> None:
    remark = Remark(1, T0, "sensor-zero", (("device", "node7.gpu0"), ("row", "9")), 0)
    gap = Gap(2, T0, T0 + 1000, M0, M0 + S, "sensor-zero", (0,))
    unknown = Remark(3, T0, "from-a-later-version")
    _, reading = rows(journal(tmp_path / "j", segment(remark, gap, unknown)))
    assert codes(reading) == ["sensor-zero", "journal-gap", "journal-record-unknown"]
    assert "node7.gpu0" in reading.findings[1].en


def test_the_caller_names_the_site_only_where_the_journal_does_not(tmp_path: Path) -> None:
    unknown = replace(HEAD, site="unknown")
    _, reading = rows(journal(tmp_path / "j", segment(interval(1, 0), head=unknown)))
    assert {site for site, _ in reading.devices} == {"osaka"}


def chained(*, later: Record | None = None) -> tuple[bytes, bytes]:
    first = segment(interval(1, 0), reason="rotate")
    head = replace(HEAD, n=3, segment=1, previous=hashlib.sha256(first).hexdigest(), utc_ms=T0 + 1000, mono_ns=M0 + S)
    return first, segment(later or interval(4, 1), head=head)


def test_segments_of_a_folder_are_one_record(tmp_path: Path) -> None:
    found, reading = rows(journal(tmp_path / "j", *chained()))
    assert [row[1:3] for row in found[::2]] == [(0, 1000), (1000, 2000)]
    assert reading.findings == []


def test_a_segment_read_alone_is_checked_against_its_neighbour(tmp_path: Path) -> None:
    folder = journal(tmp_path / "j", *chained())
    assert codes(rows(folder / "0000.gxj")[1]) == []
    assert codes(rows(folder / "0001.gxj")[1]) == []
    (folder / "0000.gxj").write_bytes(segment(interval(1, 0, 1, 1), reason="rotate"))
    assert codes(rows(folder / "0001.gxj")[1]) == ["journal-chain-broken"]
    (folder / "0000.gxj").unlink()
    assert codes(rows(folder / "0001.gxj")[1]) == ["journal-segment-missing"]


def test_a_missing_segment_is_seen_in_the_folder(tmp_path: Path) -> None:
    folder = journal(tmp_path / "j", *chained())
    (folder / "0001.gxj").unlink()
    assert codes(rows(folder)[1]) == ["journal-segment-missing"]


def test_a_changed_segment_is_seen_in_the_folder(tmp_path: Path) -> None:
    folder = journal(tmp_path / "j", *chained())
    (folder / "0000.gxj").write_bytes(segment(interval(1, 0, 1, 1), reason="rotate"))
    assert codes(rows(folder)[1]) == ["journal-chain-broken"]


def test_a_killed_meters_journal_says_that_it_did_not_end(tmp_path: Path) -> None:
    killed = encode(HEAD) + encode(interval(1, 0)) + b'{"t":"i","n":2'
    found, reading = rows(journal(tmp_path / "j", killed))
    assert len(found) == 2
    assert reading.clean_end is False
    assert codes(reading) == ["journal-torn-tail", "journal-no-end"]


def test_times_outside_the_calendar_are_refused(tmp_path: Path) -> None:
    far = replace(HEAD, anchor_utc_ms=1 << 59)
    found, reading = rows(journal(tmp_path / "j", segment(interval(1, 0), head=far)))
    assert found == []
    assert codes(reading) == ["journal-time-implausible"]


def test_an_empty_segment_is_a_finding(tmp_path: Path) -> None:
    assert codes(rows(journal(tmp_path / "j", b""))[1]) == ["journal-empty"]


@pytest.mark.parametrize("data", [b"timestamp,power\n1,2\n", b"\x00\x01", b"{}"])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        reader("gxmeter").read(path, run="r", site="s")
    assert caught.value.code == "journal-not-a-journal"


def test_a_folder_without_segments_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no segment\n")
    with pytest.raises(InputError) as caught:
        reader("gxmeter").read(tmp_path, run="r", site="s")
    assert caught.value.code == "journal-not-a-journal"


def test_a_folder_that_a_meter_made_and_could_not_write_into_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / ".probe.gxj").touch()
    found, reading = rows(tmp_path)
    assert (found, codes(reading)) == ([], ["journal-empty"])


def test_a_segment_whose_bytes_a_power_cut_took_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    first, second = chained()
    whole, _ = rows(journal(tmp_path / "whole", first, second))
    found, reading = rows(journal(tmp_path / "cut", first, bytes(len(second))))
    assert 0 < len(found) < len(whole)
    assert "journal-head-damaged" in codes(reading)


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    import zlib

    text = encode(HEAD).rpartition(b" ")[0].replace(b'"v":2', b'"v":7', 1)
    path = tmp_path / "0000.gxj"
    path.write_bytes(text + b" %08x\n" % zlib.crc32(text))
    with pytest.raises(InputError) as caught:
        reader("gxmeter").read(path, run="r", site="s")
    assert caught.value.code == "journal-version-unknown"
    assert "7" in caught.value.findings[0].en
