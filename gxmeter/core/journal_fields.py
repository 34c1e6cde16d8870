"""From the JSON object of one journal line to its record: every field typed, bounded and allowed.

The format is strict: an unknown key, a missing key, a float or a number out of bounds makes the line
malformed. ``FieldError`` says which; it stays inside the codec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from gxmeter.core.journal import (
    BEGIN,
    END,
    METER,
    MIN_INTERVAL_NS,
    PARTICIPANT,
    STEP,
    SUSPEND,
    Change,
    ClockChange,
    Component,
    Count,
    Footer,
    Gap,
    Head,
    Interval,
    Mark,
    Method,
    Phase,
    Record,
    Remark,
    Sensor,
    SensorCame,
)
from gxmeter.core.journal_keys import MAX_INT, MAX_TEXT, FieldError, Fields, no_float, no_twins, object_of, whole

T = TypeVar("T")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_RATIO = re.compile(r"[0-9]{1,6}(\.[0-9]{1,12})?")
_FLOP = re.compile(r"[1-9][0-9]{0,29}")


class UnknownKindError(ValueError):
    """The line is whole but of a kind that this version does not know; the text is the kind."""


def parse(text: bytes) -> Record:
    """The record in a line's JSON.

    Raises:
        FieldError: no JSON object, or a field that breaks the format.
        UnknownKindError: a kind of record that the format does not have.
    """
    try:
        body = json.loads(
            text,
            parse_float=no_float,
            parse_constant=no_float,
            object_pairs_hook=no_twins,
        )
    except FieldError:
        raise
    except (ValueError, RecursionError) as error:
        raise FieldError("no JSON") from error
    if not isinstance(body, dict):
        raise FieldError("no JSON object")
    fields = Fields(body)
    kind = fields.text("t")
    if kind not in _KINDS:
        raise UnknownKindError(kind)
    record = _KINDS[kind](fields)
    fields.done()
    return record


def _closed(fields: Fields, read: Callable[[Fields], T]) -> T:
    made = read(fields)
    fields.done()
    return made


def _sensor(fields: Fields) -> Sensor:
    return Sensor(fields.text("name"), fields.text("version"), fields.maybe("driver", fields.text))


def _method(fields: Fields) -> Method:
    return Method(fields.text("method"), fields.text("grade"))


def _component(fields: Fields) -> Component:
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
        beside=fields.maybe("beside", fields.whole),
    )


def _head(fields: Fields) -> Head:
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
        role=fields.maybe("role", lambda key: fields.choice(key, (METER, PARTICIPANT))) or METER,
        launch=fields.maybe("launch", fields.facts) or (),
        allocation=fields.maybe("allocation", fields.facts) or (),
        resumes=fields.maybe("resumes", fields.text),
    )
    if [part.index for part in head.components] != list(range(len(head.components))):
        raise FieldError("components")
    if any(not _known(part, head) for part in head.components):
        raise FieldError("components")
    if head.node_ratio is not None and Decimal(head.node_ratio) < 1:
        raise FieldError("node_ratio")
    return head


def _known(part: Component, head: Head) -> bool:
    beside = part.beside is None or (part.beside < len(head.components) and part.beside != part.index)
    return part.sensor < len(head.sensors) and part.method < len(head.methods) and beside


def _interval(fields: Fields) -> Interval:
    n, (start_utc, end_utc), (start, end) = fields.whole("n"), fields.span("u"), fields.span("m")
    if end - start < MIN_INTERVAL_NS:
        raise FieldError("m")
    energy = tuple(None if item is None else whole(item, "e") for item in fields.items("e"))
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
    return whole(value[0], "c"), whole(value[1], "c")


def _gap(fields: Fields) -> Gap:
    n, (start_utc, end_utc), (start, end) = fields.whole("n"), fields.span("u"), fields.span("m")
    reason = fields.text("reason")
    return Gap(n, start_utc, end_utc, start, end, reason, fields.maybe("components", fields.wholes) or ())


def _remark(fields: Fields) -> Remark:
    n, utc_ms, code = fields.whole("n"), fields.whole("u"), fields.text("code")
    params = fields.maybe("params", fields.take)
    if params is not None and not isinstance(params, dict):
        raise FieldError("params")
    pairs = tuple((key, value) for key, value in sorted((params or {}).items()))
    if any(not isinstance(value, str) or len(value) > MAX_TEXT for _, value in pairs):
        raise FieldError("params")
    return Remark(n, utc_ms, code, pairs, fields.maybe("k", fields.whole))


def _change(fields: Fields) -> Change:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    if fields.has("added"):
        added = _closed(object_of(fields.take("added"), "added"), _component)
        return Change(n, utc_ms, mono_ns, added=added)
    return Change(n, utc_ms, mono_ns, removed=fields.whole("removed"))


def _clock(fields: Fields) -> ClockChange:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    reason = fields.choice("reason", (STEP, SUSPEND))
    low = 0 if reason == SUSPEND else -MAX_INT
    return ClockChange(n, utc_ms, mono_ns, reason, fields.whole("shift_ms", low=low))


def _mark(fields: Fields) -> Mark:
    return Mark(fields.whole("n"), fields.whole("u"), fields.whole("m"), fields.text("label"))


def _sensor_came(fields: Fields) -> SensorCame:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    return SensorCame(n, utc_ms, mono_ns, _sensor(fields))


def _phase(fields: Fields) -> Phase:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    return Phase(n, utc_ms, mono_ns, fields.text("name"), fields.choice("event", (BEGIN, END)))


def _count(fields: Fields) -> Count:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    tokens, steps = fields.maybe("tokens", fields.whole), fields.maybe("steps", fields.whole)
    flop = fields.maybe("flop", lambda key: fields.pattern(key, _FLOP))
    return Count(n, utc_ms, mono_ns, tokens or 0, steps or 0, int(flop or 0))


def _footer(fields: Fields) -> Footer:
    n, utc_ms, mono_ns = fields.whole("n"), fields.whole("u"), fields.whole("m")
    reason, records = fields.text("reason"), fields.whole("records")
    return Footer(n, utc_ms, mono_ns, reason, records, fields.pattern("sha256", _SHA256))


_KINDS: dict[str, Callable[[Fields], Record]] = {
    "head": _head,
    "i": _interval,
    "gap": _gap,
    "finding": _remark,
    "component": _change,
    "clock": _clock,
    "mark": _mark,
    "sensor": _sensor_came,
    "phase": _phase,
    "count": _count,
    "end": _footer,
}
