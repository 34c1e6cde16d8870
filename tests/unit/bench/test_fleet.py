"""The bench's data are what the bench says, and its window query gives gxmeter's leaves."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench import energy
from bench.fleet.made import FISCAL_EDGE_MS, GPUS, make
from bench.fleet.targets import Measured
from bench.fleet.watch import Spent, spend
from bench.fleet.work import WORK, files

pytest.importorskip("duckdb", reason="the window query runs on the extra [sql]")

TICKS = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fleet") / "rows"
    make(made, GPUS * TICKS)
    return made


def test_the_data_are_a_fleets_around_a_fiscal_edge_with_all_its_faults(folder: Path) -> None:
    table = pq.read_table(folder)
    device, ts_ms = table["device"].combine_chunks(), table["ts_ms"].to_numpy()
    assert len(device.unique()) == GPUS
    assert 0.9 * GPUS * TICKS < len(ts_ms) < GPUS * TICKS  # lost samples and outages
    assert ts_ms.min() < FISCAL_EDGE_MS < ts_ms.max()
    assert len(table["run"].unique()) > 16
    assert len(table.group_by(["device", "ts_ms", "power_mw"]).aggregate([])) < len(ts_ms)  # some written twice
    one = pq.read_table(files(folder)[0])["device"].to_pylist()
    assert one[:9] == sorted(one[:9])  # interleaved, as they arrive
    assert len(set(one[:256])) > 200


def test_the_same_arguments_give_the_same_samples_and_what_is_there_stays(folder: Path, tmp_path: Path) -> None:
    again = make(tmp_path / "rows", GPUS * TICKS)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files(folder)]
    stamp = again[0].stat().st_mtime_ns
    make(tmp_path / "rows", GPUS * TICKS)
    assert again[0].stat().st_mtime_ns == stamp


def test_a_segments_clock_never_goes_back_within_a_device(folder: Path) -> None:
    table = pq.read_table(files(folder)[0])
    device = np.unique(table["device"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    order = np.argsort(device, kind="stable")
    steps, same = np.diff(table["ts_ms"].to_numpy()[order]), np.diff(device[order]) == 0
    assert (steps[same] >= 0).all()


def test_the_window_query_gives_gxmeters_leaves(folder: Path) -> None:
    made = {work: WORK[work](folder) for work in ("auto", "duckdb", "duckdb-best")}
    assert len({answer["sha256"] for answer in made.values()}) == 1
    assert made["auto"]["gaps"] > 0
    assert made["auto"]["leaves"] > 1.9 * GPUS  # two half-hours, but for devices that were out


def test_a_piece_of_work_is_watched_and_a_failure_is_told(folder: Path, tmp_path: Path) -> None:
    spent = spend(Path(sys.executable), "hash", folder)
    assert spent.cpu_s > 0
    assert spent.peak_mb > 5
    assert "inside_wall_s" in spent.answer
    (tmp_path / "broken.parquet").write_bytes(b"no such thing")
    assert "not a parquet file" in spend(Path(sys.executable), "decode", tmp_path).failed


def test_engines_that_differ_are_named_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers = {"compiled": {"sha256": "a" * 64, "leaves": 1}, "duckdb": {"sha256": "b" * 64, "leaves": 1}}
    spent = {work: Spent(1.0, 1.0, 100.0, answer) for work, answer in answers.items()}
    monkeypatch.setattr(energy, "measured", lambda _plan, size: Measured(size, 10**6, spent))
    monkeypatch.setattr(energy, "warm_up", lambda _folder: None)
    monkeypatch.setattr(energy, "write_section", pytest.fail)
    assert energy.main(["--folder", str(tmp_path), "--rows", "10", "--write"]) == 1
    assert "leaves differ" in capsys.readouterr().err
