"""The whole main job, as a new user runs it: train under the meter, account, report, re-compute."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "seeds" / "demo" / "demo.py"


NO_NETWORK = """
import os, socket

def _refuse(*arguments, **options):
    with open(os.environ["GXMETER_TEST_CALLS"], "a", encoding="utf-8") as log:
        log.write(f"{arguments!r}\\n")
    raise OSError("the test has no network")

socket.socket.connect = socket.socket.connect_ex = _refuse
socket.getaddrinfo = socket.create_connection = _refuse
"""
"""A ``sitecustomize`` for every Python that the demo starts: a call to the outside is written down and refused."""


def run_demo(out, *options, language):
    """Run the demo in its own folder, without a network; returns its exit code and what it printed."""
    guard = out.parent / f"{out.name}-guard"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    environment = {
        **os.environ,
        "GXMETER_LANG": language,
        "PYTHONPATH": str(guard),
        "GXMETER_TEST_CALLS": str(guard / "calls.txt"),
    }
    command = [sys.executable, str(DEMO), "--out", str(out), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def contents(folder):
    """Every file of a folder: relative path -> bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A demo that trains for three seconds: its folder and its answer."""
    out = tmp_path_factory.mktemp("demo")
    return out, run_demo(out, "--seconds", "3", language="en")


def test_the_demo_ends_well_and_says_the_main_things(first):
    out, done = first
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("re-computed, matches", "FY2026 targets", "estimated", "location-based", "market-based"):
        assert words in done.stdout
    page = Path(done.stdout.strip().splitlines()[-1].partition(": ")[2])
    assert page.is_relative_to(out)
    assert "<html" in page.read_text(encoding="utf-8")


def test_the_metered_run_is_in_the_figures(first):
    out, _ = first
    account = json.loads((out / "log" / "account.json").read_text(encoding="utf-8"))
    lines = [line for line in account["lines"] if line["run_id"] == "demo-charlm"]
    assert lines
    assert {line["site_id"] for line in lines} == {"edge-lab"}
    assert {line["status"] for line in lines} <= {"measured", "estimated"}


def test_the_same_journal_gives_the_same_bytes(first):
    out, _ = first
    before = contents(out / "report")
    (journal,) = (out / "workspace" / "telemetry" / "journals").iterdir()
    done = run_demo(out, "--journal", str(journal), language="ja")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "再計算一致" in done.stdout
    assert contents(out / "report") == before


def test_the_report_is_in_both_languages_and_asks_nobody_outside(first):
    out, _ = first
    pages = sorted((out / "report").glob("*/data/report/report.*.html"))
    assert [page.name for page in pages] == ["report.en.html", "report.ja.html"]
    for page, word in zip(pages, ("estimated", "推計"), strict=True):
        text = page.read_text(encoding="utf-8")
        assert word in text
        assert not re.search(r"""(?:src|href)=["']?https?:[^>]*\.(?:css|js|png|svg|woff2?)""", text)
        assert "<script" not in text


def test_no_step_called_the_outside(first):
    out, _ = first
    guard = out.parent / f"{out.name}-guard"
    assert (guard / "sitecustomize.py").exists()
    assert not (guard / "calls.txt").exists()


def test_the_guard_would_have_seen_a_call(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    calls = tmp_path / "calls.txt"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "GXMETER_TEST_CALLS": str(calls)}
    code = "import socket; socket.create_connection(('203.0.113.1', 9))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert done.returncode != 0
    assert "203.0.113.1" in calls.read_text(encoding="utf-8")


def test_nothing_of_the_scenario_in_the_repository_was_touched(first):
    assert first
    assert not (ROOT / "seeds" / "consortium" / "telemetry").exists()
    assert not (ROOT / "seeds" / "consortium" / "out").exists()
