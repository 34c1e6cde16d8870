"""Places that refuse: a full disk, a read-only folder, a folder that goes away. The training never notices."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.case import Case
from tests.faults.host import Host
from tests.faults.job import Job, workspace
from tests.faults.record import Journal, journals
from tests.faults.sensors import gpus

Scenario = Callable[[str], Case]
MANY = 8
"""Graphics processors that make records long enough to fill a page of the small disk within a second."""

PERIOD_S = 0.1


def _small_disk(host: Host) -> Path:
    """A disk of 256 KiB on the host, with a workspace on it."""
    disk = host.folder / "disk"
    disk.mkdir()
    host.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk])
    return workspace_on(host, disk)


def workspace_on(host: Host, disk: Path) -> Path:
    """Make the workspace from outside the host, where only the host sees the disk."""
    workspace(host.root / str(disk).lstrip("/") / "ws")
    return disk / "ws"


def _fill(host: Host, disk: Path) -> None:
    host.run(["sh", "-c", f"dd if=/dev/zero of={disk}/filler bs=1k 2>/dev/null; true"])


def _job(host: Host, at: Path, seconds: float) -> Job:
    return Job(host, seconds=seconds, period_s=PERIOD_S, at=at, env=gpus(MANY)).begin().until_child()


def test_a_disk_that_is_full_for_a_while_costs_nothing(case: Scenario, host: Host) -> None:
    row = case("disk-full")
    at = _small_disk(host)
    job = _job(host, at, 8).until_recorded(3)
    _fill(host, at.parent)
    full_at = job.workspace.rglob("*.gxj")
    sizes = {path: path.stat().st_size for path in full_at}
    time.sleep(4)
    grown = {path: path.stat().st_size - size for path, size in sizes.items()}
    host.run(["rm", at.parent / "filler"])
    code = job.end()
    row.ran()
    assert max(grown.values()) < 8192, "the disk was not full"
    job.unharmed(row, code)
    assert job.journal.faults == set()
    for number in range(MANY):
        row.loses_at_most_one(job.spans(f"gpu{number}"), job.life_ns, PERIOD_S)
    row.sees(job.journal, "disk-refused")


def test_a_disk_that_stays_full_is_said_at_the_end(case: Scenario, host: Host) -> None:
    row = case("disk-full-to-the-end")
    at = _small_disk(host)
    job = _job(host, at, 6).until_recorded(3)
    _fill(host, at.parent)
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    assert job.journal.faults <= {"journal-no-end"}
    lost_s = row.loses(job.spans("gpu0"), job.life_ns, PERIOD_S)
    (said,) = set(re.findall(r"(\d+) records were lost", job.stderr))
    assert lost_s / PERIOD_S - 2 < int(said) < lost_s / PERIOD_S + 20
    row.notes(f"at the end: {said} records were lost")
    row.sees(job.journal, "journal-no-end")


def test_a_read_only_workspace_sends_the_record_elsewhere(case: Scenario, host: Host) -> None:
    row = case("folder-read-only")
    at = workspace(host.folder / "ws")
    host.run(["mount", "--bind", at, at])
    host.run(["mount", "-o", "remount,bind,ro", at])
    job = Job(host, seconds=3, at=at, env=gpus()).begin()
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    assert journals(at) == []
    journal = _fallback(host)
    row.loses_at_most_one(journal.spans("gpu0"), job.life_ns, job.period_s)
    row.sees(journal, "workspace-unwritable")
    assert "cannot be written" in job.stderr


def test_a_folder_removed_while_it_is_written_is_replaced(case: Scenario, host: Host) -> None:
    row = case("folder-removed")
    job = Job(host, seconds=6, env=gpus()).begin().until_child().until_recorded(2)
    shutil.rmtree(job.workspace)
    gone_ns = time.monotonic_ns()
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    found = journals(host.folder)
    assert found, "after the folder was removed nothing was recorded"
    _, end_ns = job.life_ns
    spans = [span for journal in found for span in journal.spans("gpu0")]
    row.loses_at_most_one(spans, (gone_ns, end_ns), job.period_s)
    row.sees(found, "journal-put-back")


def _fallback(host: Host) -> Journal:
    """The journal in the user's state folder."""
    (found,) = journals(host.folder / "state")
    return found
