"""What the cases in YAML do not say: the steps told to people, the levels, and the properties of any registry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import ExitCode, InputError, exit_code
from gxmeter.factors import Registry, load_registry, resolve_constant, resolve_electricity
from gxmeter.factors.model import Kind
from gxmeter.factors.resolve import CRUDE_OIL, ELECTRICITY_PRIMARY_ENERGY

SHIPPED = load_registry()
NUMBERS = sorted({entry.number for entry in SHIPPED.entries if entry.number})


def test_a_basis_that_is_none_is_refused(registry):
    with pytest.raises(InputError, match="net") as caught:
        resolve_electricity(registry, supplier="A0269", basis="net", fy=2025)
    assert caught.value.findings[0].expected == "basic, adjusted, unadjusted"


def test_levels_give_the_exit_codes_of_the_interface(registry):
    found = {fy: resolve_electricity(registry, supplier="A0269", menu="M", fy=fy) for fy in (2024, 2025, 2026)}
    codes = {fy: exit_code(answer.findings) for fy, answer in found.items()}
    assert codes == {2024: ExitCode.MUST_FINDINGS, 2025: ExitCode.FINE, 2026: ExitCode.SHOULD_FINDINGS}


def test_the_steps_tell_the_way_in_order(registry):
    answer = resolve_electricity(registry, supplier="A0269", menu="Z", fy=2026)
    assert [item.en for item in answer.steps] == [
        "A0269, basic: 14 published entries.",
        "The newest that applies to FY2026 or earlier is for emissions of FY2025.",
        "There is no row of menu Z, so the residual is looked for.",
        "Menu Z: the row of kind residual is taken.",
        "The one for FY2026 is not published, so that for FY2025 is used provisionally.",
    ]


def test_editions_and_corrections_are_told(factor_file):
    path = factor_file(
        '{id: x.r1, kind: single, number: A9, basic: "0.0004", adjusted: "0"}',
        '{id: x.r2, kind: single, number: A9, basic: "0.0005", adjusted: "0"}',
        '{id: x.r3, kind: single, number: A9, basic: "0.0006", adjusted: "0", corrects: x.r2}',
    )
    answer = resolve_electricity(load_registry([path]), supplier="A9", fy=2025)
    assert answer.entry.id == "x.r3.basic"
    assert [item.en for item in answer.steps][-2:] == [
        "The corrected entries x.r2.basic drop out.",
        "Of the 2 left, the newest edition 2026-06-04 is taken.",
    ]


CONSTANTS = """schema: gxmeter-factors/1
defaults:
  {kind: constant, family: energy-law, commodity: energy, unit: kL/GJ, status: confirmed, edition_on: "2024",
   name_ja: 試験, name_en: Test,
   source: {publisher: none, title: none, place: none, published_on: "2024", url: none}}
entries:
  - {id: jp.energy-law.test.fy2020, value: "0.20", valid_from_fy: 2020}
  - {id: jp.energy-law.test.fy2024, value: "0.24", valid_from_fy: 2024, valid_to_fy: 2025}
"""


@pytest.mark.parametrize(
    ("fy", "value"), [(2019, None), (2020, "0.20"), (2023, "0.20"), (2024, "0.24"), (2025, "0.24"), (2026, "0.20")]
)
def test_a_constant_holds_within_its_years_and_the_newest_of_several(tmp_path, fy, value):
    path = tmp_path / "own.yaml"
    path.write_text(CONSTANTS, "utf-8")
    answer = resolve_constant(load_registry([path]), "jp.energy-law.test", fy)
    assert (answer.entry and answer.entry.value) == value


def test_a_constant_is_never_provisional(registry):
    for name in (CRUDE_OIL, ELECTRICITY_PRIMARY_ENERGY):
        answer = resolve_constant(registry, name, 2040)
        assert answer.entry is not None
        assert not answer.provisional
        assert answer.findings == ()


@given(
    supplier=st.sampled_from([*NUMBERS, "national-average", "substitute", "A9999"]),
    menu=st.sampled_from(["", "residual", "whole", "A", "B", "M", "Q"]),
    basis=st.sampled_from(["basic", "adjusted", "unadjusted"]),
    fy=st.integers(2020, 2040),
)
def test_an_answer_is_of_the_supplier_and_never_of_a_later_year(supplier, menu, basis, fy):
    answer = resolve_electricity(SHIPPED, supplier=supplier, menu=menu, basis=basis, fy=fy)
    codes = {item.code for item in answer.findings}
    assert (answer.entry is None) == ("factor-missing" in codes)
    assert answer.provisional == ("factor-provisional" in codes)
    if answer.entry is not None:
        assert answer.entry.supplier == supplier
        assert answer.entry.applies_to_fy <= fy
        assert answer.provisional == (answer.entry.applies_to_fy < fy)
        assert answer.entry.basis in {basis, "none"}
        assert answer.entry.kind is not Kind.MENU or answer.entry.menu == menu


@given(st.randoms(use_true_random=False))
def test_the_order_of_entries_does_not_matter(random):
    shuffled = list(SHIPPED.entries)
    random.shuffle(shuffled)
    assert Registry.of(shuffled) == SHIPPED
    assert resolve_electricity(Registry(tuple(shuffled)), supplier="A0273", fy=2026) == resolve_electricity(
        SHIPPED, supplier="A0273", fy=2026
    )
