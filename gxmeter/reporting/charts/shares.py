"""The share bar: measured solid, estimated hatched, declared outlined; missing stands apart, without a length."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from markupsafe import Markup

from gxmeter.reporting.charts.svg import Svg

_WIDTH, _HEIGHT = 1000, 34
_CSS = {"measured": "measured", "estimated": "estimated hatched", "declared": "declared"}


def share_bar(shares_pct: Mapping[str, Decimal], *, title: str, desc: str) -> Markup:
    """Draw the parts of all AI compute energy [%] by how they came to be known."""
    svg = Svg("shares", _WIDTH, _HEIGHT, title, desc, keeps_ratio=False)
    left = Decimal(1)
    for status, css in _CSS.items():
        width = shares_pct.get(status, Decimal(0)) * (_WIDTH - 2) / 100
        if width > 0:
            svg.rect(left, 1, width=width, height=_HEIGHT - 2, css=css)
        left += width
    return svg.markup()


def swatch(status: str) -> Markup:
    """The small sample of a status for legends; ``missing`` included."""
    svg = Svg(f"swatch-{status}", 28, 14, "", "")
    svg.rect(1, 1, width=26, height=12, css=_CSS.get(status, status))
    return svg.markup()
