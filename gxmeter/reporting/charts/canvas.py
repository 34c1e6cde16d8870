"""A matplotlib drawing whose bytes depend on nothing but what is drawn.

Figures are made by the object interface alone (no pyplot, no window), under matplotlib's built-in settings
whatever the user's own are, and measured with the typeface that the pages embed. Text stays text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from markupsafe import Markup

from gxmeter.reporting.charts.inline import Sheet, inline_svg
from gxmeter.reporting.fonts import FAMILY, REGULAR, font_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

INK = "#1a2229"
SOFT = "#4c5964"
GRID = "#dfe5e8"
BAR = "#0b4f5c"
TARGET = "#b65c00"
MISSING = "#77838b"
PAPER = "#ffffff"
"""The colours of the drawings, those of the style sheet: each differs from its neighbours in grey as well."""

_UNITS_PER_INCH = 72
"""One unit of a drawing is one point of matplotlib, so sizes of text and lines are in the drawing's units."""


class Drawing:
    """A sheet with axes to draw on; after the ``with`` block of :func:`drawing`, ``markup`` is the element."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.markup = Markup("")


@contextmanager
def drawing(sheet: Sheet, *, left: int, right: int, top: int, bottom: int) -> Iterator[Drawing]:
    """Open a drawing whose axes leave margins [drawing units] free for labels; all else is the caller's."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, needed by renderings only
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": sheet.chart_id, "hatch.linewidth": 2.5}
        figure = Figure(figsize=(sheet.width / _UNITS_PER_INCH, sheet.height / _UNITS_PER_INCH), dpi=_UNITS_PER_INCH)
        axes = figure.add_axes(
            (
                left / sheet.width,
                bottom / sheet.height,
                1 - (left + right) / sheet.width,
                1 - (top + bottom) / sheet.height,
            )
        )
        figure.patch.set_visible(False)
        axes.set_axis_off()
        open_drawing = Drawing(axes)
        yield open_drawing
        data = BytesIO()
        figure.savefig(data, format="svg", transparent=True, metadata={"Date": None})
    open_drawing.markup = inline_svg(data.getvalue(), sheet)


def type_size(units: float) -> FontProperties:
    """The page's typeface at a size [drawing units]: measured by the vendored file, named as the page names it."""
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415

    return FontProperties(family=[FAMILY], fname=font_file(REGULAR), size=units)
