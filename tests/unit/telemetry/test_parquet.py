"""Canonical samples from Parquet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gxmeter.core.errors import InputError
from gxmeter.telemetry.model import PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.readers import parquet
from gxmeter.telemetry.registry import reader

T0 = 1_775_001_600_000


def write(path: Path, columns: dict[str, Any], metadata: dict[str, str] | None = None, group: int = 1000) -> Path:
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata or {}), path, row_group_size=group)
    return path


def rows(reading: Reading) -> list[tuple[SeriesKey, int, int]]:
    found = []
    for batch in reading.batches:
        assert isinstance(batch, PowerBatch)
        keys = [batch.keys[k] for k in batch.key]
        found += list(zip(keys, batch.ts_ms.tolist(), batch.power_mw.tolist(), strict=True))
    return found


def test_run_and_site_come_from_the_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.parquet",
        {
            "device": ["a", "b", "a"],
            "run": ["r1", "r1", "r2"],
            "site": ["s", "t", "s"],
            "ts_ms": [T0, T0, T0 + 1],
            "power_mw": [1, 2, 3],
        },
    )
    reading = reader("parquet").read(path, run="other", site="other")
    assert rows(reading) == [
        (SeriesKey("r1", "s", "a"), T0, 1),
        (SeriesKey("r1", "t", "b"), T0, 2),
        (SeriesKey("r2", "s", "a"), T0 + 1, 3),
    ]
    assert sorted(reading.devices) == [("s", "a"), ("t", "b")]
    assert (reading.records, reading.findings) == (3, [])


def test_run_and_site_may_come_from_the_caller_and_time_from_a_timestamp(tmp_path: Path) -> None:
    moments = [datetime(2026, 4, 1, tzinfo=UTC) + timedelta(microseconds=us) for us in (0, 1_999)]
    path = write(
        tmp_path / "x.parquet", {"device": ["a", "a"], "ts": pa.array(moments), "power_mw": np.array([1, 2], np.int32)}
    )
    assert rows(parquet.read(path, run="r", site="s")) == [
        (SeriesKey("r", "s", "a"), T0, 1),
        (SeriesKey("r", "s", "a"), T0 + 1, 2),
    ]


def test_batches_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 4)
    path = write(tmp_path / "x.parquet", {"device": ["a"] * 10, "ts_ms": range(10), "power_mw": range(10)}, group=5)
    reading = parquet.read(path, run="r", site="s")
    sizes = [len(batch.key) for batch in reading.batches]
    assert sum(sizes) == 10
    assert max(sizes) <= 4


def test_what_the_power_covers_stands_in_the_metadata(tmp_path: Path) -> None:
    about = {"gxmeter.boundary": "node", "gxmeter.method": "pdu", "gxmeter.grade": "A", "gxmeter.kind": "node"}
    reading = parquet.read(
        write(tmp_path / "x.parquet", {"device": ["a"], "ts_ms": [T0], "power_mw": [1]}, about), run="r", site="s"
    )
    rows(reading)
    info = reading.devices["s", "a"]
    assert (info.boundary, info.method, info.grade, info.kind) == ("node", "pdu", "A", "node")


def test_empty_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.parquet", {"device": ["a", "a", None], "ts_ms": [T0, T0 + 1, T0], "power_mw": [1, None, 2]}
    )
    reading = parquet.read(path, run="r", site="s")
    assert len(rows(reading)) == 1
    assert [(f.code, "2" in f.en) for f in reading.findings] == [("parquet-empty-cells", True)]


def test_all_faults_of_the_head_come_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.parquet",
        {"ts_ms": [1.5], "power_mw": ["1"], "run": [1]},
        {"gxmeter.boundary": "rack", "gxmeter.grade": "Z"},
    )
    with pytest.raises(InputError) as caught:
        parquet.read(path, run="r", site="s")
    assert [f.code for f in caught.value.findings] == [
        "parquet-column-missing",
        *["parquet-column-type"] * 3,
        *["parquet-metadata"] * 2,
    ]
    with pytest.raises(InputError) as caught:
        parquet.read(write(tmp_path / "y.parquet", {"ts": [1]}), run="r", site="s")
    assert [f.code for f in caught.value.findings] == ["parquet-column-missing"] * 2 + ["parquet-column-type"]


def test_no_parquet_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("hello")
    with pytest.raises(InputError) as caught:
        parquet.read(path, run="r", site="s")
    assert caught.value.code == "parquet-unreadable"


def test_a_file_broken_inside_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    n = 5_000
    noise = np.random.default_rng(1).integers(0, 10**9, n)
    path = write(tmp_path / "x.parquet", {"device": ["a"] * n, "ts_ms": noise, "power_mw": noise}, group=1000)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4_000] = b"\xff" * 4_000
    path.write_bytes(data)
    reading = parquet.read(path, run="r", site="s")
    rows(reading)
    assert [f.code for f in reading.findings] == ["parquet-broken"]


def test_device_codes_are_named_by_the_metadata_or_by_themselves(tmp_path: Path) -> None:
    columns = {"device": np.array([1, 0, 1], np.int16), "ts_ms": [T0, T0, T0 + 1], "power_mw": [1, 2, 3]}
    names = {"gxmeter.devices": '["left", "right"]'}
    named = parquet.read(write(tmp_path / "a.parquet", columns, names), run="r", site="s")
    assert [row[0].device for row in rows(named)] == ["right", "left", "right"]
    bare = parquet.read(write(tmp_path / "b.parquet", columns), run="r", site="s")
    assert [row[0].device for row in rows(bare)] == ["1", "0", "1"]
    assert list(bare.devices) == [("s", "0"), ("s", "1")]


def test_a_device_code_without_a_name_is_left_out_and_counted(tmp_path: Path) -> None:
    columns = {"device": np.array([-1, 0, 2], np.int64), "ts_ms": [T0, T0, T0], "power_mw": [1, 2, 3]}
    path = write(tmp_path / "a.parquet", columns, {"gxmeter.devices": '["x", "y"]'})
    reading = parquet.read(path, run="r", site="s")
    assert rows(reading) == [(SeriesKey("r", "s", "x"), T0, 2)]
    assert [(f.code, "2 rows" in f.en) for f in reading.findings] == [("parquet-device-nameless", True)]
    assert reading.records == 1


@pytest.mark.parametrize("names", ["[1, 2]", '["x", "x"]', '{"0": "x"}', "[", '"x"'])
def test_device_names_that_are_no_list_of_names_are_refused(tmp_path: Path, names: str) -> None:
    path = write(tmp_path / "a.parquet", {"device": [0], "ts_ms": [T0], "power_mw": [1]}, {"gxmeter.devices": names})
    with pytest.raises(InputError) as caught:
        parquet.read(path, run="r", site="s")
    assert caught.value.code == "parquet-device-names"


def test_names_that_no_row_has_are_no_devices(tmp_path: Path) -> None:
    device = pa.DictionaryArray.from_arrays(pa.array([2, 0], pa.int32()), pa.array(["a", "unused", "c"]))
    path = write(tmp_path / "a.parquet", {"device": device, "ts_ms": [T0, T0], "power_mw": [1, 2]})
    reading = parquet.read(path, run="r", site="s")
    assert [row[0].device for row in rows(reading)] == ["c", "a"]
    assert sorted(reading.devices) == [("s", "a"), ("s", "c")]


def test_a_run_that_a_whole_row_group_shares_is_taken_from_its_statistics(tmp_path: Path) -> None:
    runs = ["a", "a", "b", "c", "", ""]
    columns = {"device": ["x"] * 6, "run": runs, "ts_ms": range(6), "power_mw": range(6)}
    assert [
        row[0].run for row in rows(parquet.read(write(tmp_path / "a.parquet", columns, group=2), run="r", site="s"))
    ] == runs
    half_empty = columns | {"run": ["a", None, "b", "b", "c", "c"]}
    reading = parquet.read(write(tmp_path / "b.parquet", half_empty, group=2), run="r", site="s")
    assert [row[0].run for row in rows(reading)] == ["a", "b", "b", "c", "c"]
    assert [f.code for f in reading.findings] == ["parquet-empty-cells"]


def test_row_groups_are_read_on_their_own_and_together_are_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"device": list("xyxyx"), "ts_ms": range(5), "power_mw": range(5)}, group=2)
    assert parquet.row_group_count(path) == 3
    parts = [rows(parquet.read(path, run="r", site="s", row_groups=groups)) for groups in ((0, 1), (2,))]
    assert parts[0] + parts[1] == rows(parquet.read(path, run="r", site="s"))
    assert [len(part) for part in parts] == [4, 1]
