"""Runs assigned by time, against a loop over all jobs and all samples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.errors import InputError
from gxmeter.energy.integrate import integrate
from gxmeter.energy.sources import sources_under
from gxmeter.telemetry.assign import assigned
from gxmeter.telemetry.jobs import Job, JobTable, jobs_file, jobs_from, kept_table, table_of
from gxmeter.telemetry.model import Batch, DeviceInfo, IntervalBatch, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.registry import check_options

FALLBACK = "idle"
HOSTS = ("n1", "n2", "n3.example.jp")
NAMES = ("n1", "n2", "n3")


def info(device: str, host: str) -> DeviceInfo:
    return DeviceInfo(device, "s", host, "gpu", "", "device", "m", "C1")


def reading(*batches: Batch) -> Reading:
    devices = {("s", f"{host}/gpu0"): info(f"{host}/gpu0", host) for host in HOSTS}
    return Reading("made-up", iter(batches), devices=devices)


def power(rows: list[tuple[int, int]]) -> PowerBatch:
    keys = tuple(SeriesKey(FALLBACK, "s", f"{host}/gpu0") for host in HOSTS)
    key = np.array([host for host, _ in rows], np.int32)
    ts_ms = np.array([t for _, t in rows], np.int64)
    return PowerBatch(keys, key, ts_ms, np.arange(len(rows), dtype=np.int64))


JOBS = st.lists(
    st.builds(
        lambda place, start, length, run: Job(NAMES[place], start, start + length if length else None, f"r{run}"),
        st.integers(0, 2), st.integers(0, 50), st.integers(0, 30), st.integers(0, 3),
    ),
    max_size=12,
)  # fmt: skip
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 90)), max_size=40)


def plainly(jobs: list[Job], host: int, t: int) -> str:
    """Who had a host at an instant: the one run whose job was there, nobody where there were several or none."""
    mine = [job for job in jobs if job.place == NAMES[host] and job.start_ms <= t]
    there = {job.run for job in mine if (still(job, mine) if job.end_ms is None else t < job.end_ms)}
    return there.pop() if len(there) == 1 else FALLBACK


def still(job: Job, begun: list[Job]) -> bool:
    """Whether a job without an end has its place yet: no other run has begun there since."""
    return not any(other.start_ms > job.start_ms and other.run != job.run for other in begun)


@given(JOBS, ROWS)
def test_every_sample_has_the_run_that_a_loop_finds(jobs: list[Job], rows: list[tuple[int, int]]) -> None:
    made = assigned(reading(power(rows)), table_of(jobs, file="jobs"), file="f")
    (batch,) = made.batches
    assert [batch.keys[code].run for code in batch.key.tolist()] == [plainly(jobs, host, t) for host, t in rows]
    assert [batch.keys[code].device for code in batch.key.tolist()] == [f"{HOSTS[host]}/gpu0" for host, _ in rows]
    assert batch.ts_ms.tolist() == [t for _, t in rows]
    assert len(set(batch.keys)) == len(batch.keys)


@given(JOBS, st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(1, 20)), max_size=20))
def test_an_interval_belongs_to_the_run_at_its_start(jobs: list[Job], rows: list[tuple[int, int, int]]) -> None:
    base = power([(host, start) for host, start, _ in rows])
    ends = np.array([start + length for _, start, length in rows], np.int64)
    batch = IntervalBatch(base.keys, base.key, base.ts_ms, ends, base.power_mw)
    made = assigned(reading(batch), table_of(jobs, file="jobs"), file="f")
    (out,) = made.batches
    assert [out.keys[code].run for code in out.key.tolist()] == [plainly(jobs, host, start) for host, start, _ in rows]
    assert isinstance(out, IntervalBatch)
    assert out.half_uj.tolist() == base.power_mw.tolist()


@given(JOBS)
def test_the_order_of_jobs_makes_no_difference(jobs: list[Job]) -> None:
    ways = [table_of(some, file="jobs") for some in (jobs, jobs[::-1])]
    assert _told(ways[0]) == _told(ways[1])


def _told(table: JobTable) -> dict[str, list[tuple[int, str]]]:
    names = [*table.runs, "several", "nobody"]
    return {
        place: [(start, names[run]) for start, run in zip(times.start_ms.tolist(), times.run.tolist(), strict=True)]
        for place, times in table.places.items()
    }


def codes(made: Reading) -> Counter[str]:
    list(made.batches)
    return Counter(item.code for item in made.findings)


def test_time_that_runs_share_is_nobodys_and_said() -> None:
    jobs = [Job("n1", 0, 10, "a"), Job("n1", 5, 15, "b")]
    made = assigned(reading(power([(0, 7), (0, 12)])), table_of(jobs, file="jobs"), file="f")
    assert codes(made) == {"jobs-overlap": 1, "jobs-shared-time": 1}


def test_an_interval_over_a_change_of_runs_is_said() -> None:
    base = power([(0, 5)])
    batch = IntervalBatch(base.keys, base.key, base.ts_ms, base.ts_ms + 10, base.power_mw)
    made = assigned(reading(batch), table_of([Job("n1", 0, 10, "a")], file="jobs"), file="f")
    assert codes(made) == {"jobs-interval-across": 1}


def test_devices_that_no_job_names_are_said() -> None:
    jobs = [Job("other", 0, 10, "a"), Job("more", 0, None, "b")]
    made = assigned(reading(power([(0, 5)])), table_of(jobs, file="jobs"), file="f")
    assert codes(made) == {"jobs-no-device": 1}
    (item,) = made.findings
    assert (item.found, item.expected) == ("n1, n2, …", "more, other")


def test_data_without_a_host_say_how_to_name_it() -> None:
    bare = Reading("made-up", iter([power([(0, 5)])]))
    bare.devices.update({("s", f"{host}/gpu0"): info(f"{host}/gpu0", "") for host in HOSTS})
    made = assigned(bare, table_of([Job("n1", 0, 10, "a")], file="jobs"), file="f")
    assert codes(made) == {"jobs-no-host": 1}
    assert "--host" in made.findings[0].en
    assert (made.findings[0].found, made.findings[0].expected) == ("n1/gpu0, n2/gpu0, …", "n1")


def test_a_job_on_a_device_stands_above_one_on_its_host() -> None:
    jobs = [Job("n1", 0, 10, "host"), Job("n1/gpu0", 0, 10, "device")]
    (batch,) = assigned(reading(power([(0, 5)])), table_of(jobs, file="jobs"), file="f").batches
    assert [key.run for key in batch.keys] == ["device"]


def test_one_short_name_of_two_hosts_means_neither() -> None:
    table = table_of([Job("n1.a.jp", 0, 10, "a"), Job("n1.b.jp", 0, 10, "b"), Job("n1.c.jp", 0, 10, "c")], file="jobs")
    assert table.times(info("x", "n1")) is None
    assert table.times(info("x", "n1.b.jp")) is not None


def test_a_plain_table_of_jobs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(
        "Run,Host,Device,Start,End\n"
        "a,n1,,2026-04-01T00:00:00Z,2026-04-01T01:00:00Z\n"
        "b,n1,GPU-7,2026-04-01 09:00:00,2026-04-01 10:00:00\n"
        ",n1,,2026-04-01T00:00:00Z,2026-04-01T01:00:00Z\n"
        "c,n2,,2026-04-01T01:00:00Z,2026-04-01T01:00:00Z\n"
    )
    table = jobs_from(path)
    assert _told(table) == {
        "GPU-7": [(1_775_001_600_000, "b"), (1_775_005_200_000, "nobody")],
        "n1": [(1_775_001_600_000, "a"), (1_775_005_200_000, "nobody")],
    }
    found = {item.code: item for item in table.findings}
    assert set(found) == {"jobs-row-faulty", "time-zone-assumed"}
    assert found["jobs-row-faulty"].row == 4


def test_slurms_accounting_is_a_table_of_jobs(tmp_path: Path) -> None:
    path = tmp_path / "sacct.txt"
    path.write_text(
        "JobID|JobIDRaw|State|Start|End|NodeList\n"
        "7|7|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|n[1-2]\n"
        "7.0|7.0|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|n[1-2]\n"
        "8|8|RUNNING|2026-04-01T00:00:00|Unknown|n3\n"
        "9+1|10|COMPLETED|2026-04-01T02:00:00|2026-04-01T03:00:00|n3\n"
    )
    table = jobs_from(path, zone="UTC")
    assert set(table.places) == {"n1", "n2", "n3"}
    assert table.runs == ("slurm-7", "slurm-8", "slurm-9")
    assert _told(table)["n3"] == [
        (1_775_001_600_000, "slurm-8"),
        (1_775_008_800_000, "slurm-9"),
        (1_775_012_400_000, "nobody"),
    ]
    assert table.findings == ()


def test_a_job_that_waits_has_no_node_and_one_that_ended_at_no_time_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sacct.txt"
    path.write_text(
        "JobID|JobIDRaw|State|Start|End|NodeList\n"
        "7|7|PENDING|2026-04-01T00:00:00|Unknown|n1\n"
        "8|8|FAILED|2026-04-01T00:00:00|Unknown|n1\n"
    )
    table = jobs_from(path, zone="UTC")
    assert table.runs == ()
    assert [(item.code, item.row, item.found) for item in table.findings] == [("jobs-row-faulty", 3, "8")]


def test_a_job_that_still_runs_has_its_node_to_the_end_of_the_data_and_that_is_said() -> None:
    jobs = [Job("n1", 0, None, "a"), Job("n2", 0, None, "b"), Job("elsewhere", 0, None, "c")]
    made = assigned(reading(power([(0, 5), (0, 10**12)])), table_of(jobs, file="jobs"), file="f")
    (batch,) = made.batches
    assert [key.run for key in batch.keys] == ["a"]
    (item,) = made.findings
    assert (item.code, item.found, dict(item.params)["count"]) == ("jobs-open", "a", "1")


def test_a_job_that_began_after_the_data_does_not_nag() -> None:
    jobs = [Job("n1", 0, 10, "a"), Job("n1", 20, None, "a")]
    assert codes(assigned(reading(power([(0, 5)])), table_of(jobs, file="jobs"), file="f")) == {}


@pytest.mark.parametrize("text", ["host,start,run\n", "a,b\n1,2\n", "start,end,run\n"])
def test_a_table_without_what_it_needs_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        jobs_from(tmp_path / "jobs.csv")
    assert caught.value.findings[0].code == "jobs-columns"


def smi(folder: Path) -> Path:
    path = folder / "node_0.txt"
    rows = [
        f':::MLLOG {{"time_ms": {1_775_001_600_000 + 1000 * i}, "key": "power_reading", "value": 100}}\n'
        for i in range(11)
    ]
    path.write_text("".join(rows))
    return path


def test_the_command_gives_each_run_its_energy_and_refuses_a_table_that_changed(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("host,start,end,run\nnode_0,2026-04-01T00:00:02Z,2026-04-01T00:00:05Z,mine\n")
    options = ReadOptions(columns=(("side", "ac"),), jobs=jobs_file(jobs))
    (source,) = sources_under([smi(tmp_path)], format="mlperf-power", run="idle", site="s", options=options)
    result = integrate([source])
    assert {key.run: leaf.half_uj for key, leaf in result.leaves.items()} == {
        "mine": 3 * 200_000 * 1000,
        "idle": 7 * 200_000 * 1000,
    }
    jobs.write_text("host,start,end,run\n")
    kept_table.cache_clear()
    with pytest.raises(InputError) as caught:
        integrate([source])
    assert caught.value.findings[0].code == "jobs-changed"


def test_files_that_name_their_runs_take_no_table(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("host,start,end,run\n")
    with pytest.raises(InputError) as caught:
        check_options("slurm", ReadOptions(jobs=jobs_file(jobs)))
    assert caught.value.findings[0].code == "option-not-heeded"
    check_options("parquet", ReadOptions(time_zone="UTC", jobs=jobs_file(jobs)))


def test_the_option_of_the_command(tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    jobs.write_text("host,start,end,run\nelsewhere,2026-04-01T00:00:02Z,2026-04-01T00:00:05Z,mine\n")
    arguments = ["energy", str(smi(tmp_path)), "--format", "mlperf-power", "--json", "--jobs"]
    document = json.loads(CliRunner().invoke(app, [*arguments, str(jobs)]).stdout)
    assert "jobs-no-device" in {item["code"] for item in document["findings"]}
    missing = CliRunner().invoke(app, [*arguments, str(tmp_path / "none.csv")])
    assert missing.exit_code == 2
