"""Column charts from zero: the roadmap's targets against actuals, and energy by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from gxmeter.core.numbers import plain
from gxmeter.reporting.charts.svg import Svg, nice_top
from gxmeter.reporting.text import grouped

_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 8, 40, 46


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the axis: its label, a second line below it, a bar (None: no number, not zero), a target line."""

    label: str
    below: str = ""
    bar: Decimal | None = None
    target: Decimal | None = None
    target_text: str = ""


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """What a column chart says: unit of the axis, title and description for those who do not see it."""

    chart_id: str
    title: str
    desc: str
    unit: str
    columns: Sequence[Column]
    width: int = 520
    height: int = 250


def column_chart(chart: ColumnChart) -> Markup:
    """Draw columns with bars from zero and targets as labelled lines."""
    svg = Svg(chart.chart_id, chart.width, chart.height, chart.title, chart.desc)
    values = [v for c in chart.columns for v in (c.bar, c.target) if v is not None]
    scale = _Scale(chart, *nice_top(max(values, default=Decimal(0))))
    scale.draw_axis(svg, chart)
    for index, column in enumerate(chart.columns):
        _draw_bar(svg, scale, index=index, column=column)
    for index, column in enumerate(chart.columns):
        _draw_target(svg, scale, index=index, column=column)
    return svg.markup()


class _Scale:
    """Where values and columns stand on the drawing."""

    def __init__(self, chart: ColumnChart, top: Decimal, step: Decimal) -> None:
        self.top, self.step = top, step
        self.base = Decimal(chart.height - _BOTTOM)
        self.rise = self.base - _TOP
        self.slot = Decimal(chart.width - _LEFT - _RIGHT) / len(chart.columns)
        self.bar_width = self.slot * Decimal("0.7")

    def y(self, value: Decimal) -> Decimal:
        """Height of a value; values below zero are drawn at zero (their number stands in the table)."""
        return self.base - self.rise * max(value, Decimal(0)) / self.top

    def middle(self, index: int) -> Decimal:
        return _LEFT + self.slot * index + self.slot / 2

    def draw_axis(self, svg: Svg, chart: ColumnChart) -> None:
        svg.text(_LEFT - 8, 16, chart.unit, css="unit end")
        ticks = int(self.top / self.step)
        for count in range(ticks + 1):
            value = self.step * count
            css = "axis" if count == 0 else "grid"
            svg.line((_LEFT, self.y(value)), (chart.width - _RIGHT, self.y(value)), css=css)
            svg.text(_LEFT - 8, self.y(value) + 4, grouped(plain(value)), css="tick end")
        for index, column in enumerate(chart.columns):
            svg.text(self.middle(index), self.base + 18, column.label, css="tick middle")
            svg.text(
                self.middle(index),
                self.base + 36,
                column.below,
                css="value middle" if column.bar is not None else "tick middle",
            )


def _draw_bar(svg: Svg, scale: _Scale, *, index: int, column: Column) -> None:
    left = scale.middle(index) - scale.bar_width / 2
    if column.bar is None:
        svg.rect(left, scale.base - 7, width=scale.bar_width, height=7, css="missing")
        return
    top = scale.y(column.bar)
    svg.rect(left, top, width=scale.bar_width, height=scale.base - top, css="bar")


def _draw_target(svg: Svg, scale: _Scale, *, index: int, column: Column) -> None:
    if column.target is None:
        return
    y, half = scale.y(column.target), scale.slot * Decimal("0.44")
    middle = scale.middle(index)
    svg.line((middle - half, y), (middle + half, y), css="target")
    svg.diamond(middle, y, css="target-mark")
    svg.text(middle, y - 9, column.target_text, css="value halo middle")
