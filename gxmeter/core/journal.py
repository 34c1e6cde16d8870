"""The journal's records, version 1, and how each is written: one line, compact JSON and a CRC-32.

A journal is what the meter leaves behind: a folder of segments ``0000.gxj``, ``0001.gxj`` ...; a segment
is a head, then intervals and remarks in the order they happened, then an end. This module turns records
into bytes; :mod:`gxmeter.core.journal_decode` turns bytes into records and findings. Neither touches a
file, a clock or a float: energy is integer microjoules. The format is told in ``docs/reference/journal.md``.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

VERSION = 1
"""Version of the format; stands in every head."""

SUFFIX = ".gxj"
"""Ending of a segment's file name."""

STEP = "step"
SUSPEND = "suspend"
"""Why the wall clock and the monotonic clock parted: it was set, or the machine slept."""

MIN_INTERVAL_NS = 1_000_000
"""Shortest interval that is recorded [ns]; so every interval is at least one millisecond of the calendar."""

ROTATE = "rotate"
"""Reason of an end record after which the next segment follows."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A source of readings: name and version, e.g. ``codecarbon`` ``3.3.2``."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Method:
    """How a component is read, and the quality grade of that (A..F, X; docs/explanation/grades.md)."""

    method: str
    grade: str


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the host whose energy is recorded.

    Attributes:
        index: its place in an interval's lists.
        device: id, unique per host, e.g. ``node7.gpu0``.
        kind: ``cpu``, ``ram`` or ``gpu``.
        name: the model as the hardware says it.
        sensor: index into the head's sensors.
        method: index into the head's methods; an interval may differ.
        boundary: what the energy covers; ``device`` for a component.
        uuid: serial identity where the hardware has one.
        rated_mw: rated power or power limit [mW] where known.
        counter_unit: unit of its energy counter, ``uJ`` or ``mJ``; None where it has none.
    """

    index: int
    device: str
    kind: str
    name: str
    sensor: int
    method: int
    boundary: str = "device"
    uuid: str | None = None
    rated_mw: int | None = None
    counter_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """First record of a segment: whose energy, where, since when, by which sensors.

    Attributes:
        n: running number of the record in the journal; the first head has 0.
        journal: journal id, also the folder's name.
        segment: number of the segment, from 0.
        previous: SHA-256 of the segment before it, None in the first.
        run: run id.
        site: site id; ``unknown`` where nobody said.
        host: name of the machine.
        boot: id of the machine's boot; the monotonic clock means something within one boot only.
        pid: process that measures.
        utc_ms: wall clock at the segment's start [Unix ms].
        mono_ns: monotonic clock at the same moment [ns].
        anchor_utc_ms: wall clock at the journal's start [Unix ms], moved only by time asleep.
        anchor_mono_ns: monotonic clock at the journal's start [ns]. The two anchors place every interval.
        period_ms: wished length of an interval [ms].
        gxmeter: version of the writer.
        sensors: what was read.
        methods: how it can be read.
        components: what is recorded, in the order of the intervals' lists.
        node_ratio: declared node energy / device energy [ratio] as decimal text, or None.
    """

    n: int
    journal: str
    segment: int
    previous: str | None
    run: str
    site: str
    host: str
    boot: str
    pid: int
    utc_ms: int
    mono_ns: int
    anchor_utc_ms: int
    anchor_mono_ns: int
    period_ms: int
    gxmeter: str
    sensors: tuple[Sensor, ...] = ()
    methods: tuple[Method, ...] = ()
    components: tuple[Component, ...] = ()
    node_ratio: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Energy of every component over a stretch of time.

    Attributes:
        n: running number of the record.
        start_utc_ms, end_utc_ms: wall clock [Unix ms].
        start_mono_ns, end_mono_ns: monotonic clock [ns]; decides the length.
        energy_uj: microjoules per component; None where there is no number (a gap, never a zero).
        methods: method index per component, only where one differs from the component's own.
        counters: counter before and after per component in its counter unit; None where it has none.
    """

    n: int
    start_utc_ms: int
    end_utc_ms: int
    start_mono_ns: int
    end_mono_ns: int
    energy_uj: tuple[int | None, ...]
    methods: tuple[int, ...] | None = None
    counters: tuple[tuple[int, int] | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding of the meter: code and the values of its message's holes; ``component`` where it is about one."""

    n: int
    utc_ms: int
    code: str
    params: tuple[tuple[str, str], ...] = ()
    component: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Time without a number for some components (all where ``components`` is empty) [Unix ms, ns]."""

    n: int
    start_utc_ms: int
    end_utc_ms: int
    start_mono_ns: int
    end_mono_ns: int
    reason: str
    components: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A component that came (``added``) or went (``removed``: its index)."""

    n: int
    utc_ms: int
    mono_ns: int
    added: Component | None = None
    removed: int | None = None


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Wall and monotonic clock parted by ``shift_ms`` [ms, signed]; reason :data:`STEP` or :data:`SUSPEND`."""

    n: int
    utc_ms: int
    mono_ns: int
    reason: str
    shift_ms: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A named moment of the run, such as the start of a phase. Reserved: readers pass it over."""

    n: int
    utc_ms: int
    mono_ns: int
    label: str


