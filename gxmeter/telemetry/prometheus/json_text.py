"""JSON read piece by piece: a document of any size with a small window, its numbers as the text they were written in.

The standard library reads whole documents only. An answer of a server has few, small members and some huge arrays of
``[time, "value"]`` pairs; here the walker asks for the next token or small value, and gets a huge array in spans.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text.lines import encoding_of
from gxmeter.telemetry.text.opening import chunks

MAX_VALUE = 1 << 22
"""Longest value that is held in one piece [characters]: the labels of a series, one sample, a warning."""

_SPACE = re.compile(r"[ \t\r\n]*")
_END = re.compile(r"\][ \t\r\n]*\]")


class BrokenJsonError(Exception):
    """The text breaks off or is no JSON; the message says where and why."""


class JsonText:
    """A window over the text of a file, from whatever packing and encoding it has."""

    def __init__(self, path: Path, encoding: str = "") -> None:
        """Begin at the start of a file; nothing is read yet.

        Raises:
            InputError: ``encoding-unknown``.
        """
        self._decoder = codecs.getincrementaldecoder(encoding_of(path, encoding))(errors="replace")
        self._pieces = chunks(path)
        self._window = ""
        self._at = 0
        self._before = 0
        self._ended = False
        self._json = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)

    @property
    def place(self) -> int:
        """How many characters have been passed."""
        return self._before + self._at

    def peek(self) -> str:
        """The next character that is no blank, without passing it; empty at the end of the text."""
        while True:
            blanks = _SPACE.match(self._window, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._more():
                return ""

    def passes(self, mark: str) -> bool:
        """Pass the next character if it is ``mark``."""
        if self.peek() != mark:
            return False
        self._at += 1
        return True

    def expect(self, mark: str) -> None:
        """Pass ``mark``.

        Raises:
            BrokenJsonError: something else stands there.
        """
        if not self.passes(mark):
            raise self.broken(f"{mark} expected")

    def value(self) -> object:
        """Pass one value and give it; numbers as text.

        Raises:
            BrokenJsonError: it is none, breaks off, or is longer than :data:`MAX_VALUE`.
        """
        self.peek()
        while True:
            try:
                found, end = self._json.raw_decode(self._window, self._at)
                # A number, or a word, at the edge of the window may go on behind it.
                if end < len(self._window) or self._ended:
                    self._at = end
                    return found
            except RecursionError:
                raise self.broken("nested too deeply") from None
            except ValueError as error:
                if self._ended:
                    raise self.broken(str(error)) from None
            if len(self._window) - self._at > MAX_VALUE:
                raise self.broken("value too long")
            self._more()

    def members(self) -> Iterator[str]:
        """Pass an object; each name is given before its value, which the caller passes.

        Raises:
            BrokenJsonError: it is no object, or breaks off.
        """
        self.expect("{")
        if self.passes("}"):
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self.broken("name of a member expected")
            self.expect(":")
            yield name
            if not self.passes(","):
                self.expect("}")
                return

    def items(self) -> Iterator[None]:
        """Pass an array; each turn the caller passes one item.

        Raises:
            BrokenJsonError: it is no array, or breaks off.
        """
        self.expect("[")
        if self.passes("]"):
            return
        while True:
            yield
            if not self.passes(","):
                self.expect("]")
                return

    def spans(self) -> Iterator[str]:
        """Pass an array of arrays; its items come as text, many at a time, commas between them, none torn.

        Raises:
            BrokenJsonError: it is no array, breaks off, or has an item longer than :data:`MAX_VALUE`.
        """
        self.expect("[")
        if self.passes("]"):
            return
        while True:
            end = _END.search(self._window, self._at)
            last = end.start() + 1 if end else self._window.rfind("[", self._at)
            span = self._window[self._at : max(last, self._at)].rstrip(" \t\r\n,")
            self._at = end.end() if end else max(last, self._at)
            if span:
                yield span
            if end:
                return
            if len(self._window) - self._at > MAX_VALUE:
                raise self.broken("sample too long")
            if not self._more():
                raise self.broken("breaks off")

    def decode(self, span: str) -> list[object]:
        """The items of a span.

        Raises:
            BrokenJsonError: it is no JSON.
        """
        try:
            found: list[object] = self._json.decode(f"[{span}]")
        except (ValueError, RecursionError) as error:
            raise self.broken(str(error)) from None
        return found

    def broken(self, why: str) -> BrokenJsonError:
        """The error of something wrong here."""
        return BrokenJsonError(f"{why}, character {self.place}")

    def _more(self) -> bool:
        """Read on; whether there was more."""
        if self._ended:
            return False
        try:
            piece = next(self._pieces, None)
        except InputError as error:
            self._ended = True
            raise BrokenJsonError(f"{error.findings[0].en}") from error
        self._ended = piece is None
        self._before += self._at
        self._window = self._window[self._at :] + self._decoder.decode(piece or b"", final=piece is None)
        self._at = 0
        return True
