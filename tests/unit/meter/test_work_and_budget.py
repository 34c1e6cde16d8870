"""What the training tells of itself, and what it may use."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest
from meter_helpers import ScriptedSensor, energy_uj, records, remarks, segments

from gxmeter.core.journal import METER, PARTICIPANT, Count, Phase
from gxmeter.meter.budget import Budget
from gxmeter.meter.sensors.base import Part, Sample
from gxmeter.meter.session import Meter
from gxmeter.meter.totals import Totals

STEADY = [[Sample(1_000_000, "load")]]


def steady() -> ScriptedSensor:
    return ScriptedSensor(STEADY)


def test_phases_are_written_and_their_energy_adds_up_to_the_whole(workspace: Path) -> None:
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady()]) as meter:
        meter.wait_ready(5)
        with meter.phase("train"):
            time.sleep(0.45)
            with meter.phase("eval"):
                time.sleep(0.35)
        time.sleep(0.2)
    assert meter.journal is not None
    told = [(record.name, record.event) for record in records(meter.journal, Phase) if isinstance(record, Phase)]
    assert told == [("train", "begin"), ("eval", "begin"), ("eval", "end"), ("train", "end")]
    phases = meter.result.phases
    assert set(phases) == {"", "train", "eval"}
    assert sum(part.energy_uj for part in phases.values()) == energy_uj(meter.journal)
    assert phases["train"].covered_ns > phases["eval"].covered_ns > 200_000_000


def test_counts_between_two_intervals_are_one_record_and_sum_up(workspace: Path) -> None:
    with Meter("r1", "lab", workspace, period_s=0.2, sensors=[steady()]) as meter:
        meter.wait_ready(5)
        for _ in range(100):
            meter.count(tokens=2048, steps=1, flop=10**21)
        time.sleep(0.3)
        meter.count(tokens=5)
    assert meter.journal is not None
    found = [record for record in records(meter.journal, Count) if isinstance(record, Count)]
    assert len(found) <= 3
    assert (meter.result.tokens, meter.result.steps, meter.result.flop) == (204_805, 100, 10**23)
    assert sum(record.tokens for record in found) == 204_805
    assert sum(record.flop for record in found) == 10**23


@pytest.mark.parametrize(
    "wrong", [{"tokens": "many"}, {"steps": None}, {"flop": float("nan")}, {"tokens": 1.5}, {"tokens": -5}]
)
def test_a_count_that_is_no_number_harms_nothing(
    workspace: Path, wrong: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady()]) as meter:
        meter.wait_ready(5)
        meter.count(**wrong)  # type: ignore[arg-type]
        time.sleep(0.15)
    assert meter.result.samples >= 1
    assert "count-not-usable" in [item.code for item in meter.result.findings]
    assert "count" in capsys.readouterr().err


def test_telling_before_start_or_after_stop_is_no_error(workspace: Path) -> None:
    meter = Meter("r1", "lab", workspace, sensors=[steady()])
    meter.count(tokens=1)
    with meter.phase("before"), meter:
        meter.wait_ready(5)
    meter.count(tokens=1)
    assert meter.result.tokens == 0


def test_a_nested_meter_takes_part_without_counting_and_keeps_a_record_for_its_counts(workspace: Path) -> None:
    with Meter("outer", "lab", workspace, period_s=0.1, sensors=[steady()]) as outer:
        outer.wait_ready(5)
        with Meter("inner", "lab", workspace, period_s=0.1, sensors=[steady()]) as inner:
            inner.wait_ready(5)
            assert not inner.counting
            inner.count(tokens=7)
            time.sleep(0.3)
        with Meter("silent", "lab", workspace, period_s=0.1, sensors=[steady()]) as silent:
            silent.wait_ready(5)
        assert outer.counting
    assert silent.journal is None
    assert (inner.result.counting, inner.result.samples, inner.result.tokens) == (False, 0, 7)
    assert inner.journal is not None
    assert energy_uj(inner.journal) == 0
    head = segments(inner.journal)[0].head
    assert head is not None
    assert (head.role, head.components) == (PARTICIPANT, ())


def test_a_part_is_taken_over_when_its_meter_ends(workspace: Path) -> None:
    first = Meter("first", "lab", workspace, period_s=0.1, sensors=[steady()]).start()
    first.wait_ready(5)
    with Meter("second", "lab", workspace, period_s=0.1, sensors=[steady()]) as second:
        second.wait_ready(5)
        second.count(steps=1)
        time.sleep(0.3)
        assert not second.counting
        first.stop()
        deadline = time.monotonic() + 5
        while not second.totals.samples and time.monotonic() < deadline:
            time.sleep(0.02)
        assert second.counting
    assert second.journal is not None
    assert energy_uj(second.journal) > 0
    heads = [part.head for part in segments(second.journal)]
    assert [head.role for head in heads if head] == [PARTICIPANT, METER]
    assert [item for part in segments(second.journal) for item in part.findings] == []


def test_a_forgotten_meter_ends_by_itself(workspace: Path) -> None:
    meter = Meter("cell", "lab", workspace, period_s=0.1, sensors=[steady()]).start()
    meter.wait_ready(5)
    thread = meter._thread
    assert thread is not None
    meter = Meter("cell", "lab", workspace, period_s=0.1, sensors=[steady()])
    thread.join(5)
    assert not thread.is_alive()
    with meter:
        meter.wait_ready(5)
        assert meter.counting


def test_passing_the_budget_is_said_once_and_nothing_ends(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    budget = Decimal(2_500_000) / Decimal(3_600_000_000_000)
    text = f"{budget:.12f}"
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady()], budget_kwh=text) as meter:
        meter.wait_ready(5)
        time.sleep(0.6)
        assert meter.over_budget
    assert meter.journal is not None
    assert remarks(meter.journal) == ["budget-passed"]
    assert capsys.readouterr().err.count("budget") == 1
    assert meter.result.samples >= 4


def test_a_budget_at_the_node_is_led_down_by_the_ratio_and_not_where_the_node_is_metered() -> None:
    budget = Budget(Decimal(1), Decimal("1.25"))
    assert budget.limit_uj(node_metered=False) == 2_880_000_000_000
    assert budget.limit_uj(node_metered=True) == 3_600_000_000_000
    assert budget.passed(Totals(total_uj=2_880_000_000_000)) is None
    assert budget.passed(Totals(total_uj=2_880_000_000_001)) is not None
    assert budget.over


def test_a_machines_own_meter_counts_and_its_components_are_kept_beside(workspace: Path) -> None:
    node = ScriptedSensor(
        [[Sample(5_000_000, "bmc")]],
        parts=(Part("node", "node", "BMC", "bmc", boundary="node", covers=("*",)),),
        methods={"bmc": "B"},
        name="bmc",
    )
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady(), node]) as meter:
        meter.wait_ready(5)
        time.sleep(0.35)
    result = meter.result
    assert result.node_uj is not None
    assert result.node_uj == result.estimated_uj * 5
    assert meter.energy_kwh == result.node_kwh
    assert meter.journal is not None
    head = segments(meter.journal)[0].head
    assert head is not None
    assert {part.kind: part.beside for part in head.components} == {"node": None, "cpu": 0}
