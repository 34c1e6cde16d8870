"""The journal's codec: what is written comes back, what is damaged becomes a finding, nothing raises."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.core.journal import (
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
from gxmeter.core.journal_decode import MAX_LISTED, check_chain, check_link, decode, looks_like_journal
from gxmeter.core.journal_encode import encode

T0, M0, S = 1_795_388_000_000, 5_000_000_000_000, 1_000_000_000
HEAD = Head(
    n=0,
    journal="j",
    segment=0,
    previous=None,
    run="r",
    site="s",
    host="h",
    boot="b",
    pid=1,
    utc_ms=T0,
    mono_ns=M0,
    anchor_utc_ms=T0,
    anchor_mono_ns=M0,
    period_ms=1000,
    gxmeter="0.1.0",
    sensors=(Sensor("codecarbon", "3.3.2"),),
    methods=(Method("codecarbon-cpu-load", "E1"), Method("codecarbon-ram-model", "E2")),
    components=(Component(0, "h.cpu", "cpu", "x", 0, 0, rated_mw=8000), Component(1, "h.ram", "ram", "24 GiB", 0, 1)),
    node_ratio="1.25",
)


def interval(number: int, **changes: object) -> Interval:
    """The ``number``-th second after the head."""
    start = number - 1
    made = Interval(
        number, T0 + start * 1000, T0 + number * 1000, M0 + start * S, M0 + number * S, (800_000 + number, 20_000_000)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def segment(*records: Record, head: Head = HEAD, reason: str = "stop") -> bytes:
    """A whole segment: head, records, a true end."""
    data = b"".join(encode(item) for item in (head, *records))
    n = (records[-1] if records else head).n + 1
    return data + encode(Footer(n, T0, M0, reason, len(records) + 1, hashlib.sha256(data).hexdigest()))


def line(text: bytes) -> bytes:
    """Any text as a line with a good checksum."""
    return text + b" %08x\n" % zlib.crc32(text)


def codes(data: bytes) -> list[str]:
    return [item.code for item in decode(data).findings]


GOOD = segment(*(interval(n) for n in range(1, 6)))


def test_a_whole_segment_has_no_findings() -> None:
    found = decode(GOOD)
    assert found.findings == []
    assert found.head == HEAD
    assert [record for _, record in found.records] == [interval(n) for n in range(1, 6)]
    assert found.footer is not None
    assert found.next_n == 7


MONO = 987_654_321_012_345
"""Eleven days after a boot [ns]: fifteen digits."""


def size_of(energy_uj: tuple[int, ...], counters: tuple[tuple[int, int] | None, ...] | None) -> int:
    """Bytes of a second's line late in a long journal, with clocks and counters of full length."""
    line = Interval(8_640_000, T0, T0 + 1000, MONO, MONO + 1_000_113_254, energy_uj, None, counters)
    return len(encode(line))


GPU_COUNTER = (987_654_321_012, 987_654_656_012)
"""An NVML counter [mJ] of twelve digits: 335 W for a second."""
PACKAGE_COUNTER = (262_143_328_850, 262_143_448_850)
"""A powercap counter [uJ] near its wrap: twelve digits."""


@pytest.mark.parametrize(
    ("energies", "counters"),
    [
        ((335_000_000,) * 8 + (120_000_000, 40_000_000), (GPU_COUNTER,) * 8 + (PACKAGE_COUNTER, None)),
        ((335_000_000, 120_000_000, 40_000_000), (GPU_COUNTER, PACKAGE_COUNTER, None)),
        ((120_000_000, 20_000_000), (PACKAGE_COUNTER, PACKAGE_COUNTER)),
        ((120_000_000, 40_000_000), (PACKAGE_COUNTER, None)),
        ((120_000_000, 40_000_000), None),
    ],
    ids=[
        "8 GPUs, CPU, RAM",
        "1 GPU, CPU, RAM",
        "CPU and DRAM counters",
        "CPU counter, RAM model",
        "CPU and RAM models",
    ],
)
def test_an_interval_takes_less_than_100_bytes_a_device(
    energies: tuple[int, ...], counters: tuple[tuple[int, int] | None, ...] | None
) -> None:
    assert size_of(energies, counters) / len(energies) < 100


def test_a_host_with_one_component_only_takes_about_150_bytes() -> None:
    """The line's own 100 bytes (kind, number, four clocks, checksum) stand alone there; docs/reference/journal.md."""
    assert 100 < size_of((120_000_000,), (PACKAGE_COUNTER,)) < 160


