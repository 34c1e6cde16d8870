"""The closing summary of a run says what is known, what is missing and what to do, in either language."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gxmeter.cli.commands.run_site import SiteFactor
from gxmeter.cli.commands.run_text import summary_lines, total_uj
from gxmeter.cli.summary import width
from gxmeter.core.findings import finding
from gxmeter.core.phases import PhaseSum
from gxmeter.meter.totals import MeterResult

S = 1_000_000_000


def result(**changes: Any) -> MeterResult:
    """83 s at 2,680 W of GPUs and 20 W of memory."""
    usual: dict[str, Any] = {
        "run": "pretrain-1",
        "site": "tokyo",
        "journal": None,
        "samples": 830,
        "measured_uj": 222_440_000_000,
        "estimated_uj": 1_660_000_000,
        "node_ratio": None,
        "findings": (),
        "elapsed_ns": 83 * S,
        "phases": {"": PhaseSum(224_100_000_000, 83 * S)},
    }
    return MeterResult(**{**usual, **changes})


def text(language: str, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    monkeypatch.setenv("GXMETER_LANG", language)
    return "\n".join(summary_lines(result(**changes)))


def test_energy_time_power_and_share_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_ = text("en", monkeypatch).splitlines()
    assert first == "gxmeter: 62.25 Wh in 0:01:23, mean 2.70 kW"
    assert second == "  devices: over 99 % measured, the rest estimated"
    first, second, *_ = text("ja", monkeypatch).splitlines()
    assert first == "gxmeter: 62.25 Wh(0:01:23、平均 2.70 kW)"
    assert second == "  装置の合計: 実測 99%超、残りは推計"


def test_nothing_measured_and_everything_measured_are_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "all estimated (load models)" in text("en", monkeypatch, measured_uj=0)
    assert "all measured" in text("en", monkeypatch, estimated_uj=0)
    assert "すべて推計" in text("ja", monkeypatch, measured_uj=0)


def test_mass_only_where_a_factor_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CO2" not in text("en", monkeypatch)
    said = text("en", monkeypatch, kg_per_kwh=Decimal("0.423"))
    assert "26.3 g-CO2 by the factor given, 0.423 kg-CO2/kWh" in said
    assert "26.3 g-CO2(指定された係数 0.423" in text("ja", monkeypatch, kg_per_kwh=Decimal("0.423"))


def test_the_sites_factor_is_named_and_gives_way_to_one_that_was_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GXMETER_LANG", "en")
    found = SiteFactor(Decimal("0.431"), "jp-tepco-fy2024")
    said = "\n".join(summary_lines(result(), found))
    assert "26.8 g-CO2 at tokyo by 0.431 kg-CO2/kWh (jp-tepco-fy2024)" in said
    said = "\n".join(summary_lines(result(kg_per_kwh=Decimal(1)), found))
    assert "62.2 g-CO2 by the factor given, 1 kg-CO2/kWh" in said
    monkeypatch.setenv("GXMETER_LANG", "ja")
    assert "26.8 g-CO2(tokyo、0.431 kg-CO2/kWh、jp-tepco-fy2024" in "\n".join(summary_lines(result(), found))


def test_phases_tokens_and_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    phases = {
        "": PhaseSum(24_100_000_000, 8 * S),
        "train": PhaseSum(180_000_000_000, 60 * S),
        "eval": PhaseSum(20_000_000_000, 15 * S),
    }
    said = text("en", monkeypatch, phases=phases, tokens=1_000_000, flop=10**18)
    assert "train 50.00 Wh (80 %), eval 5.556 Wh (9 %), rest 6.694 Wh (11 %)" in said
    assert "1,000,000 tokens (224 mJ/token)" in said
    assert "4.46 TFLOP/J" in said
    assert "1,000,000 トークン(224 mJ/トークン)" in text("ja", monkeypatch, phases=phases, tokens=1_000_000)


def test_a_machine_with_its_own_meter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    phases = {"": PhaseSum(332_000_000_000, 83 * S)}
    said = text("en", monkeypatch, node_uj=332_000_000_000, phases=phases)
    assert said.startswith("gxmeter: 92.22 Wh in 0:01:23, mean 4.00 kW\n  measured by the machine's own meter")


def test_the_node_by_its_declared_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the node 77.81 Wh by the declared ratio 1.25" in text("en", monkeypatch, node_ratio=Decimal("1.25"))


def test_losses_are_named_and_settings_are_not_said_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = finding("records-lost", count=7)
    unread = finding("sensor-read-failed", device="gpu0", reason="gone")
    place = finding("site-unknown", site="x", sites="-")
    said = text("en", monkeypatch, findings=(place, unread, unread, lost))
    assert f"! {lost.en}" in said, "what weighs most comes first, as a sentence"
    assert "! and: sensor-read-failed x2" in said
    assert "not in the workspace" not in said


def test_time_without_any_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = text("en", monkeypatch, phases={"": PhaseSum(100_000_000_000, 50 * S)})
    assert "! no numbers for 0:00:33 of this time." in said
    assert "mean 2.00 kW" in said, "the mean is over the time that has numbers"
    assert "no numbers" not in text("en", monkeypatch)


def test_one_that_takes_part_says_that_another_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"samples": 0, "measured_uj": 0, "estimated_uj": 0, "counting": False, "phases": {}}
    assert "another gxmeter measures this host" in text("en", monkeypatch, **changes)
    assert "別の gxmeter が計測" in text("ja", monkeypatch, **changes)
    assert "doctor" not in text("en", monkeypatch, **changes)


def test_one_that_could_measure_nothing_sends_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"samples": 0, "measured_uj": 0, "estimated_uj": 0, "phases": {}}
    said = text("en", monkeypatch, **changes)
    assert said.startswith("gxmeter: no energy could be measured")
    assert "next: gxmeter doctor" in said
    assert "there is no record" in said


def test_next_is_what_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    journal = tmp_path / "my ws" / "telemetry" / "journals" / "x"
    journal.mkdir(parents=True)
    outside = text("en", monkeypatch, journal=journal)
    assert "record: my ws/telemetry/journals/x" in outside
    assert "next: gxmeter energy 'my ws/telemetry/journals/x' --format gxmeter" in outside
    (tmp_path / "my ws" / "gxmeter.yaml").touch()
    assert "next: gxmeter check -w 'my ws'" in text("en", monkeypatch, journal=journal)
    assert "next: gxmeter check" in text("en", monkeypatch, measured_uj=0, journal=journal)
    mendable = (finding("rapl-unreadable", path="/sys"),)
    assert "next: gxmeter doctor" in text("en", monkeypatch, measured_uj=0, journal=journal, findings=mendable)
    nothing = {"samples": 0, "measured_uj": 0, "estimated_uj": 0, "phases": {}}
    assert "next: gxmeter doctor" in text("en", monkeypatch, journal=journal, **nothing)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_usual_summary_fits_eighty_columns(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = text(language, monkeypatch, kg_per_kwh=Decimal("0.423"), measured_uj=0, estimated_uj=224_100_000_000)
    assert all(width(line) <= 80 for line in said.splitlines())
    assert 2 <= len(said.splitlines()) <= 5


def test_without_phases_the_total_is_of_the_components() -> None:
    assert total_uj(result(phases={})) == 224_100_000_000
