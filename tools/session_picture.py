"""Screens of a terminal as one SVG picture: every character in its cell, bars as rectangles, no script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

CELL_W, CELL_H = 8.4, 18
MARGIN, GAP, TITLE_H = 14, 12, 30
BARS = "▁▂▃▄▅▆▇█"
FONT = "'DejaVu Sans Mono','Liberation Mono','Noto Sans Mono','Noto Sans CJK JP','Droid Sans Fallback',monospace"
CAPTIONS = {"en": ("while it runs", "when it has ended"), "ja": ("実行中", "終了後")}


def picture(title: str, screens: Sequence[list[str]], columns: int, language: str) -> str:
    """The picture.

    Args:
        title: stands above the screens, and is what a reader of the page is told.
        screens: rows of text, first while it runs, then when it has ended.
        columns: of the terminal.
        language: of the captions.
    """
    shown = [rows[: last_row(rows) + 1] for rows in screens]
    width = 2 * MARGIN + columns * CELL_W
    heights = [len(rows) * CELL_H + MARGIN for rows in shown]
    height = TITLE_H + sum(heights) + len(shown) * (GAP + CELL_H) + MARGIN
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" lang="{language}" font-family="{FONT}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#f4f4f1"/>',
        f'<text x="{MARGIN}" y="21" font-size="12" font-family="sans-serif" fill="#333">{escape(title)}</text>',
    ]
    top: float = TITLE_H
    for rows, caption, screen_h in zip(shown, CAPTIONS[language], heights, strict=True):
        parts.append(
            f'<text x="{MARGIN}" y="{top + 13:g}" font-size="11" font-family="sans-serif" fill="#666">'
            f"{escape(caption)}</text>"
        )
        top += CELL_H
        place = f'x="{MARGIN / 2:g}" y="{top:g}" width="{width - MARGIN:g}" height="{screen_h:g}"'
        parts.append(f'<rect {place} rx="6" fill="#1c2128"/>')
        for number, row in enumerate(rows):
            parts += drawn(row, top + MARGIN / 2 + number * CELL_H)
        top += screen_h + GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def last_row(rows: list[str]) -> int:
    """Number of the last row with anything in it."""
    return max((number for number, row in enumerate(rows) if row), default=0)


def drawn(row: str, top: float) -> Iterator[str]:
    """One row: bars, then the narrow characters and the wide ones with their places."""
    colour = "#8b949e" if row.startswith("$ ") else "#e6edf3"
    narrow: list[tuple[str, str]] = []
    wide: list[tuple[str, str]] = []
    column = 0
    for character in row:
        x = MARGIN + column * CELL_W
        is_wide = unicodedata.east_asian_width(character) in "WF"
        if character in BARS:
            bar_h = (BARS.index(character) + 1) / len(BARS) * (CELL_H - 4)
            y = top + CELL_H - 2 - bar_h
            yield f'<rect x="{x:g}" y="{y:g}" width="{CELL_W - 0.8:g}" height="{bar_h:g}" fill="#7ee787"/>'
        elif character != " ":
            (wide if is_wide else narrow).append((f"{x:g}", character))
        column += 1 + is_wide
    for cells, size in ((narrow, 13.5), (wide, 2 * CELL_W - 1)):
        if cells:
            xs, text = " ".join(x for x, _ in cells), escape("".join(character for _, character in cells))
            yield f'<text y="{top + 13.5:g}" font-size="{size:g}" fill="{colour}" x="{xs}">{text}</text>'
