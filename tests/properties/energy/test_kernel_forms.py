"""The kernel's numpy form and compiled form, alone or in turns: one partial to the digit, with its findings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.energy.forms import Forms
from gxmeter.energy.kernel import partial
from gxmeter.energy.model import GapLimits
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.partial import Partial
from gxmeter.energy.screen import MAX_POWER_MW, MAX_TIME_MS
from gxmeter.energy.sources import gathered
from gxmeter.telemetry.model import Batch
from tests.properties.energy.build import power_batch
from tests.properties.energy.oracle import SLOT_MS, Row

pytest.importorskip("numba")

T0 = 1_775_001_600_000
STEPS_MS = st.sampled_from([0, 1, 1_000, 6_000, 6_001, 15_000, 60_000, 60_001, 899_999, 1_800_000, 1_800_001])
POWERS_MW = st.one_of(
    st.integers(0, 3),
    st.integers(0, 700_000),
    st.sampled_from([-1, MAX_POWER_MW - 1, MAX_POWER_MW, MAX_POWER_MW + 1]),
)
TIMES_MS = st.one_of(st.none(), st.none(), st.none(), st.sampled_from([-1, MAX_TIME_MS, MAX_TIME_MS + 1]))


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Rows in order of time: ties, repeated rows, run changes, slot edges, values that cannot be, late rows."""
    now = dict.fromkeys("xyz", T0 - draw(st.sampled_from([0, 1, 30_000, SLOT_MS])))
    found: list[Row] = []
    period_ms = draw(st.sampled_from([1_000, 6_000, 9_999, 15_000]))
    for power_mw in draw(st.lists(st.integers(0, 700_000), max_size=12)):  # without a break, as most rows are
        now["x"] += period_ms
        found.append(Row("s", "x", now["x"], power_mw, "r"))
    for device, step_ms, power_mw, run, odd_ms in draw(
        st.lists(st.tuples(st.sampled_from("xyz"), STEPS_MS, POWERS_MW, st.sampled_from("rrrs"), TIMES_MS), max_size=30)
    ):
        now[device] += step_ms
        found.append(Row("s", device, now[device] if odd_ms is None else odd_ms, power_mw, run))
    for place in draw(st.lists(st.integers(0, 40), max_size=2)):
        found[place:place] = found[max(0, place - 2) : max(0, place - 1)]
    return found


@contextmanager
def form(name: str, random: Random) -> Iterator[None]:
    """One form, or a form drawn for every batch."""
    with pytest.MonkeyPatch.context() as patch:
        if name == "turns":
            patch.setattr(Forms, "compiled", lambda *_: random.random() < 0.5)
        else:
            patch.setenv("GXMETER_KERNEL", name)
        yield


def outcome(batches: list[Batch], limits: GapLimits | None) -> Partial | str:
    try:
        return partial(batches, name="f", limits=limits)
    except LateRecordError:
        return "late"


def content(part: Partial | str) -> Any:
    """A partial without arrays; segments that wait have no order."""
    if isinstance(part, str):
        return part
    pending = part.pending
    columns = (pending.key, pending.t0_ms, pending.t1_ms, pending.p0_mw, pending.p1_mw)
    leaves = (part.power.key, part.power.slot, part.power.half_uj, part.power.covered_ms)
    return (
        part.keys,
        [column.tolist() for column in leaves],
        (part.edges, part.periods, part.gaps, part.samples, part.findings, part.needs_limit),
        sorted(zip(*(column.tolist() for column in columns), strict=True)),
    )


@settings(max_examples=400)
@given(
    rows(),
    st.lists(st.integers(0, 30), max_size=5),
    st.sampled_from([None, None, 1, 5_000, 60_000, 900_000, 1_800_000]),
    st.randoms(use_true_random=False),
)
def test_both_forms_give_the_same_partial(
    samples: list[Row], cuts: list[int], limit_ms: int | None, random: Random
) -> None:
    places = sorted({0, *cuts, len(samples)})
    batches: list[Batch] = [power_batch(samples[a:b]) for a, b in pairwise(places)]
    limits = None if limit_ms is None else GapLimits(default_ms=limit_ms)
    for taken in (batches, gathered(batches)):
        found = {}
        for name in ("numpy", "compiled", "turns"):
            with form(name, random):
                found[name] = content(outcome(taken, limits))
        assert found["numpy"] == found["compiled"] == found["turns"]
