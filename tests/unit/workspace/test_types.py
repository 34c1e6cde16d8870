"""The constrained types: what they take, what they refuse, exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from gxmeter.core.calendar import to_ms
from gxmeter.core.findings import catalogue
from gxmeter.core.numbers import plain
from gxmeter.workspace import parsing as p
from gxmeter.workspace import types as t


def test_the_other_shapes_are_refused_by_every_parser() -> None:
    for kind in (t.Text, t.Identifier, t.Number, t.Count, t.BigInteger, t.Flag, t.Day, t.InstantMs, t.UnitSymbol):
        assert refused(kind, ["x"]) == "declaration-not-text"


def test_values_of_the_type_itself_are_taken_for_callers_in_python() -> None:
    assert p.decimal(Decimal("1.25")) == Decimal("1.25")
    assert p.big_integer(10**24) == 10**24
    assert p.boolean(value=True) is True
    assert p.day(date(2026, 4, 1)) == date(2026, 4, 1)
    assert p.instant_ms(1) == 1
    assert p.integer(7) == 7


def code(parse: Callable[[object], object], value: object) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        parse(value)
    assert caught.value.type in catalogue()
    return caught.value.type


def refused(kind: object, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return caught.value.errors()[0]["type"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12) + 1, max_value=10**12 - 1))
def test_decimals_are_exact(value: Decimal) -> None:
    assert p.decimal(plain(value)) == value


@pytest.mark.parametrize("text", ["1e3", "1,000", "+1", ".5", "5.", "NaN", "Infinity", "１", "", " 1", "0x10", "1_0"])
def test_decimals_are_plain(text: str) -> None:
    assert code(p.decimal, text) == "number-not-plain"


@pytest.mark.parametrize("text", ["1000000000000", "0.123456789", "-1000000000000.5"])
def test_decimals_have_a_bounded_number_of_digits(text: str) -> None:
    assert code(p.decimal, text) == "declaration-number-digits"
    assert p.decimal("999999999999.12345678000") == Decimal("999999999999.12345678")


def test_floats_and_booleans_are_no_decimals() -> None:
    assert code(p.decimal, 1.5) == "declaration-not-text"
    assert code(p.decimal, True) == "declaration-not-text"
    assert p.decimal(3) == 3


@given(st.integers(1, 10**15 - 1), st.integers(0, 20))
def test_powers_of_ten_are_exact(head: int, exponent: int) -> None:
    assert p.big_integer(f"{head}e{exponent}") == head * 10**exponent
    assert p.big_integer(str(head)) == head


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1.25e1", "6e", "e24", "6e-3", "6e40", "6,000", "", "１e3", "0e5"])
def test_big_integers_are_whole_and_positive(text: str) -> None:
    assert code(p.big_integer, text) == "declaration-big-integer"


def test_big_integers_may_have_decimals_that_the_exponent_takes_up() -> None:
    assert p.big_integer("1.50e1") == 15
    assert p.big_integer("6.02e+23") == 602 * 10**21


@given(st.dates(date(p.FIRST_YEAR, 1, 1), date(p.LAST_YEAR, 12, 31)))
def test_days_round_trip(value: date) -> None:
    assert p.day(value.isoformat()) == value


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-4-1", "20260401", "2026-04-01T00:00:00", "1969-12-31", "2200-01-01", ""]
)
def test_days_exist(text: str) -> None:
    assert code(p.day, text) == "declaration-day"


@given(
    st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2199-01-01")),
    st.integers(-12, 14),
    st.sampled_from([0, 30, 45]),
)
def test_instants_respect_their_zone(moment: datetime, hours: int, minutes: int) -> None:
    zone = timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    aware = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=zone)
    assert p.instant_ms(aware.isoformat(timespec="milliseconds")) == to_ms(aware)


@pytest.mark.parametrize(
    "text",
    ["2026-04-01", "2026-04-01T00:00:00", "2026-04-01 00:00:00Z", "2026-04-01T24:00:00Z", "2026-04-01T00:00:00.0001Z"],
)
def test_instants_have_a_zone_and_exist(text: str) -> None:
    assert code(p.instant_ms, text) == "declaration-instant"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "declaration-text-empty"),
        (" \u3000", "declaration-text-empty"),
        ("a\nb", "declaration-text-control"),
        ("a\u202eb", "declaration-text-control"),
        ("a\u2028b", "declaration-text-control"),
        ("a\u200bb", "declaration-text-control"),
        ("a\ue000b", "declaration-text-control"),
        ("a\x07b", "declaration-text-control"),
        ("=1+1", "declaration-text-formula"),
        ("-x", "declaration-text-formula"),
        ("@x", "declaration-text-formula"),
        ("x" * 401, "declaration-text-long"),
    ],
)
def test_one_line_texts_are_safe_in_a_cell(text: str, expected: str) -> None:
    assert code(p.one_line, text) == expected


def test_notes_may_have_lines_but_no_controls() -> None:
    assert p.note("一行目\n二行目\n") == "一行目\n二行目"
    assert code(p.note, "a\rb") == "declaration-text-control"
    assert code(p.note, "x" * 8001) == "declaration-text-long"


@pytest.mark.parametrize("text", ["", "-a", "a/b", "../a", "a..b", "あ", "a b", "a" * 81])
def test_identifiers_are_file_names(text: str) -> None:
    assert code(p.identifier, text) == "declaration-identifier"


@pytest.mark.parametrize(
    ("kind", "edge_in", "edge_out", "expected"),
    [
        (t.Ratio, "1", "0.9999", "overhead-below-one"),
        (t.Ratio, "1.2345", "1.23456", "declaration-number-digits"),
        (t.Pue, "99.9", "100", "declaration-number-digits"),
        (t.Pue, "1.0", "0.99", "pue-below-one"),
        (t.Share, "1", "0", "declaration-share-range"),
        (t.Share, "0.000001", "1.000001", "declaration-share-range"),
        (t.Percent, "100", "100.1", "declaration-percent-range"),
        (t.Percent, "0.1", "0", "declaration-percent-range"),
        (t.PositiveNumber, "0.1", "0", "declaration-number-not-positive"),
        (t.NonNegativeNumber, "0", "-0.1", "declaration-number-negative"),
        (t.GapLimit, "1800", "1801", "declaration-integer-range"),
        (t.Year, "1970", "1969", "declaration-integer-range"),
        (t.MonthOfStart, "4", "1", "declaration-choice"),
        (t.Flag, "true", "True", "declaration-choice"),
        (t.Country, "JP", "jp", "declaration-country"),
        (t.Sha256, "a" * 64, "A" * 64, "declaration-digest"),
        (t.UnitSymbol, "t-CO2/kWh", "t-CO3", "unit-unknown"),
        (t.SupplierMenu, "residual", "B_residual", "declaration-menu"),
    ],
)
def test_edges(kind: object, edge_in: str, edge_out: str, expected: str) -> None:
    TypeAdapter(kind).validate_python(edge_in)
    assert refused(kind, edge_out) == expected
