"""Parsers of single values: text in, exact value out, or a fault with a code.

Each parser takes the text that YAML holds (or a value that already is of the type, for callers in
Python) and raises a fault whose type is a finding code of ``core/messages/workspace.toml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from pydantic_core import PydanticCustomError

from gxmeter.core.calendar import to_ms
from gxmeter.core.errors import InputError
from gxmeter.core.ids import is_id
from gxmeter.core.numbers import parse_decimal, plain
from gxmeter.core.units import unit

FIRST_YEAR = 1970
"""Earliest year a date may name (the epoch of all instants)."""
LAST_YEAR = 2199
"""Latest year a date may name."""
MAX_TEXT = 400
"""Longest one-line text [characters]."""
MAX_NOTE = 8000
"""Longest note [characters]."""


class Digits(NamedTuple):
    """How many digits a number may have before and after its point."""

    whole: int
    decimals: int


AMOUNT_DIGITS = Digits(12, 8)
"""Of quantities [digits]. The bounds keep every exact product of the ledger (energy x three ratios x share x
factor) within the 50 digits of :mod:`gxmeter.core.numbers`."""
RATIO_DIGITS = Digits(2, 4)
"""Of PUE and overhead ratios [digits]; a meter does not carry more."""
SHARE_DIGITS = Digits(3, 6)
"""Of shares and percentages [digits]."""

_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")
_POWER_OF_TEN = re.compile(r"([1-9][0-9]{0,14})(?:\.([0-9]{1,15}))?[eE]\+?([0-9]{1,2})")
_MAX_BIG_DIGITS = 40
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
HEX_64 = re.compile(r"[0-9a-f]{64}")
_MENU = re.compile(r"(residual|whole|[A-Za-z0-9]{1,8})?")
_APRIL = 4
TWO_CAPITALS = re.compile(r"[A-Z]{2}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories without a glyph of their own: controls, direction marks, private use, line separators."""
_FORMULA_STARTS = frozenset("=+-@")


def fault(code: str, *, found: object = "", expected: object = "") -> PydanticCustomError:
    """A fault that the loader turns into the finding ``code``; ``found`` and ``expected`` fill its holes."""
    return PydanticCustomError(code, "{found}", {"found": str(found), "expected": str(expected)})


def _need_text(value: object) -> str:
    if not isinstance(value, str):
        raise fault("declaration-not-text")
    return value


def one_line(value: object) -> str:
    """A text of one line that is safe in a table cell: no control or direction characters, no formula start."""
    text = _need_text(value).strip()
    if not text:
        raise fault("declaration-text-empty")
    if any(unicodedata.category(letter) in _UNSEEN for letter in text):
        raise fault("declaration-text-control", found=text)
    if len(text) > MAX_TEXT:
        raise fault("declaration-text-long", expected=MAX_TEXT, found=len(text))
    if text[0] in _FORMULA_STARTS:
        raise fault("declaration-text-formula", found=text, expected="= + - @")
    return text


def maybe_empty(value: object) -> str:
    """Like :func:`one_line`, or the empty text."""
    return "" if value == "" else one_line(value)


def note(value: object) -> str:
    """A text that may have several lines; no other control characters."""
    text = _need_text(value).strip()
    if any(unicodedata.category(letter) in _UNSEEN for letter in text if letter not in "\n\t"):
        raise fault("declaration-text-control", found=text)
    if len(text) > MAX_NOTE:
        raise fault("declaration-text-long", expected=MAX_NOTE, found=len(text))
    return text


def identifier(value: object) -> str:
    """An id of the common alphabet (:mod:`gxmeter.core.ids`)."""
    text = _need_text(value)
    if not is_id(text):
        raise fault("declaration-identifier", found=text)
    return text


def decimal(value: object) -> Decimal:
    """A plain decimal; from Python also a Decimal or int, never a float."""
    return _decimal_of(value, AMOUNT_DIGITS)


