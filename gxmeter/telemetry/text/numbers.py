"""Numbers as people and instruments write them, to integers without a float in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from unicodedata import normalize

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.text.units import UNITS, unit_named

MISSING = frozenset(
    {"", "-", "--", "---", "n/a", "[n/a]", "na", "nan", "null", "none", "[not supported]", "not supported", "unknown",
     "[unknown error]", "err", "error", "#n/a", "unknown error", "[gpu requires reset]", "no data", "欠測", "ー", "―"}
)  # fmt: skip
"""Cells that say that nothing was measured (small letters, half-width)."""

MAX_INTEGER = 2**62
"""Greatest magnitude that is handed on: sums of two still fit int64."""

_PARTS = re.compile(r"([-+]?[\d.,\s'_\u2019]*\d[.,]?(?:[eE][+-]?\d{1,3})?)\s*([^\d\s.,].*)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_GROUPS = r"\d{{1,3}}(?:[{0}]\d{{3}})+"
_BLANKS = " '_\u2019"
_UNCLEAR = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}", re.ASCII)

_UNREAD, _NO_NUMBER, _NOTHING, _TOO_LARGE = (-(2**63) + i for i in range(4))
_MAX_KNOWN = 1 << 18
_MAX_DIGITS = 64
_QUICK_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Scaled:
    """Integers from texts: ``values[i]`` counts only where ``good[i]``.

    Elsewhere the cell is ``missing[i]``, or ``large[i]``: a number beyond :data:`MAX_INTEGER`, or no number.
    """

    values: Int64
    good: np.typing.NDArray[np.bool_]
    missing: np.typing.NDArray[np.bool_]
    large: np.typing.NDArray[np.bool_]


@dataclass(slots=True)
class Numerals:
    """Reads a file's numbers.

    Attributes:
        decimal: the decimal mark as declared, ``.`` or ``,``; empty: told by the cells that show it, as ``12,5`` or
            ``1.234,5``, and used for those that do not, as ``1,234``. A point is one until a comma has shown itself.
        assumed: how many cells such as ``1,234`` were read before any cell had shown the mark; the comma was taken to
            group thousands.
        example: the first of them.
    """

    decimal: str = ""
    assumed: int = 0
    example: str = ""
    _shown: str = ""
    _point: str = ""
    _points: int = 0
    _mistaken: int = 0
    _guessed: set[str] = field(default_factory=set)
    _known: dict[tuple[Fraction | int, str], dict[str, int]] = field(default_factory=dict)

    def scaled(self, texts: Sequence[str], multiplier: Fraction | int, *, unit: str = "") -> Scaled:
        """Multiply numbers written as text, exactly, and round half-even to an integer.

        Args:
            texts: the cells.
            multiplier: from the unit of the text to the unit wanted, e.g. 1000 for W to mW.
            unit: what the cells are in where they do not say it; a cell that names another unit of the same kind is
                converted, and one that names any other is no number. Empty: no cell may name a unit.
        """
        known = self._known.setdefault((multiplier, unit), {})
        if len(known) > _MAX_KNOWN:
            known.clear()
        values = np.array([known.get(text, _UNREAD) for text in texts], np.int64)
        fresh = np.nonzero(values == _UNREAD)[0].tolist()
        if fresh:
            self._learn(list(dict.fromkeys(texts[i] for i in fresh)), known, multiplier, unit)
            values[fresh] = [known[texts[i]] for i in fresh]
        if self._guessed:
            self.assumed += sum(text in self._guessed for text in texts)
        return Scaled(values, values > _TOO_LARGE, values == _NOTHING, values == _TOO_LARGE)

    def findings(self, file: str) -> list[Finding]:
        """What was assumed about a file's numbers."""
        found = []
        if self.assumed:
            found.append(finding("decimal-assumed", file=file, count=self.assumed, found=self.example))
        if self._mistaken:
            found.append(finding("decimal-mistaken", file=file, count=self._mistaken, found=self._point))
        return found

    def _learn(self, texts: list[str], known: dict[str, int], multiplier: Fraction | int, unit: str) -> None:
        """Read texts that have not been seen; those that leave the decimal mark open wait for what the others show."""
        unclear = []
        own_unit = f" {unit}"
        for text in texts:
            bare = text.removesuffix(own_unit)
            if self._is_open(bare):
                unclear.append(text)
                continue
            value = None if "," in {self.decimal, self._shown} else _quick(bare, multiplier)
            self._show(_mark_of(bare if value is not None else _parts(text)[0]))
            known[text] = self._one(text, multiplier, unit) if value is None else value
        for text in unclear:
            if not self._shown and "," in text:
                self.example = self.example or text
                self._guessed.add(text)
            elif not self._shown:
                self._points += 1
                self._point = self._point or text
            known[text] = self._one(text, multiplier, unit)

    def _is_open(self, text: str) -> bool:
        """Whether a text may be a grouped number or one with three decimals, and nothing has told which."""
        if self.decimal or self._shown or not ("," in text or "." in text):
            return False
        return bool(_UNCLEAR.fullmatch(_parts(text)[0].replace(".", ",")))

    def _show(self, mark: str) -> None:
        """A cell shows the decimal mark: the first one to do so tells it for the file, and all guesses end."""
        if not mark or self._shown:
            return
        self._shown = mark
        self._mistaken = self._points if mark == "," else 0
        for known in self._known.values():
            for text in self._guessed & known.keys():
                del known[text]
        self._guessed.clear()

    def _one(self, text: str, multiplier: Fraction | int, unit: str) -> int:
        if is_missing(text):
            return _NOTHING
        digits, named = _parts(text)
        ratio = _ratio(named, unit)
        if ratio is None or len(digits) > _MAX_DIGITS:
            return _NO_NUMBER
        exact = number(digits, decimal=self.decimal or _mark_of(digits) or self._shown)
        if exact is None:
            return _NO_NUMBER
        value = round(Fraction(exact) * multiplier * ratio)
        return value if abs(value) <= MAX_INTEGER else _TOO_LARGE


