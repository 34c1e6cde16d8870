"""Sealing: the same bytes, digits, findings and digest before and after; nothing goes that was not proved."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.errors import InputError
from gxmeter.core.journal import Interval, Remark
from gxmeter.core.journal_encode import encode
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import digest_of, size_of
from gxmeter.telemetry.journal_files import SegmentFile, segment_files
from gxmeter.telemetry.sealed import seal, unseal
from gxmeter.telemetry.sealing import Sealing, seal_journals
from tests.properties.energy.build import plain
from tests.support.journals import GPU, LOAD, PACKAGE, T0, JournalMaker, a_head, part

CPU = part(0, "cpu0", PACKAGE)
PARTS = (part(0, "gpu0", GPU, counter_unit="mJ"), part(1, "cpu0", PACKAGE), part(2, "cpu0", LOAD, beside=1))


def three_segments(folder: Path, *, live: bool = False) -> Path:
    """Three chained segments; the last one is still written where ``live``."""
    maker = JournalMaker(a_head(*PARTS))
    for second in range(12):
        counters = ((300_000 * second, 300_000 * (second + 1)), (7, 9), None)
        maker.second(second, 300_000_000, None if second == 3 else 80_000_000 + second, 70_000_000, counters=counters)
        if second == 5:
            maker.put(Remark(0, T0, "sensor-zero", (("device", "node7.gpu0"),), 0))
        if second in {3, 7}:
            maker.rotate()
    return (maker if live else maker.end()).write(folder)


def originals(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def energy(folder: Path) -> EnergyResult:
    return integrate([Source(folder, "gxmeter", name="telemetry/journals/j")])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_sealed_journal_gives_the_same_digits_findings_digest_and_size(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    before, digest, size = energy(folder), digest_of(folder), size_of(folder)
    done = seal_journals([folder])
    assert names(folder) == ["0000.gxj.parquet", "0001.gxj.parquet", "0002.gxj.parquet"]
    assert (len(done.sealed), done.left, done.findings) == (3, 0, [])
    after = energy(folder)
    assert plain(after) == plain(before)
    assert after.findings == before.findings
    assert after.findings, "the comparison and the remark are there to be compared"
    assert (after.facts, after.sources) == (before.facts, before.sources)
    assert (digest_of(folder), size_of(folder)) == (digest, size)


def test_a_half_sealed_journal_is_still_one_chain(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    before = energy(folder)
    (middle,) = folder.glob("0001.gxj")
    (folder / "0001.gxj.parquet").write_bytes(seal(middle.read_bytes()))
    middle.unlink()
    assert energy(folder).findings == before.findings
    alone = integrate([Source(folder / "0002.gxj", "gxmeter")])
    assert {item.code for item in alone.findings} == {"journal-comparison"}


def test_every_segment_restores_to_its_bytes_and_the_same_bytes_make_the_same_file(tmp_path: Path) -> None:
    for data in originals(three_segments(tmp_path / "j")).values():
        blob = seal(data)
        restored = unseal(blob)
        assert restored.data == data
        assert restored.intact
        assert seal(data) == blob


def test_the_file_is_the_same_in_another_process(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    code = (
        "import sys, pathlib, hashlib\nfrom gxmeter.telemetry.sealed import seal\n"
        "print(hashlib.sha256(seal(pathlib.Path(sys.argv[1]).read_bytes())).hexdigest())"
    )
    import hashlib

    path = folder / "0000.gxj"
    out = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True).stdout
    assert out.strip() == hashlib.sha256(seal(path.read_bytes())).hexdigest()


def test_the_columns_can_be_added_up_without_gxmeter(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    seal_journals([folder])
    frame = pq.read_table(folder / "0000.gxj.parquet").to_pandas()
    intervals = frame[frame["line"].isna()]
    assert intervals["n"].tolist() == [1, 2, 3, 4]
    assert sum(energies[0] for energies in intervals["energy_uj"]) == 4 * 300_000_000
    assert intervals["counter_after"].iloc[0][0] == 300_000
    assert json.loads(frame["line"].iloc[0][:-9])["t"] == "head"


def test_the_segment_being_written_is_never_touched(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j", live=True)
    before, data = (folder / "0002.gxj").stat(), (folder / "0002.gxj").read_bytes()
    done = seal_journals([folder])
    assert names(folder) == ["0000.gxj.parquet", "0001.gxj.parquet", "0002.gxj"]
    assert (len(done.sealed), done.left, done.writing, done.findings) == (2, 1, 1, [])
    after = (folder / "0002.gxj").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    assert (folder / "0002.gxj").read_bytes() == data


def unended(folder: Path, **head: object) -> Sealing:
    """What sealing does with a journal whose only segment has no end, last written an hour ago."""
    path = JournalMaker(a_head(CPU, **head)).second(0, 5).write(folder) / "0000.gxj"
    hour_ago = path.stat().st_mtime - 3600
    os.utime(path, (hour_ago, hour_ago))
    return seal_journals([folder])


def test_a_segment_that_a_living_process_holds_is_still_written_however_long_it_is_silent(tmp_path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    path = tmp_path / "j" / "0000.gxj"
    path.parent.mkdir()
    with path.open("ab"):
        done = unended(path.parent, boot=boot, pid=os.getpid(), host=socket.gethostname())
    assert (done.writing, done.unended) == (1, 0)
    done = unended(path.parent, boot=boot, pid=os.getpid(), host=socket.gethostname())
    assert (done.writing, done.unended) == (0, 1), "the process lives, but no longer holds the segment"


def test_a_segment_whose_process_is_gone_never_ended_however_young_it_is(tmp_path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    head = a_head(CPU, boot=boot, pid=ended.pid, host=socket.gethostname())
    JournalMaker(head).second(0, 5).write(tmp_path)
    done = seal_journals([tmp_path])
    assert (done.writing, done.unended, names(tmp_path)) == (0, 1, ["0000.gxj"])


def test_of_another_machine_the_time_since_the_last_record_decides(tmp_path: Path) -> None:
    JournalMaker(a_head(CPU)).second(0, 5).write(tmp_path / "young")
    assert seal_journals([tmp_path / "young"]).writing == 1
    assert unended(tmp_path / "old").unended == 1
    assert unended(tmp_path / "slow", period_ms=600_000).writing == 1


def test_the_command_says_apart_why_segments_are_left(tmp_path: Path) -> None:
    for live in (True, False):
        three_segments(tmp_path / "telemetry" / "journals" / f"j{live:d}", live=live)
    unended(tmp_path / "telemetry" / "journals" / "killed")
    folders = sorted((tmp_path / "telemetry" / "journals").iterdir())
    arguments = ["journal", "seal", "--older-than", "3650", *map(str, folders)]
    shown = CliRunner().invoke(app, arguments, env={"GXMETER_LANG": "en"}).stderr
    assert "7 left: 1 still written, 5 too young, 1 never ended, their meter was killed." in shown
    shown = CliRunner().invoke(app, arguments, env={"GXMETER_LANG": "ja"}).stderr
    assert "残り 7 個(記録中 1 個、指定より新しい 5 個、終了レコードなし(計測が途中で止まった) 1 個)。" in shown
    document = json.loads(CliRunner().invoke(app, ["journal", "seal", "--json", *map(str, folders)]).stdout)
    assert document["left"] == 2
    assert document["left_because"] == {"writing": 1, "young": 0, "never_ended": 1}


def test_only_what_is_old_enough_is_sealed(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    assert seal_journals([folder], before_ms=T0).left == 3
    assert seal_journals([folder], before_ms=T0 + 1).left == 0


def test_a_kept_original_is_read_and_counted_once(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    before, digest = energy(folder), digest_of(folder)
    seal_journals([folder], keep=True)
    assert len(names(folder)) == 6
    assert [file.is_sealed for file in segment_files(folder)] == [False] * 3
    assert plain(energy(folder)) == plain(before)
    assert digest_of(folder) == digest


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data.replace(b'"t":"i"', b'"t":"j"', 1), "journal-record-damaged"),
        (lambda data: data[:-5], "journal-torn-tail"),
        (lambda data: data[: data.rindex(b'{"t":"end"')], "journal-no-end"),
    ],
)
def test_a_segment_with_a_fault_stays_as_it_is_and_is_named(tmp_path: Path, spoil: Any, reason: str) -> None:
    folder = three_segments(tmp_path / "j")
    path = folder / "0001.gxj"
    path.write_bytes(spoil(path.read_bytes()))
    spoilt, before = path.read_bytes(), energy(folder)
    done = seal_journals([folder])
    assert path.read_bytes() == spoilt
    refused = {item.file: item.en for item in done.findings}
    assert reason in refused[str(path)]
    assert (folder / "0002.gxj").exists(), "its place in the chain cannot be shown either"
    assert {item.code for item in done.findings} == {"journal-not-sealable"}
    after = energy(folder)
    assert (plain(after), after.findings) == (plain(before), before.findings)


def test_a_torn_last_segment_is_left_without_a_word(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j", live=True)
    with (folder / "0002.gxj").open("ab") as file:
        file.write(b'{"t":"i","n":1')
    done = seal_journals([folder])
    assert (done.left, done.findings) == (1, [])


def test_a_sealing_killed_before_the_original_went_is_finished_the_next_time(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    before, digest = energy(folder), digest_of(folder)
    (folder / "0000.gxj.parquet").write_bytes(seal((folder / "0000.gxj").read_bytes()))
    (folder / "0001.gxj.parquet").write_bytes(b"PAR1 half of it")
    (folder / ".0002.gxj.parquet.ab12cd").write_bytes(b"leftover")
    assert plain(energy(folder)) == plain(before)
    seal_journals([folder])
    assert names(folder) == ["0000.gxj.parquet", "0001.gxj.parquet", "0002.gxj.parquet"]
    assert plain(energy(folder)) == plain(before)
    assert digest_of(folder) == digest


_KILLED = """
import os, pathlib, signal, sys
from gxmeter.telemetry.sealing import seal_journals
folder, left = sys.argv[1], int(sys.argv[2])
seen = 0
def hook(event, args):
    global seen
    if event in {"open", "os.rename", "os.remove", "os.chmod"} and any(folder in str(arg) for arg in args):
        seen += 1
        if seen == left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
