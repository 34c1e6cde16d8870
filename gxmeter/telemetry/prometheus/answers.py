"""Answers of the server's query API as a walk over their series; samples are read or skimmed, never held.

The form: ``{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {..}, "values": [[t, "v"],
..]}, ..]}, "warnings": [..]}`` (Prometheus HTTP API v1). A file may hold several answers, one behind the other, and
series that stand alone, one a line.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.prometheus.digits import integers
from gxmeter.telemetry.prometheus.json_text import BrokenJsonError, JsonText
from gxmeter.telemetry.prometheus.notes import Notes
from gxmeter.telemetry.text.numbers import scaled

Labels = dict[str, str]

NOT_AN_ANSWER = "prometheus-not-an-answer"
"""Said of a file that holds none at all."""

_MEMBERS = frozenset({"status", "data", "metric", "warnings", "infos", "error", "errorType", "isPartial", "stats"})
_PAIR = re.compile(r'\[\s*([-+.0-9eE]+)\s*,\s*"?([^"\]]*)')
_MS_PER_S = Fraction(1000)


class Extent(NamedTuple):
    """What skimming a series tells: first and last instant [Unix ms], number of samples, first and last value."""

    first_ms: int
    last_ms: int
    samples: int
    first: str
    last: str


class Pairs(NamedTuple):
    """Some samples of a series: instants [Unix ms], and values as the server wrote them."""

    ts_ms: Int64
    values: tuple[str, ...]


class SeriesText:
    """A series whose labels have been read; its samples come next and can be passed once, in one of two ways.

    Attributes:
        labels: name and labels, as texts.
        broken: set where the text broke off, or was no list of samples, while they were passed.
    """

    def __init__(self, labels: Labels, text: JsonText) -> None:
        """Begin at the list of samples."""
        self.labels = labels
        self.broken: BrokenJsonError | None = None
        self._text = text
        self._passed = False

    def extent(self) -> Extent | None:
        """Skim the samples; None where there are none whose times can be read."""
        count = 0
        ends: list[tuple[int, str]] = []
        for span in self._spans():
            count += span.count("[")
            ends += [pair for start in (0, span.rfind("[")) if (pair := _pair(span, start)) is not None]
            del ends[1:-1]
        return Extent(ends[0][0], ends[-1][0], count, ends[0][1], ends[-1][1]) if ends else None

    def pairs(self) -> Iterator[Pairs]:
        """Read the samples, a window at a time, as far as they can be."""
        for span in self._spans():
            try:
                found = _pairs(self._text.decode(span))
            except BrokenJsonError as error:
                self.broken = error
                return
            if found is None:
                self.broken = self._text.broken("pairs of time and value expected")
                return
            yield found

    def finish(self) -> None:
        """Pass the samples if nobody asked for them.

        Raises:
            BrokenJsonError: the text broke off in them.
        """
        if not self._passed:
            self.extent()
        if self.broken:
            raise self.broken

    def _spans(self) -> Iterator[str]:
        self._passed = True
        try:
            yield from self._text.spans()
        except BrokenJsonError as error:
            self.broken = error


def _pair(span: str, start: int) -> tuple[int, str] | None:
    """Instant [Unix ms] and value of the sample that begins at a place."""
    found = _PAIR.match(span, start)
    times = scaled([found[1]], _MS_PER_S) if found else None
    return (int(times.values[0]), found[2]) if found and times is not None and times.good[0] else None


def _pairs(items: Sequence[object]) -> Pairs | None:
    """The samples of a list; None where an item is no pair of time and value."""
    try:
        instants, values = zip(*items, strict=True)
    except (TypeError, ValueError):
        return None
    if set(map(type, instants)) != {str} or set(map(type, values)) != {str}:
        return None
    times = integers(instants, _MS_PER_S)
    return Pairs(times.values, values) if times.good.all() else None


class Answers:
    """The answers in one file.

    Attributes:
        documents: how many answers, or series standing alone, have been met.
    """

    def __init__(self, path: Path, name: str, notes: Notes, *, encoding: str = "") -> None:
        """Open a file; ``name`` is what findings call it.

        Raises:
            InputError: ``encoding-unknown``.
        """
        self.documents = 0
        self._text = JsonText(path, encoding)
        self._name = name
        self._notes = notes

    def series(self) -> Iterator[SeriesText]:
        """Every series in the order of the file; what is wrong with the answers goes to the notes."""
        try:
            while self._text.peek():
                yield from self._document()
        except BrokenJsonError as error:
            code = "prometheus-broken" if self.documents else NOT_AN_ANSWER
            self._notes.once(code, self._name, found=str(error))
        else:
            if not self.documents:
                self._notes.once(NOT_AN_ANSWER, self._name, found="-")

    def _document(self) -> Iterator[SeriesText]:
        seen: set[str] = set()
        labels: Labels | None = None
        for member in self._text.members():
            if not seen:
                if member not in _MEMBERS:
                    raise self._text.broken("no answer of a Prometheus server")
                self.documents += 1
            seen.add(member)
            if member == "data":
                yield from self._data()
            elif member in {"metric", "values", "value"}:
                labels = yield from self._part(member, labels)
            else:
                self._told(member, self._text.value())
        if self.documents and not seen & {"data", "error", "metric"}:
            self._notes.once("prometheus-error", self._name, found="-")

    def _told(self, member: str, value: object) -> None:
        """What the server says beside the data."""
        if member == "error":
            self._notes.once("prometheus-error", self._name, found=str(value))
        elif member in {"warnings", "infos"} and isinstance(value, list):
            for item in value:
                self._notes.once("prometheus-warning", self._name, found=str(item))
        elif member == "isPartial" and value is True:
            self._notes.once("prometheus-warning", self._name, found="isPartial")

    def _data(self) -> Iterator[SeriesText]:
        if self._text.peek() != "{":
            self._text.value()
            return
        for member in self._text.members():
            if member == "result" and self._text.peek() == "[":
                yield from self._result()
                continue
            value = self._text.value()
            if member == "resultType" and value != "matrix":
                self._notes.once("prometheus-not-matrix", self._name, found=str(value))

    def _result(self) -> Iterator[SeriesText]:
        count = 0
        for _ in self._text.items():
            count += 1
            if self._text.peek() != "{":
                self._text.value()
                continue
            labels: Labels | None = None
            for member in self._text.members():
                labels = yield from self._part(member, labels)
        if not count:
            self._notes.once("prometheus-no-series", self._name)

    def _part(self, member: str, labels: Labels | None) -> Generator[SeriesText, None, Labels | None]:
        """A member of a series; gives back its labels as far as they are known."""
        if member == "values":
            if labels is None:
                raise self._text.broken("values stand before their metric")
            one = SeriesText(labels, self._text)
            yield one
            one.finish()
            return labels
        value = self._text.value()
        if member == "value":
            self._notes.once("prometheus-not-matrix", self._name, found="vector")
        if member != "metric":
            return labels
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._text.broken("labels expected")
        return value