@dataclass(frozen=True, slots=True)
class Footer:
    """Last record of a segment that ended well.

    ``records`` counts the records before it in the segment; ``sha256`` is over all bytes before it;
    ``reason`` is ``stop``, ``exception`` or :data:`ROTATE`.
    """

    n: int
    utc_ms: int
    mono_ns: int
    reason: str
    records: int
    sha256: str


Record = Head | Interval | Remark | Gap | Change | ClockChange | Mark | Footer

Json = dict[str, object]


def encode(record: Record) -> bytes:
    r"""The line of a record: compact JSON, a space, CRC-32 of the JSON as 8 hex digits, a newline.

    >>> encode(Mark(3, 0, 0, "epoch 1"))
    b'{"t":"mark","n":3,"u":0,"m":0,"label":"epoch 1"} ea549edb\n'
    """
    text = json.dumps(_body(record), separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"%s %08x\n" % (text, zlib.crc32(text))


def _body(record: Record) -> Json:
    match record:
        case Head():
            return _head(record)
        case Interval():
            return _interval(record)
        case Gap():
            body = {"t": "gap", "n": record.n, **_span(record), "reason": record.reason}
            return body | ({"components": list(record.components)} if record.components else {})
        case Footer():
            end: Json = {"reason": record.reason, "records": record.records, "sha256": record.sha256}
            return {"t": "end", **_moment(record), **end}
        case Remark():
            remark: Json = {"t": "finding", "n": record.n, "u": record.utc_ms, "code": record.code}
            remark |= {"params": dict(record.params)} if record.params else {}
            return remark | ({"k": record.component} if record.component is not None else {})
        case _:
            return _rare(record)


def _rare(record: Change | ClockChange | Mark) -> Json:
    match record:
        case Mark():
            return {"t": "mark", **_moment(record), "label": record.label}
        case ClockChange():
            return {"t": "clock", **_moment(record), "reason": record.reason, "shift_ms": record.shift_ms}
        case Change(added=None):
            return {"t": "component", **_moment(record), "removed": record.removed}
        case Change(added=added):
            return {"t": "component", **_moment(record), "added": _component(added)}


def _moment(record: Change | ClockChange | Mark | Footer) -> Json:
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
        body["c"] = [None if pair is None else list(pair) for pair in record.counters]
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
    extra = {"uuid": part.uuid, "rated_mw": part.rated_mw, "counter_unit": part.counter_unit}
    return body | {key: value for key, value in extra.items() if value is not None}


def _head(head: Head) -> Json:
    return {
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
        "sensors": [{"name": sensor.name, "version": sensor.version} for sensor in head.sensors],
        "methods": [{"method": item.method, "grade": item.grade} for item in head.methods],
        "components": [_component(part) for part in head.components],
        "node_ratio": head.node_ratio,
    }
