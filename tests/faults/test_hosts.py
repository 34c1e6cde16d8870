"""Many processes and many hosts: whoever takes part, each host is counted once, and three hosts three times."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.case import LATE_S, Case
from tests.faults.host import Host, environment
from tests.faults.job import Job, wait_for, workspace
from tests.faults.record import Journal, Span, journals
from tests.faults.sensors import LABELS, WATTS, gpus

Scenario = Callable[[str], Case]
RANKS = Path(__file__).with_name("ranks.py")
COUNT = 24
PERIOD_S = 1.0
"""What a meter's interval is when nobody says otherwise [s]."""

CLAIM_S = 1.0
"""How often a meter that waits asks again for what another one has [s]."""


def _counting(found: list[Journal], label: str) -> list[Span]:
    return [span for journal in found if journal.counts for span in journal.spans(label)]


def _once(case: Case, found: list[Journal], during_ns: tuple[int, int], *, late_s: float = LATE_S) -> None:
    """Every GPU is covered once: no time twice, at most one interval never, at its known watts."""
    for label in LABELS:
        spans = sorted(_counting(found, label), key=lambda span: span.start_ns)
        assert all(a.end_ns <= b.start_ns for a, b in pairwise(spans)), "time is counted twice"
        case.loses_at_most_one(spans, during_ns, PERIOD_S, late_s=late_s)
        case.at_known_watts(spans, WATTS[label])


def _answers(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def _run(host: Host, *arguments: str) -> tuple[int, list[dict[str, object]], str]:
    """Run ``ranks.py`` on the host; exit code, what its meters said, standard error."""
    workspace(host.folder)
    out, err = host.folder / "out", host.folder / "err"
    with out.open("w") as to, err.open("w") as complaints:
        env = environment(host.folder, **gpus())
        process = host.start([sys.executable, RANKS, *arguments], env=env, out=to, err=complaints)
        code = process.wait(120)
    return code, _answers(out), err.read_text()


def test_eight_ranks_on_one_host_count_it_once(case: Scenario, host: Host) -> None:
    row = case("ranks-on-one-host")
    code, answers, err = _run(host, "launch", "8", "4")
    row.felt(code, 0)
    row.ran()
    assert (code, len(answers)) == (0, 8), err
    found = journals(host.folder)
    assert sum(journal.counts for journal in found) == 1, [item.head.role for item in found]
    during = max(int(str(item["begin_ns"])) for item in answers), min(int(str(item["end_ns"])) for item in answers)
    _once(row, found, during)
    assert {journal.head.run for journal in found} == {found[0].head.run}
    launch = dict(found[0].head.launch)
    assert (launch["launcher"], launch["world"]) == ("torchrun", 8)
    row.notes("launch: torchrun, 8 ranks")
    assert {journal.end for journal in found} == {"stop"}
    row.sees(found)


def test_when_the_rank_that_counts_is_killed_another_goes_on(case: Scenario, host: Host) -> None:
    row = case("counting-rank-killed")
    workspace(host.folder)
    env = environment(host.folder, **gpus())
    out = host.folder / "out"
    with out.open("w") as to:
        process = host.start([sys.executable, RANKS, "launch", "4", "7"], env=env, out=to, err=to)
        wait_for(lambda: any(item.spans("gpu0") for item in journals(host.folder)), "no rank ever counted")
        time.sleep(1)
        counting = next(item for item in journals(host.folder) if item.counts and item.spans("gpu0"))
        begin_ns = counting.spans("gpu0")[0].start_ns
        host.run(["kill", "-9", str(counting.head.pid)])
        code = process.wait(60)
    row.felt(code, 0)
    row.ran()
    answers = [json.loads(line) for line in out.read_text().splitlines() if line.startswith("{")]
    assert len(answers) == 3
    found = journals(host.folder)
    _once(row, found, (begin_ns, min(item["end_ns"] for item in answers)), late_s=CLAIM_S + LATE_S)
    row.sees(found, "journal-no-end")


def test_three_hosts_of_one_job_count_three_times(
    case: Scenario, new_host: Callable[..., Host], tmp_path: Path
) -> None:
    row = case("three-hosts")
    shared = workspace(tmp_path / "shared")
    hosts = [new_host(f"node{number}", own_boot=True, own_network=True) for number in range(3)]
    jobs = []
    for number, host in enumerate(hosts):
        slurm = {
            "SLURM_JOB_ID": "4711",
            "SLURM_NNODES": "3",
            "SLURM_NODEID": str(number),
            "SLURM_PROCID": str(number),
            "SLURM_NTASKS": "3",
            "SLURM_LOCALID": "0",
        }
        jobs.append(Job(host, "pretrain", seconds=4, at=shared, env=gpus() | slurm).begin())
    for job in jobs:
        job.unharmed(row, job.end())
        row.ran()
    found = journals(shared)
    assert {item.head.host for item in found if item.counts} == {"node0", "node1", "node2"}
    assert len({item.head.boot for item in found}) == 3
    assert {item.head.run for item in found} == {"pretrain"}
    for job in jobs:
        own = [item for item in found if item.head.host == job.host.name]
        _once(row, own, job.life_ns)
        assert dict(own[0].head.launch)["nodes"] == 3
        assert "sensor-unavailable" not in own[0].says, "a scheduler's variables took a sensor away"
    row.notes("launch: slurm, 3 nodes")
    row.sees(found)


@pytest.mark.parametrize(("how", "name"), [("fork", "workers-forked"), ("spawn", "workers-spawned")])
def test_dozens_of_workers_take_no_part_in_the_count(case: Scenario, host: Host, how: str, name: str) -> None:
    row = case(name)
    code, answers, err = _run(host, how, str(COUNT), "2")
    row.felt(code, 0)
    row.ran(COUNT)
    assert (code, len(answers)) == (0, 1), err
    assert answers[0]["total"] == sum(number * number for number in range(20 * COUNT))
    found = journals(host.folder)
    assert len(found) == 1
    assert found[0].faults == set()
    assert found[0].end == "stop"
    assert found[0].head.pid == answers[0]["pid"]
    _once(row, found, (int(str(answers[0]["begin_ns"])), int(str(answers[0]["end_ns"]))))
    row.sees(found)


def test_no_child_hangs_that_is_forked_while_the_meter_starts(case: Scenario, host: Host) -> None:
    row = case("fork-while-starting")
    code, answers, err = _run(host, "forks", "40", "1")
    row.felt(code, 0)
    row.ran(40)
    assert (code, len(answers)) == (0, 1), err
    assert answers[0]["hung"] == 0
    (journal,) = journals(host.folder)
    assert (journal.end, journal.faults) == ("stop", set())
    _once(row, [journal], (int(str(answers[0]["begin_ns"])), int(str(answers[0]["end_ns"]))))
    row.sees(journal)
