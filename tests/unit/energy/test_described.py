"""What the engine says of files and devices that give no energy, or energy in a wrong time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source

T0 = 1_774_969_200_000
HOUR_MS = 3_600_000


def result(folder: Path, ts_ms: list[int]) -> EnergyResult:
    path = folder / "a.parquet"
    pq.write_table(pa.table({"device": ["x"] * len(ts_ms), "ts_ms": ts_ms, "power_mw": [5] * len(ts_ms)}), path)
    return integrate([Source(path, "parquet", run="r", site="s", name="a")])


def test_hourly_readings_of_power_have_no_energy_and_that_is_said(tmp_path: Path) -> None:
    found = result(tmp_path, [T0 + i * HOUR_MS for i in range(4)])
    assert not found.leaves
    (item,) = [item for item in found.findings if item.code == "readings-too-far-apart"]
    assert ("count", "3") in item.params
    assert ("limit", "1800") in item.params


def test_a_device_with_some_energy_has_gaps_and_nothing_more(tmp_path: Path) -> None:
    found = result(tmp_path, [T0, T0 + 1000, T0 + HOUR_MS])
    assert found.gaps
    assert "readings-too-far-apart" not in {item.code for item in found.findings}


@pytest.mark.parametrize(("ts_ms", "early"), [([T0 // 1000, T0 // 1000 + 1], True), ([T0, T0 + 1], False)])
def test_seconds_taken_for_milliseconds_are_seen(tmp_path: Path, ts_ms: list[int], early: bool) -> None:
    assert ("time-too-early" in {item.code for item in result(tmp_path, ts_ms).findings}) is early
