"""A small SVG writer: shapes with classes, patterns beside colours, a title and a description.

Colours and fonts come from the page's style sheet. Coordinates are decimals rounded to a tenth of a
pixel, so the same data give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from markupsafe import Markup, escape

from gxmeter.core.numbers import Rounding, plain, rounded
from gxmeter.reporting.text import neutral

Number = Decimal | int

_PATTERNS = (
    '<pattern id="{0}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="paper" width="6" height="6"/><rect class="ink" width="2.5" height="6"/></pattern>'
)


@dataclass(slots=True)
class Svg:
    """One drawing of ``width`` x ``height`` units; ``drawing_id`` is unique on the page.

    A drawing without a title is an ornament, hidden from those who listen to the page.
    """

    drawing_id: str
    width: int
    height: int
    title: str
    desc: str
    keeps_ratio: bool = True
    parts: list[str] = field(default_factory=list)

    def rect(self, x: Number, y: Number, *, width: Number, height: Number, css: str) -> None:
        """A rectangle; the class ``hatched`` takes the drawing's hatch pattern."""
        fill = f' fill="url(#{self.drawing_id}-hatch)"' if "hatched" in css.split() else ""
        self.parts.append(
            f'<rect class="{css}"{fill} x="{_at(x)}" y="{_at(y)}" width="{_at(width)}" height="{_at(height)}"/>'
        )

    def line(self, start: tuple[Number, Number], end: tuple[Number, Number], *, css: str) -> None:
        """A straight line from ``start`` to ``end``."""
        (x1, y1), (x2, y2) = start, end
        self.parts.append(f'<line class="{css}" x1="{_at(x1)}" y1="{_at(y1)}" x2="{_at(x2)}" y2="{_at(y2)}"/>')

    def diamond(self, x: Number, y: Number, *, css: str) -> None:
        """A marker of 10 units around a point."""
        self.parts.append(f'<path class="{css}" d="M{_at(x)} {_at(y - 5)}l5 5l-5 5l-5 -5z"/>')

    def text(self, x: Number, y: Number, text: str, *, css: str) -> None:
        """A text at its baseline; alignment by class: start (default), middle or end."""
        written = str(escape(neutral(text))).replace("CO2", 'CO<tspan class="sub" dy="3">2</tspan>')
        self.parts.append(f'<text class="{css}" x="{_at(x)}" y="{_at(y)}">{written}</text>')

    def markup(self) -> Markup:
        """The drawing as an element to set into a page."""
        name = self.drawing_id
        patterns = f"<defs>{_PATTERNS.format(name)}</defs>" if any("hatched" in part for part in self.parts) else ""
        if not self.title:
            head = f'<svg class="swatch" viewBox="0 0 {self.width} {self.height}" aria-hidden="true">{patterns}'
            return Markup(head + "".join(self.parts) + "</svg>")  # noqa: S704 - every foreign text above is escaped
        stretch = "" if self.keeps_ratio else ' preserveAspectRatio="none"'
        head = (
            f'<svg viewBox="0 0 {self.width} {self.height}"{stretch} role="img"'
            f' aria-labelledby="{name}-t {name}-d">'
            f'<title id="{name}-t">{escape(neutral(self.title))}</title>'
            f'<desc id="{name}-d">{escape(neutral(self.desc))}</desc>{patterns}'
        )
        return Markup(head + "".join(self.parts) + "</svg>")  # noqa: S704 - every foreign text above is escaped


def _at(value: Number) -> str:
    return plain(rounded(Decimal(value), 1, Rounding.HALF_EVEN))


def nice_top(value: Decimal) -> tuple[Decimal, Decimal]:
    """The top of an axis from zero that holds ``value``, and the step of its ticks: four to eight ticks of 1, 2 or 5.

    >>> nice_top(Decimal("7081234"))
    (Decimal('8000000'), Decimal('2000000'))
    """
    if value <= 0:
        return Decimal(1), Decimal(1)
    for exponent in (value.adjusted() - 1, value.adjusted()):
        for digit in (1, 2, 5):
            step = Decimal(digit).scaleb(exponent)
            count = (value / step).to_integral_value(ROUND_CEILING)
            if count <= _MAX_TICKS:
                return Decimal(plain(step * count)), Decimal(plain(step))
    raise AssertionError("one of the steps always fits")


_MAX_TICKS = 5
