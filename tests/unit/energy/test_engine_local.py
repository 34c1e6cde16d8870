"""Files on disk to an energy result, by the local engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy import sources as sources_module
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import digest_of, gathered, size_of, sources_under
from gxmeter.energy.summary import document, lines
from gxmeter.telemetry.model import DeviceInfo, Reading
from tests.properties.energy import oracle
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import Row
from tests.unit.energy.test_kernel import T0, at, span


def write(path: Path, rows: Sequence[Row], *, boundary: str = "device", group: int = 1000) -> Path:
    """Canonical samples as Parquet."""
    columns = {
        "run": pa.array([r.run for r in rows], pa.string()),
        "site": pa.array([r.site for r in rows], pa.string()),
        "device": pa.array([r.device for r in rows], pa.string()),
        "ts_ms": np.array([r.ts_ms for r in rows], np.int64),
        "power_mw": np.array([r.power_mw for r in rows], np.int64),
    }
    table = pa.table(columns).replace_schema_metadata({"gxmeter.boundary": boundary})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)
    return path


def of(*paths: Path) -> list[Source]:
    return [Source(path, "parquet", name=path.name) for path in paths]


def rows_of(first_s: int, last_s: int, device: str = "g0") -> list[Row]:
    return [at(s, 1_000 * s % 700_000, device=device) for s in range(first_s, last_s + 1)]


def test_files_in_any_order_give_the_oracles_leaves(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", rows_of(1_700, 1_900))
    b = write(tmp_path / "b.parquet", rows_of(1_901, 2_500))
    result, turned = integrate(of(a, b)), integrate(of(b, a))
    assert result == turned
    assert plain(result) == oracle.integrate(rows_of(1_700, 2_500), 60_000)[0]
    assert result.sources == [(p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in (a, b)]
    assert result.source_of == {("r", "s", "g0"): {0, 1}}
    assert (result.samples, result.start_ms, result.end_ms) == (801, T0 + 1_700_000, T0 + 2_500_000)
    assert [fact.records for fact in result.facts] == [201, 600]


def test_the_gap_limit_comes_from_all_files_or_from_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path / "slow.parquet", [at(s, 5) for s in (0, 20, 40, 60, 150)])
    assert integrate(of(path)).gaps == []
    assert len(integrate(of(path), gap_limit_ms=60_000).gaps) == 1


def test_a_file_that_goes_back_in_time_is_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gxmeter.telemetry.readers import parquet

    monkeypatch.setattr(parquet, "BATCH_ROWS", 7)
    rows = rows_of(0, 99)
    path = write(tmp_path / "shuffled.parquet", rows[50:] + rows[:50], group=10)
    assert plain(integrate(of(path))) == oracle.integrate(rows, 60_000)[0]


def test_files_that_repeat_samples_identically_count_them_once(tmp_path: Path) -> None:
    """A rotated log, its copy, and a part of it."""
    rows = rows_of(0, 99)
    paths = [
        write(tmp_path / "a.parquet", rows[:60]),
        write(tmp_path / "b.parquet", rows[40:] + rows_of(0, 3, "g1")),
        write(tmp_path / "c.parquet", rows[:60]),
        write(tmp_path / "d.parquet", rows[10:20]),
    ]
    result = integrate(of(*paths))
    assert plain(result) == oracle.integrate(rows + rows_of(0, 3, "g1"), 60_000)[0]
    assert [f.code for f in result.findings if f.level == "must"] == []


def test_files_that_disagree_are_refused(tmp_path: Path) -> None:
    rows = rows_of(0, 99)
    a = write(tmp_path / "a.parquet", rows[:60])
    b = write(tmp_path / "b.parquet", [row._replace(power_mw=1) for row in rows[40:]])
    result = integrate(of(a, b))
    assert [(f.code, f.file) for f in result.findings] == [("files-overlap", "b.parquet")]
    assert plain(result) == oracle.integrate(rows[:60], 60_000)[0]


def test_all_unreadable_files_are_named_at_once(tmp_path: Path) -> None:
    good = write(tmp_path / "a.parquet", rows_of(0, 9))
    for name in ("b.parquet", "c.parquet"):
        (tmp_path / name).write_text("no parquet")
    with pytest.raises(InputError) as caught:
        integrate(of(good, tmp_path / "b.parquet", tmp_path / "c.parquet", tmp_path / "gone.parquet"))
    assert [(f.code, f.file) for f in caught.value.findings] == [
        ("parquet-unreadable", "b.parquet"),
        ("parquet-unreadable", "c.parquet"),
        ("source-unreadable", "gone.parquet"),
    ]


def test_an_error_while_reading_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken():
        yield power_batch(rows_of(0, 3))
        raise OSError(5, "Input/output error")

    class Reader:
        def read(self, path: Path, *, run: str, site: str, options: object) -> Reading:
            return Reading("parquet", broken())

    monkeypatch.setattr(sources_module, "reader", lambda _: Reader())
    with pytest.raises(InputError) as caught:
        integrate(of(write(tmp_path / "x", [])))
    assert "Input/output error" in str(caught.value)


def test_findings_name_their_file_and_empty_files_are_remarked(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", [at(0, 5), at(1, -5), at(2, 5)])
    b = write(tmp_path / "b.parquet", [])
    result = integrate(of(a, b))
    assert [(f.code, f.file) for f in result.findings] == [
        ("power-negative", "a.parquet"),
        ("source-empty", "b.parquet"),
    ]


def test_a_device_with_two_boundaries_is_a_finding(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", rows_of(0, 9))
    b = write(tmp_path / "b.parquet", rows_of(10, 19), boundary="node")
    result = integrate(of(a, b))
    assert [f.code for f in result.findings] == ["device-boundary-conflict"]


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", rows_of(0, 9))
    seen: list[tuple[int, int]] = []
    integrate(of(path), progress=lambda done_bytes, total_bytes: seen.append((done_bytes, total_bytes)))
    size = path.stat().st_size
    assert seen == [(size, size)]


def test_folders_are_walked_in_order_once_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.parquet", "a/1.parquet", ".hidden/3.parquet", "notes.txt"):
        write(tmp_path / name, rows_of(0, 1))
    found = sources_under([tmp_path, tmp_path / "a" / "1.parquet"], format="parquet", run="r", site="s")
    assert [s.path.relative_to(tmp_path).as_posix() for s in found] == ["a/1.parquet", "b/2.parquet"]
    assert found[0].label == str(tmp_path / "a" / "1.parquet")
    with pytest.raises(InputError) as caught:
        sources_under([tmp_path / "x", tmp_path / "y"], format="parquet")
    assert [f.code for f in caught.value.findings] == ["source-unreadable"] * 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        sources_under([tmp_path / "empty"], format="parquet")
    assert caught.value.code == "no-sources"


def test_a_reader_may_take_the_folder_as_its_unit(tmp_path: Path) -> None:
    for name in ("j1/0000.gxj", "j1/0001.gxj", "j2/0000.gxj"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [s.path.name for s in sources_under([tmp_path], format="gxmeter")] == ["j1", "j2"]
    names = ("0000.gxj", "0001.gxj")
    expected = "".join(f"{hashlib.sha256(f'j1/{name}'.encode()).hexdigest()}  {name}\n" for name in names)
    assert digest_of(tmp_path / "j1") == hashlib.sha256(expected.encode()).hexdigest()
    assert (size_of(tmp_path / "j1"), size_of(tmp_path / "gone")) == (22, 0)


def test_gathered_joins_both_shapes() -> None:
    batches = [
        power_batch([at(1, 5)]),
        interval_batch([span(0, 1)]),
        power_batch([at(0, 6, "q")]),
        interval_batch([span(1, 2)]),
    ]
    power, interval = gathered(batches)
    assert [power.keys[k].run for k in power.key] == ["r", "q"]
    assert interval.half_uj.tolist() == [1_000, 1_000]


def test_the_summary_sums_by_boundary_and_never_across() -> None:
    result = EnergyResult(samples=4, start_ms=T0, end_ms=T0 + 60_000)
    node = DeviceInfo("n0", "s", "", "", "", "node", "bmc", "B")
    gpu = DeviceInfo("g0", "s", "", "", "", "device", "nvml-counter", "C1")
    result.devices = {("s", "n0"): node, ("s", "g0"): gpu}
    from gxmeter.energy.model import Gap, Leaf, LeafKey

    result.leaves = {
        LeafKey(1, "r", "s", "g0"): Leaf(7_200_000_000_000, 1),
        LeafKey(2, "r", "s", "g0"): Leaf(3_600_000_000_001, 1),
        LeafKey(1, "r", "s", "n0"): Leaf(10**30, 1),
    }
    result.gaps = [Gap("r", "s", "g0", T0, T0 + 61_500)]
    shown = document(result, format="parquet")
    assert shown["energy_kwh"] == {"device": "1.5", "node": "138888888888888888.888888888889"}
    assert shown["energy_half_uj"] == {"device": "10800000000001", "node": str(10**30)}
    assert shown["gaps"][0]["seconds"] == "61.5"
    assert (shown["start"], shown["end"]) == ("2026-04-01T00:00:00Z", "2026-04-01T00:01:00Z")
    assert any("1.500000000000 kWh" in line for line in lines(result))
    assert document(EnergyResult(), format="parquet")["start"] is None
    assert "-" in lines(EnergyResult())[0]
