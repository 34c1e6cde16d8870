"""Journals through the engine: copies count once, and findings name the journal's folder."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gxmeter.core.calendar import to_ms
from gxmeter.core.errors import InputError
from gxmeter.core.journal import Remark
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Gap, Source
from tests.properties.energy.build import plain
from tests.support.journals import RAM, T0, JournalMaker, a_head, part, write_journal

START_MS = to_ms(datetime(2026, 5, 1, tzinfo=UTC))


def energy(root: Path) -> EnergyResult:
    folder = root / "telemetry" / "journals"
    sources = [Source(path, "gxmeter", name=path.relative_to(root).as_posix()) for path in folder.iterdir()]
    return integrate(sources)


def journal(root: Path) -> Path:
    return write_journal(root / "telemetry" / "journals", run="r", site="s", start_ms=START_MS)


def test_a_copy_of_a_journal_counts_once_and_is_named_as_a_copy(tmp_path: Path) -> None:
    original = journal(tmp_path)
    once = plain(energy(tmp_path))
    shutil.copytree(original, original.with_name("z-copy"))
    twice = energy(tmp_path)
    assert plain(twice) == once
    assert [(f.code, f.file) for f in twice.findings] == [("source-repeated", "telemetry/journals/z-copy")]
    assert original.name in twice.findings[0].en
    assert {i for indexes in twice.source_of.values() for i in indexes} == {0}


def test_a_copy_taken_while_the_run_went_on_adds_nothing(tmp_path: Path) -> None:
    """The shorter copy comes first by its end; the journal itself goes on where it stops."""
    original = journal(tmp_path)
    once = plain(energy(tmp_path))
    copy = shutil.copytree(original, original.with_name("a-copy"))
    (segment,) = copy.glob("*.gxj")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:20]))
    result = energy(tmp_path)
    assert plain(result) == once
    assert [f.code for f in result.findings if f.level == "must"] == []


def test_journals_that_disagree_are_still_refused(tmp_path: Path) -> None:
    folder = tmp_path / "telemetry" / "journals"
    write_journal(folder, run="r", site="s", start_ms=START_MS)
    write_journal(folder, run="other", site="s", start_ms=START_MS, power_w=(70, 20))
    codes = {f.code for f in energy(tmp_path).findings}
    assert codes == {"files-overlap"}


def test_findings_of_a_segment_name_the_journal_it_is_of(tmp_path: Path) -> None:
    (segment,) = journal(tmp_path).glob("*.gxj")
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b"1", b"2", 1)
    segment.write_bytes(b"".join(lines))
    name = segment.relative_to(tmp_path).as_posix()
    damaged = [f for f in energy(tmp_path).findings if f.code.startswith("journal-")]
    assert damaged
    assert {f.file for f in damaged} == {name}
    assert all(name in f.en and name in f.ja for f in damaged)


def test_an_unreadable_journal_is_named_with_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "telemetry" / "journals"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "0000.gxj").write_text("no journal\n")
    (folder / "y").mkdir()
    (folder / "y" / "notes.txt").write_text("no segment\n")
    with pytest.raises(InputError) as caught:
        energy(tmp_path)
    assert [(f.code, f.file) for f in caught.value.findings] == [
        ("journal-not-a-journal", "telemetry/journals/x/0000.gxj"),
        ("journal-not-a-journal", "telemetry/journals/y"),
    ]


def gaps_between(root: Path, end: str | None, *, run: str = "pretrain", rotated: bool = False) -> list[Gap]:
    """Gaps of two journals of one device with ten minutes between them; the first ends so, the second is of a run."""
    journals = root / "telemetry" / "journals"
    first = JournalMaker(a_head(part(0, "ram", RAM), journal="first")).second(0, 5).second(1, 5)
    if rotated:
        first.rotate().second(2, 5)
    (first.end(end) if end else first).write(journals / "first")
    later = a_head(part(0, "ram", RAM), journal="later", run=run, boot="boot-8", anchor_utc_ms=T0 + 602_000)
    JournalMaker(later).second(0, 5).end().write(journals / "later")
    result = energy(root)
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2 * (15 + 5 * rotated)
    return result.gaps


@pytest.mark.parametrize("end", ["stop", "exception"])
@pytest.mark.parametrize("run", ["pretrain", "other"])
def test_time_between_a_run_that_ended_and_the_next_is_no_gap(tmp_path: Path, end: str, run: str) -> None:
    assert gaps_between(tmp_path, end, run=run) == []


@pytest.mark.parametrize("end", [None, "failed"])
def test_time_between_a_record_that_was_cut_short_and_the_next_of_its_run_is_a_gap(
    tmp_path: Path, end: str | None
) -> None:
    assert gaps_between(tmp_path, end) == [Gap("pretrain", "tokyo", "node7.ram", T0 + 2_000, T0 + 602_000)]


def test_time_between_a_record_that_was_cut_short_and_another_run_is_no_gap_and_the_missing_end_is_told(
    tmp_path: Path,
) -> None:
    assert gaps_between(tmp_path, None, run="other") == []
    assert [f.code for f in energy(tmp_path).findings] == ["journal-no-end"]


def test_the_end_of_a_segment_ends_no_run(tmp_path: Path) -> None:
    assert gaps_between(tmp_path / "whole", "stop", rotated=True) == []
    assert len(gaps_between(tmp_path / "killed", "rotate", rotated=True)) == 1


def test_a_hole_within_a_record_that_ended_well_is_a_gap(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(part(0, "ram", RAM))).second(0, 5).second(1, None).second(100, 5).end()
    maker.write(tmp_path / "telemetry" / "journals" / "j")
    assert energy(tmp_path).gaps == [Gap("pretrain", "tokyo", "node7.ram", T0 + 1_000, T0 + 100_000)]


@pytest.mark.parametrize("end_s", [0, 59, 60])
@pytest.mark.parametrize("code", ["workspace-not-initialised", "sensor-unavailable"])
def test_a_run_that_ended_before_its_sensors_had_opened_was_too_short(tmp_path: Path, end_s: int, code: str) -> None:
    head = a_head(journal="j", anchor_mono_ns=0)
    maker = JournalMaker(head).put(Remark(0, T0, code, (("folder", "ws"), ("sensor", "nvml"), ("reason", "-"))))
    maker.end(at_ns=end_s * 10**9 + 75_000_000).write(tmp_path / "telemetry" / "journals" / "j")
    is_short = end_s < 60 and code == "workspace-not-initialised"
    found = energy(tmp_path).findings
    assert [f.code for f in found if f.code != code] == ["source-too-short" if is_short else "source-empty"]
    assert not is_short or f" {end_s}.075 s" in found[-1].en


def test_a_killed_record_and_one_without_numbers_are_empty_and_not_too_short(tmp_path: Path) -> None:
    journals = tmp_path / "telemetry" / "journals"
    JournalMaker(a_head(journal="a")).put(Remark(0, T0, "workspace-missing", ())).write(journals / "a")
    JournalMaker(a_head(part(0, "ram", RAM), journal="b")).second(0, None).end().write(journals / "b")
    assert sorted(f.code for f in energy(tmp_path).findings if f.code.startswith("source")) == 2 * ["source-empty"]
