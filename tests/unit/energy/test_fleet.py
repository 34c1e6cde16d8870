"""What all records together tell: missing nodes, machines under two names, wholes beside their parts, take-overs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.api import open_workspace
from gxmeter.core.findings import Finding
from gxmeter.core.journal import PARTICIPANT, Head
from gxmeter.energy.double import double_findings
from gxmeter.energy.fleet import fleet_findings
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.telemetry.sealing import seal_journals
from gxmeter.workspace.init import init_workspace
from tests.properties.energy.build import plain
from tests.support.journals import BMC, GPU, NS_PER_S, PACKAGE, T0, JournalMaker, a_head, part


def measured(
    folder: Path, name: str, *, seconds: range = range(3), parts: tuple[object, ...] = (), **head: object
) -> Head:
    """A journal of a few seconds; by default of processor and memory of its host."""
    host = str(head.get("host", "node7"))
    made = a_head(*(parts or (part(0, "cpu0", PACKAGE, host=host),)), journal=name, **head)  # type: ignore[arg-type]
    maker = JournalMaker(made)
    for second in seconds if made.role != PARTICIPANT else ():
        maker.second(second, *(1000 for _ in made.components))
    if made.role == PARTICIPANT:
        maker.count(5, tokens=1)
    maker.end().write(folder / name)
    return made


def launched(node: int | None, nodes: int | None, **more: object) -> tuple[tuple[str, object], ...]:
    facts = {"launcher": "slurm", "nodes": nodes, "node": node, **more}
    return tuple((key, value) for key, value in facts.items() if value is not None)


def machine(number: int) -> dict[str, object]:
    return {"host": f"node{number}", "boot": f"boot-{number}"}


def integrated(folder: Path) -> EnergyResult:
    return integrate([Source(path, "gxmeter", name=path.name) for path in sorted(folder.iterdir())])


def told(result: EnergyResult) -> list[Finding]:
    return fleet_findings(result, double_findings(result))


def found(folder: Path) -> list[Finding]:
    return told(integrated(folder))


def test_all_nodes_left_a_record(tmp_path: Path) -> None:
    for node in range(3):
        measured(tmp_path, f"n{node}", **machine(node), launch=launched(node, 3))
    assert found(tmp_path) == []


def test_nodes_without_a_record_are_named(tmp_path: Path) -> None:
    for node in (0, 2):
        measured(tmp_path, f"n{node}", **machine(node), launch=launched(node, 5))
    (item,) = found(tmp_path)
    assert (item.code, item.level, item.file, item.expected, item.found) == (
        "run-nodes-missing",
        "must",
        "n0",
        "5",
        "2",
    )
    assert "1, 3, 4" in item.en
    assert "1, 3, 4" in item.ja


def test_every_attempt_of_a_job_is_looked_at_by_itself(tmp_path: Path) -> None:
    for attempt, nodes in ((0, (0, 1)), (1, (1,))):
        for node in nodes:
            name = f"a{attempt}n{node}"
            seconds = range(10 * attempt, 10 * attempt + 3)
            measured(tmp_path, name, **machine(node), launch=launched(node, 2, attempt=attempt), seconds=seconds)
    assert [(item.code, item.file) for item in found(tmp_path)] == [("run-nodes-missing", "a1n1")]


def test_a_record_without_a_number_stands_for_one_node(tmp_path: Path) -> None:
    measured(tmp_path, "a", **machine(0), launch=launched(0, 2))
    measured(tmp_path, "b", **machine(1), launch=launched(None, 2))
    assert found(tmp_path) == []


def test_only_rank_zero_counts_work_and_no_node_is_missed_for_that(tmp_path: Path) -> None:
    """The meters outside know their nodes; inside, one process of node 0 tells of two nodes under another job id."""
    for node in (0, 1):
        measured(tmp_path, f"n{node}", **machine(node), launch=launched(node, 2, job="slurm-7"))
    measured(tmp_path, "rank0", parts=(), **machine(0), role=PARTICIPANT, launch=launched(0, 2, job="elastic"))
    assert found(tmp_path) == []


def test_those_inside_say_how_many_nodes_where_the_meters_outside_do_not_know(tmp_path: Path) -> None:
    measured(tmp_path, "outer", **machine(0))
    measured(tmp_path, "rank0", **machine(0), role=PARTICIPANT, launch=launched(0, 3))
    (item,) = found(tmp_path)
    assert (item.code, item.expected, item.found) == ("run-nodes-missing", "3", "1")
    measured(tmp_path, "outer1", **machine(1))
    measured(tmp_path, "outer2", **machine(2))
    assert found(tmp_path) == []


def test_a_forged_number_of_nodes_takes_no_time(tmp_path: Path) -> None:
    measured(tmp_path, "a", **machine(0), launch=launched(0, 1 << 60))
    (item,) = found(tmp_path)
    assert "20, ..." in item.en


def test_one_machine_under_two_host_names_is_told(tmp_path: Path) -> None:
    measured(tmp_path, "a", host="box-a")
    measured(tmp_path, "b", host="box-b", run="other")
    (item,) = found(tmp_path)
    assert (item.code, item.level, item.file) == ("device-two-names", "must", "b")
    assert "box-a.cpu0, box-b.cpu0" in item.en


def test_one_machine_at_two_sites_is_told_even_where_the_journal_is_a_copy(tmp_path: Path) -> None:
    measured(tmp_path, "a")
    (tmp_path / "b").mkdir()
    measured(tmp_path / "b", "a", site="osaka")
    (tmp_path / "b" / "a").rename(tmp_path / "c")
    (tmp_path / "b").rmdir()
    (item,) = found(tmp_path)
    assert (item.code, item.level, item.file) == ("device-two-names", "must", "c")
    assert "tokyo/node7.cpu0, osaka/node7.cpu0" in item.en


def test_one_gpu_under_two_names_is_told_even_across_boot_ids(tmp_path: Path) -> None:
    for name, label in (("a", "gpu0"), ("b", "gpu3")):
        gpu = part(0, label, GPU, host=name, uuid="GPU-1")
        measured(tmp_path, name, parts=(gpu,), host=name, boot=f"boot-{name}")
    assert [item.code for item in found(tmp_path)] == ["device-two-names"]


@pytest.mark.parametrize(
    "other",
    [
        {"host": "box-b", "seconds": range(3, 6)},
        {"host": "box-b", "boot": "boot-8"},
        {"host": "box-b", "parts": (part(0, "gpu0", GPU, host="box-b", uuid="GPU-2"),)},
        {"host": "box-b", "parts": (part(0, "cpu0.s12345678", PACKAGE, host="box-b"),)},
    ],
    ids=["one after the other", "another machine", "another part", "shares"],
)
def test_what_is_not_measured_twice_is_not_told(tmp_path: Path, other: dict[str, object]) -> None:
    parts = (part(0, "cpu0", PACKAGE, host="box-a"), part(1, "gpu0", GPU, host="box-a", uuid="GPU-1"))
    measured(tmp_path, "a", host="box-a", parts=parts)
    later = other.get("seconds")
    if later is not None:
        other = {**other, "mono_ns": 3 * NS_PER_S, "anchor_mono_ns": 3 * NS_PER_S, "anchor_utc_ms": T0 + 3000}
    measured(tmp_path, "b", **other)
    assert found(tmp_path) == []


def test_a_machines_own_meter_beside_another_journals_parts_is_told(tmp_path: Path) -> None:
    measured(tmp_path, "whole", parts=(part(0, "node", BMC, boundary="node"),))
    measured(tmp_path, "parts", parts=(part(0, "gpu1", GPU),), run="other")
    (item,) = found(tmp_path)
    assert (item.code, item.level, item.file) == ("boundary-twice", "must", "parts")
    assert "other, pretrain" in item.en


def test_parts_before_the_whole_and_parts_in_one_journal_are_not_told(tmp_path: Path) -> None:
    node = part(0, "node", BMC, boundary="node")
    measured(tmp_path, "before", parts=(part(0, "gpu0", GPU),), seconds=range(3))
    measured(tmp_path, "whole", parts=(node, part(1, "gpu9", GPU)), seconds=range(3, 6))
    assert found(tmp_path) == []


@pytest.mark.parametrize("early_ms", [0, 1, 2])
def test_a_device_that_one_meter_takes_over_from_another_is_whole(tmp_path: Path, early_ms: int) -> None:
    """Two readings of one clock in whole milliseconds: the second meter may seem to begin before the first ended."""
    measured(tmp_path, "a", seconds=range(3))
    started = 3 * NS_PER_S + 1
    measured(
        tmp_path,
        "b",
        seconds=range(3, 6),
        mono_ns=started,
        anchor_mono_ns=3 * NS_PER_S,
        anchor_utc_ms=T0 + 3000 - early_ms,
        run="next",
    )
    result = integrated(tmp_path)
    assert [item.code for item in (*result.findings, *told(result))] == []
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2 * 6 * 1000
    assert sum(leaf.covered_ms for leaf in result.leaves.values()) == 6000 - early_ms


def test_records_that_share_more_than_the_clocks_can_err_are_still_refused(tmp_path: Path) -> None:
    measured(tmp_path, "a", seconds=range(3))
    measured(tmp_path, "b", seconds=range(3), anchor_utc_ms=T0 + 3000 - 3)
    result = integrated(tmp_path)
    assert "files-overlap" in {item.code for item in result.findings}
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2 * 3 * 1000


def test_a_journal_cut_into_copies_at_any_place_is_the_journal(tmp_path: Path) -> None:
    measured(tmp_path, "a", seconds=range(6))
    whole = plain(integrated(tmp_path))
    (segment,) = (tmp_path / "a").glob("*.gxj")
    lines = segment.read_bytes().splitlines(keepends=True)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "0000.gxj").write_bytes(b"".join(lines[:4]))
    assert plain(integrated(tmp_path)) == whole


def test_check_and_account_of_a_workspace_both_tell(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    folder = tmp_path / "w" / "telemetry" / "journals"
    folder.mkdir(parents=True, exist_ok=True)
    site = next(path.stem for path in sorted((tmp_path / "w" / "sites").glob("*.yaml")))
    measured(folder, "n0", **machine(0), launch=launched(0, 2), site=site)
    book = open_workspace(tmp_path / "w")
    assert "run-nodes-missing" in {item.code for item in book.check()}
    assert "run-nodes-missing" in {item.code for item in open_workspace(tmp_path / "w").account(2026).findings}


def test_sealing_changes_nothing_in_the_account_its_evidence_included(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    folder = tmp_path / "w" / "telemetry" / "journals"
    folder.mkdir(parents=True, exist_ok=True)
    site = next(path.stem for path in sorted((tmp_path / "w" / "sites").glob("*.yaml")))
    measured(folder, "a", site=site)
    before = open_workspace(tmp_path / "w").account(2026).year
    assert len(seal_journals([folder / "a"]).sealed) == 1
    after = open_workspace(tmp_path / "w").account(2026).year
    assert [row.path for row in before.declarations.evidence if row.kind == "journal"] == ["telemetry/journals/a"]
    assert after == before


def test_a_participants_folder_alone_is_no_fault(tmp_path: Path) -> None:
    measured(tmp_path, "rank3", role=PARTICIPANT, parts=())
    result = integrated(tmp_path)
    assert (result.findings, fleet_findings(result)) == ([], [])
