"""The page's own typeface: BIZ UDPGothic cut down to the characters a page uses, as WOFF2 data.

A bare machine has no Japanese font, so a page carries its glyphs. Two changes are made to the cut: hints
are dropped, and the figure 1 gets the width of the other figures, so that columns of numbers align
(the typeface has no tabular figures of its own). Same characters, same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from gxmeter.core.resources import data_folder

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FAMILY = "gxmeter"
"""What the pages call their typeface."""

REGULAR = "BIZUDPGothic-Regular.ttf"
BOLD = "BIZUDPGothic-Bold.ttf"
BOLD_TAGS = frozenset({"h1", "h2", "h3", "h4", "strong", "th", "b"})
"""The only elements that the style sheets may set in bold: their characters are in the bold cut.

A ``th`` of a table's body is not among them: row headings are set regular, and names are long.
"""

_ALWAYS = frozenset("0123456789/ ")
_UNSEEN_TAGS = frozenset({"style", "script"})


class _Characters(HTMLParser):
    """Collects the characters a page shows, and those inside elements that may be bold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.regular: set[str] = set()
        self.bold: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if _UNSEEN_TAGS.isdisjoint(self.open):
            self.regular.update(data)
            if self._may_be_bold():
                self.bold.update(data)

    def _may_be_bold(self) -> bool:
        bold = BOLD_TAGS - {"th"} if "tbody" in self.open else BOLD_TAGS
        return not bold.isdisjoint(self.open)


def characters(page: str) -> tuple[frozenset[str], frozenset[str]]:
    """All characters that a page shows, and those it may show in bold; white space left out."""
    parser = _Characters()
    parser.feed(page)
    parser.close()
    space = set("\n\r\t")
    return frozenset(parser.regular - space | _ALWAYS), frozenset(parser.bold - space | _ALWAYS)


def missing(wanted: Iterable[str]) -> tuple[str, ...]:
    """The characters that the typeface cannot draw, sorted."""
    return tuple(sorted(set(wanted) - _drawable()))


@cache
def _drawable() -> frozenset[str]:
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - heavy, needed by renderings only

    with TTFont(font_file(REGULAR), lazy=True) as font:
        return frozenset(chr(code) for code in font.getBestCmap())


def woff2_data_uri(name: str, wanted: Iterable[str]) -> str:
    """A cut of a font file with the wanted characters, as a ``data:`` address.

    Args:
        name: :data:`REGULAR` or :data:`BOLD`.
        wanted: the characters; those the typeface lacks are left to the reader's own fonts.
    """
    return _cut(name, frozenset(wanted))


@cache
def _cut(name: str, wanted: frozenset[str]) -> str:
    from fontTools.subset import Options, Subsetter, save_font  # noqa: PLC0415 - heavy, needed by renderings only
    from fontTools.ttLib import TTFont  # noqa: PLC0415

    options = Options()
    options.hinting = False
    options.layout_features = []
    options.drop_tables = [*options.drop_tables, "GSUB", "vhea", "vmtx", "meta", "gasp"]
    options.name_IDs = [0, 1, 2, 13, 14]
    options.notdef_outline = True
    options.flavor = "woff2"
    with TTFont(font_file(name), recalcTimestamp=False) as font:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=sorted(ord(c) for c in wanted))
        subsetter.subset(font)
        _widen_one(font)
        data = BytesIO()
        save_font(font, data, options)
    return "data:font/woff2;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _widen_one(font: TTFont) -> None:
    """Give the figure 1 the advance width of the figure 0 and keep it in the middle."""
    cmap = font.getBestCmap()
    one, zero = cmap[ord("1")], cmap[ord("0")]
    width, bearing = font["hmtx"][one]
    shift = (font["hmtx"][zero][0] - width) // 2
    glyph = font["glyf"][one]
    glyph.coordinates.translate((shift, 0))
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][one] = (font["hmtx"][zero][0], bearing + shift)


def font_file(name: str) -> Path:
    """The vendored file of :data:`REGULAR` or :data:`BOLD`."""
    return data_folder("reports") / "fonts" / name
