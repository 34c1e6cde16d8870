"""What every reader keeps to, over every format there is. A new reader fails here until it has a sample.

The samples and the form of their cases: ``tests/support/reader_cases.py``.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gxmeter.core.calendar import instant
from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.energy.model import Source
from gxmeter.energy.sources import open_source
from gxmeter.telemetry.model import IntervalBatch, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.registry import formats
from gxmeter.telemetry.text import table
from tests.support.reader_cases import RUN, SAMPLES, SITE, ReaderCase, all_cases

BOUNDARIES = {"device", "node", "it", "facility"}
GRADES = {"A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"}

CASES = all_cases()
TEXTS = [case for case in CASES if case.text]
ROWS = [case for case in CASES if case.rows_from]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_text = pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
every_table = pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)


def placed(case: ReaderCase, data: bytes, folder: Path) -> Path:
    """A file of some bytes under the sample's name."""
    path = folder / case.path.name
    path.write_bytes(data)
    return path


def told(error: GxmeterError) -> None:
    """An error says something to people, in both languages."""
    assert error.findings
    for item in error.findings:
        assert item.ja
        assert item.en


def consumed(reading: Reading) -> int:
    """Use a reading up; how many rows of samples it gave; checks the shape of each batch."""
    count = 0
    for batch in reading.batches:
        shape_is_right(batch)
        assert {(key.site, key.device) for key in batch.keys} <= set(reading.devices)
        count += len(batch.key)
    return count


def shape_is_right(batch: Any) -> None:
    if isinstance(batch, PowerBatch):
        columns = [batch.ts_ms, batch.power_mw]
    else:
        assert isinstance(batch, IntervalBatch)
        columns = [batch.start_ms, batch.end_ms, batch.half_uj]
        assert (batch.end_ms > batch.start_ms).all()
    assert batch.key.dtype == np.int32
    assert all(column.dtype == np.int64 and column.shape == batch.key.shape for column in columns)
    assert all(isinstance(key, SeriesKey) for key in batch.keys)
    assert len(set(batch.keys)) == len(batch.keys)
    if len(batch.key):
        assert 0 <= batch.key.min() <= batch.key.max() < len(batch.keys)


def survives(source: Source) -> None:
    """Whatever the bytes: an error for people, or a reading whose emptiness is explained."""
    try:
        reading = open_source(source)
        count = consumed(reading)
    except InputError as error:
        told(error)
        return
    # One reading of each counter is no energy yet; more of them without energy is something to say.
    assert count or reading.findings or reading.records <= len(reading.devices)
    for item in reading.findings:
        assert item.en
        assert item.ja


def test_every_format_has_a_sample() -> None:
    assert {case.format for case in CASES} == set(formats()), f"a sample and a case belong into {SAMPLES}"


@every
def test_a_sample_gives_the_expected_devices_energy_and_findings(case: ReaderCase) -> None:
    result = case.measured()
    found = []
    sums = result.totals()
    for want in case.devices:
        info = result.devices[want.get("site", SITE), want["device"]]
        have = {name: getattr(info, name) for name in want if hasattr(info, name)}
        have["energy_half_uj"] = sums[info.device]
        found.append(have | {name: want[name] for name in want.keys() - have.keys()})
    assert found == list(case.devices)
    assert sorted(sums) == sorted(want["device"] for want in case.devices)
    assert sorted({item.code for item in result.findings}) == list(case.findings)


@every
def test_every_device_says_what_its_readings_cover_and_how_good_they_are(case: ReaderCase) -> None:
    for info in case.measured().devices.values():
        assert info.boundary in BOUNDARIES
        assert info.grade in GRADES
        assert info.method
        assert info.site == SITE or case.format in {"gxmeter", "parquet"}


@every
def test_a_file_is_opened_before_it_is_read_and_streamed_in_known_shapes(case: ReaderCase) -> None:
    reading = open_source(case.source())
    assert isinstance(reading.batches, Iterator)
    assert reading.records == 0
    assert reading.format == case.format
    assert consumed(reading) > 0
    assert reading.records > 0


@every
def test_the_period_is_the_time_of_the_readings(case: ReaderCase) -> None:
    result = case.measured()
    assert result.start_ms is not None
    assert result.end_ms is not None
    spans = [(want["start"], want["end"]) for want in case.devices if "start" in want]
    assert spans, "a case tells the start and the end of its devices"
    assert instant(result.start_ms) == min(start for start, _ in spans)
    assert instant(result.end_ms) == max(end for _, end in spans)


@every
def test_the_same_file_gives_the_same_twice(case: ReaderCase) -> None:
    first, second = case.measured(), case.measured()
    assert first.leaves == second.leaves
    assert first.findings == second.findings


