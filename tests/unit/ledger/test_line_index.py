"""The index gives what a scan of all lines gives, and makes thousands of runs affordable."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.factors.registry import Registry
from gxmeter.ledger.figures import Filter, LineIndex
from gxmeter.ledger.inventory import account
from gxmeter.ledger.tables import Line
from tests.support.world import FY, part, run, world

COLUMNS = ("kind", "run_id", "scope", "frame")


@pytest.fixture(scope="module")
def line(registry: Registry) -> Line:
    return account(world(declared=(part(),)), (), registry, FY).lines[0]


values = st.sampled_from(["run", "other", "", "2"])
filters = st.lists(st.tuples(st.sampled_from(COLUMNS), st.sets(values, min_size=1)), max_size=3)


@given(rows=st.lists(st.tuples(values, values, values, values), max_size=12), wanted=filters)
def test_the_index_selects_what_a_scan_selects_in_the_same_order(
    line: Line, rows: list[tuple[str, ...]], wanted: list[tuple[str, set[str]]]
) -> None:
    lines = [replace(line, **dict(zip(COLUMNS, row, strict=True))) for row in rows]
    text = ";".join(f"{column}={'|'.join(sorted(names))}" for column, names in wanted)
    scanned = [i for i, item in enumerate(lines) if Filter.parse(text).selects(item)]
    assert [id(item) for item in LineIndex(lines).matching(text)] == [id(lines[i]) for i in scanned]


def seconds(registry: Registry, count: int) -> float:
    runs = tuple(run(f"run-{i}") for i in range(count))
    parts = tuple(part(f"part-{i}", run_id=f"run-{i}") for i in range(count))
    begin = time.process_time()
    inventory = account(world(runs=runs, declared=parts), (), registry, FY)
    assert f"energy_ai_kwh.run.run-{count - 1}" in {item.figure_id for item in inventory.figures}
    return time.process_time() - begin


def test_the_time_of_a_year_grows_with_its_runs_and_not_with_their_square(registry: Registry) -> None:
    """Four times the runs took sixteen times as long when every figure read all lines; allow for noise."""
    small = min(seconds(registry, 300) for _ in range(2))
    assert seconds(registry, 1200) < 9 * small
