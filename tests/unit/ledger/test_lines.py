"""Lines against numbers worked out by hand.

Factors of FY2024 actuals (used provisionally for FY2026): national average 0.000423, A0269 residual 0.000452,
substitute 0.000416 t-CO2/kWh.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from gxmeter.core.calendar import FiscalYear
from gxmeter.factors.registry import Registry
from gxmeter.ledger.lines import Lines, build_lines
from gxmeter.ledger.tables import ActivityRow, Declarations, Instant, Line, PueRow
from tests.support.world import FAR, FY, activity, bill, certificate, contract, day, part, run, site, world

D = Decimal


def lines_of(registry: Registry, declarations: Declarations, *rows: ActivityRow, fy: FiscalYear = FY) -> Lines:
    return build_lines(declarations, rows, registry, fy)


def codes(built: Lines) -> list[str]:
    return sorted({finding.code for finding in built.findings} - {"factor-provisional"})


def test_a_measured_kilowatt_hour_goes_all_the_way(registry: Registry) -> None:
    """1 kWh x 1.25 x 1.1 = 1.375 kWh IT; x 0.2 = 0.275 kWh overhead; 1.65 kWh in all."""
    built = lines_of(registry, world(), activity())
    it, overhead = built.lines
    assert (it.portion, it.energy_j, it.energy_kwh, it.facility_kwh) == ("it", D(3_600_000), D(1), D("1.375"))
    assert (overhead.portion, overhead.step_pue, overhead.facility_kwh) == ("overhead", D("0.2"), D("0.275"))
    assert it.tco2_location == D("1.375") * D("0.000423")
    assert it.tco2_market == it.tco2_basic == D("1.375") * D("0.000452")
    assert (it.scope, it.category, it.status, it.month) == ("2", "", "measured", "2026-05")
    assert it.location_factor_id == "jp.elec.national-average.fy2024"
    assert [line.line_id for line in built.lines] == ["L000001", "L000002"]
    assert codes(built) == []


def test_every_factor_of_an_earlier_year_is_provisional(registry: Registry) -> None:
    built = lines_of(registry, world(), activity())
    assert built.used
    assert all(provisional for _, provisional in built.used.values())
    assert "factor-provisional" in {finding.code for finding in built.findings}


def test_kwh_is_rounded_once_to_twelve_decimals_half_even(registry: Registry) -> None:
    """1 half-uJ = 5e-7 J = 1.38888...e-13 kWh -> 0.000000000000 at 12 decimals; 7 of them -> 9.72e-13 -> 1e-12."""
    assert lines_of(registry, world(), activity(energy_half_uj=1)).lines[0].energy_kwh == 0
    assert lines_of(registry, world(), activity(energy_half_uj=7)).lines[0].energy_kwh == D("0.000000000001")


def test_declared_energy_is_spread_exactly_over_months(registry: Registry) -> None:
    """61 days over May and June: 31/61 and 30/61 of the energy, in integers that add up."""
    built = lines_of(registry, world(declared=(part(end=day(2026, 7, 1), energy_kwh=D(61)),)))
    by_month = {line.month: line.energy_kwh for line in built.lines if line.portion == "it"}
    assert by_month == {"2026-05": D(31), "2026-06": D(30)}
    assert {line.method for line in built.lines} == {"declared"}
    assert {line.status for line in built.lines} == {"declared"}


def test_a_part_across_the_year_edge_leaves_the_rest_to_its_own_year(registry: Registry) -> None:
    across = part(start=day(2027, 3, 31), end=day(2027, 4, 2), energy_kwh=D(48))
    this = lines_of(registry, world(declared=(across,)))
    after = lines_of(registry, world(declared=(across,)), fy=FiscalYear(2027))
    assert [line.energy_kwh for line in this.lines if line.portion == "it"] == [D(24)]
    assert [line.energy_kwh for line in after.lines if line.portion == "it"] == [D(24)]


def test_device_hours_times_power(registry: Registry) -> None:
    declared = part(energy_kwh=None, device_hours=D(100), power_w=D(500))
    assert sum(x.energy_kwh for x in lines_of(registry, world(declared=(declared,))).lines if x.portion == "it") == 50


def test_void_runs_carry_nothing(registry: Registry) -> None:
    declarations = world(runs=(run(status="void"),), declared=(part(),))
    assert lines_of(registry, declarations, activity()).lines == ()


@pytest.mark.parametrize(
    ("boundary", "steps", "portions"),
    [
        ("device", (D("1.25"), D("1.1")), ["it", "overhead"]),
        ("node", (D(1), D("1.1")), ["it", "overhead"]),
        ("it", (D(1), D(1)), ["it", "overhead"]),
        ("facility", (D(1), D(1)), ["facility"]),
    ],
)
def test_each_boundary_takes_only_the_steps_outside_it(
    registry: Registry, boundary: str, steps: tuple[Decimal, Decimal], portions: list[str]
) -> None:
    lines = lines_of(registry, world(declared=(part(boundary=boundary),))).lines
    assert [line.portion for line in lines] == portions
    assert {(line.step_node, line.step_it) for line in lines} == {steps}


def test_unknown_steps_count_as_one_and_are_named(registry: Registry) -> None:
    bare = world(sites=(site(overhead_node=None, overhead_it=None),), pue=(), declared=(part(),))
    built = lines_of(registry, bare)
    assert [line.facility_kwh for line in built.lines] == [D(1000)]
    missing = {dict(f.params)["step"] for f in built.findings if f.code == "boundary-step-missing"}
    assert missing == {"node", "it", "facility"}


def test_pue_of_one_keeps_an_overhead_line_of_zero(registry: Registry) -> None:
    one = PueRow("dc", day(2026, 4, 1), Instant(FAR), D(1), "measured", "meter")
    assert [x.facility_kwh for x in lines_of(registry, world(pue=(one,), declared=(part(),))).lines] == [D(1375), D(0)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"arrangement": "owned"}, {"it": ("2", ""), "overhead": ("2", "")}),
        ({"arrangement": "colocation", "overhead_control": True}, {"it": ("2", ""), "overhead": ("2", "")}),
        ({"arrangement": "colocation", "overhead_control": False}, {"it": ("2", ""), "overhead": ("3", "8")}),
        ({"arrangement": "lease", "operational_control": True}, {"it": ("2", ""), "overhead": ("2", "")}),
        ({"arrangement": "lease", "operational_control": False}, {"it": ("3", "8"), "overhead": ("3", "8")}),
        ({"arrangement": "cloud"}, {"it": ("3", "1"), "overhead": ("3", "1")}),
        ({"arrangement": "allocation"}, {"it": ("3", "1"), "overhead": ("3", "1")}),
    ],
)
def test_scope_follows_the_arrangement(
    registry: Registry, changes: dict[str, object], expected: dict[str, tuple[str, str]]
) -> None:
    lines = lines_of(registry, world(sites=(site(**changes),), declared=(part(),))).lines
    assert {line.portion: (line.scope, line.category) for line in lines} == expected


def test_a_menu_change_in_mid_month_splits_at_midnight(registry: Registry) -> None:
    change = day(2026, 5, 16)
    contracts = (
        contract(end=change),
        contract("green", menu="A", start=change),
    )
    lines = lines_of(registry, world(contracts=contracts, declared=(part(energy_kwh=D(31)),))).lines
    it = [line for line in lines if line.portion == "it"]
    assert [(line.contract_id, line.energy_kwh, line.market_t_per_kwh) for line in it] == [
        ("green", D(16), D(0)),
        ("supply", D(15), D("0.000452")),
    ]


def test_a_site_without_contract_takes_the_substitute_and_says_so(registry: Registry) -> None:
    built = lines_of(registry, world(contracts=(), declared=(part(),)))
    assert {line.market_t_per_kwh for line in built.lines} == {D("0.000416")}
    assert {line.contract_id for line in built.lines} == {""}
    assert codes(built) == ["contract-missing"]


def test_an_unknown_supplier_gives_no_number_at_all(registry: Registry) -> None:
    built = lines_of(registry, world(contracts=(contract(supplier="A9999"),), declared=(part(),)))
    assert {line.tco2_market for line in built.lines} == {None}
    assert {line.tco2_location is None for line in built.lines} == {False}
    assert "factor-missing" in codes(built)


def test_the_rest_of_a_bill_is_a_line_of_its_own(registry: Registry) -> None:
    """1,000 kWh x 1.25 x 1.1 x 1.2 = 1,650 kWh of a bill over 2,000 kWh: 350 kWh unattributed."""
    lines = lines_of(registry, world(declared=(part(),), meters=(bill(),))).lines
    rest = [line for line in lines if line.kind == "unattributed"]
    assert [(x.facility_kwh, x.portion, x.grade, x.status, x.run_id) for x in rest] == [
        (D(350), "facility", "A", "billed", "")
    ]
    assert sum(line.facility_kwh for line in lines) == 2000


def test_runs_above_the_bill_are_a_fault_and_no_negative_line(registry: Registry) -> None:
    built = lines_of(registry, world(declared=(part(),), meters=(bill(energy_kwh=D(1649)),)))
    assert "runs-exceed-meter" in codes(built)
    assert {line.kind for line in built.lines} == {"run"}


def test_a_bill_that_fits_exactly_leaves_no_line(registry: Registry) -> None:
    built = lines_of(registry, world(declared=(part(),), meters=(bill(energy_kwh=D(1650)),)))
    assert ({line.kind for line in built.lines}, codes(built)) == ({"run"}, [])


@pytest.mark.parametrize(
    "reading",
    [
        bill(start=day(2026, 3, 20), end=day(2026, 4, 20)),
        bill(start=day(2026, 5, 10), end=day(2026, 5, 20)),
    ],
)
def test_a_bill_across_an_edge_is_refused(registry: Registry, reading: object) -> None:
    contracts = (contract(end=day(2026, 5, 16)), contract("next", start=day(2026, 5, 16)))
    built = lines_of(registry, world(contracts=contracts, meters=(reading,)))
    assert "meter-crosses-contract" in codes(built)


def test_a_bill_of_another_year_is_ignored(registry: Registry) -> None:
    other = bill(start=day(2025, 5, 1), end=day(2025, 6, 1))
    assert lines_of(registry, world(meters=(other,))).lines == ()


def test_a_certificate_moves_kwh_to_its_own_factor(registry: Registry) -> None:
    built = lines_of(registry, world(declared=(part(),), instruments=(certificate(),)))
    pair = {line.kind: line for line in built.lines if line.kind.startswith("instrument")}
    out, back = pair["instrument-out"], pair["instrument-in"]
    assert (out.facility_kwh, out.tco2_market) == (D(-100), D("-0.0452"))
    assert (back.facility_kwh, back.tco2_market, back.market_factor_id) == (D(100), D(0), "cert-1")
    assert out.tco2_location + back.tco2_location == 0
    assert out.tco2_basic + back.tco2_basic == 0
    assert codes(built) == ["ratio-not-published"]


def test_certificates_never_exceed_consumption(registry: Registry) -> None:
    """1,650 kWh are there: the first certificate takes 1,000, the second 650 of its 1,000."""
    both = (certificate(quantity_kwh=D(1000)), certificate("cert-2", quantity_kwh=D(1000)))
    built = lines_of(registry, world(declared=(part(),), instruments=both))
    taken = {line.market_factor_id: line.facility_kwh for line in built.lines if line.kind == "instrument-in"}
    assert taken == {"cert-1": D(1000), "cert-2": D(650)}
    assert "certificate-exceeds-consumption" in codes(built)


def test_a_certificate_for_nothing_makes_no_line(registry: Registry) -> None:
    built = lines_of(registry, world(instruments=(certificate(),)))
    assert built.lines == ()
    assert codes(built) == ["certificate-exceeds-consumption", "ratio-not-published"]


@pytest.mark.parametrize(
    ("instrument", "contracts", "code"),
    [
        (certificate(contract_id="nowhere"), (contract(),), "certificate-without-contract"),
        (certificate(vintage_end=day(2026, 4, 1)), (contract(),), "certificate-outside-vintage"),
        (certificate(), (contract(menu="A"),), "certificate-on-zero-menu"),
        (certificate(), (contract(start=day(2027, 4, 1)),), "certificate-outside-vintage"),
    ],
)
def test_certificates_that_cannot_apply(
    registry: Registry, instrument: object, contracts: tuple[object, ...], code: str
) -> None:
    built = lines_of(registry, world(declared=(part(),), instruments=(instrument,), contracts=contracts))
    assert code in codes(built)
    assert not [line for line in built.lines if line.kind.startswith("instrument")]


def test_credits_and_other_years_make_no_lines(registry: Registry) -> None:
    others = (certificate(fy=2027), certificate("c-2", kind="j-credit", quantity_kwh=None, quantity_t=D(5)))
    assert {x.kind for x in lines_of(registry, world(declared=(part(),), instruments=others)).lines} == {"run"}


def test_edges_off_the_half_hour_are_named(registry: Registry) -> None:
    odd = contract(start=Instant(day(2026, 5, 1) + 1))
    assert "cut-off-slot" in codes(lines_of(registry, world(contracts=(odd,))))


def test_rows_of_another_year_are_left_to_it(registry: Registry) -> None:
    before = activity(start=day(2025, 5, 1), end=Instant(day(2025, 5, 1) + 1_800_000))
    assert lines_of(registry, world(), before).lines == ()


def test_accounting_share_scales_a_line(registry: Registry) -> None:
    lines = lines_of(registry, world(sites=(site(accounting_share=D("0.5")),), declared=(part(),))).lines
    assert sum(line.facility_kwh for line in lines) == 825


def test_two_methods_are_two_lines_each_with_its_interval(registry: Registry) -> None:
    ram = activity(2, device_id="host.ram", method="codecarbon-ram-model", grade="E2")
    lines = [x for x in lines_of(registry, world(), activity(), ram).lines if x.portion == "it"]
    assert {(x.method, x.status, x.low_pct, x.high_pct) for x in lines} == {
        ("nvml-counter", "measured", D(8), D(8)),
        ("codecarbon-ram-model", "estimated", D(50), D(100)),
    }


def test_lines_do_not_depend_on_the_order_of_rows(registry: Registry) -> None:
    rows = [activity(1), activity(2, device_id="host.gpu1"), activity(3, device_id="host.gpu2", energy_half_uj=5)]
    forward: tuple[Line, ...] = lines_of(registry, world(declared=(part(),)), *rows).lines
    assert forward == lines_of(registry, world(declared=(part(),)), *reversed(rows)).lines


def test_a_factor_that_no_line_needs_is_not_used(registry: Registry) -> None:
    """A certificate for a contract without consumption looks a factor up, but nothing is priced with it."""
    built = lines_of(registry, world(instruments=(certificate(),)))
    assert built.used == {}
    assert "factor-provisional" not in {finding.code for finding in built.findings}
