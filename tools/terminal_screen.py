"""A small terminal in memory: what stands on the screen after a program's output.

It knows what ``gxmeter run --live`` and plain programs write: text with wide characters, carriage return, line feed,
cursor movement, erasing, saving the cursor, and a scrolling region (ECMA-48 and DEC VT100 sequences). Colours are
passed over; anything else is an error, so that no picture is made of output that was not understood.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

_SEQUENCE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|([78DM]))")
_WIDE = "WF"
_PASSED_OVER = "mhl"


@dataclass
class Screen:
    """Rows of characters with a cursor; ``feed`` takes output, ``text`` says what is seen."""

    columns: int = 80
    rows: int = 24
    row: int = 0
    column: int = 0
    scrolled: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    _top: int = 0
    _bottom: int = 0
    _saved: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.cells = [self._blank() for _ in range(self.rows)]
        self._bottom = self.rows - 1

    @property
    def text(self) -> list[str]:
        """The rows, without spaces at their ends."""
        return ["".join(cells).rstrip() for cells in self.cells]

    def feed(self, output: str) -> None:
        """Take a program's output; escape sequences must be whole."""
        place = 0
        while place < len(output):
            if output[place] != "\x1b":
                self._put(output[place])
                place += 1
                continue
            found = _SEQUENCE.match(output, place)
            if found is None:
                raise ValueError(f"unknown sequence {output[place : place + 8]!r}")
            self._do(*found.groups(default=""))
            place = found.end()

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif character.isprintable():
            self._write(character)
        elif character != "\a":
            raise ValueError(f"unknown control character {character!r}")

    def _write(self, character: str) -> None:
        wide = unicodedata.east_asian_width(character) in _WIDE
        if self.column + wide >= self.columns:
            self.column = 0
            self._down()
        self.cells[self.row][self.column] = character
        if wide:
            self.cells[self.row][self.column + 1] = ""
        self.column += 1 + wide

    def _down(self) -> None:
        if self.row != self._bottom:
            self.row = min(self.row + 1, self.rows - 1)
            return
        gone = self.cells.pop(self._top)
        if self._top == 0:
            self.scrolled.append("".join(gone).rstrip())
        self.cells.insert(self._bottom, self._blank())

    def _do(self, numbers: str, letter: str, short: str) -> None:
        if short:
            self._do_short(short)
            return
        given = [int(number) if number.isdigit() else 0 for number in numbers.split(";")]
        first = given[0]
        second = given[1] if len(given) > 1 else 0
        if letter == "K":
            start, end = [(self.column, self.columns), (0, self.column + 1), (0, self.columns)][first]
            self.cells[self.row][start:end] = [" "] * len(self.cells[self.row][start:end])
        elif letter == "J":
            self.cells[self.row + 1 :] = [self._blank() for _ in range(self.rows - self.row - 1)]
            self._do("0", "K", "")
        elif letter == "H":
            self.row, self.column = min(max(first, 1), self.rows) - 1, min(max(second, 1), self.columns) - 1
        elif letter == "r":
            self._top, self._bottom = max(first, 1) - 1, (second or self.rows) - 1
            self.row = self.column = 0
        elif letter in "ABCD":
            self._move(letter, max(first, 1))
        elif letter not in _PASSED_OVER:
            raise ValueError(f"unknown sequence ESC [ {numbers} {letter}")

    def _do_short(self, letter: str) -> None:
        if letter == "7":
            self._saved = (self.row, self.column)
        elif letter == "8":
            self.row, self.column = self._saved
        elif letter == "D":
            self._down()
        else:
            self.row = max(0, self.row - 1)

    def _move(self, letter: str, count: int) -> None:
        down = {"A": -count, "B": count}.get(letter, 0)
        right = {"C": count, "D": -count}.get(letter, 0)
        self.row = min(max(self.row + down, 0), self.rows - 1)
        self.column = min(max(self.column + right, 0), self.columns - 1)

    def _blank(self) -> list[str]:
        return [" "] * self.columns
