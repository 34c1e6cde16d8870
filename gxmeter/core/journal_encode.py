"""From a record to its line: compact JSON, a space, the CRC-32 of the JSON, a newline."""

from __future__ import annotations

import json
import zlib

from gxmeter.core.journal import (
    METER,
    VERSION,
    Change,
    ClockChange,
    Component,
    Count,
    Footer,
    Gap,
    Head,
    Interval,
    Mark,
    Phase,
    Record,
    Remark,
    Sensor,
    SensorCame,
)
from gxmeter.core.journal_keys import MAX_INT, MAX_TEXT

Json = dict[str, object]


def encode(record: Record) -> bytes:
    r"""The line of a record: compact JSON, a space, CRC-32 of the JSON as 8 hex digits, a newline.

    >>> encode(Mark(3, 0, 0, "epoch 1"))
    b'{"t":"mark","n":3,"u":0,"m":0,"label":"epoch 1"} ea549edb\n'
    """
    body = _body(record)
    if not isinstance(record, Interval):
        body = {key: _cut(value) for key, value in body.items()}
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%s %08x\n" % (text, zlib.crc32(text))


def _cut(value: object) -> object:
    """A text at its greatest length, also inside lists and objects: one too long would cost its whole line."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
    if isinstance(value, list):
        return [_cut(item) for item in value]
    return {key: _cut(item) for key, item in value.items()} if isinstance(value, dict) else value


def _pair(pair: tuple[int, int] | None) -> list[int] | None:
    """A counter's two numbers; one that no record can hold is none, and its interval has no energy anyhow."""
    return None if pair is None or not 0 <= min(pair) <= max(pair) <= MAX_INT else list(pair)


def _body(record: Record) -> Json:
    match record:
        case Head():
            return _head(record)
        case Interval():
            return _interval(record)
        case Gap():
            body = {"t": "gap", "n": record.n, **_span(record), "reason": record.reason}
            return body | ({"components": list(record.components)} if record.components else {})
        case Remark():
            remark: Json = {"t": "finding", "n": record.n, "u": record.utc_ms, "code": record.code}
            remark |= {"params": dict(record.params)} if record.params else {}
            return remark | ({"k": record.component} if record.component is not None else {})
        case SensorCame() | Phase() | Count() | Mark() | Footer():
            return _said(record)
        case _:
            return _rare(record)


def _said(record: SensorCame | Phase | Count | Mark | Footer) -> Json:
    match record:
        case Footer():
            end: Json = {"reason": record.reason, "records": record.records, "sha256": record.sha256}
            return {"t": "end", **_moment(record), **end}
        case SensorCame():
            return {"t": "sensor", **_moment(record), **_sensor(record.sensor)}
        case Phase():
            return {"t": "phase", **_moment(record), "name": record.name, "event": record.event}
        case Count():
            work = {"tokens": record.tokens, "steps": record.steps, "flop": record.flop}
            return {"t": "count", **_moment(record), **{key: _work(key, value) for key, value in work.items() if value}}
        case Mark():
            return {"t": "mark", **_moment(record), "label": record.label}


def _rare(record: Change | ClockChange) -> Json:
    match record:
        case ClockChange():
            return {"t": "clock", **_moment(record), "reason": record.reason, "shift_ms": record.shift_ms}
        case Change(added=None):
            return {"t": "component", **_moment(record), "removed": record.removed}
        case Change(added=added):
            return {"t": "component", **_moment(record), "added": _component(added)}


def _work(key: str, value: int) -> int | str:
    """FLOP pass the greatest whole number of a journal, so they stand as text."""
    return str(value) if key == "flop" else value


def _sensor(sensor: Sensor) -> Json:
    body: Json = {"name": sensor.name, "version": sensor.version}
    return body | ({"driver": sensor.driver} if sensor.driver is not None else {})


def _moment(record: Change | ClockChange | Mark | SensorCame | Phase | Count | Footer) -> Json:
    return {"n": record.n, "u": record.utc_ms, "m": record.mono_ns}


def _span(record: Interval | Gap) -> Json:
    return {
        "u": [record.start_utc_ms, record.end_utc_ms],
        "m": [record.start_mono_ns, record.end_mono_ns],
    }


def _interval(record: Interval) -> Json:
    body: Json = {"t": "i", "n": record.n, **_span(record), "e": list(record.energy_uj)}
    if record.methods is not None:
        body["h"] = list(record.methods)
    if record.counters is not None:
        body["c"] = [_pair(pair) for pair in record.counters]
    return body


def _component(part: Component | None) -> Json:
    if part is None:
        raise ValueError("a change needs a component")
    body: Json = {
        "index": part.index,
        "device": part.device,
        "kind": part.kind,
        "name": part.name,
        "sensor": part.sensor,
        "method": part.method,
        "boundary": part.boundary,
    }
    extra = {
        "uuid": part.uuid,
        "rated_mw": part.rated_mw,
        "counter_unit": part.counter_unit,
        "beside": part.beside,
    }
    return body | {key: value for key, value in extra.items() if value is not None}


def _head(head: Head) -> Json:
    body: Json = {
        "t": "head",
        "v": VERSION,
        "n": head.n,
        "journal": head.journal,
        "segment": head.segment,
        "previous": head.previous,
        "run": head.run,
        "site": head.site,
        "host": head.host,
        "boot": head.boot,
        "pid": head.pid,
        "utc_ms": head.utc_ms,
        "mono_ns": head.mono_ns,
        "anchor_utc_ms": head.anchor_utc_ms,
        "anchor_mono_ns": head.anchor_mono_ns,
        "period_ms": head.period_ms,
        "gxmeter": head.gxmeter,
        "sensors": [_sensor(sensor) for sensor in head.sensors],
        "methods": [{"method": item.method, "grade": item.grade} for item in head.methods],
        "components": [_component(part) for part in head.components],
        "node_ratio": head.node_ratio,
    }
    body |= {"role": head.role} if head.role != METER else {}
    body |= {key: dict(facts) for key, facts in (("launch", head.launch), ("allocation", head.allocation)) if facts}
    return body | ({"resumes": head.resumes} if head.resumes is not None else {})
