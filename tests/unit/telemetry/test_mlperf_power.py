"""MLPerf power logs: real archives where they are, and every trap in made-up ones."""

from __future__ import annotations

import json
import tarfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.double import settled
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.energy.sources import sources_under
from gxmeter.energy.summary import half_uj_by_boundary, kwh_of
from gxmeter.telemetry.mlperf.tally import Span, part
from gxmeter.telemetry.options import ReadOptions

T = 1_775_001_600_000
AC = ReadOptions(columns=(("side", "ac"),))


@pytest.fixture(scope="module")
def archives(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both real archives, unpacked."""
    folder = tmp_path_factory.mktemp("mlperf")
    for archive in sorted((reference / "mlperf_power").glob("*.tar.xz")):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return folder


def energy(*paths: Path) -> EnergyResult:
    return integrate(sources_under(paths, format="mlperf-power", run="r", site="s"))


def kwh(result: EnergyResult) -> dict[str, str]:
    """By boundary, with four decimals."""
    return {name: str(round(kwh_of(value), 4)) for name, value in half_uj_by_boundary(result).items()}


def named(result: EnergyResult) -> dict[str, Finding]:
    return {item.code: item for item in result.findings}


def test_64_nodes_give_the_submitters_sum_and_every_trap_is_named(archives: Path) -> None:
    result = energy(archives / "gpt3_512xH100_ac")
    assert kwh(result) == {"node": "415.2552"}
    assert result.samples == 108_916
    assert sorted(info.device for info in result.devices.values()) == sorted(f"node_{i}" for i in range(1, 65))
    assert {(i.boundary, i.method, i.grade, i.name) for i in result.devices.values()} == {
        ("node", "mlperf-ac", "B", "8x NVIDIA H100-SXM5-80GB")
    }
    found = named(result)
    assert sorted(found) == [
        "mlperf-interconnect-estimate",
        "mlperf-run-window",
        "mlperf-side-told",
        "mlperf-total-compared",
    ]
    total = dict(found["mlperf-total-compared"].params)
    assert (found["mlperf-total-compared"].expected, found["mlperf-total-compared"].found) == ("415.2200", "415.2552")
    assert (total["difference"], total["percent"]) == ("0.0352", "+0.0085")
    estimate = dict(found["mlperf-interconnect-estimate"].params)
    assert estimate["at"].startswith("2022-05-17")
    assert (estimate["days"], estimate["as_power"], estimate["as_energy"]) == ("731", "56.4665", "59.5700")


def test_each_side_of_a_run_gives_its_own_energy(archives: Path) -> None:
    run = archives / "llama2lora_8xH100"
    ac, dc = energy(run / "ac"), energy(run / "dc")
    assert kwh(ac) == {"node": "3.4827"}
    assert kwh(dc) == {"node": "3.3877"}
    assert {"mlperf-pauses", "mlperf-same-times", "mlperf-stop-early", "mlperf-run-window"} <= set(named(ac))
    pauses = dict(named(ac)["mlperf-pauses"].params)
    assert (pauses["count"], pauses["longest"]) == ("8", "19.954")
    assert "mlperf-dc-beside-ac" in named(dc)
    assert dict(named(ac)["mlperf-run-window"].params)["least"] == "1694.52"


def test_the_two_sides_of_a_run_are_never_added(archives: Path) -> None:
    both = energy(archives / "llama2lora_8xH100")
    assert sorted(info.device for info in both.devices.values()) == ["node_0", "node_0.dc"]
    assert {info.host for info in both.devices.values()} == {"node_0"}
    assert "files-overlap" not in named(both)
    left, found = settled(both)
    assert kwh(left) == {"node": "3.4827"}
    assert [item.code for item in found] == ["ac-and-dc-side"]
    assert dict(found[0].params)["beside_kwh"] == "3.388"


def test_the_dc_side_alone_is_said_to_leave_losses_out(tmp_path: Path) -> None:
    folder = log(tmp_path / "dc" / "node_0.txt", line(T, 1000), line(T + 2000, 1000)).parent
    assert "mlperf-dc-side" in named(energy(folder))


def test_the_command_gives_the_ac_side_of_both(archives: Path) -> None:
    arguments = ["energy", str(archives / "llama2lora_8xH100"), "--format", "mlperf-power", "--json"]
    document = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert document["energy_kwh"] == {"node": "3.482718022639"}


def line(t: int, value: object, key: str = "power_reading", metadata: object = "") -> str:
    return ":::MLLOG " + json.dumps({"time_ms": t, "key": key, "value": value, "metadata": metadata}) + "\n"


def log(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines))
    return path


def alone(path: Path, options: ReadOptions = AC) -> EnergyResult:
    return integrate([Source(path, "mlperf-power", "r", "s", options=options)])


def test_the_mark_of_the_end_is_no_reading(tmp_path: Path) -> None:
    readings = [line(T, 1000), line(T + 2000, 1000)]
    marks = [line(T, 9, "power_measurement_start"), line(T + 2000, 9, "power_measurement_stop")]
    plain, marked = alone(log(tmp_path / "a.txt", *readings)), alone(log(tmp_path / "b.txt", *readings, *marks))
    assert [leaf.half_uj for leaf in plain.leaves.values()] == [leaf.half_uj for leaf in marked.leaves.values()]
    assert marked.samples == 2


@pytest.mark.parametrize("value", [None, "null", "N/A", float("nan")])
def test_a_reading_without_a_value_is_no_zero(value: object, tmp_path: Path) -> None:
    result = alone(log(tmp_path / "a.txt", line(T, 1000), line(T + 1000, value), line(T + 2000, 1000)))
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2_000_000 * 2000
    assert named(result)["mlperf-reading-missing"].row == 2


@pytest.mark.parametrize("value", [True, "much", [1], {"w": 1}, "12 hp", 1e300, float("inf")])
def test_a_value_that_is_no_power_is_named_and_left_out(value: object, tmp_path: Path) -> None:
    result = alone(log(tmp_path / "a.txt", line(T, 1000), line(T + 1000, value), line(T + 2000, 1000)))
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2_000_000 * 2000
    assert named(result)["mlperf-value-faulty"].row == 2


def test_broken_and_foreign_lines_are_named_apart(tmp_path: Path) -> None:
    path = log(tmp_path / "a.txt", line(T, 1), "hello\n", ":::MLLOG {broken\n", ":::MLLOG []\n", line(T + 1, 1))
    found = named(alone(path))
    assert found["mlperf-line-other"].row == 2
    assert (found["mlperf-line-broken"].row, dict(found["mlperf-line-broken"].params)["count"]) == (3, "2")


def test_a_declared_conversion_is_named_and_not_applied(tmp_path: Path) -> None:
    eff = line(T, 1.05, "conversion_eff", {"measurement_type": "DC"})
    folder = log(tmp_path / "x" / "node_0.txt", eff, line(T, 1000), line(T + 2000, 1000)).parent
    result = energy(folder)
    assert named(result)["mlperf-conversion-declared"].found == "1.05"
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2_000_000 * 2000
    assert [info.method for info in result.devices.values()] == ["mlperf-dc"]  # the log itself says so


def test_several_hosts_in_one_log_are_several_devices(tmp_path: Path) -> None:
    rows = [line(T + 2000 * i, 500, metadata={"host": f"n{i % 2}"}) for i in range(6)]
    assert sorted(i.device for i in alone(log(tmp_path / "a.txt", *rows)).devices.values()) == ["n0", "n1"]


def test_nodes_that_the_description_names_and_no_log_has_are_missed(tmp_path: Path) -> None:
    folder = log(tmp_path / "ac" / "node_0.txt", line(T, 1000), line(T + 2000, 1000)).parent
    (folder / "system.json").write_text(json.dumps({"number_of_nodes": "2"}))
    log(folder / "node_1.txt", line(T, None, "power_measurement_start"))
    found = named(energy(folder))
    assert (found["mlperf-nodes-missing"].expected, found["mlperf-nodes-missing"].found) == ("2", "1")
    assert found["mlperf-log-empty"].found == "node_1.txt"


def test_a_submitters_sum_that_is_far_off_weighs_more(tmp_path: Path) -> None:
    folder = log(tmp_path / "ac" / "node_0.txt", line(T, 1000), line(T + 3_600, 1000)).parent
    (folder / "total_power.txt").write_text("Total: 2 Wh")
    assert "mlperf-total-differs" in named(energy(folder))


def test_the_layout_of_the_rules_is_understood(tmp_path: Path) -> None:
    top = tmp_path / "smc-ac-power"
    folder = log(top / "results/sys1/gpt3/power/result_0/node_0.txt", line(T, 1000), line(T + 2000, 1000)).parent
    log(top / "results/sys1/gpt3/result_0.txt", line(T, None, "run_start"), line(T + 1000, None, "run_stop"))
    (top / "systems").mkdir()
    (top / "systems/sys1.json").write_text(json.dumps({"number_of_nodes": 1, "accelerator_model_name": "H100"}))
    result = energy(folder)
    assert {"mlperf-run-window", "mlperf-side-told"} <= set(named(result))
    assert [(i.method, i.name) for i in result.devices.values()] == [("mlperf-ac", "H100")]


def test_a_log_of_a_run_is_refused_and_an_archive_asked_to_be_unpacked(tmp_path: Path) -> None:
    run = log(tmp_path / "runs" / "result_0.txt", line(T, None, "run_start"))
    packed = tmp_path / "packed" / "logs.tar.xz"
    packed.parent.mkdir()
    with tarfile.open(packed, "w:xz") as archive:
        archive.add(run)
    expected = {
        run: "mlperf-no-power",
        run.parent: "mlperf-no-logs",
        packed: "mlperf-archive",
        packed.parent: "mlperf-archive",
    }
    for path, code in expected.items():
        with pytest.raises(InputError) as caught:
            alone(path)
        assert [item.code for item in caught.value.findings] == [code]


def test_an_archive_beside_the_logs_is_named_and_the_logs_are_read(tmp_path: Path) -> None:
    folder = log(tmp_path / "ac" / "node_0.txt", line(T, 1000), line(T + 2000, 1000)).parent
    with tarfile.open(folder / "logs.tar", "w") as archive:
        archive.add(folder / "node_0.txt")
    result = energy(folder)
    assert named(result)["mlperf-files-unused"].found == "logs.tar"
    assert kwh(result)["node"] == "0.0006"


def test_a_side_that_nothing_tells_is_said_and_a_wrong_word_refused(tmp_path: Path) -> None:
    path = log(tmp_path / "plain" / "node_0.txt", line(T, 1000), line(T + 2000, 1000))
    assert "mlperf-side-unknown" in named(alone(path, ReadOptions()))
    with pytest.raises(InputError, match="side"):
        alone(path, ReadOptions(columns=(("side", "both"),)))


@given(
    st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 10**7), st.integers(0, 10**7),
    st.integers(-(10**6), 10**7), st.integers(-(10**6), 10**7), st.integers(-(10**6), 10**7),
)  # fmt: skip
def test_the_parts_of_a_span_add_up_to_it(t0: int, length: int, p0: int, p1: int, a: int, b: int, c: int) -> None:
    span = Span(t0, t0 + length, p0, p1)
    low, middle, high = sorted((a, b, c))
    assert part(span, low, middle) + part(span, middle, high) == part(span, low, high)
    assert part(span, t0, t0 + length) == (p0 + p1) * length
    assert 0 <= part(span, low, high) <= Fraction((p0 + p1) * length)


def test_a_decimal_value_stays_exact(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "".join(f':::MLLOG {{"time_ms": {T + t}, "key": "power_reading", "value": 0.1005}}\n' for t in (0, 1))
    )
    result = alone(path)
    assert [leaf.half_uj for leaf in result.leaves.values()] == [2 * int(Decimal("0.100") * 1000)]  # half-even
