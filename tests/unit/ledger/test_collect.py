"""Declared tables of a year: what is measured and declared at once, and the time of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.core.calendar import FiscalYear, parse_instant
from gxmeter.ledger.activity import Activity
from gxmeter.ledger.collect import Collected, collect
from gxmeter.ledger.evidence import EvidenceIndex
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace

RUN = """\
id: r1
title_ja: 学習
title_en: Training
frame: none
stage: pretrain
source: declared
status: {status}
reason: {reason}
model: {{name: m}}
declared:
  - id: p1
    site: our-site
    start: "2026-05-01T00:00:00Z"
    end: "2026-05-02T00:00:00Z"
    boundary: it
    energy_kwh: 5
    source: log
"""


def header(run: str, site: str, start: str, end: str) -> dict[str, object]:
    return {"run_id": run, "site_id": site, "start": start, "end": end, "evidence": ["journal"]}


def collected(folder: Path, status: str, *headers: dict[str, object]) -> Collected:
    init_workspace(folder)
    (folder / "runs").mkdir(exist_ok=True)
    (folder / "runs" / "r1.yaml").write_text(RUN.format(status=status, reason="disk full"), "utf-8")
    workspace = load_workspace(folder)
    activity = Activity((), headers, (), ())
    return collect(workspace, activity, EvidenceIndex(workspace), FiscalYear(2026))


@pytest.mark.parametrize(("status", "count"), [("completed", 1), ("failed", 1), ("void", 0)])
def test_measured_and_declared_at_once_counts_twice_unless_the_run_is_void(
    tmp_path: Path, status: str, count: int
) -> None:
    measured = header("r1", "our-site", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z")
    found = collected(tmp_path / "w", status, measured)
    assert [item.code for item in found.findings].count("declared-overlaps-measured") == count


@pytest.mark.parametrize(
    ("site", "start", "end"),
    [
        ("elsewhere", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z"),
        ("our-site", "2026-05-02T00:00:00Z", "2026-05-02T13:00:00Z"),
    ],
)
def test_another_site_or_another_time_is_no_double_counting(tmp_path: Path, site: str, start: str, end: str) -> None:
    found = collected(tmp_path / "w", "completed", header("r1", site, start, end))
    assert "declared-overlaps-measured" not in {item.code for item in found.findings}


def test_an_undeclared_run_spans_its_records_at_all_sites(tmp_path: Path) -> None:
    found = collected(
        tmp_path / "w",
        "completed",
        header("r9", "our-site", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"),
        header("r9", "west", "2026-06-01T00:00:00Z", "2026-06-02T12:00:00Z"),
    )
    assert [item.code for item in found.findings] == ["run-unknown"]
    (row,) = [row for row in found.declarations.runs if row.run_id == "r9"]
    assert (row.start, row.end) == (parse_instant("2026-06-01T00:00:00Z"), parse_instant("2026-06-03T00:00:00Z"))
