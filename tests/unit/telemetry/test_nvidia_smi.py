"""Outputs of nvidia-smi: whose a row is, which power is read, and what is refused by name."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Level
from gxmeter.telemetry.model import Reading
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.registry import reader
from gxmeter.telemetry.text import lines, opening, table

U0, U1 = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777-8888-9999-aaaaaaaaaaaa"
TOKYO = ReadOptions(time_zone="Asia/Tokyo")


def opened(folder: Path, text: str, options: ReadOptions = TOKYO) -> Reading:
    path = folder / "gpus.csv"
    path.write_text(text)
    return reader("nvidia-smi").read(path, run="r", site="s", options=options)


def samples(reading: Reading) -> list[tuple[str, int]]:
    found = []
    for batch in reading.batches:
        found += [(batch.keys[k].device, mw) for k, mw in zip(batch.key.tolist(), batch.power_mw.tolist(), strict=True)]
    return found


def codes(reading: Reading) -> set[str]:
    return {item.code for item in reading.findings}


def at(second: int) -> str:
    return f"2026/04/01 00:00:{second:02d}.000"


def test_a_gpu_is_its_uuid_else_its_host_and_number(tmp_path: Path) -> None:
    both = opened(tmp_path, f"timestamp, index, uuid, power.draw [W]\n{at(0)}, 3, {U0}, 100.25 W\n")
    assert samples(both) == [(U0, 100_250)]
    number = "timestamp, index, power.draw [W]\n" + f"{at(0)}, 3, 100.25 W\n"
    assert samples(opened(tmp_path, number, ReadOptions(host="node7"))) == [("node7.gpu3", 100_250)]
    alone = opened(tmp_path, number)
    assert samples(alone) == [("gpu3", 100_250)]
    assert codes(alone) == {"nvidia-smi-host-unknown"}
    bus = opened(tmp_path, f"timestamp, pci.bus_id, power.draw [W]\n{at(0)}, 00000000:0A:00.0, 1 W\n")
    assert samples(bus) == [("gpu-00000000:0a:00.0", 1000)]


def test_hosts_may_stand_in_a_column(tmp_path: Path) -> None:
    text = "hostname,timestamp,index,power.draw [W]\n" + "".join(
        f"{host},{at(0)},{k},{100 + k}\n" for host in ("a", "b") for k in (0, 1)
    )
    reading = opened(tmp_path, text)
    assert samples(reading) == [("a.gpu0", 100_000), ("a.gpu1", 101_000), ("b.gpu0", 100_000), ("b.gpu1", 101_000)]
    assert {info.host for info in reading.devices.values()} == {"a", "b"}


def test_older_parts_without_an_average_are_read_by_their_plain_power(tmp_path: Path) -> None:
    text = f"timestamp, uuid, power.draw [W], power.draw.average [W]\n{at(0)}, {U0}, 55.00 W, [N/A]\n"
    reading = opened(tmp_path, text)
    assert samples(reading) == [(U0, 55_000)]
    assert reading.devices["s", U0].method == "nvidia-smi-power-draw"


def test_gpus_of_two_kinds_in_one_file_are_each_read_where_they_have_power(tmp_path: Path) -> None:
    rows = [f"{at(i)}, {U0}, 55.00 W, 50.00 W\n{at(i)}, {U1}, 33.00 W, [N/A]\n" for i in range(3)]
    reading = opened(tmp_path, "timestamp, uuid, power.draw [W], power.draw.average [W]\n" + "".join(rows))
    assert samples(reading) == [(U0, 50_000), (U1, 33_000)] * 3
    methods = {device: info.method for (_, device), info in reading.devices.items()}
    assert methods == {U0: "nvidia-smi-power-draw-average", U1: "nvidia-smi-power-draw"}
    [item] = reading.findings
    assert (item.code, item.row, item.level) == ("nvidia-smi-power-other", 3, Level.MAY)
    assert dict(item.params)["count"] == "3"


def test_a_gpu_keeps_the_column_of_its_first_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["[N/A], [N/A]", "20.00 W, [N/A]", "21.00 W, 30.00 W", "[N/A], 30.00 W"]
    text = "timestamp, uuid, power.draw [W], power.draw.average [W]\n"
    text += "".join(f"{at(i)}, {U0}, {cell}\n" for i, cell in enumerate(cells))
    for rows in (1, 100):
        monkeypatch.setattr(table, "CHUNK_ROWS", rows)
        reading = opened(tmp_path, text)
        assert samples(reading) == [(U0, 20_000), (U0, 21_000)]
        assert reading.devices["s", U0].method == "nvidia-smi-power-draw"
        assert codes(reading) == {"nvidia-smi-power-other", "cell-not-measured"}
        assert sum(int(dict(item.params)["count"]) for item in reading.findings) == 4


@pytest.mark.parametrize(
    ("limit", "watts", "kept"),
    [
        ("[N/A]", "4294967.29", False),
        ("[N/A]", "10000.01", False),
        ("[N/A]", "10000.00", True),
        ("700.00 W", "1400.01", False),
        ("700.00 W", "1400.00", True),
        ("0.00 W", "1400.01", True),
        ("4294967.29 W", "10000.01", False),
    ],
)
def test_power_that_no_gpu_can_draw_is_left_out_by_name(limit: str, watts: str, kept: bool, tmp_path: Path) -> None:
    text = f"timestamp, uuid, power.draw [W], power.limit [W]\n{at(0)}, {U0}, 400.00 W, {limit}\n"
    reading = opened(tmp_path, text + f"{at(1)}, {U0}, {watts} W, {limit}\n")
    assert len(samples(reading)) == 1 + kept
    found = [(item.code, item.row, item.level) for item in reading.findings]
    assert found == ([] if kept else [("nvidia-smi-power-impossible", 3, Level.SHOULD)])


def test_power_may_lag_behind_a_limit_that_is_lowered(tmp_path: Path) -> None:
    text = "timestamp, uuid, power.draw [W], power.limit [W]\n"
    reading = opened(tmp_path, text + f"{at(0)}, {U0}, 690 W, 700 W\n{at(1)}, {U0}, 680 W, 200 W\n")
    assert samples(reading) == [(U0, 690_000), (U0, 680_000)]
    assert codes(reading) == set()


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_two_powers_at_one_instant_are_named_and_equal_ones_are_not(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "CHUNK_ROWS", rows)
    text = "timestamp, uuid, power.draw [W]\n"
    text += f"{at(0)}, {U0}, 5 W\n{at(0)}, {U0}, 5 W\n{at(0)}, {U1}, 6 W\n{at(1)}, {U0}, 7 W\n{at(1)}, {U0}, 8 W\n"
    reading = opened(tmp_path, text)
    assert len(samples(reading)) == 5
    [item] = reading.findings
    assert (item.code, item.row, item.level) == ("nvidia-smi-two-readings", 6, Level.SHOULD)
    assert dict(item.params)["count"] == "1"


def test_a_declared_column_of_power_is_read(tmp_path: Path) -> None:
    text = f"timestamp, uuid, power.draw [W], power.draw.instant [W]\n{at(0)}, {U0}, 55.00 W, 66.00 W\n"
    options = ReadOptions(columns=(("power", "power.draw.instant [W]"),))
    assert samples(opened(tmp_path, text, options)) == [(U0, 66_000)]


def test_the_rated_power_is_the_default_limit_where_it_is_there(tmp_path: Path) -> None:
    text = "timestamp, uuid, power.draw [W], enforced.power.limit [W], power.default_limit [W]\n"
    reading = opened(tmp_path, text + f"{at(0)}, {U0}, 55.00 W, 500.00 W, 700.00 W\n")
    samples(reading)
    assert reading.devices["s", U0].rated_mw == 700_000


def test_cells_without_a_reading_are_no_zero(tmp_path: Path) -> None:
    cells = ["[N/A]", "[Not Supported]", "[Unknown Error]", "", "[GPU requires reset]", "12.00 W", "twelve W", "12 J"]
    text = "timestamp, uuid, power.draw [W]\n" + "".join(f"{at(i)}, {U0}, {c}\n" for i, c in enumerate(cells))
    reading = opened(tmp_path, text)
    assert samples(reading) == [(U0, 12_000)]
    told = {item.code: dict(item.params)["count"] for item in reading.findings}
    assert told == {"cell-not-measured": "5", "cell-no-number": "2"}


def test_a_line_of_error_between_the_rows_is_left_out_by_name_and_blocks_no_report(tmp_path: Path) -> None:
    text = (
        f"timestamp, uuid, power.draw [W]\n{at(0)}, {U0}, 1 W\n"
        f"Unable to determine the device handle for GPU0000:1B:00.0: Unknown Error\n{at(1)}, {U0}, 2 W\n"
    )
    reading = opened(tmp_path, text)
    assert samples(reading) == [(U0, 1000), (U0, 2000)]
    (item,) = reading.findings
    assert (item.code, item.row, item.level) == ("row-cells", 3, Level.SHOULD)


def test_slices_and_damaged_ids_are_no_gpus(tmp_path: Path) -> None:
    ids = [U0, "MIG-11111111-2222-3333-4444-555555555555", "GPU-1111", "?"]
    reading = opened(tmp_path, "timestamp, uuid, power.draw [W]\n" + "".join(f"{at(0)}, {i}, 5 W\n" for i in ids))
    assert samples(reading) == [(U0, 5000)]
    assert list(reading.devices) == [("s", U0)]
    assert codes(reading) == {"nvidia-smi-slice", "nvidia-smi-gpu-odd"}


def test_other_headings_in_the_middle_end_the_reading_by_name(tmp_path: Path) -> None:
    head = "timestamp, uuid, power.draw [W]\n"
    other = "timestamp, power.draw [W], uuid\n"
    row = f"{at(0)}, {U0}, 5 W\n"
    reading = opened(tmp_path, head + row + head + other + f"{at(1)}, 6 W, {U0}\n" * 3)
    assert samples(reading) == [(U0, 5000)]
    item = reading.findings[0]
    assert (item.code, item.row, dict(item.params)["count"]) == ("nvidia-smi-header-changed", 4, "3")


def test_the_modules_of_superchips_are_remarked(tmp_path: Path) -> None:
    reading = opened(tmp_path, f"timestamp, uuid, name, power.draw [W]\n{at(0)}, {U0}, NVIDIA GH200 480GB, 5 W\n")
    samples(reading)
    assert codes(reading) == {"nvidia-smi-module"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"timestamp, power.draw [W]\n{at(0)}, 5 W\n", "nvidia-smi-gpu-unnamed"),
        (f"timestamp, uuid, utilization.gpu [%]\n{at(0)}, {U0}, 5 %\n", "nvidia-smi-column-missing"),
        ("index, power.draw [W]\n0, 5 W\n", "nvidia-smi-column-missing"),
        (f"{at(0)}, 0, 5.00 W\n", "nvidia-smi-no-header"),
        (
            "# gpu   pwr gtemp mtemp    sm   mem\n# Idx     W     C     C     %     %\n    0   43  35\n",
            "nvidia-smi-monitor",
        ),
        ("# gpu        pid  type    sm   mem   enc   dec   command\n    0      12345     C\n", "nvidia-smi-monitor"),
        ("==============NVSMI LOG==============\n\nTimestamp : Wed\n", "nvidia-smi-monitor"),
        ("a,b,c\n1,2,3\n", "nvidia-smi-foreign"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        opened(tmp_path, text)
    assert [item.code for item in caught.value.findings] == [code]


def test_faults_of_a_declaration_come_all_at_once(tmp_path: Path) -> None:
    options = ReadOptions(columns=(("power", "watts"), ("device", "gpu"), ("colour", "red")))
    with pytest.raises(InputError) as caught:
        opened(tmp_path, f"timestamp, uuid, power.draw [W]\n{at(0)}, {U0}, 5 W\n", options)
    assert sorted(item.code for item in caught.value.findings) == [
        "column-not-there",
        "column-not-there",
        "column-role-unknown",
    ]


def test_one_gpu_may_be_named_by_its_declaration(tmp_path: Path) -> None:
    options = ReadOptions(host="n", columns=(("gpu", "2"),))
    assert samples(opened(tmp_path, f"timestamp, power.draw [W]\n{at(0)}, 5 W\n", options)) == [("n.gpu2", 5000)]


def test_memory_stays_that_of_a_block_however_long_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve blocks of 128 KB; live memory is counted at every batch."""
    monkeypatch.setattr(lines, "BLOCK", 1 << 17)
    monkeypatch.setattr(opening, "CHUNK", 1 << 15)
    rows = "".join(
        f"2026/04/01 {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}.000, {U0}, {s % 97}.25 W\n" for s in range(20_000)
    )
    reading = opened(tmp_path, "timestamp, uuid, power.draw [W]\n" + rows)
    for _ in zip(range(2), reading.batches, strict=False):
        pass
    tracemalloc.start()
    try:
        peaks = [tracemalloc.get_traced_memory()[0] for _ in reading.batches]
    finally:
        tracemalloc.stop()
    assert reading.records == 20_000
    assert len(peaks) > 6
    assert max(peaks[3:]) < 2 * max(peaks[:3]) + 1_000_000


@pytest.mark.nightly
def test_two_hundred_megabytes_are_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "gpus.csv"
    with path.open("w") as file:
        file.write("timestamp, index, uuid, power.draw [W], utilization.gpu [%]\n")
        for second in range(1_250_000):
            day, time = divmod(second, 86_400)
            stamp = f"2026/04/{1 + day:02d} {time // 3600:02d}:{time // 60 % 60:02d}:{time % 60:02d}.000"
            file.write(f"{stamp}, 0, {U0}, {second % 700}.25 W, 97 %\n{stamp}, 1, {U1}, 99.00 W, 1 %\n")
    assert path.stat().st_size > 200_000_000
    tracemalloc.start()
    try:
        reading = reader("nvidia-smi").read(path, run="r", site="s", options=TOKYO)
        live = [tracemalloc.get_traced_memory()[0] for _ in reading.batches]
    finally:
        tracemalloc.stop()
    assert reading.records == 2_500_000
    assert max(live) < 200_000_000
    assert max(live[len(live) // 2 :]) < 1.2 * max(live[: len(live) // 2])
