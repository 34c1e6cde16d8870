"""Answers of a Prometheus server: what counts, what is left out and named, and whose it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Level
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.prometheus import flow
from gxmeter.telemetry.prometheus.json_text import MAX_VALUE
from gxmeter.telemetry.text import opening

T0 = 1_775_000_000
COUNTER, POWER = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE"
GPU = "GPU-aaaa"
HALF_UJ_PER_WS = 2_000_000

Pair = tuple[int, str]


def series(name: str, pairs: list[Pair], **labels: str) -> dict[str, Any]:
    """Samples at seconds after T0."""
    told = {"__name__": name, "UUID": GPU, "Hostname": "node1", "gpu": "0"} | labels
    return {"metric": told, "values": [[T0 + at, value] for at, value in pairs]}


def answer(*found: dict[str, Any], **more: Any) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": list(found)}} | more)


def power(pairs: range, watts: str = "100", **labels: str) -> dict[str, Any]:
    return series(POWER, [(at, watts) for at in pairs], **labels)


def read(folder: Path, *texts: str, options: ReadOptions | None = None) -> EnergyResult:
    """Each text as a file of one folder; one text alone as a file."""
    target = folder / "answers"
    target.mkdir()
    for number, text in enumerate(texts):
        (target / f"{number}.json").write_text(text)
    path = target if len(texts) > 1 else target / "0.json"
    return integrate([Source(path, "dcgm-prometheus", "", "site", options=options or ReadOptions())])


def codes(result: EnergyResult) -> list[str]:
    return sorted({item.code for item in result.findings})


def by_run(result: EnergyResult) -> dict[str, int]:
    """Watt-seconds of each run, which are whole here."""
    sums: dict[str, int] = {}
    for key, leaf in result.leaves.items():
        sums[key.run] = sums.get(key.run, 0) + leaf.half_uj
    assert all(half_uj % HALF_UJ_PER_WS == 0 for half_uj in sums.values())
    return {run: half_uj // HALF_UJ_PER_WS for run, half_uj in sums.items()}


RUNS = ReadOptions(columns=(("run", "hpc_job"),))


def test_two_replicas_of_a_server_count_once(tmp_path: Path) -> None:
    one = power(range(0, 300, 15), prometheus_replica="a")
    other = power(range(7, 260, 15), prometheus_replica="b")
    result = read(tmp_path, answer(one, other))
    assert by_run(result) == {"": 285 * 100}
    [told] = [item for item in result.findings if item.code == "prometheus-series-twice"]
    assert "prometheus_replica" in told.en
    assert "17 samples" in told.en


def test_a_replica_stands_in_where_the_other_has_a_hole(tmp_path: Path) -> None:
    one = series(POWER, [(at, "100") for at in range(0, 600, 15) if not 150 < at < 300], replica="a")
    other = power(range(5, 500, 15), replica="b")
    result = read(tmp_path, answer(one, other))
    assert by_run(result) == {"": 585 * 100}
    assert result.gaps == []


def test_a_job_label_that_changes_and_comes_back_leaves_one_device(tmp_path: Path) -> None:
    idle = series(POWER, [(at, "100") for at in range(0, 900, 15) if not 300 <= at < 600])
    job = power(range(300, 600, 15), watts="400", hpc_job="77")
    result = read(tmp_path, answer(job, idle), options=RUNS)
    assert by_run(result) == {"": 285 * 100 + 250 * 15 + 285 * 100, "77": 285 * 400 + 250 * 15}
    assert codes(result) == []
    assert len(result.devices) == 1


def test_slices_of_a_gpu_count_once_and_their_runs_share_it(tmp_path: Path) -> None:
    slices = [power(range(0, 300, 15), GPU_I_ID=str(i), hpc_job=f"job-{i}") for i in (1, 2)]
    result = read(tmp_path, answer(*slices), options=RUNS)
    assert by_run(result) == {"": 28_500}
    assert codes(result) == ["prometheus-run-shared", "prometheus-series-twice"]


def test_the_whole_gpu_counts_before_its_slices(tmp_path: Path) -> None:
    part = power(range(0, 600, 15), watts="50", GPU_I_ID="1")
    whole = power(range(0, 300, 15), watts="100")
    result = read(tmp_path, answer(part, whole))
    assert by_run(result) == {"": 285 * 100 + 75 * 15 + 285 * 50}


def test_a_counter_goes_on_from_file_to_file_whatever_their_names(tmp_path: Path) -> None:
    readings = [(at, str(10**12 + at * 250_000)) for at in range(0, 300, 15)]
    first, second, third = (answer(series(COUNTER, part)) for part in (readings[:7], readings[7:8], readings[8:]))
    result = read(tmp_path, third, first, second)
    assert by_run(result) == {"": 285 * 250}


def test_files_that_repeat_each_other_count_once(tmp_path: Path) -> None:
    result = read(tmp_path, answer(power(range(0, 300, 15))), answer(power(range(150, 450, 15))))
    assert by_run(result) == {"": 435 * 100}
    assert codes(result) == ["prometheus-repeated"]


def test_a_counter_that_never_moves_gives_way_to_power(tmp_path: Path) -> None:
    still = series(COUNTER, [(at, "0") for at in range(0, 300, 15)])
    result = read(tmp_path, answer(still, power(range(0, 300, 15))))
    assert by_run(result) == {"": 28_500}
    assert codes(result) == ["prometheus-counter-still"]


def test_a_driver_that_was_reloaded_costs_one_step_and_is_named(tmp_path: Path) -> None:
    counts = [*range(5_000_000, 5_900_000, 100_000), *range(40_000, 540_000, 100_000)]
    result = read(tmp_path, answer(series(COUNTER, [(15 * i, str(count)) for i, count in enumerate(counts)])))
    assert by_run(result) == {"": 1200}
    assert codes(result) == ["counter-went-back"]


def test_power_that_reaches_further_than_the_counter_is_told(tmp_path: Path) -> None:
    counter = series(COUNTER, [(at, str(at * 100_000)) for at in range(3600, 7200, 15)])
    result = read(tmp_path, answer(counter, power(range(0, 7200, 15))))
    assert by_run(result) == {"": 3585 * 100}
    [told] = result.findings
    assert told.code == "prometheus-power-longer"
    assert "so 1.0 device-hours are not used" in told.en


def test_a_query_finer_than_the_scrape_is_told(tmp_path: Path) -> None:
    steps = series(POWER, [(at, str(100 + at // 15)) for at in range(0, 600, 5)])
    assert codes(read(tmp_path, answer(steps))) == ["prometheus-values-repeat"]


def test_values_that_are_none_are_counted_and_no_zero(tmp_path: Path) -> None:
    values = ["100", "NaN", "100", "+Inf", "watt", "1e2"]
    result = read(tmp_path, answer(series(POWER, [(15 * i, value) for i, value in enumerate(values)])))
    assert by_run(result) == {"": 7500}
    assert codes(result) == ["prometheus-value-faulty", "prometheus-value-missing"]


INT32, INT64, FP64 = 0x7FFFFFF0, 0x7FFFFFFFFFFFFFF0, 2**47


@pytest.mark.parametrize("code", [*(base + i for base in (INT32, INT64, FP64) for i in range(4)), 2**63])
def test_the_codes_of_dcgm_for_no_value_are_no_power(code: int, tmp_path: Path) -> None:
    result = read(tmp_path, answer(series(POWER, [(0, "100"), (15, str(code)), (30, "100")])))
    assert by_run(result) == {"": 3000}
    assert [(item.code, item.level) for item in result.findings] == [("prometheus-value-missing", Level.MAY)]


@pytest.mark.parametrize("code", [*(str(INT64 + i) for i in range(4)), str(2**63), "9.223372036854776e+18"])
def test_the_codes_of_dcgm_for_no_value_are_no_step_of_a_counter(code: str, tmp_path: Path) -> None:
    result = read(tmp_path, answer(series(COUNTER, [(0, "0"), (15, code), (30, "3000000")])))
    assert by_run(result) == {"": 3000}
    assert [(item.code, item.level) for item in result.findings] == [("prometheus-value-missing", Level.MAY)]


def test_a_counter_passes_the_smaller_codes(tmp_path: Path) -> None:
    readings = [(0, str(INT32 - 1_500_000)), (15, str(INT32)), (30, str(INT32 + 1_500_000))]
    result = read(tmp_path, answer(series(COUNTER, readings)))
    assert by_run(result) == {"": 3000}
    assert codes(result) == []


@pytest.mark.parametrize("watts", ["4294967.295", "10000.001"])
def test_power_that_no_gpu_can_draw_is_left_out_by_name(watts: str, tmp_path: Path) -> None:
    result = read(tmp_path, answer(series(POWER, [(0, "100"), (15, watts), (30, "100")])))
    assert by_run(result) == {"": 3000}
    [told] = result.findings
    assert (told.code, told.level) == ("prometheus-power-impossible", Level.SHOULD)
    assert f"{GPU}: {watts}" in told.en


def test_a_single_reading_of_a_counter_blocks_no_report(tmp_path: Path) -> None:
    moving = series(COUNTER, [(at, str(at * 100_000)) for at in range(0, 300, 15)])
    result = read(tmp_path, answer(moving, series(COUNTER, [(285, "77")], UUID="GPU-bbbb", gpu="1")))
    assert by_run(result) == {"": 28_500}
    assert [(item.code, item.level) for item in result.findings] == [("prometheus-counter-still", Level.SHOULD)]


def test_what_the_server_says_beside_the_data_is_told(tmp_path: Path) -> None:
    whole = answer(power(range(0, 60, 15)), warnings=["store gateway timed out"], isPartial=True)
    bad = json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error"})
    vector = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "2"]}]}})
    scalar = json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}})
    result = read(tmp_path, whole, bad, vector, scalar, answer(), '{"status":"success"}')
    assert by_run(result) == {"": 4500}
    assert codes(result) == [
        "prometheus-error",
        "prometheus-no-series",
        "prometheus-not-matrix",
        "prometheus-warning",
    ]
    assert sum(item.code == "prometheus-warning" for item in result.findings) == 2
    assert sum(item.code == "prometheus-error" for item in result.findings) == 2


def test_metrics_that_hold_no_energy_are_never_read_as_nothing(tmp_path: Path) -> None:
    result = read(tmp_path, answer(series("up", [(0, "1")]), {"metric": {}, "values": [[T0, "4"]]}))
    assert "prometheus-metrics-unknown" in codes(result)
    assert not result.leaves


def test_a_series_without_a_device_is_named_and_left_out(tmp_path: Path) -> None:
    text = answer({"metric": {"__name__": POWER, "job": "dcgm"}, "values": [[T0, "1"]]}, power(range(0, 60, 15)))
    result = read(tmp_path, text)
    assert codes(result) == ["prometheus-device-unnamed"]
    assert by_run(result) == {"": 4500}


def test_a_declared_metric_with_its_unit_and_labels(tmp_path: Path) -> None:
    outlets = [
        {
            "metric": {"__name__": "pdu_kw", "outlet": str(i), "instance": "pdu1:9116"},
            "values": [[T0, "1.5"], [T0 + 60, "1.5"]],
        }
        for i in (1, 2)
    ]
    columns = (("power", "pdu_kw"), ("power_unit", "kW"), ("device", "outlet"), ("site", "dc"))
    result = read(tmp_path, answer(*outlets), options=ReadOptions(boundary="node", grade="A", columns=columns))
    assert by_run(result) == {"": 2 * 1500 * 60}
    assert sorted(result.devices) == [("site", "pdu1/1"), ("site", "pdu1/2")]
    assert {(info.boundary, info.grade) for info in result.devices.values()} == {("node", "A")}


def test_a_declaration_that_cannot_be_is_refused_with_all_its_faults(tmp_path: Path) -> None:
    columns = (("power", "pdu_kw"), ("power_unit", "horse"), ("labels", "x"))
    with pytest.raises(InputError) as caught:
        read(tmp_path, answer(), options=ReadOptions(columns=columns))
    assert [item.code for item in caught.value.findings] == [
        "prometheus-role-unknown",
        "prometheus-unit-unknown",
        "prometheus-boundary-missing",
    ]


def test_a_torn_answer_keeps_what_came_before_and_says_where_it_broke(tmp_path: Path) -> None:
    idle = series(POWER, [(at, "100") for at in range(0, 900, 15) if not 300 <= at < 600])
    text = answer(idle, power(range(300, 600, 15), hpc_job="77"), power(range(0, 60, 15), UUID="GPU-b"))
    torn = read(tmp_path, text[: text.index("GPU-b") - 400], options=RUNS)
    assert codes(torn) == ["prometheus-broken"]
    assert by_run(torn)[""] > 50_000


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"data":' * 5_000, '{"status":"success"} trailing', '{"status":',
     '{"status":"' + "x" * MAX_VALUE * 2,
     '{"status":"success","data":{"result":[{"values":[[1,"2"]],"metric":{}}]}}',
     '{"status":"success","data":{"result":[{"metric":{"__name__":{}},"values":[]}]}}',
     '{"status":"success","data":{"result":[{"metric":{"__name__":"DCGM_FI_DEV_POWER_USAGE","UUID":"G"},"values":[[[1],"2"],{}]}]}}',
     '{"status":"success","data":{"result":[{"metric":{},"values":[' + "9" * MAX_VALUE * 2],
)  # fmt: skip
def test_hostile_text_is_a_sentence(tmp_path: Path, text: str) -> None:
    try:
        told = codes(read(tmp_path, text))
    except InputError as error:
        told = [error.code]
    assert {"prometheus-broken", "prometheus-not-an-answer"} & set(told)


def test_windows_and_batches_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = answer(*(power(range(0, 3600, 15), watts=f"1{i}.25", UUID=f"GPU-{i}") for i in range(4)))
    path = tmp_path / "a.json"
    path.write_text(text)
    source = [Source(path, "dcgm-prometheus", "", "site")]
    whole = integrate(source)
    monkeypatch.setattr(opening, "CHUNK", 61)
    monkeypatch.setattr(flow, "BATCH_ROWS", 7)
    again = integrate(source)
    assert again.leaves == whole.leaves
    assert codes(again) == codes(whole) == []
