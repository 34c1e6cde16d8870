"""Journals made by the real codec from chosen numbers, so that a test knows what must come out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gxmeter.core.calendar import instant
from gxmeter.core.journal import Component, Footer, Head, Interval, Method, Record, Sensor
from gxmeter.core.journal_encode import encode

NS_PER_MS = 1_000_000


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
