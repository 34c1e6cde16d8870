"""The journal's records, version 2.

A journal is what the meter leaves behind: a folder of segments ``0000.gxj``, ``0001.gxj`` ...; a segment
is a head, then intervals and remarks in the order they happened, then an end. :mod:`gxmeter.core.journal_encode`
turns records into bytes, :mod:`gxmeter.core.journal_decode` turns bytes into records and findings. None of them
touches a file, a clock or a float: energy is integer microjoules. The format is told in ``docs/reference/journal.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 2
"""Version of the format that is written; stands in every head."""

READABLE = (1, 2)
"""Versions that can be read: version 2 only adds keys and kinds of records."""

SUFFIX = ".gxj"
"""Ending of a segment's file name."""

STEP = "step"
SUSPEND = "suspend"
"""Why the wall clock and the monotonic clock parted: it was set, or the machine slept."""

MIN_INTERVAL_NS = 1_000_000
"""Shortest interval that is recorded [ns]; so every interval is at least one millisecond of the calendar."""

ROTATE = "rotate"
"""Reason of an end record after which the next segment follows."""

STOPPED = ("stop", "exception")
"""Reasons of an end after which what was measured did not go on; of a meter that ``failed`` nobody knows."""

METER = "meter"
PARTICIPANT = "participant"
"""Roles of a journal: of the meter that measures, or of one that takes part without counting energy."""

BEGIN = "begin"
END = "end"
"""Events of a phase."""

Facts = tuple[tuple[str, str | int], ...]
"""A flat object of texts and whole numbers, in the order in which they stand in the record."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """A source of readings: name and version, e.g. ``codecarbon`` ``3.3.2``, and the driver below it."""

    name: str
    version: str
    driver: str | None = None


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
        kind: ``cpu``, ``ram``, ``gpu`` or ``node``.
        name: the model as the hardware says it.
        sensor: index into the head's sensors.
        method: index into the head's methods; an interval may differ.
        boundary: what the energy covers; ``device`` for a component, ``node`` for the whole machine.
        uuid: serial identity where the hardware has one.
        rated_mw: rated power or power limit [mW] where known.
        counter_unit: unit of its energy counter, ``uJ`` or ``mJ``; None where it has none.
        beside: index of the component that counts in its stead; this one is kept for comparison and is no part of
            any sum. None for a component that counts.
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
    beside: int | None = None


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
        role: :data:`METER` or :data:`PARTICIPANT`.
        launch: launcher, job, ranks and nodes as the environment says them; empty where it says nothing.
        allocation: what of the host is this job's, and who said so; empty where all of it is.
        resumes: id of the journal that this one goes on from, or None.
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
    role: str = METER
    launch: Facts = ()
    allocation: Facts = ()
    resumes: str | None = None


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
class SensorCame:
    """A sensor that was opened after the head was written; it takes the next index."""

    n: int
    utc_ms: int
    mono_ns: int
    sensor: Sensor


@dataclass(frozen=True, slots=True)
class Phase:
    """A named stretch of the run began or ended (``event``: :data:`BEGIN`, :data:`END`); phases may be nested."""

    n: int
    utc_ms: int
    mono_ns: int
    name: str
    event: str


@dataclass(frozen=True, slots=True)
class Count:
    """Work done since the last such record: tokens, optimizer steps, floating-point operations [FLOP]."""

    n: int
    utc_ms: int
    mono_ns: int
    tokens: int = 0
    steps: int = 0
    flop: int = 0


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


Record = Head | Interval | Remark | Gap | Change | ClockChange | Mark | SensorCame | Phase | Count | Footer
