"""The second implementation on files: journals, Parquet read by DuckDB itself, what it refuses, what it never does."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gxmeter.core.calendar import SLOT_MS
from gxmeter.core.errors import InputError
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS, Device, Source
from gxmeter.energy.screen import MAX_INTERVAL_MS, MAX_POWER_MW, MAX_TIME_MS
from gxmeter.energy.sql.integrate import STEPS, SqlResult, database, integrate_sql, solve
from gxmeter.energy.sql.load import insert
from gxmeter.telemetry.model import Batch
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import Row, Span
from tests.support.journals import write_journal
from tests.unit.energy.test_engine_local import of, rows_of, write
from tests.unit.energy.test_kernel import at, span

pytest.importorskip("duckdb", reason="the second implementation needs the extra [sql]")


def of_batches(*files: list[Batch], limit_ms: int | None = None) -> SqlResult:
    with database() as base:
        for number, batches in enumerate(files):
            base.execute("INSERT INTO file VALUES (?, ?, NULL)", [number, str(number)])
            for batch in batches:
                insert(base, number, batch)
        return solve(base, gap_limit_ms=limit_ms)


def leaves_of(result: SqlResult) -> dict[tuple[int, str, str, str], tuple[int, int]]:
    return {tuple(key): pair for key, pair in result.leaves.items()}


def test_parquet_files_give_the_local_engines_leaves_and_gaps(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", rows_of(1_700, 1_900))
    b = write(tmp_path / "b.parquet", [*rows_of(1_901, 2_500), *rows_of(2_600, 4_000)])
    kernel, sql = integrate(of(b, a)), integrate_sql(of(b, a))
    assert leaves_of(sql) == plain(kernel)
    assert sql.gaps == kernel.gaps != []
    assert (sql.samples, sql.left_out, sql.refused) == (kernel.samples, 0, {})


def test_a_journal_gives_the_local_engines_leaves(tmp_path: Path) -> None:
    source = Source(write_journal(tmp_path, run="demo", site="lab", start_ms=1_795_388_000_000), "gxmeter")
    kernel, sql = integrate([source]), integrate_sql([source])
    assert leaves_of(sql) == plain(kernel) != {}
    assert sql.gaps == kernel.gaps


@pytest.mark.parametrize("name", ["plain.parquet", "with[brackets]*.parquet"])
def test_columns_that_duckdb_reads_itself_and_those_that_our_reader_knows_give_the_same(
    tmp_path: Path, name: str
) -> None:
    """Rows with an empty cell are left out; run and site may be given; instants may be timestamps."""
    instants = np.arange(1_775_001_600_000, 1_775_001_700_000, 1_000, np.int64)
    device = pa.array(["g0", "g1"] * 50)
    power = pa.array([None if i % 10 == 7 else 1_000 * i for i in range(100)], pa.int32())
    pq.write_table(pa.table({"device": device, "ts_ms": instants, "power_mw": power}), tmp_path / name)
    stamps = pa.array(instants, pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"device": device, "ts": stamps, "power_mw": power}), tmp_path / "stamped.parquet")
    sources = [Source(tmp_path / file, "parquet", run="r", site="s") for file in (name, "stamped.parquet")]
    kernels = [plain(integrate([source])) for source in sources]
    assert [leaves_of(integrate_sql([source])) for source in sources] == kernels
    assert kernels[0] == kernels[1] != {}


def test_the_greatest_powers_and_energies_add_up_without_wrapping() -> None:
    rows = [Row("s", "g0", 1_775_001_600_000 + i * 1_800_000, MAX_POWER_MW, "r") for i in range(50)]
    records = [
        Span("s", f"c{i}", 1_775_001_600_000, 1_775_001_600_000 + 4_611_686_018_427 // 10**3, 2**63 - 1, "r")
        for i in range(3)
    ]
    sql = of_batches([power_batch(rows), interval_batch(records)], limit_ms=MAX_GAP_LIMIT_MS)
    power = [pair for key, pair in sql.leaves.items() if key.device == "g0"]
    assert power == [(2 * MAX_POWER_MW * SLOT_MS, SLOT_MS)] * 49
    assert sum(pair[0] for key, pair in sql.leaves.items() if key.device != "g0") == 3 * (2**63 - 1)


def test_files_that_overlap_are_refused_by_name_and_the_other_devices_are_judged() -> None:
    one = [at(0, 5), at(1, 5), at(0, 5, device="g1"), at(1, 5, device="g1")]
    other = [at(1, 6), at(2, 5), at(1, 5, device="g1"), at(2, 5, device="g1")]
    sql = of_batches([power_batch(one)], [power_batch(other)])
    assert sql.refused == {Device("s", "g0"): "power-overlap"}
    assert {key.device for key in sql.leaves} == {"g1"}


def test_counters_that_overlap_between_files_are_refused_by_name() -> None:
    sql = of_batches([interval_batch([span(0, 10, 5)])], [interval_batch([span(4, 14, 5)])])
    assert sql.refused == {Device("s", "c0"): "interval-overlap"}
    assert not sql.leaves


def test_records_that_cannot_be_are_counted() -> None:
    rows = [at(0, -1), at(0, 5), at(1, MAX_POWER_MW + 1), at(1, 5), at(-(10**10), 5)]
    sql = of_batches([power_batch(rows)])
    assert (sql.samples, sql.left_out) == (5, 3)
    assert list(sql.leaves.values()) == [(10_000, 1_000)]


def test_no_column_of_any_step_is_a_floating_point_number() -> None:
    with database() as base:
        insert(base, 0, power_batch([at(0, 5), at(1, 5)]))
        insert(base, 0, interval_batch([span(4, 14, 5)]))
        solve(base)
        kinds = {
            str(kind)
            for (kind,) in base.execute("SELECT data_type FROM duckdb_columns() WHERE NOT internal").fetchall()
        }
    assert {"BIGINT", "HUGEINT"} <= kinds
    assert not any(word in kind for kind in kinds for word in ("DOUBLE", "FLOAT", "DECIMAL"))
    steps = "".join(line.partition("--")[0] for path in STEPS.glob("*.sql") for line in path.read_text().splitlines())
    assert "/" not in steps.replace("//", "")
    assert "avg" not in steps.lower()


def test_the_bounds_of_the_steps_are_the_models() -> None:
    """The steps repeat the constants so that they can be read alone."""
    steps = "".join(path.read_text("utf-8") for path in sorted(STEPS.glob("*.sql")))
    bounds = (MAX_POWER_MW, MAX_TIME_MS, MAX_INTERVAL_MS, MIN_GAP_LIMIT_MS, MAX_GAP_LIMIT_MS, SLOT_MS)
    assert all(str(bound) in steps for bound in bounds)


def test_all_unreadable_files_are_named_at_once(tmp_path: Path) -> None:
    files = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for file in files:
        file.write_bytes(b"PAR1 no such thing PAR1")
    with pytest.raises(InputError) as caught:
        integrate_sql(of(*files))
    assert [f.code for f in caught.value.findings] == ["source-unreadable"] * 2


def test_a_limit_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gap limit"):
        integrate_sql(of(write(tmp_path / "a.parquet", rows_of(0, 9))), gap_limit_ms=0)


def test_without_duckdb_one_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"pip install 'gxmeter\[sql\]'"):
        integrate_sql([])