def scaled(texts: Sequence[str], multiplier: Fraction | int, *, decimal: str = "", unit: str = "") -> Scaled:
    """Numbers of one column alone; see :class:`Numerals`, which a reader keeps for a whole file."""
    return Numerals(decimal).scaled(texts, multiplier, unit=unit)


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing was measured."""
    return normalize("NFKC", text).strip().lower() in MISSING


def number(text: str, *, decimal: str = "") -> Decimal | None:
    """The number that a cell without a unit holds, or None.

    Full-width digits are digits; blanks, apostrophes, underscores, and the mark that is not the decimal one group
    thousands. Without ``decimal``, of ``,`` and ``.`` the last one is the decimal mark where both stand; a single ``,``
    is one unless exactly three digits follow it: then it is taken to group thousands.

    >>> [str(number(t)) for t in ("1,234.5", "1.234,5", "12,5", "1,234", "４１２．５", "1,23", "12 34", "N/A")]
    ['1234.5', '1234.5', '12.5', '1234', '412.5', '1.23', 'None', 'None']
    """
    plain = normalize("NFKC", text).strip().replace("\N{MINUS SIGN}", "-")
    mark = decimal or _mark_of(plain) or "."
    whole, point, part = plain.partition(mark)
    sign, whole = (whole[:1], whole[1:]) if whole[:1] in {"+", "-"} else ("", whole)
    groups = _BLANKS + (".," if mark not in ".," else ",.".replace(mark, ""))
    if any(sign_ in whole for sign_ in groups):
        if not re.fullmatch(_GROUPS.format(re.escape(groups)), whole, re.ASCII):
            return None
        whole = re.sub(f"[{re.escape(groups)}]", "", whole)
    plain = f"{sign}{whole}{'.' if point else ''}{part}"
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def _mark_of(text: str) -> str:
    """The decimal mark that a number shows, or empty text where it leaves it open.

    >>> [_mark_of(t) for t in ("1,234.5", "1.234,5", "12,5", "1,234", "1,234,567", "1.234", "1.234.567", "12.5", "7")]
    ['.', ',', ',', '', '.', '', ',', '.', '']
    """
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return max(",.", key=text.rfind)
    if commas + points > 1:
        return "." if commas else ","
    if _UNCLEAR.fullmatch(text.replace(".", ",")):
        return ""
    return "," if commas else "." if points else ""


def _parts(text: str) -> tuple[str, str]:
    """A cell's number and the unit behind it."""
    plain = normalize("NFKC", text[: 2 * _MAX_DIGITS]).strip().replace("\N{MINUS SIGN}", "-")
    found = _PARTS.fullmatch(plain)
    return (found[1].strip(), found[2] or "") if found else (plain, "")


def _ratio(named: str, unit: str) -> Fraction | None:
    """From the unit that a cell names to the one of its column; None where that is another kind or none is known."""
    if not named:
        return Fraction(1)
    there = UNITS.get(unit_named(named))
    here = UNITS.get(unit)
    if there is None or here is None or there.kind != here.kind:
        return None
    return there.factor / here.factor


def _quick(text: str, multiplier: Fraction | int) -> int | None:
    """The value of plain digits with a decimal point, the usual form; None where a closer look is needed."""
    whole, _, part = text.partition(".")
    digits = whole + part
    if not (whole.isdecimal() and digits.isdecimal() and digits.isascii() and len(digits) <= _QUICK_DIGITS):
        return None
    value, rest = divmod(int(digits) * multiplier.numerator, multiplier.denominator * 10 ** len(part))
    return value if not rest and value <= MAX_INTEGER else None
