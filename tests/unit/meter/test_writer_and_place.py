"""The pen on a failing disk, and where a journal may lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from meter_helpers import python, segments

from gxmeter.core.ids import is_id
from gxmeter.core.journal import Interval
from gxmeter.meter.record.place import claim, find_workspace, journal_id, known_sites, safe_id
from gxmeter.meter.record.writer import MAX_WAITING

FULL_DISK = """
import resource, sys
from pathlib import Path
from gxmeter.core.journal import Head, Interval
from gxmeter.meter.ticks import SystemTicks
from gxmeter.meter.record.writer import JournalWriter
now = SystemTicks().now()
head = Head(0, "j", 0, None, "r", "s", "h", "b", 1, now.utc_ms, now.mono_ns, now.utc_ms, now.mono_ns, 1000, "0")
writer = JournalWriter(Path("."))
writer.head(head)
S = 10**9
def put(n): writer.write(Interval(0, n, n + 1, n * S, (n + 1) * S, ()))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
put(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (Path("0000.gxj").stat().st_size + 20, hard))
for n in range(2, int(sys.argv[1]) if len(sys.argv) > 1 else COUNT): put(n)
print(writer.lost)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
put(10**6)
print(writer.lost)
writer.close("stop", now)
"""


def test_records_wait_for_a_full_disk_and_none_is_torn_or_lost(tmp_path: Path) -> None:
    done = python(FULL_DISK.replace("COUNT", "30"), cwd=tmp_path)
    assert done.stdout.split() == ["28", "0"], done.stderr
    found = segments(tmp_path)[0]
    assert found.findings == []
    assert len([r for _, r in found.records if isinstance(r, Interval)]) == 30


def test_what_had_to_be_dropped_is_counted_in_the_record(tmp_path: Path) -> None:
    done = python(FULL_DISK.replace("COUNT", str(MAX_WAITING + 7)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = segments(tmp_path)[0]
    assert found.findings == []
    remark = [record for _, record in found.records if getattr(record, "code", "") == "records-lost"]
    assert [dict(record.params) for record in remark] == [{"count": "6"}]  # type: ignore[union-attr]


def test_a_journal_id_says_run_time_and_something_of_its_own() -> None:
    one, two = (journal_id("pretrain-1", 1_795_388_000_000) for _ in range(2))
    assert one.startswith("pretrain-1-20261122T225320Z-")
    assert one != two
    assert is_id(journal_id("x" * 80, 0))


@pytest.mark.parametrize("text", ["run 1", "../../etc", "", "学習", "a" * 200, "..", "-x", "a..b"])
def test_any_text_becomes_an_id(text: str) -> None:
    assert is_id(safe_id(text))


def test_an_id_stays_as_it_is() -> None:
    assert safe_id("tokyo-dc1") == "tokyo-dc1"
    assert safe_id("r" * 80) == "r" * 80


def test_the_workspace_is_the_nearest_folder_with_its_file(workspace: Path) -> None:
    inner = workspace / "a" / "b"
    inner.mkdir(parents=True)
    assert find_workspace(inner) == workspace
    assert find_workspace(Path("/")) is None


def test_sites_are_the_ids_in_the_site_files(workspace: Path) -> None:
    (workspace / "sites" / "two.yaml").write_text("# a comment\nname_en: Two\nid: 'kansai-1'\ncontracts:\n  - id: c1\n")
    assert known_sites(workspace) == ["kansai-1", "lab"]
    assert known_sites(workspace / "none") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace_sends_the_journal_elsewhere(workspace: Path, tmp_path: Path) -> None:
    workspace.chmod(0o555)
    place = claim(workspace, "r", 0)
    workspace.chmod(0o755)
    assert place is not None
    assert place.folder.is_relative_to(tmp_path / "state")
