"""SLURM's accounting: which energy of a job counts, and what is not known."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.slurm.choice import meet
from gxmeter.telemetry.slurm.lines import Record
from gxmeter.telemetry.slurm.nodes import nodes_of
from gxmeter.telemetry.text import table

HEAD = "JobID|JobIDRaw|State|Start|End|NNodes|NodeList|ConsumedEnergyRaw"
JOULE = 2_000_000
IPMI = ReadOptions(time_zone="UTC", columns=(("plugin", "ipmi"),))


def line(job: str, start: str, end: str, joules: object, *, nodes: str = "n1", state: str = "COMPLETED") -> str:
    times = (f"2026-04-01T{text}" if text[0].isdigit() else text for text in (start, end))
    return "|".join((job, job, state, *times, str(len(nodes_of(nodes))), nodes, str(joules)))


def measured(
    folder: Path, *rows: str, head: str = HEAD, run: str = "", options: ReadOptions = IPMI
) -> tuple[EnergyResult, dict[str, Finding]]:
    path = folder / "sacct.txt"
    path.write_text("\n".join((head, *rows)) + "\n")
    result = integrate([Source(path, "slurm", run, "s", options=options)])
    return result, {item.code: item for item in result.findings}


def joules(result: EnergyResult) -> float:
    return sum(leaf.half_uj for leaf in result.leaves.values()) / JOULE


def runs(result: EnergyResult) -> set[str]:
    return {key.run for key in result.leaves}


def test_a_job_is_never_added_to_its_steps(tmp_path: Path) -> None:
    # Batch, external step and step of one job on one node, as HPE Cray controllers count them.
    result, found = measured(
        tmp_path,
        line("2658300", "00:00:00", "02:19:48", 4_580_000),
        line("2658300.batch", "00:00:00", "02:19:48", 4_580_000),
        line("2658300.extern", "00:00:00", "02:19:48", 4_580_000),
        line("2658300.0", "00:00:30", "02:19:39", 4_570_000),
    )
    assert joules(result) == 4_580_000
    assert runs(result) == {"slurm-2658300"}
    assert not found


def test_a_job_whose_energy_is_the_sum_of_steps_that_meet_is_counted_once(tmp_path: Path) -> None:
    result, found = measured(
        tmp_path,
        line("7", "00:00:00", "01:00:00", 1_900_000),
        line("7.batch", "00:00:00", "01:00:00", 1_000_000),
        line("7.0", "00:03:00", "01:00:00", 900_000),
    )
    assert joules(result) == 1_000_000
    assert found["slurm-steps-summed"].found == "7: 1900000 J, 1000000 J"


def test_steps_that_follow_each_other_are_a_sum(tmp_path: Path) -> None:
    rows = [line("7", "00:00:00", "01:00:00", 300), line("7.0", "00:00:00", "00:30:00", 100)]
    result, found = measured(tmp_path, *rows, line("7.1", "00:30:00", "01:00:00", 200))
    assert joules(result) == 300
    assert not found


def test_steps_beside_each_other_on_different_nodes_are_a_sum(tmp_path: Path) -> None:
    rows = [line("7", "00:00:00", "01:00:00", 300, nodes="n[1-2]"), line("7.0", "00:00:00", "01:00:00", 100)]
    result, found = measured(tmp_path, *rows, line("7.1", "00:00:00", "01:00:00", 200, nodes="n2"))
    assert joules(result) == 300
    assert set(found) == {"slurm-nodes-equal"}


def test_steps_stand_in_where_the_job_has_no_energy(tmp_path: Path) -> None:
    rows = [line("7", "00:00:00", "01:00:00", 0), line("7.batch", "00:00:00", "01:00:00", 500)]
    result, found = measured(tmp_path, *rows, line("7.0", "00:10:00", "00:20:00", 100))
    assert joules(result) == 500
    assert set(found) == {"slurm-energy-of-steps"}


@pytest.mark.parametrize("value", [0, "", 2**32 - 2, 2**64 - 2, 2**64 - 1])
def test_no_energy_is_not_measured_and_never_zero(value: object, tmp_path: Path) -> None:
    result, found = measured(
        tmp_path, line("7", "00:00:00", "01:00:00", value), line("7.0", "00:00:00", "01:00:00", "")
    )
    assert not result.leaves
    assert "slurm-not-measured" in found


@pytest.mark.parametrize("value", [2**64 - 17, 3_600 * 100_001, 10**30])
def test_an_energy_that_no_node_can_use_is_left_out(value: int, tmp_path: Path) -> None:
    result, found = measured(tmp_path, line("7", "00:00:00", "01:00:00", value))
    assert not result.leaves
    assert "slurm-energy-implausible" in found


@pytest.mark.parametrize("value", ["-5", "much", "3.2.1K", "5X", "9" * 5000])
def test_an_energy_that_is_no_number_is_named(value: str, tmp_path: Path) -> None:
    result, found = measured(tmp_path, line("7", "00:00:00", "01:00:00", value))
    assert not result.leaves
    assert found["slurm-energy-faulty"].row == 2


def test_a_shortened_energy_is_used_and_said_to_be_rounded(tmp_path: Path) -> None:
    head = HEAD.replace("ConsumedEnergyRaw", "ConsumedEnergy")
    result, found = measured(tmp_path, line("7", "00:00:00", "01:00:00", "3.21M"), head=head)
    assert joules(result) == 3_210_000
    assert found["slurm-energy-rounded"].found == "3.21M"
    plain, found = measured(tmp_path, line("7", "00:00:00", "01:00:00", "321"), head=head)
    assert joules(plain) == 321
    assert "slurm-energy-rounded" not in found


def test_every_try_of_a_job_counts_with_its_own_steps(tmp_path: Path) -> None:
    result, found = measured(
        tmp_path,
        line("7", "00:00:00", "00:10:00", 1_000, state="NODE_FAIL"),
        line("7.extern", "00:00:00", "00:10:00", 1_000),
        line("7", "00:20:00", "00:40:00", 0),
        line("7.extern", "00:20:00", "00:40:00", 2_000),
    )
    assert joules(result) == 3_000
    assert runs(result) == {"slurm-7"}
    assert "slurm-energy-of-steps" in found


def test_tries_that_were_not_exported_are_missed(tmp_path: Path) -> None:
    head = f"{HEAD}|Restarts"
    rows = [f"{line('7', '00:20:00', '00:40:00', 5)}|2", f"{line('8', '00:50:00', '00:55:00', 5)}|0"]
    _, found = measured(tmp_path, *rows, head=head)
    assert dict(found["slurm-tries-missing"].params)["count"] == "2"
    both = [f"{line('7', '00:00:00', '00:10:00', 5)}|0", f"{line('7', '00:20:00', '00:40:00', 5)}|1"]
    assert "slurm-tries-missing" not in measured(tmp_path, *both, head=head)[1]


def test_an_export_that_cut_jobs_at_its_edges_is_named(tmp_path: Path) -> None:
    rows = [line(str(i), "00:00:00", f"0{i}:10:00", 5, nodes=f"n{i}") for i in range(1, 4)]
    _, found = measured(tmp_path, *rows)
    assert dict(found["slurm-truncated"].params)["at"] == "2026-04-01T00:00:00Z"
    array = [line(f"7_{i}", "00:00:00", f"0{i}:10:00", 5, nodes=f"n{i}") for i in range(1, 4)]
    assert "slurm-truncated" not in measured(tmp_path, *array)[1]


def test_arrays_and_heterogeneous_jobs_are_runs(tmp_path: Path) -> None:
    rows = [
        "123_4|130|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|1|n1|10",
        "140+0|140|COMPLETED|2026-04-01T02:00:00|2026-04-01T03:00:00|1|n1|20",
        "140+1|141|COMPLETED|2026-04-01T02:00:00|2026-04-01T03:00:00|1|n2|30",
    ]
    result, _ = measured(tmp_path, *rows)
    assert runs(result) == {"slurm-130", "slurm-140"}
    assert joules(result) == 60
    assert runs(measured(tmp_path, *rows, run="mine")[0]) == {"mine"}


def test_two_jobs_on_one_node_at_one_time_are_named_and_one_counts(tmp_path: Path) -> None:
    rows = [line("7", "00:00:00", "01:00:00", 500), line("8", "00:30:00", "01:30:00", 700)]
    result, found = measured(tmp_path, *rows)
    assert joules(result) == 500
    assert found["slurm-node-shared"].found == "7, 8"
    assert "interval-overlap" in found


def test_what_has_not_ended_or_never_ran_is_named(tmp_path: Path) -> None:
    result, found = measured(
        tmp_path,
        line("7", "00:00:00", "Unknown", 0, state="RUNNING"),
        line("8", "Unknown", "Unknown", 0, nodes="None assigned", state="PENDING"),
        line("9", "Unknown", "00:10:00", 0, nodes="None assigned", state="CANCELLED by 1000"),
        line("10", "00:00:00", "00:00:00", 5),
    )
    assert not result.leaves
    assert {"slurm-not-ended", "slurm-not-begun", "slurm-no-time"} <= set(found)
    assert dict(found["slurm-not-begun"].params)["count"] == "2"


def test_without_nodes_each_job_is_a_device_and_it_is_said(tmp_path: Path) -> None:
    rows = [
        "7|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|10",
        "8|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|10",
    ]
    result, found = measured(tmp_path, *rows, head="JobID|State|Start|End|ConsumedEnergyRaw")
    assert joules(result) == 20
    assert {"slurm-no-nodes", "slurm-no-steps"} <= set(found)


def test_a_cell_that_holds_the_mark_shifts_no_column(tmp_path: Path) -> None:
    head = "JobID|JobName|State|Start|End|NodeList|ConsumedEnergyRaw"
    rows = [f"7|a|b|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|n1|{10**9}"]
    rows.append('8|"quoted|COMPLETED|2026-04-01T00:00:00|2026-04-01T01:00:00|n1|10')
    result, found = measured(tmp_path, *rows, head=head)
    assert joules(result) == 10
    assert found["row-cells"].row == 2


def test_the_measuring_plugin_decides_boundary_and_grade(tmp_path: Path) -> None:
    row = line("7", "00:00:00", "01:00:00", 10)
    for plugin, expected in (("rapl", ("device", "D1")), ("acct_gather_energy/ipmi", ("node", "B"))):
        options = ReadOptions(time_zone="UTC", columns=(("plugin", plugin),))
        result, found = measured(tmp_path, row, options=options)
        assert [(info.boundary, info.grade) for info in result.devices.values()] == [expected]
        assert "slurm-plugin-not-told" not in found
    result, found = measured(tmp_path, row, options=ReadOptions(time_zone="UTC"))
    assert [(info.boundary, info.grade) for info in result.devices.values()] == [("node", "D1")]
    assert "slurm-plugin-not-told" in found
    with pytest.raises(InputError, match="plugin"):
        measured(tmp_path, row, options=ReadOptions(columns=(("plugin", "guess"),)))


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("JobID State Start End\n------- -----", "slurm-not-sacct"),
        ("7|COMPLETED|2026-04-01T00:00:00", "slurm-not-sacct"),
        ('{"jobs": []}', "slurm-not-sacct"),
        ("JobID|State", "slurm-columns-missing"),
    ],
)
def test_other_outputs_of_sacct_are_refused_with_what_to_do(head: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        measured(tmp_path, head=head)
    assert caught.value.findings[0].code == code


def test_times_with_an_offset_and_counts_of_seconds_are_read(tmp_path: Path) -> None:
    rows = [
        "7|COMPLETED|2026-04-01T09:00:00+0900|2026-04-01T10:00:00+09:00|n1|10",
        "8|COMPLETED|1775005200|1775008800|n1|10",
    ]
    result, found = measured(
        tmp_path, *rows, head="JobID|State|Start|End|NodeList|ConsumedEnergyRaw", options=ReadOptions()
    )
    assert "time-zone-assumed" not in found
    assert (result.start_ms, result.end_ms) == (1_775_001_600_000, 1_775_008_800_000)


def test_relative_times_are_named(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "7|7|COMPLETED|Ystday 10:00|Ystday 11:00|1|n1|10")
    assert found["slurm-time-faulty"].found == "Ystday 10:00"


def test_a_job_is_whole_though_a_chunk_ends_in_it_and_one_that_comes_again_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        line("7", "00:00:00", "01:00:00", 0),
        line("7.batch", "00:00:00", "01:00:00", 100),
        line("7.0", "00:00:00", "01:00:00", 90),
        line("8", "01:00:00", "02:00:00", 50),
        line("7", "00:00:00", "01:00:00", 0),
        line("9", "02:00:00", "03:00:00", 50),
        line("7.batch", "00:00:00", "01:00:00", 100),
    ]
    monkeypatch.setattr(table, "CHUNK_ROWS", 2)
    result, found = measured(tmp_path, *rows)
    assert joules(result) == 200
    assert {"slurm-line-again", "slurm-step-late"} <= set(found)


def test_two_exports_that_share_jobs_count_them_once(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    jobs = [line(str(i), f"0{i}:00:00", f"0{i}:30:00", 100, nodes="n[1-3]") for i in range(4)]
    first.write_text("\n".join((HEAD, *jobs[:3])) + "\n")
    second.write_text("\n".join((HEAD, *jobs[1:])) + "\n")
    result = integrate([Source(path, "slurm", "", "s", options=IPMI) for path in (first, second)])
    assert joules(result) == 400
    assert "files-overlap" not in {item.code for item in result.findings}


@given(st.integers(1, 10**9), st.integers(1, 40))
def test_the_shares_of_the_nodes_add_up_exactly(energy: int, count: int) -> None:
    total = energy * JOULE
    shares = [total * (i + 1) // count - total * i // count for i in range(count)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


SPANS = st.tuples(st.integers(0, 20), st.integers(0, 20), st.sets(st.sampled_from(["a", "b", "c"]), max_size=2))


@given(st.lists(SPANS, max_size=6))
def test_steps_meet_where_any_two_of_them_do(spans: list[tuple[int, int, set[str]]]) -> None:
    steps = [
        Record(i, "", "7", "7", str(i), "", "", a, a + b, 1, tuple(sorted(nodes)), 0)
        for i, (a, b, nodes) in enumerate(spans)
    ]
    unknown = any(not step.nodes for step in steps)
    pairs = [
        (one, other)
        for one, other in combinations(steps, 2)
        if (unknown or set(one.nodes) & set(other.nodes))
        and max(one.start_ms, other.start_ms) < min(one.end_ms, other.end_ms)
    ]
    assert meet(steps) == bool(pairs)


@given(st.text(alphabet="abn0123456789[]-,", max_size=30))
def test_a_list_of_nodes_is_names_or_nothing(text: str) -> None:
    assert all(name and not set(name) & set("[],") for name in nodes_of(text))
