"""Journals made by the real codec from chosen numbers, so that a test knows what must come out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from gxmeter.core.calendar import instant
from gxmeter.core.journal import (
    BEGIN,
    END,
    ROTATE,
    Component,
    Count,
    Footer,
    Head,
    Interval,
    Method,
    Phase,
    Record,
    Sensor,
)
from gxmeter.core.journal_encode import encode

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
T0 = 1_795_388_000_000
"""When the clocks of :func:`a_head` begin [Unix ms]."""
METHODS = (
    Method("nvml-counter", "C1"),
    Method("powercap-package", "D1"),
    Method("codecarbon-cpu-load", "E1"),
    Method("codecarbon-ram-model", "E2"),
    Method("redfish-power", "B"),
)
GPU, PACKAGE, LOAD, RAM, BMC = range(5)
"""Indexes of :data:`METHODS`."""


def part(index: int, label: str, method: int, *, host: str = "node7", **more: object) -> Component:
    """A component ``<host>.<label>``, read by a method of :data:`METHODS`."""
    return replace(Component(index, f"{host}.{label}", label.rstrip("0123456789"), "x", 0, method), **more)  # type: ignore[arg-type]


def a_head(*parts: Component, **changes: object) -> Head:
    """The head of a journal on ``node7`` that begins at :data:`T0` and 0 ns."""
    made = Head(
        n=0,
        journal="j",
        segment=0,
        previous=None,
        run="pretrain",
        site="tokyo",
        host="node7",
        boot="boot-7",
        pid=1,
        utc_ms=T0,
        mono_ns=0,
        anchor_utc_ms=T0,
        anchor_mono_ns=0,
        period_ms=1000,
        gxmeter="0.1.0",
        sensors=(Sensor("nvml", "13"),),
        methods=METHODS,
        components=parts,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class JournalMaker:
    """Writes a journal segment by segment with the real codec; numbers, chain and digests come out right.

    >>> maker = JournalMaker(a_head(part(0, "ram", RAM)))  # doctest: +SKIP
    >>> maker.second(0, 20_000_000)  # doctest: +SKIP
    >>> maker.end().write(folder)  # doctest: +SKIP
    """

    head: Head
    segments: list[bytes] = field(default_factory=list)
    _n: int = 0
    _lines: list[bytes] = field(default_factory=list)

    def put(self, record: Record) -> JournalMaker:
        """Append a record with the next number."""
        if not self._lines:
            previous = hashlib.sha256(self.segments[-1]).hexdigest() if self.segments else None
            self._line(replace(self.head, segment=len(self.segments), previous=previous))
        self._line(record)
        return self

    def second(self, at_s: int, *energy_uj: int | None, **more: object) -> JournalMaker:
        """An interval of one second, ``at_s`` seconds after the boot."""
        wall, mono = self.head.anchor_utc_ms, at_s * NS_PER_S
        wall += (mono - self.head.anchor_mono_ns) // NS_PER_MS
        made = Interval(0, wall, wall + 1000, mono, mono + NS_PER_S, energy_uj)
        return self.put(replace(made, **more))  # type: ignore[arg-type]

    def phase(self, at_ns: int, name: str, event: str = BEGIN) -> JournalMaker:
        """A phase begins, or ends with event ``end``."""
        assert event in {BEGIN, END}
        return self.put(Phase(0, T0 + at_ns // NS_PER_MS, at_ns, name, event))

    def count(self, at_ns: int, **work: int) -> JournalMaker:
        """Work was done."""
        return self.put(Count(0, T0 + at_ns // NS_PER_MS, at_ns, **work))

    def end(self, reason: str = "stop", *, at_ns: int = 0) -> JournalMaker:
        """The segment's end; with ``rotate`` the next one follows."""
        digest = hashlib.sha256(b"".join(self._lines)).hexdigest()
        self.put(Footer(0, T0, at_ns, reason, len(self._lines), digest))
        self.segments.append(b"".join(self._lines))
        self._lines = []
        return self

    def rotate(self) -> JournalMaker:
        """End the segment; the next record begins another."""
        return self.end(ROTATE)

    def write(self, folder: Path) -> Path:
        """Write all segments into a folder; what has no end is written as it is, as after a kill."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate([*self.segments, b"".join(self._lines)]):
            if data:
                (folder / f"{number:04d}.gxj").write_bytes(data)
        return folder

    def _line(self, record: Record) -> None:
        self._lines.append(encode(replace(record, n=self._n)))
        self._n += 1


def write_journal(
    folder: Path,
    *,
    run: str,
    site: str,
    start_ms: int,
    intervals: int = 40,
    period_ms: int = 60_000,
    power_w: tuple[int, ...] = (50, 20),
) -> Path:
    """A whole, cleanly ended journal: CPU by load model and RAM by model, at steady power [W]."""
    name = f"{run}-{instant(start_ms).replace('-', '').replace(':', '').lower()}-0123abcd"
    parts = (
        Component(0, "edge-01.cpu", "cpu", "Example CPU", 0, 0),
        Component(1, "edge-01.ram", "ram", "24 GB", 0, 1),
    )
    methods = (Method("codecarbon-cpu-load", "E1"), Method("codecarbon-ram-model", "E2"))
    head = Head(
        n=0,
        journal=name,
        segment=0,
        previous=None,
        run=run,
        site=site,
        host="edge-01",
        boot="00000000-0000-4000-8000-000000000001",
        pid=1,
        utc_ms=start_ms,
        mono_ns=0,
        anchor_utc_ms=start_ms,
        anchor_mono_ns=0,
        period_ms=period_ms,
        gxmeter="0.1.0",
        sensors=(Sensor("codecarbon", "3.3.2"),),
        methods=methods,
        components=parts,
    )
    records: list[Record] = [head]
    for i in range(intervals):
        a, b = i * period_ms, (i + 1) * period_ms
        energy = tuple(watt * period_ms * 1000 for watt in power_w)
        records.append(Interval(i + 1, start_ms + a, start_ms + b, a * NS_PER_MS, b * NS_PER_MS, energy))
    data = b"".join(map(encode, records))
    end_ms = start_ms + intervals * period_ms
    footer = Footer(
        n=intervals + 1,
        utc_ms=end_ms,
        mono_ns=intervals * period_ms * NS_PER_MS,
        reason="stop",
        records=len(records),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    target = folder / name / "0000.gxj"
    target.parent.mkdir(parents=True)
    target.write_bytes(data + encode(footer))
    return target.parent
