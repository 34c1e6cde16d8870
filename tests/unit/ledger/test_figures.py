"""Figures: required ones, rounding, shares, intervals, unknown things that stay unknown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gxmeter.factors.registry import Registry
from gxmeter.ledger.figures import TOTALS, Filter, figure, printed_decimals
from gxmeter.ledger.inventory import account
from gxmeter.ledger.tables import ActivityRow, Declarations, Figure
from tests.support.world import FY, activity, bill, certificate, contract, part, run, site, world

D = Decimal


def figures_of(registry: Registry, declarations: Declarations, *rows: ActivityRow) -> dict[str, Figure]:
    return {f.figure_id: f for f in account(declarations, rows, registry, FY).figures}


def test_every_inventory_has_the_required_totals(registry: Registry) -> None:
    figures = figures_of(registry, world(declared=(part(),)))
    assert {name for name, _, _ in TOTALS} <= figures.keys()


def test_breakdowns_add_up_to_their_total(registry: Registry) -> None:
    runs = (run(), run("run-2", frame=""))
    parts = (part(), part("part-2", run_id="run-2", energy_kwh=D("17.5")))
    figures = figures_of(registry, world(runs=runs, declared=parts), activity())
    for total in ("energy_ai_kwh", "ai_location_t", "ai_market_t"):
        for dimension in ("site", "run", "month", "frame", "status"):
            members = [f.exact for name, f in figures.items() if name.startswith(f"{total}.{dimension}.")]
            assert sum(members) == figures[total].exact
    assert figures["energy_ai_kwh.frame.none"].lines_filter == "kind=run;frame="


def test_the_memo_line_counts_compute_of_every_arrangement(registry: Registry) -> None:
    """All training on rented cloud: Scope 2 is zero, the energy of the AI is not."""
    figures = figures_of(registry, world(sites=(site(arrangement="cloud"),), declared=(part(),)))
    assert figures["scope2_location_t"].exact == 0
    assert figures["energy_ai_kwh"].exact == 1650
    assert figures["scope3_cat1_location_t"].exact == D(1650) * D("0.000423")


def test_scope_2_is_the_bill(registry: Registry) -> None:
    figures = figures_of(registry, world(declared=(part(),), meters=(bill(),)))
    assert figures["energy_scope2_kwh"].exact == 2000
    assert figures["energy_ai_kwh"].exact == 1650


def test_energy_law_figures(registry: Registry) -> None:
    """2,000 kWh x 8.64 GJ/thousand kWh = 17.28 GJ; x 0.0258 kL/GJ = 0.445824 kL."""
    figures = figures_of(registry, world(declared=(part(),), meters=(bill(),)))
    assert (figures["primary_energy_gj"].exact, figures["crude_oil_kl"].exact) == (D("17.28"), D("0.445824"))


def test_gross_credits_net_stand_apart(registry: Registry) -> None:
    credit = certificate("c", kind="j-credit", quantity_kwh=None, quantity_t=D("0.1"), contract_id="")
    figures = figures_of(registry, world(declared=(part(),), instruments=(credit,)))
    gross = D(1650) * D("0.000452")
    assert figures["gross_market_t"].exact == gross
    assert figures["credits_t"].exact == D("0.1")
    assert figures["net_market_t"].exact == gross - D("0.1")
    assert figures["scope2_market_t"].exact == gross


def test_scope_1_is_unknown_unless_every_site_declares_it(registry: Registry) -> None:
    open_site = account(world(sites=(site(direct_sources="not-assessed"),), declared=(part(),)), (), registry, FY)
    assert "scope1_t" not in {f.figure_id for f in open_site.figures}
    assert "scope1-not-assessed" in {f.code for f in open_site.findings}
    assert figures_of(registry, world(declared=(part(),)))["scope1_t"].exact == 0


def test_shares_of_measured_estimated_declared(registry: Registry) -> None:
    figures = figures_of(registry, world(declared=(part(energy_kwh=D(2)),)), activity())
    assert figures["share_measured_pct"].exact == D("33.333333333333")
    assert figures["share_estimated_pct"].exact == 0
    assert figures["share_declared_pct"].exact == D("66.666666666667")


def test_errors_of_one_method_add_linearly_and_methods_in_quadrature(registry: Registry) -> None:
    """Two devices of one method at +-8 % stay at +-8 %; 3 kWh +-8 % and 4 kWh +-6 %-like terms combine as a root."""
    same = figures_of(registry, world(), activity(), activity(2, device_id="host.gpu1"))
    assert same["energy_ai_low_pct"].exact == 8
    other = activity(2, device_id="host.cpu", method="rapl", grade="D1", energy_half_uj=7_200_000_000_000)
    mixed = figures_of(registry, world(), activity(), other)
    assert mixed["energy_ai_low_pct"].exact == D("6.403124")  # sqrt(8^2 + 10^2) / 2


def test_an_empty_year_has_zero_totals_and_no_shares(registry: Registry) -> None:
    empty = account(world(), (), registry, FY)
    names = {f.figure_id for f in empty.figures}
    assert "no-activity" in {f.code for f in empty.findings}
    assert not names & {"share_measured_pct", "energy_ai_low_pct"}


def test_a_missing_factor_leaves_the_figure_out(registry: Registry) -> None:
    inventory = account(world(contracts=(contract(supplier="A9999"),), declared=(part(),)), (), registry, FY)
    names = {f.figure_id for f in inventory.figures}
    assert "scope2_market_t" not in names
    assert "gross_market_t" not in names
    assert "scope2_location_t" in names
    assert "figure-incomplete" in {f.code for f in inventory.findings}
    assert inventory.provisional


@pytest.mark.parametrize(
    ("exact", "printed"),
    [
        ("0", "0"),
        ("1234567.5", "1234568"),
        ("-1234567.5", "-1234568"),
        ("12.345", "12.35"),
        ("12.3450", "12.35"),
        ("-12.345", "-12.35"),
        ("0.00021", "0.0002100"),
        ("999.95", "1000.0"),
        ("1", "1.000"),
    ],
)
def test_figures_print_at_least_four_significant_digits_half_up(exact: str, printed: str) -> None:
    made = figure("f", "sum", D(exact), "kWh")
    assert (str(made.rounded), made.decimals) == (printed, printed_decimals(D(exact)))


def test_filters_select_by_every_condition(registry: Registry) -> None:
    line = account(world(declared=(part(),)), (), registry, FY).lines[0]
    assert Filter.parse("").selects(line)
    assert Filter.parse("kind=run;site_id=a|dc").selects(line)
    assert not Filter.parse("kind=run;site_id=a|b").selects(line)
    assert Filter.parse("frame=").selects(replace(line, frame=""))


def test_only_figures_with_a_factor_of_an_earlier_year_are_provisional(registry: Registry) -> None:
    figures = figures_of(registry, world(declared=(part(),)))
    marked = {name for name, item in figures.items() if item.provisional}
    assert {"scope2_location_t", "ai_market_t.run.run-1", "gross_market_t", "net_market_t"} <= marked
    assert not marked & {"energy_ai_kwh", "credits_t", "scope1_t", "primary_energy_gj", "scope3_cat1_location_t"}