seal_journals([pathlib.Path(folder)])
"""


def test_killed_at_any_step_nothing_is_lost(tmp_path: Path) -> None:
    """SIGKILL before each file operation of a sealing in turn: every byte is there, and the next try finishes."""
    maker = JournalMaker(a_head(*PARTS)).second(0, 5, 6, 7).end()
    folder = maker.write(tmp_path / "j")
    lines, digest, killed = maker.segments[0], digest_of(folder), 0
    for step in range(1, 40):
        gone = subprocess.run([sys.executable, "-c", _KILLED, folder, str(step)], check=False, capture_output=True)
        assert b"".join(file.data() for file in segment_files(folder)) == lines
        seal_journals([folder])
        assert (names(folder), digest_of(folder)) == (["0000.gxj.parquet"], digest)
        if gone.returncode == 0:
            break
        assert gone.returncode == -9, gone.stderr
        killed += 1
        shutil.rmtree(folder)
        maker.write(folder)
    assert killed >= 5


def test_where_nothing_can_be_written_the_originals_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses the rename: what the operating system would say on a full or read-only disk."""
    folder = three_segments(tmp_path / "j")
    before = originals(folder)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        seal_journals([folder])
    assert originals(folder) == before


def test_a_sealed_file_that_was_changed_is_told_and_loses_its_digest(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    digest = digest_of(folder)
    seal_journals([folder])
    path = folder / "0001.gxj.parquet"
    table = pq.read_table(path)
    energies = [None if e is None else [1, *e[1:]] for e in table["energy_uj"].to_pylist()]
    changed = table.set_column(table.schema.get_field_index("energy_uj"), "energy_uj", [energies])
    sink = io.BytesIO()
    about = pq.read_metadata(path).metadata
    with pq.ParquetWriter(sink, changed.schema) as writer:
        writer.write_table(changed)
        writer.add_key_value_metadata({k.decode(): v.decode() for k, v in about.items() if k.startswith(b"gxmeter")})
    path.write_bytes(sink.getvalue())
    codes = {item.code for item in energy(folder).findings if item.level == "must"}
    assert codes == {"journal-seal-broken", "journal-digest-mismatch", "journal-chain-broken"}
    assert digest_of(folder) != digest


def test_a_sealed_file_that_is_no_parquet_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    seal_journals([folder])
    (folder / "0001.gxj.parquet").write_bytes(b"nothing")
    result = energy(folder)
    assert result.samples == 15
    assert "journal-seal-unreadable" in {item.code for item in result.findings}
    assert len(digest_of(folder)) == 64


def test_what_is_not_of_this_form_is_refused() -> None:
    import pyarrow as pa

    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), sink)
    for data in (b"", b"PAR1", sink.getvalue()):
        with pytest.raises(InputError) as caught:
            unseal(data)
        assert caught.value.code == "journal-seal-unreadable"
    for data in (b"", b"torn", b"\xff\n"):
        with pytest.raises(InputError) as caught:
            seal(data)
        assert caught.value.code == "journal-not-sealable"