@every
def test_no_file_that_is_cut_short_is_a_traceback_or_more_energy(case: ReaderCase, tmp_path: Path) -> None:
    if case.path.is_dir():
        pytest.skip("a folder")
    data = case.path.read_bytes()
    whole = sum(case.measured().totals().values())
    for size in sorted({len(data) * part // 24 for part in range(25)} | {1, len(data) - 1}):
        path = placed(case, data[:size], tmp_path)
        survives(case.source(path))
        try:
            part = case.measured(path)
        except InputError as error:
            told(error)
        else:
            assert sum(part.totals().values()) <= whole


@every
@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n\n", b"\0" * 5000, bytes(random.Random(1).randbytes(5000)), b"\x1f\x8b\x08 no gzip", b"PK\3\4" * 99],
)
def test_what_is_no_file_of_the_format_is_refused(case: ReaderCase, data: bytes, tmp_path: Path) -> None:
    if case.format == "gxmeter" and not data.strip(b"\0"):
        pytest.skip("a journal whose first write a power cut took: named by its own tests")
    with pytest.raises(InputError) as caught:
        consumed(open_source(case.source(placed(case, data, tmp_path))))
    told(caught.value)


@every
def test_a_folder_is_refused_where_a_file_is_meant(case: ReaderCase, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("no telemetry")
    with pytest.raises(InputError) as caught:
        consumed(open_source(case.source(tmp_path)))
    told(caught.value)


@every
@pytest.mark.parametrize("other", CASES, ids=lambda case: case.name)
def test_a_file_of_another_format_is_refused_and_never_read_as_empty(case: ReaderCase, other: ReaderCase) -> None:
    if other.format == case.format:
        pytest.skip("its own format")
    with pytest.raises(InputError) as caught:
        consumed(open_source(case.source(other.path)))
    told(caught.value)
    with pytest.raises(InputError):
        consumed(open_source(Source(other.path, case.format, RUN, SITE)))


@every
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12))
def test_bytes_changed_at_random_are_no_traceback(
    case: ReaderCase, flips: list[tuple[int, int]], tmp_path: Path
) -> None:
    if case.path.is_dir():
        pytest.skip("a folder")
    data = bytearray(case.path.read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    survives(case.source(placed(case, bytes(data), tmp_path)))


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


PACKINGS = {"gzip": gzip.compress, "zstd": _zstd, "xz": lzma.compress, "bzip2": bz2.compress}


@every_text
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_file_gives_the_same_numbers(case: ReaderCase, packing: str, tmp_path: Path) -> None:
    plain = case.measured()
    packed = PACKINGS[packing](case.path.read_bytes())
    again = case.measured(placed(case, packed, tmp_path))
    assert again.leaves == plain.leaves
    assert len(again.findings) == len(plain.findings)
    survives(case.source(placed(case, packed[: len(packed) * 2 // 3], tmp_path)))


@every_text
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932"])
def test_the_encoding_changes_no_number(case: ReaderCase, encoding: str, tmp_path: Path) -> None:
    if case.options.encoding:
        pytest.skip("the case declares its encoding")
    plain = case.measured()
    text = case.path.read_bytes().decode("utf-8-sig")
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("not in that character set")
    again = case.measured(placed(case, data, tmp_path))
    assert again.leaves == plain.leaves
    assert {item.code for item in again.findings} == {item.code for item in plain.findings}


@every_text
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_change_no_number(case: ReaderCase, end: bytes, tmp_path: Path) -> None:
    data = end.join(case.path.read_bytes().splitlines()) + end
    assert case.measured(placed(case, data, tmp_path)).leaves == case.measured().leaves


@every_table
def test_rows_in_any_order_give_the_same_energy(case: ReaderCase, tmp_path: Path) -> None:
    head, rows = case.lines()
    random.Random(7).shuffle(rows)
    again = case.measured(placed(case, b"".join(head + rows), tmp_path))
    assert again.leaves == case.measured().leaves


@every_table
def test_rows_that_stand_twice_count_once(case: ReaderCase, tmp_path: Path) -> None:
    head, rows = case.lines()
    doubled = [row for row in rows for _ in range(2)]
    again = case.measured(placed(case, b"".join(head + doubled), tmp_path))
    assert again.leaves == case.measured().leaves


@every_table
def test_a_file_read_in_small_pieces_gives_the_same_energy(case: ReaderCase, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = case.measured()
    monkeypatch.setattr(table, "CHUNK_ROWS", 3)
    assert case.measured().leaves == whole.leaves


@every_table
def test_a_last_line_without_its_end_is_used_or_named(case: ReaderCase, tmp_path: Path) -> None:
    data = case.path.read_bytes().rstrip(b"\r\n")
    plain, again = case.measured(), case.measured(placed(case, data, tmp_path))
    assert again.leaves == plain.leaves or len(again.findings) > len(plain.findings)


@every
def test_other_forms_of_the_same_readings_give_the_same_energy(case: ReaderCase) -> None:
    wanted = case.measured().totals()
    for path in case.same:
        assert case.measured(path).totals() == wanted, path.name


@every
def test_options_that_make_no_sense_are_refused_in_a_sentence(case: ReaderCase) -> None:
    if not case.text:
        pytest.skip("says its times and encoding itself")
    for options in (ReadOptions(encoding="no-such"), ReadOptions(time_zone="Mars/Base", columns=case.options.columns)):
        try:
            consumed(open_source(case.source(options=options)))
        except InputError as error:
            told(error)