def test_the_checksum_is_crc32_of_the_json() -> None:
    text, _, crc = encode(interval(1)).rstrip(b"\n").rpartition(b" ")
    assert crc == b"%08x" % zlib.crc32(text)


texts = st.text(max_size=40)
wholes = st.integers(min_value=0, max_value=1 << 60)
records = st.one_of(
    st.builds(
        Remark, wholes, wholes, texts, st.dictionaries(texts, texts, max_size=3).map(lambda d: tuple(sorted(d.items())))
    ),
    st.builds(Gap, wholes, wholes, wholes, wholes, wholes, texts, st.just((0, 1))),
    st.builds(ClockChange, wholes, wholes, wholes, st.just(STEP), st.integers(-(1 << 60), 1 << 60)),
    st.builds(ClockChange, wholes, wholes, wholes, st.just(SUSPEND), wholes),
    st.builds(Mark, wholes, wholes, wholes, texts),
    st.builds(Change, wholes, wholes, wholes, st.none(), st.just(1)),
    st.builds(
        Interval,
        wholes,
        wholes,
        wholes,
        st.just(0),
        st.integers(1_000_000, 1 << 60),
        st.tuples(st.none() | wholes, st.none() | wholes),
        st.none() | st.just((1, 0)),
        st.none() | st.just((None, (3, 4))),
    ),
)


@given(records)
def test_every_record_comes_back_as_it_was(record: Record) -> None:
    found = decode(encode(HEAD) + encode(record))
    assert [item for _, item in found.records] == [record]


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    assert decode(data).findings
    assert decode(encode(HEAD) + data).head == HEAD
    looks_like_journal(data)


@given(st.binary(max_size=200).filter(lambda b: b"\n" not in b))
def test_arbitrary_text_with_a_good_checksum_never_raises(text: bytes) -> None:
    found = decode(encode(HEAD) + line(text))
    assert found.findings
    assert decode(line(text)).head is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("tnumeckh"), inner, max_size=6),
    max_leaves=12,
)


@given(
    st.sampled_from(["i", "gap", "finding", "component", "clock", "mark", "end", "head", "other"]),
    st.dictionaries(
        st.sampled_from(["n", "u", "m", "e", "h", "c", "k", "code", "params", "added", "removed"]), json_values
    ),
)
@settings(max_examples=300)
def test_arbitrary_fields_with_a_good_checksum_never_raise(kind: str, body: dict[str, object]) -> None:
    import json

    decode(encode(HEAD) + line(json.dumps({"t": kind} | body).encode()))


@given(st.integers(0, len(GOOD) - 1))
def test_a_truncated_segment_keeps_every_whole_line(cut: int) -> None:
    found = decode(GOOD[:cut])
    assert found.findings
    whole = GOOD[:cut].count(b"\n")
    assert len(found.records) == max(0, whole - 1)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
@settings(max_examples=400)
def test_no_flipped_bit_goes_unnoticed(place: int, bit: int) -> None:
    data = bytearray(GOOD)
    data[place] ^= 1 << bit
    assert decode(bytes(data)).findings


def test_a_torn_tail_is_cut_and_said() -> None:
    assert codes(GOOD[:-1]) == ["journal-torn-tail", "journal-no-end"]


def test_a_killed_meter_leaves_a_readable_segment() -> None:
    killed = encode(HEAD) + encode(interval(1))
    assert codes(killed) == ["journal-no-end"]
    assert len(decode(killed).records) == 1


def test_a_damaged_line_is_left_out_and_the_rest_is_read() -> None:
    data = GOOD.replace(b'"n":3', b'"n":8', 1)
    found = decode(data)
    assert [item.code for item in found.findings] == ["journal-record-damaged", "journal-digest-mismatch"]
    assert [record.n for _, record in found.records] == [1, 2, 4, 5]
    assert found.lost_lines == 1


def test_a_line_taken_out_is_seen_even_with_a_new_digest() -> None:
    assert "journal-sequence-jump" in codes(segment(interval(1), interval(3)))


def test_an_edited_line_with_a_new_checksum_breaks_the_digest() -> None:
    old = encode(interval(2))
    new = encode(interval(2, energy_uj=(1, 1)))
    assert codes(GOOD.replace(old, new)) == ["journal-digest-mismatch"]


