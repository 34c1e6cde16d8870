"""``gxmeter energy`` and ``gxmeter estimate`` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app

T0 = 1_775_001_600_000


def run(*args: object) -> tuple[int, dict[str, Any] | None, str]:
    """Exit code, the JSON document if any, and standard error."""
    result = CliRunner().invoke(app, [str(a) for a in args], env={"GXMETER_LANG": "en"})
    document = json.loads(result.stdout) if result.stdout.startswith("{") else None
    return result.exit_code, document, result.stderr


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """One device at 360 W for ten minutes with a hole of two."""
    ts_ms = [T0 + 1000 * s for s in (*range(300), *range(420, 601))]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"device": ["g0"] * len(ts_ms), "ts_ms": ts_ms, "power_mw": [360_000] * len(ts_ms)}), path)
    return path


def test_energy_of_a_folder(samples: Path) -> None:
    code, document, _ = run("energy", samples.parent, "--format", "parquet", "--json")
    assert code == 0
    assert document == {
        "format": "parquet",
        "samples": 481,
        "devices": 1,
        "start": "2026-04-01T00:00:00Z",
        "end": "2026-04-01T00:10:00Z",
        "energy_kwh": {"device": "0.0479"},
        "energy_half_uj": {"device": str(479 * 360_000 * 1000 * 2)},
        "gaps": [
            {
                "device": "g0",
                "site": "",
                "start": "2026-04-01T00:04:59Z",
                "end": "2026-04-01T00:07:00Z",
                "seconds": "121",
            }
        ],
        "findings": [],
    }


def test_energy_with_a_wider_limit_has_no_gap(samples: Path) -> None:
    code, document, _ = run("energy", samples, "--format", "parquet", "--gap-limit", "121", "--json")
    assert (code, document and document["gaps"], document and document["energy_kwh"]) == (0, [], {"device": "0.06"})


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["gone.parquet", "--format", "parquet"], "gone.parquet cannot be read"),
        (["--format", "nonsense"], "nonsense"),
        (["--format", "parquet", "--gap-limit", "1800.001"], "gap limit"),
        (["--format", "parquet", "--gap-limit", "0.0001"], "gap limit"),
        (["--format", "parquet", "--gap-limit", "1e3"], "plain decimal"),
    ],
)
def test_energy_says_in_one_sentence_why_it_could_not_run(samples: Path, args: list[str], words: str) -> None:
    path = [] if args[0].startswith("gone") else [samples]
    code, _, shown = run("energy", *path, *args)
    assert code == 2
    assert words in shown
    assert "Traceback" not in shown


def test_energy_for_people(samples: Path) -> None:
    result = CliRunner().invoke(app, ["energy", str(samples), "--format", "parquet"])
    assert "device: 0.047900000000 kWh" in result.stdout
    assert "gap: g0" in result.stdout


def test_estimate_with_a_factor_and_a_claim() -> None:
    code, document, shown = run(
        "estimate", "--device-hours", 1000, "--device-power", 500, "--boundary", "it", "--pue", "1.2",
        "--factor", "0.5 kg/kWh", "--claimed-tco2", "0.30", "--json",
    )  # fmt: skip
    assert (code, document and document["emissions_tco2"], document and document["findings"]) == (0, "0.3", [])
    assert shown == ""


def test_estimate_with_a_supplier_of_a_year_to_come_is_provisional() -> None:
    code, document, _ = run(
        "estimate", "--fixed-energy-kwh", 100, "--supplier", "national-average", "--fy", 2026, "--json"
    )
    assert document is not None
    assert (code, document["emissions_tco2"]) == (3, "0.0423")
    assert [f["code"] for f in document["findings"]] == ["factor-provisional"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "too little"),
        (["--pue", "1,2", "--device-hours", "x"], "“x”"),
        (["--fixed-energy-kwh", "1", "--supplier", "A0269"], "--supplier with --fy"),
        (
            ["--fixed-energy-kwh", "1", "--factor", "1 kg/kWh", "--supplier", "A0269", "--fy", "2026"],
            "either as --factor",
        ),
        (["--fixed-energy-kwh", "1", "--supplier", "Z9999", "--fy", "2026"], "Z9999"),
        (["--fixed-energy-kwh", "1", "--claimed-tco2", "1,000"], "--claimed-tco2"),
        (["--fixed-energy-kwh", "1", "--boundary", "rack"], "rack"),
        (["--fixed-energy-kwh", "1", "--supplier", "A0269", "--fy", "2026", "-w", "/nowhere"], "/nowhere"),
    ],
)
def test_estimate_says_in_one_sentence_why_it_could_not_run(args: list[str], words: str) -> None:
    code, _, shown = run("estimate", *args)
    assert code == 2
    assert words in shown


def test_estimate_for_people() -> None:
    result = CliRunner().invoke(
        app, ["estimate", "--fixed-energy-kwh", "100", "--factor", "0.5 kg/kWh", "--claimed-tco2", "1"]
    )
    assert result.exit_code == 1
    assert "emissions: 0.05 t-CO2" in result.stdout
    assert "implied factor_kg_per_kwh: 10" in result.stdout


def test_estimate_takes_the_factors_of_a_workspace(tmp_path: Path) -> None:
    assert run("init", tmp_path / "w")[0] == 0
    args = ("estimate", "--fixed-energy-kwh", 100, "--supplier", "substitute", "--fy", 2025, "--json")
    code, document, _ = run(*args, "-w", tmp_path / "w")
    assert (code, document and document["emissions_tco2"]) == (0, "0.0416")
