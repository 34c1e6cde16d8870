"""Energy per token stands on the work that was counted while there was energy, and says how much that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.journal import END, PARTICIPANT
from gxmeter.energy.work_summary import work_document, work_findings, work_lines
from gxmeter.telemetry.sealing import seal_journals
from gxmeter.telemetry.work import work_of
from tests.support.journals import NS_PER_S, PACKAGE, JournalMaker, a_head, part

CPU = part(0, "cpu0", PACKAGE)
J = 1_000_000
S = NS_PER_S


def late(folder: Path, **head: object) -> Path:
    """Ten seconds of 100 tokens each; energy, 10 J a second, only from 6 s to 10 s: phases warm (0-5 s) and train."""
    maker = JournalMaker(a_head(CPU, **head)).phase(0, "warm")
    for second in range(6):
        if second == 5:
            maker.phase(5 * S, "warm", END).phase(5 * S, "train")
        maker.count((second + 1) * S - 5, tokens=100, flop=7)
    for second in range(6, 10):
        maker.count((second + 1) * S - 5, tokens=100, flop=7).second(second, 10 * J)
    return maker.end(at_ns=10 * S).write(folder)


def of(*paths: Path) -> dict[str, Any]:
    (run,) = work_document(work_of(paths))
    return run


def by_name(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {phase["name"]: phase for phase in run["phases"]}


def test_a_ratio_takes_only_the_work_of_covered_time_and_totals_stay_totals(tmp_path: Path) -> None:
    run = of(late(tmp_path / "j"))
    assert (run["seconds"], run["seconds_total"]) == ("4", "10")
    assert (run["tokens"], run["tokens_covered"]) == (1000, 400)
    assert (run["flop"], run["flop_covered"]) == ("70", "28")
    assert run["energy_j_per_token"] == "0.1", "40 J for 400 tokens, not for 1,000"
    phases = by_name(run)
    warm, train = phases["warm"], phases["train"]
    assert (warm["energy_kwh"], warm["seconds"], warm["seconds_total"]) == (None, "0", "5")
    assert (warm["tokens"], warm["tokens_covered"], warm["energy_j_per_token"]) == (500, 0, None)
    assert (train["seconds"], train["seconds_total"], train["tokens_covered"]) == ("4", "5", 400)
    assert train["energy_j_per_token"] == "0.1"


def test_it_is_said_in_both_languages_and_as_a_remark_of_the_run_and_of_each_phase(tmp_path: Path) -> None:
    runs = work_of([late(tmp_path / "j")])
    text = "\n".join(work_lines(runs, ja=False))
    assert "kWh, 4 of 10 s, 1,000 tokens, 70 FLOP, 0.1 J/token" in text
    assert "energy covers 40 % of the time" in text
    assert "  warm: no energy recorded, 500 tokens" in text
    assert "エネルギーの記録は時間の 40 %" in "\n".join(work_lines(runs, ja=True))
    found = work_findings(runs)
    assert [(item.code, str(item.level), dict(item.params)["what"]) for item in found] == [
        ("work-partly-covered", "may", "pretrain"),
        ("work-partly-covered", "may", "pretrain / train"),
        ("work-partly-covered", "may", "pretrain / warm"),
    ]
    assert "4 of the 10 s" in found[0].en
    assert "40 %" in found[0].ja


def test_the_command_holds_the_remark_and_still_ends_well(tmp_path: Path) -> None:
    folder = late(tmp_path / "j")
    result = CliRunner().invoke(app, ["energy", str(folder), "--format", "gxmeter", "--json"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert {item["code"] for item in document["findings"]} == {"work-partly-covered"}


def test_a_record_that_has_energy_all_the_time_says_nothing(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU))
    for second in range(20):
        maker.count(second * S + S // 2, tokens=5).second(second, None if second == 0 else 10 * J)
    folder = maker.end(at_ns=20 * S).write(tmp_path / "j")
    assert work_findings(work_of([folder])) == []
    assert of(folder)["tokens_covered"] == 95


def test_what_is_told_within_a_period_after_an_interval_was_done_in_it(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU)).count(S // 2, tokens=1).second(0, 10 * J).count(2 * S, tokens=10)
    maker.count(2 * S + 1, tokens=100)
    assert of(maker.end().write(tmp_path / "j"))["tokens_covered"] == 11
    earlier = JournalMaker(a_head(CPU)).count(S - 1, tokens=1).count(S, tokens=10).second(1, 10 * J)
    assert of(earlier.end().write(tmp_path / "k"))["tokens_covered"] == 10


def test_an_interval_without_a_number_covers_nothing(tmp_path: Path) -> None:
    maker = JournalMaker(a_head(CPU)).count(S // 2, tokens=1).second(0, 10 * J)
    maker.count(3 * S + 5, tokens=10).second(3, None).count(4 * S + 5, tokens=100).second(4, 10 * J)
    run = of(maker.end().write(tmp_path / "j"))
    assert (run["tokens_covered"], run["seconds"], run["seconds_total"]) == (101, "2", "5")


def test_work_told_by_ranks_is_covered_by_the_meter_outside(tmp_path: Path) -> None:
    """``gxmeter run -- torchrun``: the meter has energy from 2 s to 5 s, the ranks tell work from 1 s to 7 s."""
    outer = JournalMaker(a_head(CPU, journal="outer"))
    for second in range(2, 5):
        outer.second(second, 10 * J)
    paths = [outer.end(at_ns=5 * S).write(tmp_path / "outer")]
    for rank in (0, 1):
        inner = JournalMaker(a_head(journal=f"rank{rank}", role=PARTICIPANT, launch=(("rank", rank),)))
        inner.phase(S, "train")
        for second in range(1, 8):
            inner.count(second * S + 5, tokens=50)
        paths.append(inner.phase(8 * S, "train", END).end(at_ns=8 * S).write(tmp_path / f"rank{rank}"))
    run = of(*paths)
    assert (run["tokens"], run["tokens_covered"]) == (700, 400), "told at 2, 3, 4 and, within a period, 5 s"
    assert run["energy_j_per_token"] == "0.075"
    train = by_name(run)["train"]
    assert (train["seconds"], train["seconds_total"]) == ("3", "4"), "the phases of the lowest rank, over our record"


def test_another_machine_and_another_run_cover_nothing(tmp_path: Path) -> None:
    counted = JournalMaker(a_head(journal="a", role=PARTICIPANT)).count(S // 2, tokens=1).end().write(tmp_path / "a")
    for number, other in enumerate(({"boot": "boot-8"}, {"run": "other"})):
        meter = JournalMaker(a_head(CPU, journal="b", **other)).second(0, 10 * J).end().write(tmp_path / f"b{number}")
        runs = {run["run"]: run for run in work_document(work_of([counted, meter]))}
        assert (runs["pretrain"]["tokens"], runs["pretrain"]["tokens_covered"]) == (1, 0)
        assert runs["pretrain"]["energy_j_per_token"] is None


def test_work_of_one_that_takes_over_is_covered_by_the_one_before_it(tmp_path: Path) -> None:
    first = JournalMaker(a_head(CPU, journal="first")).second(0, 10 * J).second(1, 10 * J).end(at_ns=2 * S)
    taker = a_head(journal="taker", role=PARTICIPANT)
    maker = JournalMaker(taker).phase(0, "train").count(S, tokens=1).rotate()
    maker.head = a_head(CPU, journal="taker", mono_ns=2 * S)
    maker.count(5 * S // 2, tokens=10).second(2, 10 * J)
    run = of(first.write(tmp_path / "first"), maker.end(at_ns=4 * S).write(tmp_path / "taker"))
    assert (run["tokens_covered"], run["seconds"], run["seconds_total"]) == (11, "3", "4")
    assert by_name(run)["train"]["tokens_covered"] == 11


def test_copies_and_sealed_segments_change_nothing(tmp_path: Path) -> None:
    folder = late(tmp_path / "j")
    before = of(folder)
    seal_journals([folder], keep=True)
    assert of(folder, *folder.iterdir()) == before


def test_two_journals_of_a_run_add_up_their_times(tmp_path: Path) -> None:
    run = of(late(tmp_path / "a", journal="a"), late(tmp_path / "b", journal="b", boot="boot-8"))
    assert (run["seconds"], run["seconds_total"], run["tokens_covered"]) == ("8", "20", 800)
    assert run["energy_j_per_token"] == "0.1"


def test_a_device_at_two_sites_is_said_with_its_sites(tmp_path: Path) -> None:
    for site in ("osaka", "tokyo"):
        start = 20 * (site == "tokyo")
        JournalMaker(a_head(CPU, journal=site, site=site)).second(start, J).end().write(tmp_path / site)
    arguments = ["energy", str(tmp_path), "--format", "gxmeter"]
    assert "2 devices (osaka: 1, tokyo: 1), " in CliRunner().invoke(app, arguments).stdout
    arguments[1] = str(tmp_path / "osaka")
    assert "1 devices, " in CliRunner().invoke(app, arguments).stdout
