"""Small text functions, with hostile and arbitrary input."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.numbers import plain
from gxmeter.reporting.text import co2, duration, grouped, neutral, shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_grouping_changes_no_digit(value: Decimal) -> None:
    assert grouped(plain(value)).replace(",", "") == plain(value)


@given(st.text())
def test_neutral_text_has_no_hidden_characters(text: str) -> None:
    assert all(c in "\n\t" or c.isprintable() or c.isspace() for c in neutral(text))


@given(st.text())
def test_co2_markup_is_always_escaped(text: str) -> None:
    written = str(co2(text)).replace("<sub>2</sub>", "")
    assert "<" not in written
    assert ">" not in written


@pytest.mark.parametrize(("value", "text"), [("0", "0"), ("2015.7549", "2,016"), ("12.3456", "12.35"), ("-5", "-5")])
def test_other_numbers_follow_the_figures_rule(value: str, text: str) -> None:
    assert shown(Decimal(value)) == text


@given(st.integers(min_value=0, max_value=10**12))
def test_duration_keeps_every_second(length_ms: int) -> None:
    units = {"h": 3600, "min": 60, "s": 1}
    words = duration(length_ms).replace(",", "").split()
    assert sum(int(n) * units[u] for n, u in zip(words[::2], words[1::2], strict=True)) == length_ms // 1000
