"""CodeCarbon's tables: cumulative rows, the PUE in them, shifted cells, and what the file does not say."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from codecarbon.output_methods.emissions_data import EmissionsData, TaskEmissionsData
from codecarbon.output_methods.file import FileOutput

from gxmeter.core.errors import InputError
from gxmeter.telemetry.model import IntervalBatch, Reading
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.registry import reader

KWH = 7_200_000_000_000  # half-microjoules
A, B = "11111111-aaaa-4bbb-8ccc-222222222222", "33333333-dddd-4eee-8fff-444444444444"
OPTIONS = ReadOptions(time_zone="Asia/Tokyo", host="node1")


def data(time: str, run_id: str = A, duration: float = 600.0, **more: object) -> EmissionsData:
    """What CodeCarbon's own writer is handed."""
    told = {item.name: "" for item in fields(EmissionsData)} | {
        "timestamp": f"2026-04-01T{time}",
        "project_name": "p",
        "run_id": run_id,
        "duration": duration,
        "cpu_energy": 0.25,
        "gpu_energy": 0.5,
        "ram_energy": 0.125,
        "codecarbon_version": "3.3.2",
        "gpu_count": 8,
        "tracking_mode": "machine",
        "on_cloud": "N",
        "pue": 1.0,
    }
    told |= more
    parts = [told[f"{part}_energy"] for part in ("cpu", "gpu", "ram")]
    told.setdefault("energy_consumed", None)
    told["energy_consumed"] = more.get("energy_consumed", sum(parts))
    return EmissionsData(**told)


def written(folder: Path, *rows: EmissionsData) -> Path:
    """A table written by CodeCarbon itself."""
    output = FileOutput("emissions.csv", str(folder))
    for row in rows:
        output.out(row, row)
    return folder / "emissions.csv"


def opened(path: Path, options: ReadOptions = OPTIONS, run: str = "r") -> Reading:
    return reader("codecarbon").read(path, run=run, site="s", options=options)


def intervals(reading: Reading) -> list[tuple[str, str, int, int, int]]:
    found = []
    for batch in reading.batches:
        assert isinstance(batch, IntervalBatch)
        columns = (batch.key, batch.start_ms, batch.end_ms, batch.half_uj)
        for k, start, end, energy in zip(*(column.tolist() for column in columns), strict=True):
            key = batch.keys[k]
            found.append((key.run, key.device.removeprefix("node1.codecarbon-"), start, end, energy))
    return sorted(found)


def codes(reading: Reading) -> set[str]:
    return {item.code for item in reading.findings}


def minutes(count: int) -> int:
    return (1_775_001_600_000) + count * 60_000


