"""Column charts from zero: the roadmap's targets against actuals, and energy by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from gxmeter.core.numbers import plain
from gxmeter.reporting.charts.canvas import BAR, GRID, INK, MISSING, PAPER, SOFT, TARGET, drawing, type_size
from gxmeter.reporting.charts.inline import Sheet
from gxmeter.reporting.text import grouped, neutral

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

_RIGHT, _TOP, _BOTTOM = 4, 46, 40
_TYPE = 12
_UNIT_OF_TICK, _LEFT = 10.5, 14
_MISSING_HEIGHT, _BAR_WIDTH, _TARGET_HALF_WIDTH = 7, 0.7, 0.44
_STEPS = (1, 2, 5, 10)
_INTERVALS = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One place on the axis: its label, a second line below it, a bar (None: no number, not zero), a target line."""

    label: str
    below: str = ""
    bar: Decimal | None = None
    target: Decimal | None = None
    target_text: str = ""


def column_chart(sheet: Sheet, columns: Sequence[Column], *, unit: str) -> Markup:
    """Draw columns with bars from zero and targets as labelled lines; the unit stands at the axis.

    Where every bar and target carries its number, the axis has no ticks: they would say it twice.
    """
    values = [v for c in columns for v in (c.bar, c.target) if v is not None]
    ticks = axis_ticks(max(values, default=Decimal(0)))
    labels = [grouped(plain(tick)) for tick in ticks]
    says_all = all(c.bar is None or c.below for c in columns)
    left = _RIGHT if says_all else _LEFT + round(_UNIT_OF_TICK * max(len(label) for label in labels))
    with drawing(sheet, left=left, right=_RIGHT, top=_TOP, bottom=_BOTTOM) as paper:
        axes = paper.axes
        axes.set_xlim(-0.5, len(columns) - 0.5)
        top = _drawn(max(values) if says_all and max(values, default=0) > 0 else ticks[-1])
        axes.set_ylim(0, top)
        axes.axhline(0, color=INK, linewidth=1, zorder=4, clip_on=False)
        if not says_all:
            _draw_ticks(axes, ticks, labels)
        _write(axes, (0, top), neutral(unit), offset=(0, 26), align="left", at_axis=True, soft=True)
        missing_height = top * _MISSING_HEIGHT / (sheet.height - _TOP - _BOTTOM)
        for place, column in enumerate(columns):
            _draw_bar(axes, place, column, missing_height=missing_height)
        for place, column in enumerate(columns):
            _draw_target(axes, place, column)
    return paper.markup


def axis_ticks(highest: Decimal) -> list[Decimal]:
    """The ticks of an axis from zero that holds a value: at most five steps of 1, 2 or 5 times a power of ten.

    >>> [str(tick) for tick in axis_ticks(Decimal("7081234"))]
    ['0', '2000000', '4000000', '6000000', '8000000']
    """
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy, needed by renderings only

    if highest <= 0:
        return [Decimal(0), Decimal(1)]
    found = MaxNLocator(nbins=_INTERVALS, steps=_STEPS, min_n_ticks=2).tick_values(0, _drawn(highest))
    # The locator answers in binary floats; 12 digits bring its round steps back exactly.
    return [Decimal(plain(Decimal(f"{tick:.12g}"))) for tick in found]


def _drawn(value: Decimal) -> float:
    """A value as a length; values below zero are drawn at zero (their number stands in the table)."""
    return float(max(value, Decimal(0)))


def _draw_ticks(axes: Axes, ticks: Sequence[Decimal], labels: Sequence[str]) -> None:
    for tick, label in zip(ticks, labels, strict=True):
        if tick:
            axes.axhline(_drawn(tick), color=GRID, linewidth=1, zorder=0, clip_on=False)
        _write(axes, (0, _drawn(tick)), label, offset=(-8, -4), align="right", at_axis=True, soft=True)


def _draw_bar(axes: Axes, place: int, column: Column, *, missing_height: float) -> None:
    if column.bar is None:
        axes.bar(
            place,
            missing_height,
            _BAR_WIDTH,
            facecolor="none",
            edgecolor=MISSING,
            linestyle=(0, (3, 2.5)),
            linewidth=1.2,
            zorder=2,
            clip_on=False,
        )
    else:
        axes.bar(place, _drawn(column.bar), _BAR_WIDTH, color=BAR, zorder=2, clip_on=False)
    _write(axes, (place, 0), neutral(column.label), offset=(0, -16), soft=True)
    _write(axes, (place, 0), neutral(column.below), offset=(0, -32), soft=column.bar is None)


def _draw_target(axes: Axes, place: int, column: Column) -> None:
    if column.target is None:
        return
    height = _drawn(column.target)
    axes.plot(
        (place - _TARGET_HALF_WIDTH, place, place + _TARGET_HALF_WIDTH),
        (height, height, height),
        color=TARGET,
        linewidth=2.5,
        marker="D",
        markevery=[1],
        markersize=6.5,
        markerfacecolor=PAPER,
        markeredgewidth=2,
        zorder=5,
        clip_on=False,
    )
    label = _write(axes, (place, height), neutral(column.target_text), offset=(0, 9))
    # The label may stand on a bar: paper below it keeps it readable.
    label.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 1})
    label.set_zorder(7)


def _write(
    axes: Axes,
    point: tuple[float, float],
    text: str,
    *,
    offset: tuple[float, float],
    align: Literal["left", "center", "right"] = "center",
    at_axis: bool = False,
    soft: bool = False,
) -> Annotation:
    """A text at an offset [drawing units] from a point; ``at_axis``: the point's x is a share of the axis."""
    return axes.annotate(
        text,
        point,
        xytext=offset,
        xycoords=("axes fraction", "data") if at_axis else "data",
        textcoords="offset points",
        horizontalalignment=align,
        verticalalignment="baseline",
        color=SOFT if soft else INK,
        fontproperties=type_size(_TYPE),
        parse_math=False,
        annotation_clip=False,
    )