def _decimal_of(value: object, digits: Digits) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    text = _need_text(value)
    try:
        number = parse_decimal(text)
    except InputError:
        raise fault("number-not-plain", found=text) from None
    whole, _, decimals = plain(number).lstrip("-").partition(".")
    if len(whole) > digits.whole or len(decimals) > digits.decimals:
        raise fault("declaration-number-digits", found=text, expected=f"{digits.whole}.{digits.decimals}")
    return number


def decimal_within(
    code: str, low: Decimal, high: Decimal | None, *, open_low: bool, digits: Digits = AMOUNT_DIGITS
) -> Callable[[object], Decimal]:
    """A parser of decimals from ``low`` (itself not where ``open_low``) to ``high``, else the fault ``code``."""

    def check(value: object) -> Decimal:
        number = _decimal_of(value, digits)
        too_low = number <= low if open_low else number < low
        if too_low or (high is not None and number > high):
            raise fault(code, found=plain(number))
        return number

    return check


def integer(value: object) -> int:
    """A whole number >= 0 of at most 15 digits, without separators."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _need_text(value)
    if not _INTEGER.fullmatch(text):
        raise fault("declaration-integer", found=text)
    return int(text)


def integer_within(low: int, high: int) -> Callable[[object], int]:
    """A parser of whole numbers in [``low``, ``high``]."""

    def check(value: object) -> int:
        number = integer(value)
        if not low <= number <= high:
            raise fault("declaration-integer-range", found=number, expected=f"{low}..{high}")
        return number

    return check


def big_integer(value: object) -> int:
    """A whole number > 0, plain or as ``6e24``, converted exactly.

    >>> big_integer("6e24") == 6 * 10**24, big_integer("1.05e12")
    (True, 1050000000000)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _need_text(value)
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _MAX_BIG_DIGITS:
        return int(text)
    match = _POWER_OF_TEN.fullmatch(text)
    if match is None:
        raise fault("declaration-big-integer", found=text)
    digits = (match.group(2) or "").rstrip("0")
    zeros = int(match.group(3)) - len(digits)
    if zeros < 0 or len(match.group(1)) + len(digits) + zeros > _MAX_BIG_DIGITS:
        raise fault("declaration-big-integer", found=text)
    return int(match.group(1) + digits + "0" * zeros)


def boolean(value: object) -> bool:
    """``true`` or ``false``, in these letters only (``yes`` and ``on`` are texts in this YAML)."""
    if isinstance(value, bool):
        return value
    text = _need_text(value)
    if text not in {"true", "false"}:
        raise fault("declaration-choice", found=text, expected="true | false")
    return text == "true"


def day(value: object) -> date:
    """A calendar day in Japan, ``YYYY-MM-DD``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = _need_text(value)
    try:
        parsed = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        parsed = None
    if parsed is None or not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise fault("declaration-day", found=text, expected=f"{FIRST_YEAR}..{LAST_YEAR}")
    return parsed


def instant_ms(value: object) -> int:
    """An instant with its zone, ISO 8601, as Unix milliseconds.

    >>> instant_ms("2026-04-01T00:00:00+09:00")
    1774969200000
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _need_text(value)
    try:
        moment = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise fault("declaration-instant", found=text)
    return to_ms(moment)


def unit_symbol(value: object) -> str:
    """The symbol of a known unit (:func:`gxmeter.core.units.unit`)."""
    text = _need_text(value)
    try:
        unit(text)
    except InputError:
        raise fault("unit-unknown", found=text) from None
    return text


def supplier_menu(value: object) -> str:
    """A menu letter of the supplier, ``residual``, ``whole``, or empty (a supplier without menus)."""
    text = _need_text(value)
    if not _MENU.fullmatch(text):
        raise fault("declaration-menu", found=text)
    return text


def april(value: object) -> int:
    """The only first month of a fiscal year that figures are computed for: 4."""
    if integer(value) != _APRIL:
        raise fault("declaration-choice", found=value, expected=str(_APRIL))
    return _APRIL


def matching(pattern: re.Pattern[str], code: str) -> Callable[[object], str]:
    """A parser of texts that a pattern takes whole, else the fault ``code``."""

    def check(value: object) -> str:
        text = _need_text(value)
        if not pattern.fullmatch(text):
            raise fault(code, found=text)
        return text

    return check
