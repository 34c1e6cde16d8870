"""Work counted by meters inside a metered command: all of it, sealed or not, and never a long wait for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.cli.commands import run_work
from gxmeter.cli.commands.run_work import with_work_inside
from gxmeter.core.journal import PARTICIPANT
from gxmeter.meter.totals import MeterResult
from gxmeter.telemetry.sealing import seal_journals
from gxmeter.telemetry.work import work_of
from tests.support.journals import GPU, JournalMaker, a_head, part


def result(journal: Path) -> MeterResult:
    return MeterResult("pretrain", "tokyo", journal, 1, 1, 0, None, ())


def work(journal: Path) -> tuple[int, int, int]:
    found = with_work_inside(result(journal))
    return found.tokens, found.steps, found.flop


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """A meter outside, two ranks inside, one of them of two segments, and one of another run."""
    utc_ms = 1_700_000_000_000
    JournalMaker(a_head(part(0, "gpu0", GPU), utc_ms=utc_ms)).second(0, 1000).end().write(tmp_path / "own")
    for name, run in (("rank0", "pretrain"), ("rank1", "pretrain"), ("other", "other")):
        maker = JournalMaker(a_head(journal=name, run=run, role=PARTICIPANT, utc_ms=utc_ms))
        maker.count(5, tokens=100).phase(6, "train").count(7, tokens=11, steps=1, flop=10**25).rotate()
        maker.count(8, steps=2).end().write(tmp_path / name)
    return tmp_path


def test_the_work_of_all_ranks_of_the_run_is_added(journals: Path) -> None:
    assert work(journals / "own") == (222, 6, 2 * 10**25)
    (pretrain,) = (run for run in work_of(journals.iterdir()) if run.run == "pretrain")
    assert work(journals / "own") == (pretrain.tokens, pretrain.steps, pretrain.flop)


def test_it_is_the_same_when_records_were_sealed_meanwhile(journals: Path) -> None:
    before = work(journals / "own")
    seal_journals(sorted(journals.iterdir()))
    assert not list(journals.rglob("*.gxj"))
    assert work(journals / "own") == before


def test_a_damaged_line_and_a_torn_one_do_not_count(journals: Path) -> None:
    path = journals / "rank0" / "0000.gxj"
    path.write_bytes(path.read_bytes().replace(b'"tokens":100', b'"tokens":999'))
    last = journals / "rank1" / "0001.gxj"
    head, count, _ = last.read_bytes().splitlines(keepends=True)
    last.write_bytes(head + count.rstrip(b"\n"))
    assert work(journals / "own") == (122, 4, 2 * 10**25)


def test_records_that_take_long_to_read_are_left_to_the_reader(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work, "MOST_BYTES", 1000)
    assert work(journals / "own") == (0, 0, 0)
