"""Work of runs from their journals: energy by phase, tokens, FLOP; nothing twice, nothing lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.journal import END, PARTICIPANT
from gxmeter.energy.work_summary import work_document, work_findings, work_lines
from gxmeter.telemetry.sealing import seal_journals
from gxmeter.telemetry.work import work_of
from tests.support.journals import BMC, GPU, LOAD, NS_PER_S, PACKAGE, RAM, JournalMaker, a_head, part

CPU = part(0, "cpu0", PACKAGE)
J = 1_000_000


def phases(*paths: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Per run and phase: uJ, ms, tokens, steps, FLOP."""
    return {
        run.run: {
            name: (p.half_uj // 2, p.covered_ns // 10**6, p.tokens, p.steps, p.flop) for name, p in run.phases.items()
        }
        for run in work_of(paths)
    }


def trained(folder: Path, **head: object) -> Path:
    """Four seconds at 10 W: train from 0.5 s to 2.5 s with a checkpoint inside, then eval until the end."""
    cpu = part(0, "cpu0", PACKAGE, host=str(head.get("host", "node7")))
    maker = JournalMaker(a_head(cpu, **head)).phase(NS_PER_S // 2, "train").count(NS_PER_S, tokens=100, flop=5)
    maker.second(0, 10 * J).phase(NS_PER_S, "save").second(1, 10 * J).rotate()
    maker.phase(2 * NS_PER_S, "save", END).count(2 * NS_PER_S + 5, tokens=20, steps=1)
    maker.phase(2_500_000_000, "train", END).phase(2_500_000_000, "eval").second(2, 10 * J).second(3, 10 * J)
    return maker.end().write(folder)


def test_energy_and_counts_go_to_the_innermost_phase_across_segments(tmp_path: Path) -> None:
    assert phases(trained(tmp_path / "j")) == {
        "pretrain": {
            "": (5 * J, 500, 0, 0, 0),
            "eval": (15 * J, 1500, 0, 0, 0),
            "save": (10 * J, 1000, 0, 0, 0),
            "train": (10 * J, 1000, 120, 1, 5),
        }
    }


def test_sealed_journals_give_the_same_work(tmp_path: Path) -> None:
    folder = trained(tmp_path / "j")
    before = phases(folder)
    seal_journals([folder])
    assert phases(folder) == before


def test_a_copy_counts_once_and_the_longer_one_stands(tmp_path: Path) -> None:
    folder = trained(tmp_path / "j")
    whole = phases(folder)
    copy = shutil.copytree(folder, tmp_path / "a-copy")
    (copy / "0001.gxj").unlink()
    assert phases(copy, folder) == phases(folder, copy) == whole


def test_segments_named_one_by_one_are_one_journal(tmp_path: Path) -> None:
    folder = trained(tmp_path / "j")
    whole = phases(folder)
    seal_journals([folder], keep=True)
    segments = sorted(folder.iterdir(), reverse=True)
    assert len(segments) == 4
    assert phases(*segments) == whole


def test_a_segment_copied_within_its_folder_counts_once(tmp_path: Path) -> None:
    folder = trained(tmp_path / "j")
    whole = phases(folder)
    shutil.copy(folder / "0001.gxj", folder / "0000 copy.gxj")
    assert phases(folder) == whole


def test_segments_are_in_order_of_number_after_more_than_a_year_of_hours(tmp_path: Path) -> None:
    folder = trained(tmp_path / "j")
    whole = phases(folder)
    for old, new in (("0000", "9999"), ("0001", "10000")):
        (folder / f"{old}.gxj").rename(folder / f"{new}.gxj")
    assert phases(folder) == whole


def test_one_that_took_over_is_lent_the_phases_of_a_lower_rank_whatever_the_journals_are_called(tmp_path: Path) -> None:
    taker = a_head(journal="taker", role=PARTICIPANT, launch=(("rank", 1),))
    teller = a_head(journal="teller", role=PARTICIPANT, launch=(("rank", 0),))
    for name, other in (("a", "b"), ("b", "a")):
        JournalMaker(teller).phase(0, "train").count(9 * NS_PER_S, steps=1).write(tmp_path / name / other)
        maker = JournalMaker(taker).count(NS_PER_S, tokens=5).rotate()
        maker.head = a_head(CPU, journal="taker", launch=(("rank", 1),))
        maker.second(2, 10 * J).end().write(tmp_path / name / name)
        assert phases(*(tmp_path / name).iterdir())["pretrain"]["train"][:2] == (10 * J, 1000)


def test_a_resumed_run_adds_up(tmp_path: Path) -> None:
    first = trained(tmp_path / "j1", journal="j1")
    second = trained(tmp_path / "j2", journal="j2", resumes="j1", boot="other")
    both = phases(first, second)["pretrain"]
    assert both == {name: tuple(2 * value for value in values) for name, values in phases(first)["pretrain"].items()}


def test_what_takes_part_adds_work_but_no_energy_and_lends_its_phases(tmp_path: Path) -> None:
    """``gxmeter run -- torchrun``: the meter outside knows no phases, the ranks inside have no energy."""
    outer = JournalMaker(a_head(CPU, journal="outer")).second(0, 10 * J).second(1, 10 * J).end()
    paths = [outer.write(tmp_path / "outer")]
    for rank in (1, 0):
        inner = JournalMaker(a_head(journal=f"rank{rank}", role=PARTICIPANT, launch=(("rank", rank),)))
        inner.phase(NS_PER_S // 2 + rank, "train").count(NS_PER_S, tokens=50)
        inner.phase(3 * NS_PER_S // 2, "train", END)
        paths.append(inner.end().write(tmp_path / f"rank{rank}"))
    assert phases(*paths) == {"pretrain": {"": (10 * J, 1000, 0, 0, 0), "train": (10 * J, 1000, 100, 0, 0)}}


def test_a_phase_that_a_killed_process_left_open_ends_with_its_last_record(tmp_path: Path) -> None:
    outer = JournalMaker(a_head(CPU, journal="outer")).second(0, 10 * J).second(1, 10 * J).end()
    inner = JournalMaker(a_head(journal="in", role=PARTICIPANT)).phase(0, "train").count(NS_PER_S, steps=1)
    paths = [outer.write(tmp_path / "outer"), inner.write(tmp_path / "inner")]
    assert phases(*paths)["pretrain"] == {"": (10 * J, 1000, 0, 0, 0), "train": (10 * J, 1000, 0, 1, 0)}


def test_phases_of_another_machine_are_not_lent(tmp_path: Path) -> None:
    outer = JournalMaker(a_head(CPU, journal="outer")).second(0, 10 * J).end()
    inner = JournalMaker(a_head(journal="in", role=PARTICIPANT, boot="boot-8")).phase(0, "train").count(5, steps=1)
    paths = [outer.write(tmp_path / "outer"), inner.end().write(tmp_path / "inner")]
    assert phases(*paths)["pretrain"] == {"": (10 * J, 1000, 0, 0, 0), "train": (0, 0, 0, 1, 0)}


def test_only_what_counts_is_in_the_phases(tmp_path: Path) -> None:
    parts = (part(0, "node", BMC, boundary="node"), part(1, "cpu0", PACKAGE, beside=0), part(2, "ram", RAM, beside=0))
    maker = JournalMaker(a_head(*parts)).phase(0, "train").second(0, 9 * J, 5 * J, 2 * J).second(1, None, 5 * J, 2 * J)
    assert phases(maker.end().write(tmp_path)) == {"pretrain": {"train": (9 * J, 1000, 0, 0, 0)}}


def test_a_pair_read_twice_counts_once(tmp_path: Path) -> None:
    parts = (part(0, "gpu0", GPU), part(1, "cpu0", PACKAGE), part(2, "cpu0", LOAD, beside=1))
    maker = JournalMaker(a_head(*parts)).second(0, 4 * J, 2 * J, 7 * J)
    assert phases(maker.end().write(tmp_path)) == {"pretrain": {"": (6 * J, 1000, 0, 0, 0)}}


def test_energy_for_each_token_and_flop_is_exact_text(tmp_path: Path) -> None:
    (run,) = work_document(work_of([trained(tmp_path / "j")]))
    assert (run["tokens"], run["steps"], run["flop"]) == (120, 1, "5")
    assert run["energy_j_per_token"] == "0.333333333333"
    assert run["energy_j_per_flop"] == "8"
    by_name = {phase["name"]: phase for phase in run["phases"]}
    assert by_name["train"]["energy_j_per_token"] == "0.083333333333"
    assert by_name["train"]["energy_kwh"] == "0.000002777778"
    assert by_name["eval"]["energy_j_per_token"] is None
    assert by_name["eval"]["seconds"] == "1.5"


def test_runs_that_tell_nothing_of_their_work_have_a_line_with_their_energy(tmp_path: Path) -> None:
    plain = JournalMaker(a_head(CPU)).second(0, 10 * J).end().write(tmp_path / "plain")
    none = JournalMaker(a_head(CPU, journal="n", run="empty")).second(0, None).end().write(tmp_path / "none")
    runs = work_of([plain, none])
    assert list(work_lines(runs, ja=False)) == [
        "run empty: no energy recorded",
        "run pretrain: 0.000002777778 kWh, 1 s",
    ]
    assert next(iter(work_lines(runs, ja=True))) == "実行 empty: エネルギーの記録なし"
    assert work_document(runs)[0]["energy_kwh"] is None
    assert work_findings(runs) == []


def run(*args: object, lang: str = "en") -> tuple[dict[str, Any], str]:
    result = CliRunner().invoke(app, [str(a) for a in args], env={"GXMETER_LANG": lang})
    assert result.exit_code == 0, result.stderr
    return (json.loads(result.stdout) if result.stdout.startswith("{") else {}), result.stdout


def test_the_command_tells_the_work_of_every_run(tmp_path: Path) -> None:
    trained(tmp_path / "a" / "j1", journal="j1")
    trained(tmp_path / "a" / "j2", journal="j2", run="other", host="node8", boot="boot-8")
    document, _ = run("energy", tmp_path / "a", "--format", "gxmeter", "--json")
    assert [item["run"] for item in document["work"]] == ["other", "pretrain"]
    assert document["energy_half_uj"] == {"device": str(2 * 2 * 40 * J)}
    assert {p["name"] for p in document["work"][0]["phases"]} == {"", "eval", "save", "train"}
    _, text = run("energy", tmp_path / "a", "--format", "gxmeter")
    assert "run pretrain: 0.000011111111 kWh, 4 s, 120 tokens, 1 steps, 5 FLOP, 0.333333333333 J/token" in text
    assert "  (outside phases): 0.000001388889 kWh, 0.5 s" in text
    _, text = run("energy", tmp_path / "a", "--format", "gxmeter", lang="ja")
    assert "実行 pretrain: 0.000011111111 kWh, 4 s, 120 トークン" in text
