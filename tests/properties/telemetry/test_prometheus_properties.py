"""However a server's samples are cut into series and files, and in whatever windows they are read: the same energy."""

from __future__ import annotations

import json
import random
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import Source
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.prometheus import flow
from gxmeter.telemetry.prometheus.digits import integers
from gxmeter.telemetry.text import opening
from gxmeter.telemetry.text.numbers import scaled
from tests.properties.energy import oracle

RUNS = ReadOptions(columns=(("run", "hpc_job"),))
STEP_S = 15
T0 = 1_775_001_500  # close before a slot's edge

Cell = tuple[int, str, str]
"""Unix seconds, run, milliwatts (or millijoules) as text."""


def document(cells: list[Cell], metric: str, order: random.Random) -> str:
    """One answer: a series for each run."""
    runs = sorted({run for _, run, _ in cells})
    order.shuffle(runs)
    result = [
        {
            "metric": {"__name__": metric, "UUID": "GPU-1", "hpc_job": run},
            "values": [[at, value] for at, label, value in cells if label == run],
        }
        for run in runs
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@st.composite
def scrapes(draw: st.DrawFn) -> list[tuple[int, str, int]]:
    """A device's readings at an even pace, each run for two or more of them at a time: seconds, run, milliwatts."""
    stints = draw(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(2, 9)), min_size=1, max_size=9))
    runs = [run for run, length in stints for _ in range(length)]
    power = draw(st.lists(st.integers(1, 10**6), min_size=len(runs), max_size=len(runs)))
    return [(T0 + STEP_S * i, run, mw) for i, (run, mw) in enumerate(zip(runs, power, strict=True))]


def leaves(folder: Path) -> dict[oracle.Key, tuple[int, int]]:
    result = integrate([Source(folder, "dcgm-prometheus", "", "site", options=RUNS)], gap_limit_ms=60_000)
    return {tuple(key): (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()}


@given(scrapes(), st.data())
def test_cut_into_files_and_series_the_energy_is_that_of_the_readings(
    readings: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    cuts = sorted({0, len(readings), *data.draw(st.lists(st.integers(1, len(readings)), max_size=4))})
    order = random.Random(data.draw(st.integers(0, 99)))
    names = [f"{i}.json" for i in range(len(cuts) - 1)]
    order.shuffle(names)
    cells = [(at, run, str(Decimal(mw).scaleb(-3))) for at, run, mw in readings]
    total, counts = 0, []
    for (at, run, _), (_, _, before) in zip(readings, [readings[0], *readings], strict=False):
        total += before * STEP_S if at > T0 else 0
        counts.append((at, run, str(total)))
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(opening, "CHUNK", data.draw(st.integers(40, 400))),
        mock.patch.object(flow, "BATCH_ROWS", data.draw(st.integers(1, 40))),
    ):
        power, counter = Path(folder) / "power", Path(folder) / "counter"
        for place, columns, metric in (
            (power, cells, "DCGM_FI_DEV_POWER_USAGE"),
            (counter, counts, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"),
        ):
            place.mkdir()
            for name, first, last in zip(names, cuts, cuts[1:], strict=False):
                (place / name).write_text(document(columns[first:last], metric, order))
        rows = [oracle.Row("site", "GPU-1", at * 1000, mw, run) for at, run, mw in readings]
        wanted, _ = oracle.integrate(rows, 60_000)
        assert leaves(power) == wanted
        by_run = {run: 0 for _, run, _ in readings[:-1]}
        for _, run, mw in readings[:-1]:
            by_run[run] += mw * STEP_S * 2_000
        found: dict[str, int] = {}
        for key, (half_uj, _) in leaves(counter).items():
            found[key[1]] = found.get(key[1], 0) + half_uj
        assert found == by_run


NUMBERS = st.one_of(
    st.decimals(-(10**9), 10**15, places=3).map(str),
    st.integers(0, 10**18).map(str),
    st.floats(0, 1e17).map(repr),
    st.sampled_from(["NaN", "+Inf", "", "1e3", "4.12e+02", "1e400", "-0", "watt", "1.0005", "2.0005"]),
)


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.sampled_from([1, 1000, 2000, Fraction(1, 7), Fraction(1, 1000)]))
def test_columns_of_numbers_read_at_once_are_the_same_as_one_by_one(texts: list[str], multiplier: Fraction) -> None:
    found, wanted = integers(texts, Fraction(multiplier)), scaled(texts, multiplier, decimal=".")
    assert found.good.tolist() == wanted.good.tolist()
    assert found.missing.tolist() == wanted.missing.tolist()
    assert found.values[found.good].tolist() == wanted.values[wanted.good].tolist()
