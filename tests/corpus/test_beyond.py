"""What a verifier may ask for beyond the six steps: sums made again by SQL, and the raw telemetry integrated again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.energy.model import Device
from gxmeter.evidence.verify.beyond import steps_beyond
from gxmeter.evidence.verify.judge import Verdict, verify
from gxmeter.evidence.verify.raw import Integrated, RawStep, by_kernel, by_sql
from gxmeter.evidence.verify.strictjson import strict_json
from tests.support.forge import Forge
from tests.support.journals import write_journal
from tests.support.packages import JOURNAL_START_MS, Package

pytest.importorskip("duckdb", reason="the second implementation needs the extra [sql]")

ENGINES = ("local", "duckdb")
_HEADERS = "data/activity/run_headers.jsonl"


def judged(folder: Path, engine: str = "duckdb", raw: Path | None = None) -> Verdict:
    return verify(folder, more=steps_beyond(engine, raw))


def must(verdict: Verdict) -> set[str]:
    return {item.code for item in verdict.findings if item.level == "must"}


def all_doubled(forge: Forge) -> None:
    """A lie that is consistent with itself: every measured row, its headers, lines and figures, twice as high."""
    forge.change("activity/energy.csv", lambda rows: [replace(r, energy_half_uj=2 * r.energy_half_uj) for r in rows])
    headers = [strict_json(line, _HEADERS) for line in forge.files[_HEADERS].splitlines()]
    for header in headers:
        for device in header["devices"]:
            device["energy_half_uj"] = str(2 * int(device["energy_half_uj"]))
    forge.files[_HEADERS] = b"".join(canonical_json(header) + b"\n" for header in headers)
    forge.recompute()


def a_row_dropped(forge: Forge) -> None:
    """The same with the last half-hour left out."""
    forge.change("activity/energy.csv", lambda rows: rows[:-1])
    dropped_device = {}
    for row in forge.rows("activity/energy.csv"):
        totals = dropped_device.setdefault((row.device_id, row.method), [0, 0, 0])
        totals[0] += 1
        totals[1] += row.energy_half_uj
        totals[2] += row.covered_ms
    headers = [strict_json(line, _HEADERS) for line in forge.files[_HEADERS].splitlines()]
    for device in headers[0]["devices"]:
        n, energy, covered = dropped_device[device["device_id"], device["method"]]
        device |= {"rows": n, "energy_half_uj": str(energy), "covered_ms": covered}
    forge.files[_HEADERS] = b"".join(canonical_json(header) + b"\n" for header in headers)
    forge.recompute()


def test_an_honest_package_agrees_and_what_was_not_made_again_is_named(package: Package) -> None:
    verdict = judged(package.folder)
    assert not must(verdict)
    assert verdict.evaluated["sql_rows"] == 4
    assert verdict.evaluated["sql_lines"] > 50
    assert verdict.evaluated["sql_figures"] > 100
    assert {"raw-telemetry", "products", "declared-parts", "other-lines"} <= set(verdict.not_checked)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("inside", ["", "telemetry", "telemetry/journals"])
def test_raw_telemetry_is_found_by_digest_and_every_row_holds(package: Package, engine: str, inside: str) -> None:
    verdict = judged(package.folder, engine, package.workspace / inside)
    assert not must(verdict)
    assert (verdict.evaluated["raw_files"], verdict.evaluated["raw_rows"]) == (1, 4)
    assert "raw-telemetry" not in verdict.not_checked


@pytest.mark.parametrize("engine", ENGINES)
def test_a_consistent_lie_is_seen_by_the_raw_telemetry_alone(package: Package, engine: str, tmp_path: Path) -> None:
    forge = package.forge()
    all_doubled(forge)
    written = forge.write(tmp_path / "package")
    assert not must(judged(written))
    verdict = judged(written, engine, package.workspace)
    differing = [item for item in verdict.findings if item.code == "raw-energy-differs"]
    assert must(verdict) == {"raw-energy-differs"}
    assert [item.row for item in differing] == [2, 3, 4, 5]
    row = forge.rows("activity/energy.csv")[0]
    assert differing[0].expected == f"{row.energy_half_uj // 2} half-uJ, {row.covered_ms} ms"
    assert differing[0].found == f"{row.energy_half_uj} half-uJ, {row.covered_ms} ms"


@pytest.mark.parametrize("engine", ENGINES)
def test_energy_that_was_left_out_is_seen_in_the_raw_telemetry(package: Package, engine: str, tmp_path: Path) -> None:
    forge = package.forge()
    a_row_dropped(forge)
    verdict = judged(forge.write(tmp_path / "package"), engine, package.workspace)
    assert must(verdict) == {"raw-energy-untold"}


LIES: list[tuple[str, Callable[[Forge], None], str]] = [
    (
        "lines.csv",
        lambda f: f.change(
            "results/lines.csv",
            lambda rows: [
                replace(r, energy_j=r.energy_j + Decimal("0.0000005"))
                if r.method != "declared" and r.kind == "run"
                else r
                for r in rows
            ],
        ),
        "energy_j",
    ),
    (
        "lines.csv",
        lambda f: f.change(
            "results/lines.csv",
            lambda rows: [
                replace(r, energy_kwh=r.energy_kwh + Decimal("1E-12")) if r.kind == "run" else r for r in rows
            ],
        ),
        "energy_kwh",
    ),
    (
        "figures.csv",
        lambda f: f.change(
            "results/figures.csv",
            lambda rows: [
                replace(r, exact=r.exact + Decimal("1E-24")) if r.figure_id == "scope2_market_t" else r for r in rows
            ],
        ),
        "scope2_market_t",
    ),
    (
        "run_headers.jsonl",
        lambda f: f.change(
            "activity/energy.csv", lambda rows: [replace(rows[0], energy_half_uj=rows[0].energy_half_uj + 1), *rows[1:]]
        ),
        "edge-01",
    ),
    (
        "energy.csv",
        lambda f: f.change(
            "results/lines.csv", lambda rows: [r for r in rows if r.kind != "run" or r.method == "declared"]
        ),
        "row_id",
    ),
]


@pytest.mark.parametrize(("file", "lie", "name"), LIES, ids=[f"{file}-{name}" for file, _, name in LIES])
def test_sql_sees_sums_that_do_not_hold(
    package: Package, tmp_path: Path, file: str, lie: Callable[[Forge], None], name: str
) -> None:
    forge = package.forge()
    lie(forge)
    found = [f for f in judged(forge.write(tmp_path / "package")).findings if f.code == "sql-sum-differs"]
    assert any(str(item.file).endswith(file) and name in item.en for item in found)
    assert all(item.expected != item.found for item in found)


@pytest.mark.parametrize("engine", ENGINES)
def test_telemetry_that_is_missing_or_altered_is_named_and_never_passes(
    package: Package, engine: str, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(package.workspace / "telemetry", raw)
    (segment,) = (raw / "journals").rglob("*.gxj*")
    segment.write_bytes(segment.read_bytes()[:-1])
    (raw / "empty").mkdir()
    for folder in (raw, raw / "empty"):
        verdict = judged(package.folder, engine, folder)
        assert any(item.startswith("raw: telemetry/journals/") for item in verdict.not_checked)
        assert {"raw-missing", "raw-nothing-compared"} <= {item.code for item in verdict.findings}
        assert verdict.exit_code == 1
        assert verdict.evaluated["raw_rows"] == 0


def test_rows_of_other_devices_are_judged_where_one_file_is_missing(package: Package, tmp_path: Path) -> None:
    """Two journals, one of which has been lost: the exit code says that not all was compared."""
    forge, lost = package.forge(), "telemetry/journals/lost"
    rows = forge.rows("activity/energy.csv")
    moved = [replace(r, device_id=f"{r.device_id}-b", evidence_id="lost", row_id=r.row_id + len(rows)) for r in rows]
    forge.put("activity/energy.csv", [*rows, *moved])
    (index,) = forge.rows("activity/raw_index.csv")
    forge.put("activity/raw_index.csv", [index, replace(index, evidence_id="lost", path=lost, sha256="0" * 64)])
    verdict = judged(forge.write(tmp_path / "package"), "duckdb", package.workspace)
    assert (verdict.evaluated["raw_files"], verdict.evaluated["raw_rows"]) == (1, len(rows))
    assert f"raw: {lost}" in verdict.not_checked
    assert not {code for code in must(verdict) if code.startswith("raw")}


def test_devices_that_sql_refuses_are_named_and_not_passed(package: Package) -> None:
    def refusing(sources: object, limit_ms: int | None) -> Integrated:
        made = by_sql(sources, limit_ms)  # type: ignore[arg-type]
        return Integrated(made.leaves, {Device("edge-lab", "edge-01.cpu"): "power-overlap"})

    verdict = verify(package.folder, more=[("8", RawStep(package.workspace, refusing))])
    assert verdict.evaluated["raw_rows"] == 2
    assert "raw: edge-lab edge-01.cpu" in verdict.not_checked
    assert "raw-device-refused" in {item.code for item in verdict.findings if item.level == "should"}


def test_energy_outside_any_run_has_no_rows_and_is_named(package: Package) -> None:
    def with_idle(sources: object, limit_ms: int | None) -> Integrated:
        made = by_kernel(sources, limit_ms)  # type: ignore[arg-type]
        idle = {key._replace(run=""): (1, 1) for key in made.leaves}
        return Integrated({**made.leaves, **idle})

    verdict = verify(package.folder, more=[("8", RawStep(package.workspace, with_idle))])
    assert not must(verdict)
    assert "raw: idle" in verdict.not_checked


def test_rows_that_need_files_of_another_year_are_said_to(package: Package, tmp_path: Path) -> None:
    """An engine for which a row depends on a second file, that the package does not name."""
    raw = tmp_path / "raw"
    shutil.copytree(package.workspace / "telemetry", raw)
    other = write_journal(raw / "journals", run="other", site="edge-lab", start_ms=JOURNAL_START_MS - 90 * 86_400_000)

    def dependent(sources: object, limit_ms: int | None) -> Integrated:
        made = by_kernel(sources, limit_ms)  # type: ignore[arg-type]
        alone = len(sources) == 1  # type: ignore[arg-type]
        return Integrated({k: (e + alone, c) for k, (e, c) in made.leaves.items()})

    verdict = verify(package.folder, more=[("8", RawStep(raw, dependent))])
    assert not must(verdict)
    (remark,) = (item for item in verdict.findings if item.code == "raw-needs-other-files")
    assert other.name in str(remark.found)


def test_wrong_options_are_refused_before_anything_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no engine"):
        steps_beyond("spark", None)
    with pytest.raises(InputError, match="no such folder"):
        steps_beyond("local", tmp_path / "none")
    assert steps_beyond("local", None) == []
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match=r"pip install 'gxmeter\[sql\]'"):
        steps_beyond("duckdb", None)


def test_the_command_answers_with_the_codes_of_interfaces(
    package: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["verify", str(package.folder), "--json", *options])
        return done.exit_code, json.loads(done.stdout)["verdict"]

    assert run("--engine", "duckdb", "--raw", str(package.workspace)) == (3, "verified")
    assert run("--engine", "duckdb", "--raw", str(tmp_path)) == (1, "findings")
    assert run("--raw", str(tmp_path / "none")) == (2, "could-not-run")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run("--engine", "duckdb") == (2, "could-not-run")
