"""Energy of a run on this host, read from the journals of whichever meters measure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import gxmeter
from gxmeter.core.journal import Change, Component, Head, Interval, Method, Sensor
from gxmeter.core.journal_encode import encode
from gxmeter.meter.hooks._figures import EMISSIONS, ENERGY, PER_TOKEN, Figures
from gxmeter.meter.hooks._follower import Follower
from gxmeter.meter.hooks._host import HostEnergy
from gxmeter.meter.ticks import boot_id

SECOND = 1_000_000_000
GPU = Component(0, "h.gpu0", "gpu", "x", 0, 0)
BESIDE = Component(1, "h.gpu0", "gpu", "x", 0, 0, beside=0)
LATE = Component(2, "h.gpu1", "gpu", "x", 0, 0)


def head(journal: str, segment: int = 0, mono_ns: int = 0, **changes: object) -> Head:
    usual = {
        "n": 0,
        "journal": journal,
        "segment": segment,
        "previous": "0" * 64 if segment else None,
        "run": "r",
        "site": "lab",
        "host": "h",
        "boot": boot_id(),
        "pid": 1,
        "utc_ms": 1_795_000_000_000,
        "mono_ns": mono_ns,
        "anchor_utc_ms": 1_795_000_000_000,
        "anchor_mono_ns": mono_ns,
        "period_ms": 1000,
        "gxmeter": "0",
        "sensors": (Sensor("s", "1"),),
        "methods": (Method("m", "C1"),),
        "components": (GPU, BESIDE),
    }
    return Head(**{**usual, **changes})


def interval(n: int, at_ns: int, *energy_uj: int | None) -> Interval:
    return Interval(n, 1_795_000_000_000, 1_795_000_001_000, at_ns, at_ns + SECOND, energy_uj)


def write(folder: Path, segment: int, *records: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{segment:04d}.gxj").open("ab") as file:
        file.writelines(encode(record) for record in records)


def test_a_journal_is_read_on_as_it_grows_and_every_line_once(tmp_path):
    write(tmp_path / "j", 0, head("j"), interval(1, 10 * SECOND, 100, 90))
    other = Follower(tmp_path / "j", 0)
    other.read()
    other.read()
    assert other.energy_uj == 100, "the part beside it is for comparison and no energy of its own"
    write(tmp_path / "j", 0, Change(2, 1_795_000_000_000, 11 * SECOND, added=LATE))
    write(tmp_path / "j", 0, interval(3, 11 * SECOND, 7, 6, 1000), interval(4, 12 * SECOND, None, None))
    other.read()
    assert other.energy_uj == 1107, "a part that came later counts too"


def test_a_torn_line_waits_for_its_end_and_a_damaged_one_is_left_out(tmp_path):
    write(tmp_path / "j", 0, head("j"), interval(1, SECOND, 100, None))
    line = encode(interval(2, 2 * SECOND, 20, None))
    path = tmp_path / "j" / "0000.gxj"
    path.write_bytes(path.read_bytes() + b'{"t":"i"broken} 00000000\n' + line[:30])
    other = Follower(tmp_path / "j", 0)
    other.read()
    assert other.energy_uj == 100
    path.write_bytes(path.read_bytes() + line[30:])
    other.read()
    assert other.energy_uj == 120


def test_what_was_measured_before_the_moment_is_passed_over_and_new_segments_are_followed(tmp_path):
    write(tmp_path / "j", 0, head("j"), interval(1, SECOND, 1, None))
    write(tmp_path / "j", 1, head("j", 1, 100 * SECOND), interval(9, 100 * SECOND, 10, None))
    write(tmp_path / "j", 1, interval(10, 101 * SECOND, 200, None))
    other = Follower(tmp_path / "j", 101 * SECOND)
    other.read()
    assert other.energy_uj == 200
    write(tmp_path / "j", 2, head("j", 2, 102 * SECOND), interval(12, 102 * SECOND, 3000, None))
    other.read()
    assert other.energy_uj == 3200


def test_a_folder_without_a_journal_is_no_energy(tmp_path):
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "0000.gxj").write_bytes(b"what is this\n")
    other = Follower(tmp_path / "j", 0)
    other.read()
    assert (other.head, other.energy_uj) == (None, 0)


@pytest.fixture
def meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> gxmeter.Meter:
    """A meter whose journal lies in the workspace, of whatever this machine lets be measured."""
    monkeypatch.setenv("GXMETER_CLAIMS", str(tmp_path))
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n")
    with gxmeter.Meter(run="r", workspace=tmp_path / "ws", kg_per_kwh="0.5", period_s=0.1) as running:
        deadline = time.monotonic() + 60
        while running.journal is None or not running.totals.total_uj:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.count(tokens=1000)
    return running


def test_the_host_is_the_own_meter_and_the_others_of_the_same_run_and_boot(meter):
    beside = meter.journal.parent
    now = time.monotonic_ns()
    line = interval(1, now + SECOND, 10**9, None)
    write(beside / "r-20260101T000000Z-00000001", 0, head("a", mono_ns=now), line)
    write(beside / "r-20260101T000000Z-00000002", 0, head("b", mono_ns=now, run="r-b"), line)
    write(beside / "r-20260101T000000Z-00000003", 0, head("c", mono_ns=now, boot="other"), line)
    assert HostEnergy(meter).energy_uj() == meter.totals.total_uj + 10**9


def test_figures_are_the_energy_its_emissions_and_the_energy_of_a_token(meter):
    energy_uj = meter.totals.total_uj
    found = Figures(meter).now()
    assert found[ENERGY] == pytest.approx(energy_uj / 3.6e12)
    assert found[EMISSIONS] == pytest.approx(found[ENERGY] * 0.5)
    assert found[PER_TOKEN] == pytest.approx(energy_uj / 1e6 / 1000)


@pytest.mark.parametrize(("nodes", "every_rank", "told"), [("1", False, False), ("1", True, True), ("2", True, False)])
def test_energy_of_a_token_is_told_only_where_both_are_of_the_same_ranks(meter, monkeypatch, nodes, every_rank, told):
    ranks = {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": str(4 // int(nodes))}
    for name, value in (ranks | {"GROUP_RANK": "0", "GROUP_WORLD_SIZE": nodes}).items():
        monkeypatch.setenv(name, value)
    assert (PER_TOKEN in Figures(meter, every_rank=every_rank).now()) is told


def test_before_anything_is_measured_there_is_no_figure():
    assert Figures(gxmeter.Meter()).now() == {}
