"""Numbers as texts against exact fractions: whatever the marks, the groups, the unit and the width of the digits."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.telemetry.text.numbers import MAX_INTEGER, Numerals, number, scaled
from gxmeter.telemetry.text.units import UNITS, unit_named

WIDE = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
decimals = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=4)
multipliers = st.sampled_from([1, 1000, Fraction(1, 1000), Fraction(7_200_000_000), Fraction(5, 3)])


def written(value: Decimal, mark: str, group: str) -> str:
    """A number with groups of three and a decimal mark."""
    sign, digits = ("-", f"{-value:f}") if value < 0 else ("", f"{value:f}")
    whole, _, part = digits.partition(".")
    parts = []
    while len(whole) > 3:
        whole, last = whole[:-3], whole[-3:]
        parts.insert(0, last)
    return sign + group.join([whole, *parts]) + (mark + part if part else "")


@given(decimals, st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), (".", "'"), (",", "")]), st.booleans())
def test_a_number_is_the_same_however_it_is_written(value: Decimal, marks: tuple[str, str], wide: bool) -> None:
    mark, group = marks
    text = written(value, mark, group)
    assert number(text.translate(WIDE) if wide else text, decimal=mark) == value


@given(st.lists(st.tuples(decimals, st.integers(0, 4)), min_size=1, max_size=20), multipliers)
def test_texts_become_integers_exactly_and_half_even(values: list[tuple[Decimal, int]], by: Fraction | int) -> None:
    texts = [f"{value:.{places}f}" for value, places in values]
    found = scaled(texts, by, decimal=".")
    for i, text in enumerate(texts):
        exact = round(Fraction(text) * by)
        if abs(exact) <= MAX_INTEGER:
            assert found.good[i]
            assert found.values[i] == exact
        else:
            assert found.large[i]


@given(st.lists(decimals, min_size=1, max_size=20), st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_a_unit_in_a_cell_is_converted_or_no_number(values: list[Decimal], column: str, cell: str) -> None:
    found = scaled([f"{value:f} {cell}" for value in values], 1000, unit=column, decimal=".")
    for i, value in enumerate(values):
        if UNITS[column].kind != UNITS[cell].kind:
            assert not found.good[i]
        else:
            exact = round(Fraction(value) * 1000 * UNITS[cell].factor / UNITS[column].factor)
            assert found.good[i] == (abs(exact) <= MAX_INTEGER)
            assert not found.good[i] or found.values[i] == exact


@given(st.lists(decimals.map(abs), min_size=1, max_size=30), st.sampled_from([".", ","]), st.data())
def test_one_cell_that_shows_the_mark_tells_it_for_all(values: list[Decimal], mark: str, data: st.DataObject) -> None:
    """A clear cell first: 0,5 or 0.5; then everything else in that notation, in chunks of any size."""
    other = "," if mark == "." else "."
    texts = [f"0{mark}5", *(written(value, mark, data.draw(st.sampled_from(["", other]))) for value in values)]
    numerals = Numerals()
    cut = data.draw(st.integers(1, len(texts)))
    found = [*numerals.scaled(texts[:cut], 10_000).values, *numerals.scaled(texts[cut:], 10_000).values]
    assert found[1:] == [int(value * 10_000) for value in values]
    assert numerals.assumed == 0


@given(st.text(max_size=80))
def test_no_text_is_a_traceback(text: str) -> None:
    found = Numerals().scaled([text], 1000, unit="kW")
    assert found.good[0] + found.missing[0] + found.large[0] <= 1
    unit_named(text)


@given(st.lists(st.sampled_from(["1,234", "12,5", "1.234,5", "1,234.5", "7", "N/A", "0.25", "1,234,567"]), max_size=12))
def test_a_file_says_when_it_guessed_and_gives_the_same_again(texts: list[str]) -> None:
    first, second = Numerals(), Numerals()
    one, two = first.scaled(texts, 1000), second.scaled(texts, 1000)
    assert one.values.tolist() == two.values.tolist()
    told = any(text not in {"1,234", "7", "N/A"} for text in texts)
    assert bool(first.assumed) == ("1,234" in texts and not told)
    assert len(first.findings("f")) == bool(first.assumed)
