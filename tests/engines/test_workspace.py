"""Engines and the cache under a workspace: the same account, and a final report that takes nothing from the cache."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gxmeter.api import EngineChoice, open_workspace
from gxmeter.api.book import CACHE
from gxmeter.core.calendar import to_ms
from gxmeter.core.files import sha256_bytes
from gxmeter.energy.cache_form import from_bytes, to_bytes
from gxmeter.energy.tasks import FileResult, replace
from gxmeter.workspace.init import init_workspace
from tests.support.journals import write_journal


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    init_workspace(root)
    site = next(root.glob("sites/*.yaml")).stem
    for day in (1, 3):
        start_ms = to_ms(datetime(2026, 5, day, tzinfo=UTC))
        write_journal(root / "telemetry" / "journals", run=f"r{day}", site=site, start_ms=start_ms, intervals=2_800)
    return root


def test_every_engine_gives_the_same_account(workspace: Path) -> None:
    plain = open_workspace(workspace, cached=False).account(2026).to_json()
    assert plain["lines"]
    for engine in (EngineChoice("process", workers=2), EngineChoice("dask", workers=2)):
        assert open_workspace(workspace, engine=engine, cached=False).account(2026).to_json() == plain
    assert open_workspace(workspace, cached=False).account(2026, engine="process").to_json() == plain
    assert not (workspace / CACHE).exists()


def test_the_commands_take_an_engine_and_keep_results_in_the_workspace(workspace: Path) -> None:
    outs = []
    for options in (["--no-cache"], ["--engine", "process", "--workers", "2"], []):
        command = [sys.executable, "-m", "gxmeter", "account", "--fy", "2026", "-w", workspace, "--json", *options]
        outs.append(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert outs[0] == outs[1] == outs[2]
    assert json.loads(outs[0])["figures"]
    assert len(list((workspace / CACHE).iterdir())) == 2
    for command in ("check", "progress", "report"):
        arguments = [sys.executable, "-m", "gxmeter", command, "--help"]
        text = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        assert all(option in text for option in ("--engine", "--workers", "--scheduler", "--no-cache")), command


def test_a_final_report_believes_no_cache(workspace: Path, tmp_path: Path) -> None:
    """Whoever can write into the folder can write numbers: entries are made here that say another energy."""
    truth = open_workspace(workspace).account(2026).figures["energy_ai_kwh"]
    for entry in (workspace / CACHE).iterdir():
        entry.write_bytes(falsified(entry.read_bytes()))
    book = open_workspace(workspace)
    assert book.account(2026).figures["energy_ai_kwh"].exact > truth.exact * 19 / 10
    final = book.report(2026, out=tmp_path / "out", final=True, key_path=tmp_path / "key.pem")
    assert final.account.figures["energy_ai_kwh"] == truth


def falsified(entry: bytes) -> bytes:
    """The entry with all its energy doubled, and a digest that holds."""
    form, _, body = entry.split(b"\n", 2)
    size, _, rest = body.partition(b"\n")
    key, value = rest[: int(size)], from_bytes(rest[int(size) :], FileResult)
    interval = replace(value.part.interval, half_uj=2 * value.part.interval.half_uj)
    lie = replace(value, part=replace(value.part, interval=interval))
    new = b"%s\n%s%s" % (size, key, to_bytes(lie))
    return b"%s\n%s\n%s" % (form, sha256_bytes(new).encode(), new)
