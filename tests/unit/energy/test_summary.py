"""What the one-shot command says of an energy result to people."""

from __future__ import annotations

from gxmeter.energy.model import EnergyResult, Gap, Leaf, LeafKey
from gxmeter.energy.summary import lines
from gxmeter.telemetry.model import DeviceInfo

T0 = 1_775_001_600_000
"""2026-04-01T00:00:00Z."""


def result_of(*gaps: Gap) -> EnergyResult:
    info = DeviceInfo("g0", "tokyo", "node1", "gpu", "H100", "device", "nvidia-smi", "C2")
    leaves = {LeafKey(T0 // 1_800_000, "r", "tokyo", "g0"): Leaf(7_200_000_000_000, 60_000)}
    return EnergyResult(
        leaves=leaves,
        devices={("tokyo", "g0"): info},
        gaps=list(gaps),
        samples=1_234,
        start_ms=T0,
        end_ms=T0 + 60_000,
    )


def test_people_read_it_in_their_own_language_with_the_time_in_japan() -> None:
    gap = Gap("r", "tokyo", "g0", T0, T0 + 61_500)
    times, here = "2026-04-01T00:00:00Z – 2026-04-01T00:01:00Z", "2026-04-01 09:00:00 – 2026-04-01 09:01:00"
    assert lines(result_of(gap)) == [
        f"1,234 records, 1 devices, {times} (in Japan {here})",
        "device: 1.000000000000 kWh",
        "gap: g0 2026-04-01T00:00:00Z – 2026-04-01T00:01:01.500Z (61.5 s)",
    ]
    assert lines(result_of(gap), ja=True) == [
        f"1,234 件の記録、機器 1 台、{times} (日本時間 {here})",
        "機器(device): 1.000000000000 kWh",
        "欠測: g0 2026-04-01T00:00:00Z – 2026-04-01T00:01:01.500Z (61.5 s)",
    ]


def test_of_many_gaps_the_longest_stand_for_all_and_none_is_left_uncounted() -> None:
    gaps = [Gap("r", "tokyo", "g0", T0 + n * 1_000_000, T0 + n * 1_000_000 + n * 1_000) for n in range(1, 13)]
    shown = lines(result_of(*gaps))[2:]
    assert shown[0] == "12 gaps, 78 s in all; the 10 longest (all of them with --json):"
    assert [line.rsplit("(")[1] for line in shown[1:]] == [f"{n} s)" for n in range(12, 2, -1)]
    assert lines(result_of(*gaps), ja=True)[2] == "欠測 12 件、合計 78 s。長い順に 10 件(全件は --json):"
    assert len(lines(result_of(*gaps[:10]))) == 12


def test_devices_of_no_site_are_said_to_have_none() -> None:
    result = result_of()
    result.devices["", "g1"] = result.devices["tokyo", "g0"]
    assert "(no site: 1, tokyo: 1)" in lines(result)[0]
    assert "(拠点の指定なし: 1, tokyo: 1)" in lines(result, ja=True)[0]