def test_an_hour_of_eight_gpus_takes_a_third_of_its_size_or_less() -> None:
    """Counters and energies as they come: 335 W with noise, periods some 0.1 ms too long."""
    import random

    rnd = random.Random(1)
    counters, mono = [rnd.randrange(10**11, 10**12) for _ in range(8)], 987_654_321_012_345
    lines = []
    for n in range(3600):
        length = 1_000_000_000 + rnd.randrange(30_000, 300_000)
        steps = [int(rnd.gauss(335_000, 10_000)) for _ in range(8)]
        pairs = tuple((before, before + step) for before, step in zip(counters, steps, strict=True))
        wall = T0 + mono // 10**6
        energies = tuple(step * 1000 for step in steps)
        lines.append(encode(Interval(n, wall, wall + 1000, mono, mono + length, energies, None, pairs)))
        counters, mono = [pair[1] for pair in pairs], mono + length
    data = b"".join(lines)
    assert len(seal(data)) < len(data) / 3
    assert len(seal(data)) / (3600 * 8) < 15


def cli(*args: object) -> tuple[int, bytes, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args], env={"GXMETER_LANG": "en"})
    return result.exit_code, result.stdout_bytes, result.stderr


def test_the_command_seals_all_journals_of_a_workspace_and_prints_the_lines_again(tmp_path: Path) -> None:
    assert cli("init", tmp_path / "w")[0] == 0
    journals = tmp_path / "w" / "telemetry" / "journals"
    one, two = three_segments(journals / "one"), three_segments(journals / "two", live=True)
    lines = b"".join(originals(one).values())
    code, out, _ = cli("journal", "seal", "-w", tmp_path / "w", "--older-than", 3650, "--json")
    assert (code, json.loads(out)["left"]) == (0, 6)
    code, out, err = cli("journal", "seal", "-w", tmp_path / "w")
    assert code == 0, err
    assert "Sealed 5 segments" in err
    assert names(two) == ["0000.gxj.parquet", "0001.gxj.parquet", "0002.gxj"]
    assert cli("journal", "cat", one)[1] == lines
    assert (
        cli("journal", "cat", one / "0001.gxj.parquet")[1]
        == lines[len(cli("journal", "cat", one / "0000.gxj.parquet")[1]) :][
            : SegmentFile(one / "0001.gxj.parquet").size()
        ]
    )


def test_the_command_names_what_it_could_not_seal(tmp_path: Path) -> None:
    folder = three_segments(tmp_path / "j")
    (folder / "0000.gxj").unlink()
    code, out, err = cli("journal", "seal", folder, "--json")
    assert code == 3
    assert [item["code"] for item in json.loads(out)["findings"]] == ["journal-not-sealable"]
    assert "journal-segment-missing" in err


def test_the_command_refuses_what_is_no_folder_and_no_segment(tmp_path: Path) -> None:
    assert cli("journal", "seal", tmp_path / "nothing")[0] == 2
    (tmp_path / "0000.gxj.parquet").write_bytes(b"no")
    code, out, err = cli("journal", "cat", tmp_path / "0000.gxj.parquet")
    assert (code, out) == (2, b"")
    assert "journal-seal-unreadable" in err
    assert names(tmp_path) == ["0000.gxj.parquet"]
