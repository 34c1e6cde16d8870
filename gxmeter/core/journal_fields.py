"""From the JSON object of one journal line to its record: every field typed, bounded and allowed.

Version 1 is strict: an unknown key, a missing key, a float or a number out of bounds makes the line
malformed. :class:`FieldError` says which; it stays inside the codec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from gxmeter.core.journal import (
    MIN_INTERVAL_NS,
    STEP,
    SUSPEND,
    Change,
    ClockChange,
    Component,
    Footer,
    Gap,
    Head,
    Interval,
    Mark,
    Method,
    Record,
    Remark,
    Sensor,
)

MAX_INT = 1 << 60
"""Greatest whole number in a journal; twice that (half-microjoules) still fits a signed 64-bit integer."""

T = TypeVar("T")

_MAX_TEXT = 300
_MAX_LIST = 100_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RATIO = re.compile(r"[0-9]{1,6}(\.[0-9]{1,12})?")


class FieldError(ValueError):
    """A field of a line breaks the format; the text names it."""


class UnknownKindError(ValueError):
    """The line is whole but of a kind that this version does not know; the text is the kind."""


def parse(text: bytes) -> Record:
    """The record in a line's JSON.

    Raises:
        FieldError: no JSON object, or a field that breaks the format.
        UnknownKindError: a kind of record that version 1 does not have.
    """
    try:
        body = json.loads(
            text,
            parse_float=_no_float,
            parse_constant=_no_float,
            object_pairs_hook=_no_twins,
        )
    except FieldError:
        raise
    except (ValueError, RecursionError) as error:
        raise FieldError("no JSON") from error
    if not isinstance(body, dict):
        raise FieldError("no JSON object")
    fields = _Fields(body)
    kind = fields.text("t")
    if kind not in _KINDS:
        raise UnknownKindError(kind)
    record = _KINDS[kind](fields)
    fields.done()
    return record


def _no_float(text: str) -> int:
    raise FieldError(f"number {text[:20]} is no integer")


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise FieldError("a key twice")
    return body


def _whole(value: object, key: str, low: int = 0) -> int:
    if type(value) is not int or not low <= value <= MAX_INT:
        raise FieldError(key)
    return value


class _Fields:
    """The keys of one JSON object, taken one by one; :meth:`done` refuses what nobody took."""

    def __init__(self, body: dict[str, object]) -> None:
        self._body = dict(body)

    def take(self, key: str) -> object:
        if key not in self._body:
            raise FieldError(f"{key} is missing")
        return self._body.pop(key)

    def has(self, key: str) -> bool:
        return key in self._body

    def done(self) -> None:
        if self._body:
            raise FieldError(f"unknown key {min(self._body)[:40]}")

    def whole(self, key: str, *, low: int = 0) -> int:
        return _whole(self.take(key), key, low)

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise FieldError(key)
        return value

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise FieldError(key)
        return value

    def pattern(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise FieldError(key)
        return value

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """The field, or None where it is null or absent."""
        if self._body.get(key) is None:
            self._body.pop(key, None)
            return None
        return read(key)

    def items(self, key: str) -> list[object]:
        value = self.take(key)
        if not isinstance(value, list) or len(value) > _MAX_LIST:
            raise FieldError(key)
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        return tuple(_whole(item, key) for item in self.items(key))

    def span(self, key: str) -> tuple[int, int]:
        values = self.wholes(key)
        if len(values) != 2:  # noqa: PLR2004 - a span has two ends
            raise FieldError(key)
        return values[0], values[1]

    def objects(self, key: str) -> list[_Fields]:
        return [_object(item, key) for item in self.items(key)]


def _object(value: object, key: str) -> _Fields:
    if not isinstance(value, dict):
        raise FieldError(key)
    return _Fields(value)


def _closed(fields: _Fields, read: Callable[[_Fields], T]) -> T:
    made = read(fields)
    fields.done()
    return made


def _sensor(fields: _Fields) -> Sensor:
    return Sensor(fields.text("name"), fields.text("version"))


def _method(fields: _Fields) -> Method:
    return Method(fields.text("method"), fields.text("grade"))


def _component(fields: _Fields) -> Component:
    return Component(
        index=fields.whole("index"),
        device=fields.text("device"),
        kind=fields.text("kind"),
        name=fields.text("name"),
        sensor=fields.whole("sensor"),
        method=fields.whole("method"),
        boundary=fields.text("boundary"),
        uuid=fields.maybe("uuid", fields.text),
        rated_mw=fields.maybe("rated_mw", fields.whole),
        counter_unit=fields.maybe("counter_unit", lambda key: fields.choice(key, ("uJ", "mJ"))),
    )


def _head(fields: _Fields) -> Head:
    fields.whole("v", low=1)
    head = Head(
        n=fields.whole("n"),
        journal=fields.text("journal"),
        segment=fields.whole("segment"),
        previous=fields.maybe("previous", lambda key: fields.pattern(key, _SHA256)),
        run=fields.text("run"),
        site=fields.text("site"),
        host=fields.text("host"),
        boot=fields.text("boot"),
        pid=fields.whole("pid"),
        utc_ms=fields.whole("utc_ms"),
        mono_ns=fields.whole("mono_ns"),
        anchor_utc_ms=fields.whole("anchor_utc_ms"),
        anchor_mono_ns=fields.whole("anchor_mono_ns"),
        period_ms=fields.whole("period_ms", low=1),
        gxmeter=fields.text("gxmeter"),
        sensors=tuple(_closed(item, _sensor) for item in fields.objects("sensors")),
        methods=tuple(_closed(item, _method) for item in fields.objects("methods")),
        components=tuple(_closed(item, _component) for item in fields.objects("components")),
        node_ratio=fields.maybe("node_ratio", lambda key: fields.pattern(key, _RATIO)),
    )
    if [part.index for part in head.components] != list(range(len(head.components))):
        raise FieldError("components")
    if any(not _known(part, head) for part in head.components):
        raise FieldError("components")
    if head.node_ratio is not None and Decimal(head.node_ratio) < 1:
        raise FieldError("node_ratio")
    return head


def _known(part: Component, head: Head) -> bool:
    return part.sensor < len(head.sensors) and part.method < len(head.methods)


def _interval(fields: _Fields) -> Interval:
    n, (start_utc, end_utc), (start, end) = fields.whole("n"), fields.span("u"), fields.span("m")
    if end - start < MIN_INTERVAL_NS:
        raise FieldError("m")
    energy = tuple(None if item is None else _whole(item, "e") for item in fields.items("e"))
    methods = fields.maybe("h", fields.wholes)
    counters = fields.maybe("c", lambda key: tuple(_pair(item) for item in fields.items(key)))
    if any(len(given) != len(energy) for given in (methods, counters) if given is not None):
        raise FieldError("e")
    return Interval(n, start_utc, end_utc, start, end, energy, methods, counters)


def _pair(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - before and after
        raise FieldError("c")
    return _whole(value[0], "c"), _whole(value[1], "c")


def _gap(fields: _Fields) -> Gap:
    n, (start_utc, end_utc), (start, end) = fields.whole("n"), fields.span("u"), fields.span("m")
    reason = fields.text("reason")
    return Gap(n, start_utc, end_utc, start, end, reason, fields.maybe("components", fields.wholes) or ())


def _remark(fields: _Fields) -> Remark:
    n, utc_ms, code = fields.whole("n"), fields.whole("u"), fields.text("code")
    params = fields.maybe("params", fields.take)
    if params is not None and not isinstance(params, dict):
        raise FieldError("params")
    pairs = tuple((key, value) for key, value in sorted((params or {}).items()))
    if any(not isinstance(value, str) or len(value) > _MAX_TEXT for _, value in pairs):
        raise FieldError("params")
    return Remark(n, utc_ms, code, pairs, fields.maybe("k", fields.whole))


def _change(fields: _Fields) -> Change:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    if fields.has("added"):
        added = _closed(_object(fields.take("added"), "added"), _component)
        return Change(n, utc_ms, mono_ns, added=added)
    return Change(n, utc_ms, mono_ns, removed=fields.whole("removed"))


def _clock(fields: _Fields) -> ClockChange:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    reason = fields.choice("reason", (STEP, SUSPEND))
    low = 0 if reason == SUSPEND else -MAX_INT
    return ClockChange(n, utc_ms, mono_ns, reason, fields.whole("shift_ms", low=low))


def _mark(fields: _Fields) -> Mark:
    return Mark(fields.whole("n"), fields.whole("u"), fields.whole("m"), fields.text("label"))


def _footer(fields: _Fields) -> Footer:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    reason, records = fields.text("reason"), fields.whole("records")
    return Footer(n, utc_ms, mono_ns, reason, records, fields.pattern("sha256", _SHA256))


_KINDS: dict[str, Callable[[_Fields], Record]] = {
    "head": _head,
    "i": _interval,
    "gap": _gap,
    "finding": _remark,
    "component": _change,
    "clock": _clock,
    "mark": _mark,
    "end": _footer,
}
