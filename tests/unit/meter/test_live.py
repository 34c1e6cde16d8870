"""The live line fits, says only what is known, and leaves the child's lines on the terminal whole."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.meter.show import live
from gxmeter.meter.show.amounts import ENERGY_UNITS, columns, emissions, energy, percent, power, scaled
from gxmeter.meter.show.live import Line, live_line, spark
from gxmeter.meter.totals import Totals

S = 1_000_000_000


def _tool(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[3] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


Screen = _tool("terminal_screen").Screen


@dataclass
class Meter:
    """What the line asks of a meter."""

    totals: Totals = field(default_factory=Totals)
    kg_per_kwh: Decimal | None = None
    budget_uj: int | None = None
    elapsed_ns: int = 0
    counting: bool = True


def totals(watts: list[int], *, measured: bool = True, node: bool = False) -> Totals:
    uj = sum(watts) * 1_000_000
    sums = Totals(
        measured_uj=uj if measured else 0,
        estimated_uj=0 if measured else uj,
        node_uj=uj if node else None,
        total_uj=uj,
        samples=len(watts),
    )
    sums.recent_mw.extend(w * 1000 for w in watts)
    return sums


def line(sums: Totals, width: int = 100, **more: object) -> str:
    options: dict[str, object] = {"elapsed_ns": 83 * S, "ja": False, **more}
    return live_line(sums, width=width, **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------ what it says


def test_everything_known_is_said() -> None:
    shown = line(totals([2680] * 60), kg_per_kwh=Decimal("0.423"), budget_uj=3_600_000_000 * 100)
    assert shown.startswith("gxmeter 2.68 kW █")
    assert "  44.67 Wh" in shown
    assert "  18.9 g-CO2" in shown
    assert "  45 % of 100.0 Wh" in shown
    assert shown.endswith("  0:01:23")


def test_the_same_in_japanese() -> None:
    shown = line(totals([100, 200], measured=False), budget_uj=3_600_000_000, ja=True)
    assert "推計" in shown
    assert "予算1.000 Whの8%" in shown


def test_no_factor_no_mass_and_no_budget_no_share() -> None:
    shown = line(totals([100]))
    assert "CO2" not in shown
    assert "%" not in shown


def test_before_the_first_number_there_is_no_power_and_nothing_is_zero_watts() -> None:
    assert "- W" in line(Totals())
    assert "0.00 W" not in line(Totals())


def test_only_a_model_is_marked_as_an_estimate() -> None:
    assert "est." in line(totals([20], measured=False))
    assert "est." not in line(totals([20]))
    assert "est." not in line(totals([20], measured=False, node=True))


def test_a_meter_that_only_takes_part_says_who_measures() -> None:
    shown = line(Totals(), counting=False)
    assert "another gxmeter measures this host" in shown
    assert " W" not in shown


def test_a_meter_whose_devices_are_lost_to_another_still_shows_what_it_counted() -> None:
    assert "Wh" in line(totals([3600, 3600]), counting=False)


# ------------------------------------------------------------------ units


@pytest.mark.parametrize(
    ("milliwatts", "shown"),
    [(0, "0.00 W"), (27_812, "27.8 W"), (999_499, "999 W"), (999_500, "1.00 kW"), (2_680_000, "2.68 kW")],
)
def test_power_has_three_digits_in_a_unit_that_fits(milliwatts: int, shown: str) -> None:
    assert power(milliwatts) == shown


@pytest.mark.parametrize(
    ("microjoules", "shown"),
    [
        (0, "0.000 J"),
        (3_599_400_000, "3599 J"),
        (3_599_600_000, "1.000 Wh"),
        (3_600_000_000, "1.000 Wh"),
        (3_599_999_000_000, "1.000 kWh"),
        (3_600_000_000_000 * 123_456, "123.5 MWh"),
        (3_600_000_000_000 * 12_345_678, "12.35 GWh"),
        (3_600_000_000_000 * 12_345_678_000, "12346 GWh"),
    ],
)
def test_energy_has_four_digits_in_a_unit_that_fits(microjoules: int, shown: str) -> None:
    assert energy(microjoules) == shown


def test_mass_is_computed_exactly_from_microjoules_and_the_factor() -> None:
    assert emissions(3_600_000_000_000, Decimal("0.000438")) == "0.44 g-CO2"
    assert emissions(3_600_000_000_000 * 2_500, Decimal("0.4")) == "1.00 t-CO2"


@given(st.integers(0, 10**22))
def test_a_shown_energy_is_within_half_of_its_last_digit(microjoules: int) -> None:
    number, unit = energy(microjoules).split(" ")
    size = next(size for size, name in ENERGY_UNITS if name == unit)
    last_digit = Fraction(1, 10 ** len(number.partition(".")[2]))
    assert abs(Fraction(number) - Fraction(microjoules, size)) <= last_digit / 2


@given(st.integers(0, 10**15), st.integers(1, 10**15))
def test_a_part_is_never_shown_as_nothing_or_all(part: int, whole: int) -> None:
    shown = percent(part, whole)
    assert (shown == "0") == (part == 0)
    if part < whole:
        assert shown != "100"


def test_scaling_keeps_the_whole_part_whatever_the_digits() -> None:
    assert scaled(Fraction(123456), ((1, "x"),), 3) == "123456 x"


# ------------------------------------------------------------------ spark line


def test_bars_stand_on_zero_so_that_a_steady_power_looks_steady() -> None:
    assert set(spark([2678, 2680, 2682])) == {"█"}
    assert spark([0, 350, 700]) == "▁▅█"


@given(st.lists(st.integers(0, 10**10), max_size=60), st.integers(1, 60))
def test_there_are_never_more_bars_than_room(values: list[int], most: int) -> None:
    bars = spark(values, most)
    assert len(bars) <= min(most, max(len(values), 1))
    assert bool(bars) == any(values)


# ------------------------------------------------------------------ width


@given(
    st.integers(1, 200),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 10**7), max_size=60),
)
def test_the_line_fits_any_terminal(width: int, ja: bool, mass: bool, budget: bool, watts: list[int]) -> None:
    shown = line(
        totals(watts),
        width,
        ja=ja,
        kg_per_kwh=Decimal("0.423") if mass else None,
        budget_uj=10**13 if budget else None,
        elapsed_ns=400_000 * S,
    )
    assert columns(shown, ambiguous=2 if ja else 1) <= width


def test_power_and_energy_stay_longest() -> None:
    shown = line(totals([2680] * 9), 20, kg_per_kwh=Decimal("0.423"), budget_uj=10**13)
    assert shown == "2.68 kW  6.700 Wh"


# ------------------------------------------------------------------ the terminal


def test_the_childs_lines_stay_whole_and_the_last_row_is_the_meters() -> None:
    screen, drawn, meter = Screen(60, 6), Line(), Meter(totals([100, 200]), elapsed_ns=2 * S)
    for step in range(9):
        drawn.draw(meter, screen.feed, (60, 6))
        screen.feed(f"step {step}\r\n")
        drawn.draw(meter, screen.feed, (60, 6))
    assert [row for row in (*screen.scrolled, *screen.text[:-1]) if row] == [f"step {step}" for step in range(9)]
    assert "200 W" in screen.text[-1]
    drawn.clear(screen.feed)
    assert screen.text[-1] == ""
    screen.feed("a\r\nb\r\n")
    assert screen.text[-3:] == ["a", "b", ""], "the whole terminal scrolls again"


def test_a_progress_bar_of_the_child_is_left_alone() -> None:
    screen, drawn, meter = Screen(60, 6), Line(), Meter(totals([100]))
    for percent_done in (10, 20, 30):
        screen.feed(f"\r{percent_done} % |####")
        drawn.draw(meter, screen.feed, (60, 6))
    assert screen.text[0] == "30 % |####"
    assert (screen.row, screen.column) == (0, 10)


def test_on_the_last_row_room_is_made_once() -> None:
    screen, drawn, meter = Screen(60, 6), Line(), Meter(totals([100]))
    screen.feed("\r\n".join("abcdef"))
    for _ in range(3):
        drawn.draw(meter, screen.feed, (60, 6))
    assert screen.scrolled == ["a"]
    assert screen.text[:5] == ["b", "c", "d", "e", "f"]
    assert (screen.row, screen.column) == (4, 1)


def test_a_terminal_that_grows_keeps_one_line_only() -> None:
    screen, drawn, meter = Screen(60, 8), Line(), Meter(totals([100]))
    drawn.draw(meter, screen.feed, (60, 5))
    drawn.draw(meter, screen.feed, (60, 8))
    assert [number for number, row in enumerate(screen.text) if row] == [7]


def test_a_terminal_without_a_size_gets_a_line_that_the_next_output_replaces() -> None:
    screen, drawn, meter = Screen(80, 6), Line(), Meter(totals([100]))
    drawn.draw(meter, screen.feed, (80, 0))
    assert "100 W" in screen.text[0]
    assert (screen.row, screen.column) == (0, 0)
    drawn.clear(screen.feed)
    assert screen.text[0] == ""


def test_a_power_that_is_old_is_no_power_now() -> None:
    screen, drawn, meter = Screen(80, 6), Line(), Meter(totals([100]))
    for second in range(1, 4):
        meter.totals.samples, meter.elapsed_ns = second, second * S
        drawn.draw(meter, screen.feed, (80, 6))
    assert "100 W" in screen.text[-1]
    meter.elapsed_ns = 20 * S
    drawn.draw(meter, screen.feed, (80, 6))
    assert "100 W" not in screen.text[-1]
    assert "- W" in screen.text[-1]


def test_nothing_is_drawn_where_standard_error_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    live.draw(Meter(totals([100])))
    live.clear()
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""