def test_flush_and_stop_of_one_run_are_counted_once(tmp_path: Path) -> None:
    later = {"cpu_energy": 0.5, "gpu_energy": 1.0, "ram_energy": 0.25}
    path = written(tmp_path, data("09:10:00"), data("09:20:00", duration=1200.0, **later))
    found = [row for row in intervals(opened(path)) if row[1] == "gpu"]
    assert found == [
        ("r", "gpu", minutes(0), minutes(10), KWH // 2),
        ("r", "gpu", minutes(10), minutes(20), KWH // 2),
    ]


def test_every_run_id_is_a_run_where_none_is_given(tmp_path: Path) -> None:
    path = written(tmp_path, data("09:10:00"), data("09:20:00", B))
    assert {row[0] for row in intervals(opened(path, run=""))} == {A, B}
    by_project = ReadOptions(time_zone="Asia/Tokyo", host="node1", columns=(("run", "project_name"),))
    assert {row[0] for row in intervals(opened(path, by_project, run=""))} == {"p"}


def test_the_pue_is_divided_out_exactly(tmp_path: Path) -> None:
    path = written(tmp_path, data("09:10:00", cpu_energy=0.3, gpu_energy=0.6, ram_energy=0.15, pue=1.2))
    reading = opened(path)
    assert {row[1]: row[4] for row in intervals(reading)} == {"cpu": KWH // 4, "gpu": KWH // 2, "ram": KWH // 8}
    assert "codecarbon-pue-removed" in codes(reading)


@pytest.mark.parametrize("pue", [-1.0, 0.0, float("nan")])
def test_a_pue_that_cannot_be_is_refused_with_its_rows(pue: float, tmp_path: Path) -> None:
    reading = opened(written(tmp_path, data("09:10:00", pue=pue), data("09:20:00", B)))
    assert {row[2] for row in intervals(reading)} == {minutes(10)}
    assert "codecarbon-pue" in codes(reading)


def test_a_gpu_that_is_there_and_shows_zero_was_not_measured(tmp_path: Path) -> None:
    reading = opened(written(tmp_path, data("09:10:00", gpu_energy=0.0)))
    assert {row[1] for row in intervals(reading)} == {"cpu", "ram"}
    assert "codecarbon-zero" in codes(reading)
    none = opened(written(tmp_path / ".", data("09:20:00", B, gpu_energy=0.0, gpu_count=0)))
    intervals(none)
    assert [dict(f.params)["count"] for f in none.findings if f.code == "codecarbon-zero"] == ["1"]


def test_rows_with_shifted_cells_are_refused_by_name(tmp_path: Path) -> None:
    """Issue 1304: a row without its empty columns; and one whose cells moved although their number is right."""
    path = written(tmp_path, data("09:10:00"), data("09:20:00", B))
    lines = path.read_text().splitlines()
    cells = lines[2].split(",")
    lines.append(",".join(cell for cell in cells if cell))
    moved = [*cells[:14], "0.0", *cells[14:-1]]
    path.write_text("\n".join([*lines, ",".join(moved)]) + "\n")
    reading = opened(path)
    assert len(intervals(reading)) == 6
    assert {"row-cells", "codecarbon-row-shifted"} <= codes(reading)


def test_grades_are_the_weakest_that_may_be(tmp_path: Path) -> None:
    new = opened(written(tmp_path, data("09:10:00")))
    intervals(new)
    assert {info.kind: info.grade for info in new.devices.values()} == {"cpu": "E1", "gpu": "C2", "ram": "E2"}
    assert "codecarbon-method-unknown" in codes(new)
    (tmp_path / "old").mkdir()
    path = written(tmp_path / "old", data("09:10:00", codecarbon_version="2.8.4"))
    old = opened(path)
    intervals(old)
    assert {info.kind: info.grade for info in old.devices.values()} == {"cpu": "E1", "gpu": "C1", "ram": "E2"}
    told = ReadOptions(host="n", columns=(("cpu_method", "rapl"), ("gpu_method", "counter")))
    known = opened(path, told)
    intervals(known)
    assert {info.kind: info.grade for info in known.devices.values()} == {"cpu": "D1", "gpu": "C1", "ram": "E2"}
    assert "codecarbon-method-unknown" not in codes(known)


def test_a_device_read_by_two_versions_takes_the_weaker_grade(tmp_path: Path) -> None:
    reading = opened(written(tmp_path, data("09:10:00", codecarbon_version="2.8.4"), data("09:20:00", B)))
    intervals(reading)
    assert {info.kind: info.grade for info in reading.devices.values()}["gpu"] == "C2"


def test_a_run_that_follows_another_at_once_does_not_overlap_it(tmp_path: Path) -> None:
    """Ends are cut to the second: by its duration the second run seems to begin before the first has ended."""
    reading = opened(written(tmp_path, data("09:10:00"), data("09:20:00", B, duration=600.9)))
    gpu = [row for row in intervals(reading) if row[1] == "gpu"]
    assert [(start, end) for _, _, start, end, _ in gpu] == [(minutes(0), minutes(10)), (minutes(10), minutes(20))]


def test_processes_beside_each_other_are_devices_of_their_own(tmp_path: Path) -> None:
    reading = opened(written(tmp_path, *(data("09:10:00", run, tracking_mode="process") for run in (A, B))))
    assert len({row[1] for row in intervals(reading)}) == 6


def test_parts_that_do_not_add_up_and_durations_that_cannot_be_are_named(tmp_path: Path) -> None:
    rows = [data("09:10:00", energy_consumed=2.0), data("09:20:00", B, duration=-1.0)]
    reading = opened(written(tmp_path, *rows))
    assert len(intervals(reading)) == 3
    assert {"codecarbon-sum", "codecarbon-duration"} <= codes(reading)


def test_a_table_by_task_is_refused_since_its_energy_stands_elsewhere_too(tmp_path: Path) -> None:
    path = tmp_path / "emissions_base_1.csv"
    path.write_text(",".join(item.name for item in fields(TaskEmissionsData)) + "\n")
    with pytest.raises(InputError) as caught:
        opened(path)
    assert caught.value.code == "codecarbon-task-file"


def test_what_is_declared_wrongly_is_told_all_at_once(tmp_path: Path) -> None:
    wrong = (("cpu_method", "guess"), ("run", "nothing"), ("colour", "red"))
    with pytest.raises(InputError) as caught:
        opened(written(tmp_path, data("09:10:00")), ReadOptions(columns=wrong))
    assert [item.code for item in caught.value.findings] == [
        "column-value-unknown",
        "column-not-there",
        "column-role-unknown",
    ]
