"""The paper plan is computed: the tables in the pages are those of the script, its constants those of the code."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sized

import pytest

from bench import scale
from bench.fleet.targets import Measured, growth, judged
from bench.fleet.watch import Spent
from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.model import Leaf, LeafKey
from gxmeter.evidence.layout import BY_PATH
from gxmeter.ledger.tables import ActivityRow, Instant


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_holds_what_the_script_computes(language: str) -> None:
    measured = scale.per_sample(scale.RESULTS.read_text("utf-8"))
    assert scale.section(language, measured) in scale.PAGES[language].read_text("utf-8")


def _allocated(make: Callable[[], Sized]) -> float:
    tracemalloc.start()
    made = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(made)


def test_a_leaf_takes_about_as_many_bytes_as_the_plan_says() -> None:
    def leaves() -> Sized:
        runs, devices = ([f"{name}{i}" for i in range(500)] for name in ("run", "device"))
        return {
            LeafKey(986_100 + i // 500, runs[i % 50], "tokyo", devices[i % 500]): Leaf(10**15 + i, SLOT_MS - i)
            for i in range(20_000)
        }

    assert _allocated(leaves) == pytest.approx(scale.LEAF_BYTES, rel=0.3)


def test_a_row_that_is_read_takes_about_as_many_bytes_as_the_plan_says() -> None:
    rows = [
        ActivityRow(
            *(i + 1, f"run-{i % 50}", "tokyo-dc1", f"tokyo-n{i % 1000:04}.gpu{i % 8}"),
            *(Instant(SLOT_MS * 986_000), Instant(SLOT_MS * 986_001), "device", "nvml-power", "C2"),
            *(10**15 + i, SLOT_MS, "telemetry.tokyo-dc1.2026-04-01.parquet"),
        )
        for i in range(5_000)
    ]
    data = BY_PATH["activity/energy.csv"].write(rows)
    assert _allocated(lambda: BY_PATH["activity/energy.csv"].read(data)[0]) == pytest.approx(
        scale.ROW_READ_BYTES, rel=0.4
    )


RESULTS = """### 10,000,000 samples (50 MB; …)

| gxmeter, compiled kernel (hashes the files too) | 1.00 s | 2.00 s | 200.0 | 1.0 | 1 MB |

### 100,000,000 samples (400 MB; …)

| gxmeter, compiled kernel (hashes the files too) | 10.00 s | 12.00 s | 120.0 | 1.0 | 1 MB |

### Targets
"""


def test_the_greatest_size_counts() -> None:
    assert scale.per_sample(RESULTS) == scale.PerSample(120.0, 4.0)
    with pytest.raises(ValueError, match="no measurement"):
        scale.per_sample("Not measured yet.")


def spent(cpu_s: float, wall_s: float = 1.0, peak_mb: float = 500.0) -> Spent:
    return Spent(wall_s, cpu_s, peak_mb, {"inside_cpu_s": cpu_s - 0.1, "inside_wall_s": wall_s - 0.1})


def test_targets_are_judged_met_or_not_met_and_what_was_not_run_is_not_judged() -> None:
    works = {
        "decode": spent(10),
        "compiled": spent(12.5, wall_s=13),
        "duckdb": spent(51),
        "two-workers": spent(14, wall_s=7),
        "spark": Spent(0, 0, 0, {}, "no Java"),
    }
    rows = {row[0]: row[-1] for row in judged(Measured(10**8, 4 * 10**8, works))}
    assert rows["processor time at most 1.2x of merely decoding"] == "**not met**"
    assert rows["at least 4x less processor time than DuckDB's window SQL"] == "met"
    assert rows["two workers at least 1.7x one"] == "met"
    assert not any("Spark" in name or "hashing" in name for name in rows)
    faster = growth([Measured(n, n, {"compiled": spent(n / 10**7)}) for n in (10**7, 10**8)])
    slower = growth([Measured(n, n, {"compiled": spent(n * factor)}) for n, factor in ((10**7, 1e-7), (10**8, 2e-7))])
    assert (faster[-1][-1], slower[-1][-1]) == ("met", "**not met**")
