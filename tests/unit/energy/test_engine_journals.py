"""Journals through the engine: copies count once, and findings name the journal's folder."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gxmeter.core.calendar import to_ms
from gxmeter.core.errors import InputError
from gxmeter.energy.engine_local import integrate
from gxmeter.energy.model import EnergyResult, Source
from tests.properties.energy.build import plain
from tests.support.journals import write_journal

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
