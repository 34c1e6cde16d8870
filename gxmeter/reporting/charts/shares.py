"""The share bar: measured solid, estimated hatched, declared outlined; missing stands apart, without a length."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from markupsafe import Markup

from gxmeter.reporting.charts.canvas import BAR, PAPER, drawing
from gxmeter.reporting.charts.inline import Sheet

WIDTH, HEIGHT = 1000, 34
_LOOK = {"measured": (BAR, ""), "estimated": (PAPER, "///"), "declared": (PAPER, "")}
"""Colour and hatch by status."""


def share_bar(sheet: Sheet, shares_pct: Mapping[str, Decimal]) -> Markup:
    """Draw the parts of all AI compute energy [%] by how they came to be known."""
    with drawing(sheet, left=2, right=2, top=2, bottom=2) as paper:
        paper.axes.set_xlim(0, 100)
        paper.axes.set_ylim(0, 1)
        left = Decimal(0)
        for status, (colour, hatch) in _LOOK.items():
            share = shares_pct.get(status, Decimal(0))
            if share > 0:
                # A float is good enough for a length; the numbers stand in the legend.
                paper.axes.barh(
                    0.5,
                    float(share),
                    1,
                    left=float(left),
                    facecolor=colour,
                    hatch=hatch,
                    edgecolor=BAR,
                    linewidth=1.5,
                    clip_on=False,
                )
            left += share
    return paper.markup
