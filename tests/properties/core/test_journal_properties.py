"""Journals of any content: every record comes back, sealing changes nothing, phases add up to the whole."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.core.journal import (
    BEGIN,
    END,
    METER,
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
from gxmeter.core.journal_encode import encode
from gxmeter.core.journal_fields import parse
from gxmeter.energy.sources import digest_of, size_of
from gxmeter.telemetry.registry import reader
from gxmeter.telemetry.sealed import seal, unseal
from gxmeter.telemetry.sealing import seal_journals
from gxmeter.telemetry.work import work_of
from tests.support.journals import GPU, LOAD, NS_PER_MS, PACKAGE, T0, JournalMaker, a_head, part

wholes = st.integers(0, 1 << 60)
texts = st.text(max_size=30)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
facts = st.dictionaries(texts, texts | wholes, max_size=4).map(lambda d: tuple(d.items()))
sensors = st.builds(Sensor, texts, texts, st.none() | texts)


@st.composite
def heads(draw: st.DrawFn) -> Head:
    """A head that the format allows: indexes in order, and naming what is there."""
    count = draw(st.integers(0, 3))
    parts = tuple(
        draw(
            st.builds(
                Component,
                st.just(index),
                texts,
                texts,
                texts,
                st.just(0),
                st.integers(0, 1),
                texts,
                st.none() | texts,
                st.none() | wholes,
                st.sampled_from([None, "uJ", "mJ"]),
                st.sampled_from([None, *(other for other in range(count) if other != index)]),
            )
        )
        for index in range(count)
    )
    return Head(
        **{name: draw(wholes) for name in ("n", "segment", "pid", "utc_ms", "mono_ns", "anchor_utc_ms")},
        **{name: draw(texts) for name in ("journal", "run", "site", "host", "boot", "gxmeter")},
        anchor_mono_ns=draw(wholes),
        period_ms=draw(st.integers(1, 1 << 60)),
        previous=draw(st.none() | digests),
        sensors=(Sensor("a", "1"), draw(sensors)),
        methods=(Method("m", "C1"), Method(draw(texts), draw(texts))),
        components=parts,
        node_ratio=draw(st.sampled_from([None, "1", "1.25", "999999.123456789012"])),
        role=draw(st.sampled_from([METER, PARTICIPANT])),
        launch=draw(facts),
        allocation=draw(facts),
        resumes=draw(st.none() | texts),
    )


components = st.builds(
    Component,
    wholes,
    texts,
    texts,
    texts,
    wholes,
    wholes,
    texts,
    beside=st.none() | wholes,
    rated_mw=st.none() | wholes,
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """An interval of any number of components."""
    count, start = draw(st.integers(0, 4)), draw(st.integers(0, 1 << 59))
    pairs = st.tuples(wholes, wholes)
    return Interval(
        draw(wholes),
        draw(wholes),
        draw(wholes),
        start,
        start + draw(st.integers(NS_PER_MS, 1 << 59)),
        tuple(draw(st.none() | wholes) for _ in range(count)),
        draw(st.none() | st.tuples(*(wholes for _ in range(count)))),
        draw(st.none() | st.tuples(*(st.none() | pairs for _ in range(count)))),
    )


moments = (wholes, wholes, wholes)
records = st.one_of(
    heads(),
    intervals(),
    st.builds(
        Remark,
        wholes,
        wholes,
        texts,
        st.dictionaries(texts, texts, max_size=3).map(lambda d: tuple(sorted(d.items()))),
        st.none() | wholes,
    ),
    st.builds(Gap, wholes, wholes, wholes, wholes, wholes, texts, st.lists(wholes, max_size=3).map(tuple)),
    st.builds(Change, *moments, added=components),
    st.builds(Change, *moments, removed=wholes),
    st.builds(ClockChange, *moments, st.just(STEP), st.integers(-(1 << 60), 1 << 60)),
    st.builds(ClockChange, *moments, st.just(SUSPEND), wholes),
    st.builds(Mark, *moments, texts),
    st.builds(SensorCame, *moments, sensors),
    st.builds(Phase, *moments, texts, st.sampled_from([BEGIN, END])),
    st.builds(Count, *moments, wholes, wholes, st.integers(0, 10**30 - 1)),
    st.builds(Footer, *moments, texts, wholes, digests),
)


@given(records)
def test_every_record_of_every_kind_comes_back_as_it_was(record: Record) -> None:
    assert parse(encode(record)[:-10]) == record


@given(
    st.lists(
        records.map(encode) | st.text(max_size=60).map(lambda text: text.encode().replace(b"\n", b"") + b"\n"),
        min_size=1,
    )
)
@settings(max_examples=60)
def test_whatever_can_be_sealed_restores_to_its_bytes(lines: list[bytes]) -> None:
    data = b"".join(lines)
    sealed = seal(data)
    assert unseal(sealed).data == data
    assert unseal(sealed).intact


PARTS = (part(0, "gpu0", GPU, counter_unit="mJ"), part(1, "cpu0", PACKAGE), part(2, "cpu0", LOAD, beside=1))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("i"), st.tuples(*[st.none() | st.integers(0, 10**12)] * 3), st.integers(1, 3_000)),
        st.tuples(st.just("phase"), st.sampled_from(["train", "eval"]), st.sampled_from([BEGIN, END])),
        st.tuples(st.just("count"), st.integers(0, 10**9), st.integers(0, 10**20)),
        st.tuples(st.just("rotate"), st.none(), st.none()),
        st.tuples(st.just("remark"), st.sampled_from(["sensor-zero", "of-a-later-version"]), st.none()),
        st.tuples(st.just("sleep"), st.integers(0, 10**6), st.none()),
    ),
    max_size=25,
)


def made(folder: Path, todo: list[tuple[Any, Any, Any]], *, ended: bool) -> Path:
    """A journal of such steps; energies are counted, clocks go on."""
    maker, at_ns = JournalMaker(a_head(*PARTS)), 0
    for kind, what, more in todo:
        wall = T0 + at_ns // NS_PER_MS
        match kind:
            case "i":
                end_ns = at_ns + more * NS_PER_MS + 7
                counters = ((5, 6), None, None)
                maker.put(Interval(0, wall, wall + more, at_ns, end_ns, what, None, counters))
                at_ns = end_ns
            case "phase":
                maker.phase(at_ns + 3, what, more)
            case "count":
                maker.count(at_ns + 3, tokens=what, flop=more)
            case "rotate":
                maker.put(Mark(0, wall, at_ns, "x")).rotate()
            case "remark":
                maker.put(Remark(0, wall, what, (("device", "node7.gpu0"),), 0))
            case _:
                maker.put(ClockChange(0, wall, at_ns, SUSPEND, what))
    maker.put(Mark(0, T0, at_ns, "last"))
    return (maker.end() if ended else maker).write(folder)


def answer(folder: Path) -> tuple[object, ...]:
    """All that a reading says, with every number."""
    reading = reader("gxmeter").read(folder, run="r", site="s")
    rows = []
    for batch in reading.batches:
        columns = (batch.key, batch.start_ms, batch.end_ms, batch.half_uj)  # type: ignore[union-attr]
        rows += [(batch.keys[k], *map(int, rest)) for k, *rest in zip(*columns, strict=True)]
    head = (reading.devices, reading.period_ms, reading.records, reading.clean_end, reading.sensors, reading.origin)
    return rows, head, reading.findings, work_of([folder]), digest_of(folder), size_of(folder)


def spoil(path: Path, where: int, how: str) -> None:
    """Cut a segment, flip a bit in it, or take a line out."""
    data = bytearray(path.read_bytes())
    place = where % len(data)
    if how == "cut":
        del data[place:]
    elif how == "flip":
        data[place] ^= 1 << where % 8
    else:
        lines = bytes(data).splitlines(keepends=True)
        del lines[where % len(lines)]
        data = bytearray(b"".join(lines))
    path.write_bytes(bytes(data))


@given(
    steps,
    st.booleans(),
    st.none() | st.tuples(st.integers(0, 10**6), st.sampled_from(["cut", "flip", "line"])),
    st.integers(0, 30),
)
@settings(max_examples=60)
def test_a_journal_says_the_same_sealed_and_unsealed_whatever_happened_to_it(
    todo: list[tuple[Any, Any, Any]], ended: bool, fault: tuple[int, str] | None, which: int
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        files = sorted(made(folder, todo, ended=ended).glob("*.gxj"))
        if fault is not None:
            spoil(files[which % len(files)], *fault)
        try:
            before = answer(folder)
        except InputError:
            return  # a version digit that was hit: refused as a whole, and not sealable either
        done = seal_journals([folder])
        assert answer(folder) == before
        if fault is None:
            assert done.findings == []
            assert len(done.sealed) == len(files) - (not ended)
            assert len(list(folder.glob("*.gxj"))) == (not ended)
    finally:
        shutil.rmtree(folder)


@given(steps)
@settings(max_examples=60)
def test_phases_add_up_to_the_energy_and_the_counts_exactly(todo: list[tuple[Any, Any, Any]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        (run,) = work_of([made(folder, todo, ended=True)])
        counted = [what[:2] for kind, what, _ in todo if kind == "i"]
        assert run.half_uj == 2 * sum(energy for pair in counted for energy in pair if energy is not None)
        assert run.tokens == sum(what for kind, what, _ in todo if kind == "count")
        assert run.flop == sum(more for kind, _, more in todo if kind == "count")
        covered = sum(
            more * NS_PER_MS + 7
            for kind, what, more in todo
            if kind == "i" and any(energy is not None for energy in what[:2])
        )
        assert sum(phase.covered_ns for phase in run.phases.values()) == covered
    finally:
        shutil.rmtree(folder)


def test_the_maker_numbers_and_chains_what_it_writes(tmp_path: Path) -> None:
    """The helper itself: without it being right, no test above means anything."""
    folder = made(tmp_path, [("i", (1, 2, 3), 5), ("rotate", None, None), ("i", (1, 2, 3), 5)], ended=True)
    reading = reader("gxmeter").read(folder, run="", site="")
    assert sum(len(batch.key) for batch in reading.batches) == 4
    assert {item.code for item in reading.findings} == {"journal-comparison"}
    assert replace(a_head(), run="x").run == "x"
