"""The edges of core: years, digits, units, clocks, files and texts that nobody sends on purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from decimal import Decimal, Inexact, InvalidOperation
from pathlib import Path

import pytest

from gxmeter.core import findings as findings_module
from gxmeter.core.calendar import FiscalYear, instant, jst_month, parse_instant, slot_of
from gxmeter.core.canonical import canonical_json
from gxmeter.core.clock import FixedClock, SystemClock, source_date, writer_clock
from gxmeter.core.errors import InputError
from gxmeter.core.files import folder_atomically
from gxmeter.core.findings import catalogue, finding
from gxmeter.core.numbers import Rounding, divided, fixed, parse_decimal, plain, rounded, total
from gxmeter.core.units import Quantity, unit

D = Decimal


@pytest.mark.parametrize(
    ("text", "year", "month"),
    [
        ("2027-03-31T14:59:59.999Z", 2026, "2027-03"),  # 31 March 23:59:59.999 JST
        ("2027-03-31T15:00:00Z", 2027, "2027-04"),  # 1 April 00:00 JST
        ("2026-12-31T15:00:00Z", 2026, "2027-01"),
        ("2028-02-29T14:59:59.999Z", 2027, "2028-02"),
        ("1970-01-01T00:00:00Z", 1969, "1970-01"),
        ("1969-12-31T23:59:59.999Z", 1969, "1970-01"),
    ],
)
def test_years_and_months_turn_at_midnight_in_japan(text: str, year: int, month: str) -> None:
    ts_ms = parse_instant(text)
    assert FiscalYear.of(ts_ms) == FiscalYear(year)
    assert jst_month(ts_ms) == month
    assert instant(ts_ms) == text


def test_instants_before_1970_and_of_early_years_keep_their_form() -> None:
    assert (slot_of(-1), slot_of(0), slot_of(1_799_999), slot_of(1_800_000)) == (-1, 0, 0, 1)
    for text in ("0001-01-01T00:00:00Z", "0999-12-31T23:59:59.001Z", "9999-12-31T23:59:59.999Z"):
        assert instant(parse_instant(text)) == text


@pytest.mark.parametrize(
    "text", ["２０２６-04-01T00:00:00Z", "2026-04-01T00:00:0０Z", "2026-04-01T00:00:00.12３Z", "0000-01-01T00:00:00Z"]
)
def test_digits_of_other_scripts_are_no_time(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_instant(text)
    assert caught.value.code == "instant-malformed"


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [
        ("-0.0004", 3, "0.000"),
        ("-0.0005", 3, "-0.001"),
        ("-0", 2, "0.00"),
        ("-0.4", 0, "0"),
        ("99999999999999999999.5", 0, "100000000000000000000"),
        ("1E+20", 0, "100000000000000000000"),
        ("1E-30", 2, "0.00"),
    ],
)
def test_what_rounds_to_nothing_has_no_sign(value: str, decimals: int, printed: str) -> None:
    assert fixed(rounded(D(value), decimals, Rounding.HALF_UP), decimals) == printed


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+5", "0"),
        ("0E-9", "0"),
        ("1E+3", "1000"),
        ("-1.20E-8", "-0.000000012"),
        ("100", "100"),
    ],
)
def test_a_plain_text_has_no_exponent_and_no_zero_too_many(value: str, text: str) -> None:
    assert plain(D(value)) == text


def test_sixty_characters_are_read_and_no_more() -> None:
    assert parse_decimal("0." + "1" * 58) == D("0." + "1" * 58)
    assert parse_decimal("-0") == 0
    for text in ("0." + "1" * 59, "1\0", "−1", "0x1", "1 ", "٣"):
        with pytest.raises(InputError):
            parse_decimal(text)


def test_fifty_digits_are_exact_and_more_is_an_error() -> None:
    assert total([D("9" * 49), D(1)]) == D(10) ** 49
    with pytest.raises(Inexact):
        total([D("1E+50"), D("0.1")])
    with pytest.raises(InvalidOperation):
        rounded(D("1E+50"), 12, Rounding.HALF_EVEN)
    assert divided(D("1E+60"), D(3), 2, Rounding.TRUNCATE) == D("3" * 60 + ".33")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number-not-plain"),
        ("5", "unit-unknown"),
        ("kWh", "number-not-plain"),
        ("0.45kg/kWh", "number-not-plain"),
        ("1e3 kWh", "number-not-plain"),
        ("1 kWh/kWh/kWh", "unit-unknown"),
        ("1 k Wh", "unit-unknown"),
    ],
)
def test_a_quantity_is_a_number_a_space_and_a_unit(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        Quantity.parse(text)
    assert caught.value.code == code


def test_a_quantity_may_stand_in_wider_spaces() -> None:
    assert str(Quantity.parse("  0.450   kg/kWh ")) == "0.45 kg-CO2/kWh"
    assert str(Quantity.parse("1 tCO2").to(unit("kgCO2"))) == "1000 kg-CO2"
    assert unit("g").dimension == (("mass", 1),)  # alone, a bare mass is a mass


def test_a_unit_of_three_parts_is_multiplied_by_its_dimension_not_by_its_text() -> None:
    rate = Quantity(D(1), unit("t-CO2/kWh") / unit("h"))
    got = rate * Quantity.parse("1 kW")
    assert got.unit.dimension == (("co2e", 1), ("time", -2))
    odd = Quantity(D(2), unit("kWh") * unit("t-CO2")) * Quantity.parse("3 h")
    assert odd.unit.dimension == (("co2e", 1), ("energy", 1), ("time", 1))
    assert odd.value == 6


def test_an_unknown_unit_derived_has_a_readable_symbol() -> None:
    assert (unit("t-CO2") / unit("h")).symbol == "t-CO2/h"
    assert (unit("kWh") * unit("t-CO2")).symbol == "kWh*t-CO2"


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0", 0), ("1775001600", 1_775_001_600_000), ("²", None), ("-1", None), ("", None), ("9" * 20, None)],
)
def test_only_a_plain_count_of_seconds_is_a_source_date(
    monkeypatch: pytest.MonkeyPatch, text: str, ms: int | None
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert source_date() == (None if ms is None else FixedClock(ms))
    assert writer_clock() == (SystemClock() if ms is None else FixedClock(ms))
    assert FixedClock(7).now_ms() == 7


def test_the_machine_clock_is_used_without_a_source_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert source_date() is None
    assert writer_clock().now_ms() > 1_700_000_000_000


@pytest.mark.parametrize("value", ["\ud800", 2**53, {1: 2}, b"x", object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json(value)


def test_keys_are_sorted_by_utf_16() -> None:
    assert canonical_json({"\U0001f600": 1, "\ufb33": 2}) == '{"\U0001f600":1,"\ufb33":2}'.encode()


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("東京　支店", "東京　支店"),
        ("a\u00a0b", "a\u00a0b"),
        ("a\x1bb", "a�b"),
        ("a\ud800b", "a�b"),
        ("a\u202eb", "a�b"),
    ],
)
def test_foreign_text_is_shown_safely_and_japanese_spaces_stay(foreign: str, shown: str) -> None:
    made = finding("unit-unknown", found=foreign, file=foreign)
    assert (made.found, made.file) == (shown, shown)
    made.en.encode()
    assert finding("unit-unknown").file is None


def test_a_code_in_two_files_is_a_programming_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text('[x-y]\nlevel = "may"\nja = "あ"\nen = "a"\n')
    monkeypatch.setattr(findings_module, "MESSAGES", tmp_path)
    with pytest.raises(ValueError, match="x-y"):
        catalogue.__wrapped__()


def test_every_message_file_is_a_room_s() -> None:
    for path in findings_module.MESSAGES.glob("*.toml"):
        for body in tomllib.loads(path.read_text("utf-8")).values():
            assert set(body) == {"level", "ja", "en"}


_SLOW_WRITER = """
import os, sys, time
from pathlib import Path
from gxmeter.core import files
path = Path(sys.argv[1])
files.write_atomically(path, b"old")
os.fsync = lambda _: (print("writing", flush=True), time.sleep(60))
files.write_atomically(path, b"new" * 1000)
"""


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with subprocess.Popen([sys.executable, "-c", _SLOW_WRITER, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"writing\n"
        os.kill(child.pid, signal.SIGKILL)
    assert path.read_bytes() == b"old"


def test_a_folder_that_cannot_take_its_place_gives_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "package"
    with folder_atomically(target) as building:
        (building / "a.txt").write_text("old")
    whole = Path.replace

    def refuse(path: Path, to: Path) -> Path:
        if to == target and (path / "new.txt").exists():
            raise OSError(28, "No space left on device")
        return whole(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="space"), folder_atomically(target) as building:
        (building / "new.txt").write_text("new")
    assert (target / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["package"]