def test_a_line_after_the_end_is_not_used() -> None:
    found = decode(GOOD + encode(interval(7)))
    assert [item.code for item in found.findings] == ["journal-after-end"]
    assert len(found.records) == 5


def test_an_interval_that_goes_back_in_time_is_not_used() -> None:
    back = interval(2, start_mono_ns=M0, end_mono_ns=M0 + S)
    assert codes(segment(interval(1), back)) == ["journal-time-backwards"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[1.5,2]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[-1,2]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[true,2]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[1]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[1,2],"h":[0,9]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[1,2],"h":[0]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[1,2],"x":1}',
        b'{"t":"i","n":1,"n":1,"u":[0,1],"m":[0,1000000],"e":[1,2]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,999999],"e":[1,2]}',
        b'{"t":"i","n":1,"u":[0,1],"m":[0,1000000],"e":[NaN,2]}',
        b'{"t":"clock","n":1,"u":0,"m":0,"reason":"suspend","shift_ms":-1}',
        b'{"t":"component","n":1,"u":0,"m":0,"removed":2}',
        b'{"t":"finding","n":1,"u":0,"code":"x","params":{"a":1}}',
        b"[" * 5000,
        b'{"t":1}',
        b"[]",
    ],
)
def test_a_field_that_breaks_the_format_is_named(text: bytes) -> None:
    found = decode(encode(HEAD) + line(text))
    assert [item.code for item in found.findings] == ["journal-record-malformed", "journal-no-end"]
    assert found.records == []


def test_an_unknown_kind_is_passed_over() -> None:
    assert codes(encode(HEAD) + line(b'{"t":"phrase","n":1}'))[0] == "journal-record-unknown"


def test_a_damaged_head_gives_no_energy_to_anybody() -> None:
    found = decode(GOOD.replace(b'"run":"r"', b'"run":"q"', 1))
    assert found.head is None
    assert found.records == []
    assert [item.code for item in found.findings] == ["journal-head-damaged"]


def test_a_later_version_is_told_as_such() -> None:
    text = encode(HEAD).rpartition(b" ")[0].replace(b'"v":2', b'"v":7', 1)
    assert codes(line(text)) == ["journal-version-unknown"]


def test_an_empty_file_is_a_finding() -> None:
    assert codes(b"") == ["journal-empty"]


def test_many_faults_are_counted_not_listed() -> None:
    found = codes(encode(HEAD) + b"x\n" * (MAX_LISTED + 5))
    assert found.count("journal-record-damaged") == MAX_LISTED
    assert "journal-more-faults" in found


def test_a_component_that_comes_later_has_its_place() -> None:
    gpu = Component(2, "h.gpu0", "gpu", "H100", 0, 0, uuid="GPU-1", counter_unit="mJ")
    come = Change(1, T0, M0, added=gpu)
    found = decode(segment(come, interval(2, energy_uj=(1, 2, 3))))
    assert found.findings == []
    assert found.components()[2] == gpu


def two_segments() -> tuple[bytes, bytes]:
    first = segment(interval(1), reason="rotate")
    head = replace(HEAD, n=3, segment=1, previous=hashlib.sha256(first).hexdigest())
    return first, segment(interval(4), head=head)


def test_segments_chain() -> None:
    first, second = two_segments()
    assert check_chain(decode(first), decode(second), file="0001.gxj") == []
    assert check_link(decode(second), first, file="0001.gxj", next_exists=False) == []


def test_a_changed_segment_breaks_the_chain() -> None:
    _, second = two_segments()
    changed = segment(interval(1, energy_uj=(1, 1)), reason="rotate")
    chain = check_chain(decode(changed), decode(second), file="0001.gxj")
    link = check_link(decode(second), changed, file="0001.gxj", next_exists=False)
    assert [f.code for f in chain] == [f.code for f in link] == ["journal-chain-broken"]


def test_a_missing_neighbour_is_seen_from_either_side() -> None:
    first, second = two_segments()
    before = check_link(decode(second), None, file="0001.gxj", next_exists=False)
    after = check_link(decode(first), None, file="0000.gxj", next_exists=False)
    assert [f.code for f in before] == [f.code for f in after] == ["journal-segment-missing"]


def test_a_foreign_segment_is_refused() -> None:
    first, second = two_segments()
    foreign = replace(HEAD, journal="other")
    found = check_chain(decode(segment(head=foreign)), decode(second), file="0001.gxj")
    assert [f.code for f in found] == ["journal-mixed"]
    assert first
