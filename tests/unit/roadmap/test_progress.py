"""Actual against target: what is unknown stays unknown, what is open stays open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.ledger.figures import figure
from gxmeter.ledger.tables import Figure
from gxmeter.roadmap.content import TargetRow
from gxmeter.roadmap.progress import progress_rows, target_faults, target_figures

D = Decimal
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


def target(value: str = "10", **changes: object) -> TargetRow:
    base = {"target_id": "t", "measure": "scope2_market_t", "fy": 2026, "value": D(value), "unit": "t-CO2"}
    return TargetRow(**(base | changes))  # type: ignore[arg-type]


def figures(exact: str = "8.5") -> dict[str, Figure]:
    return {"scope2_market_t": figure("scope2_market_t", "sum", D(exact), "t-CO2")}


def test_a_gap_is_actual_less_target_and_open_until_the_year_is_settled() -> None:
    (row,), findings = progress_rows([target()], figures(), 2026, final=False)
    assert (row.actual, row.gap, row.met, findings) == (D("8.5"), D("-1.5"), None, [])


@pytest.mark.parametrize(("actual", "met"), [("9.999", True), ("10", True), ("10.000001", False)])
def test_a_settled_year_is_met_or_missed(actual: str, met: bool) -> None:
    (row,), _ = progress_rows([target()], figures(actual), 2026, final=True)
    assert row.met is met


@given(amounts, amounts)
def test_met_is_exactly_not_above_the_target(actual: Decimal, value: Decimal) -> None:
    (row,), _ = progress_rows([target(str(value))], figures(str(actual)), 2026, final=True)
    assert (row.gap, row.met) == (actual - value, actual <= value)
    made = {f.figure_id: f for f in target_figures([row], figures(str(actual)))}
    assert made["target.t"].exact + made["gap.t"].exact == actual


def test_only_targets_of_the_year_count_and_they_stand_in_order() -> None:
    targets = [target(target_id="z"), target(target_id="a"), target(fy=2027, target_id="b")]
    rows, _ = progress_rows(targets, figures(), 2026, final=False)
    assert [row.target_id for row in rows] == ["a", "z"]


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ([target(measure="nothing_t")], "target-without-actual"),
        ([target(unit="kWh")], "target-unit-wrong"),
        ([target(fy=2030)], "target-missing"),
        ([], "target-missing"),
    ],
)
def test_what_cannot_be_compared_is_said_and_no_number_is_made(targets: list[TargetRow], code: str) -> None:
    rows, findings = progress_rows(targets, figures(), 2026, final=True)
    assert [f.code for f in findings] == [code]
    assert [(row.actual, row.gap, row.met) for row in rows] == [(None, None, None)] * len(rows)
    assert target_figures(rows, figures()) == []


def test_a_target_needs_a_figure_that_exists_and_may_stand_once() -> None:
    targets = [
        target(measure="scope2_market"),
        target(target_id="u", measure="energy_ai_kwh.frame.development"),
        target(target_id="v", measure="scope2_market_t"),
        target(target_id="w", measure="scope2_market_t"),
    ]
    found = target_faults(targets)
    assert [f.code for f in found] == ["target-measure-unknown", "target-twice"]
    assert "scope2_market_t" in (found[0].expected or "")
