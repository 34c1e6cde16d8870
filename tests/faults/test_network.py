"""Without any network, and without ever asking for one."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.faults.case import Case
from tests.faults.host import Host, environment
from tests.faults.job import GXMETER, WORKER, Job, workspace
from tests.faults.sensors import LABELS, WATTS, gpus

Scenario = Callable[[str], Case]
LOCAL = ("AF_UNIX", "AF_LOCAL", "AF_NETLINK")
"""Families of sockets that leave no machine."""


def test_a_host_without_a_network_is_measured_like_any_other(case: Scenario, new_host: Callable[..., Host]) -> None:
    row = case("no-network")
    host = new_host(own_network=True)
    assert host.run(["cat", "/proc/net/route"]).count("\n") <= 1, "there is a way out of this host"
    job = Job(host, seconds=3, env=gpus()).begin()
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    for label in LABELS:
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), WATTS[label])
    row.sees(job.journal)


def test_no_network_socket_is_ever_asked_for(case: Scenario, host: Host, needs: Callable[[str, str], str]) -> None:
    row = case("no-socket")
    trace = host.folder / "trace"
    strace = [needs("strace", "strace"), "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    worker = [sys.executable, WORKER, "--seconds", "3", "--state", host.folder / "state.json"]
    at = workspace(host.folder / "ws")
    out = host.folder / "out"
    with out.open("w") as to:
        process = host.start(
            [*strace, *GXMETER, "-w", at, "--", *worker], env=environment(host.folder, **gpus()), out=to, err=to
        )
        code = process.wait(120)
    row.felt(code, 0)
    row.ran()
    assert code == 0, out.read_text()
    asked = [line for line in trace.read_text().splitlines() if "socket(" in line or "connect(" in line]
    assert [line for line in asked if not any(family in line for family in LOCAL)] == []
