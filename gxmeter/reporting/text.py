"""Text for pages: foreign text made harmless, numbers grouped, CO2 set by markup."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from decimal import Decimal

from markupsafe import Markup, escape

from gxmeter.core.calendar import JST, from_ms, jst_date
from gxmeter.core.numbers import Rounding, plain, rounded

_HARMLESS = {" ", "\n", "\t"}
_SIGNIFICANT = 4


def neutral(text: str) -> str:
    """Foreign text with control characters and direction overrides spelled out instead of obeyed.

    >>> neutral("run" + chr(0x202E) + "exe")
    'run[U+202E]exe'
    """
    return "".join(_spelled(c) if c not in _HARMLESS and _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    """Whether a character is drawn as nothing or steers others: control, format, private, unassigned, separator."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _spelled(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def grouped(number: str) -> str:
    """Thousands commas in a plain number; the digits stay as they are.

    >>> grouped("1234567.80"), grouped("-1000"), grouped("0.001")
    ('1,234,567.80', '-1,000', '0.001')
    """
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, point, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"


def shown(value: Decimal) -> str:
    """A number of another table than figures.csv, by the same rule: half up, at least four significant digits.

    >>> shown(Decimal("1234567.891")), shown(Decimal("0.0123456")), shown(Decimal(0))
    ('1,234,568', '0.01235', '0')
    """
    decimals = max(0, _SIGNIFICANT - 1 - value.adjusted()) if value else 0
    return grouped(plain(rounded(value, decimals, Rounding.HALF_UP)))


def co2(text: object) -> Markup:
    """Escape a text and set the 2 of CO2 as a subscript (no Japanese font has U+2082); markup stays as it is.

    >>> co2("t-CO2 & more")
    Markup('t-CO<sub>2</sub> &amp; more')
    """
    if isinstance(text, Markup):
        return text
    return Markup(str(escape(neutral(str(text)))).replace("CO2", "CO<sub>2</sub>"))  # noqa: S704 - escaped above


def breakable(identifier: object) -> Markup:
    """An identifier that may break after its dots.

    >>> breakable("a.b")
    Markup('a.<wbr>b')
    """
    return Markup(str(escape(neutral(str(identifier)))).replace(".", ".<wbr>"))  # noqa: S704 - escaped above


def day(ts_ms: int) -> str:
    """The calendar day in Japan at an instant, ``2026-04-01``."""
    return jst_date(ts_ms).isoformat()


def last_day(end_ms: int) -> str:
    """The last calendar day in Japan before an exclusive end."""
    return jst_date(end_ms - 1).isoformat()


def moment(ts_ms: int) -> str:
    """An instant in Japan to the minute, ``2026-11-15 09:00 JST``."""
    return from_ms(ts_ms).astimezone(JST).strftime("%Y-%m-%d %H:%M JST")


def duration(length_ms: int) -> str:
    """A length of time in hours, minutes and seconds.

    >>> duration(11_525_000), duration(0)
    ('3 h 12 min 5 s', '0 s')
    """
    seconds = timedelta(milliseconds=length_ms) // timedelta(seconds=1)
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count:,} {unit}" for count, unit in parts if count) or "0 s"
