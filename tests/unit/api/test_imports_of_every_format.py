"""Whatever a format's sample is, it is imported, kept or linked, and counts as it counts when it is read by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.api.import_files import Wish
from gxmeter.api.imports import import_telemetry
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, LeafKey
from gxmeter.energy.sources import sources_under
from gxmeter.ledger.telemetry import integrated
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace
from tests.support.reader_cases import RUN, SITE, ReaderCase, all_cases


def leaves(result: EnergyResult) -> dict[LeafKey, tuple[int, int]]:
    return {key: (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()}


@pytest.mark.parametrize("link", [False, True], ids=["kept", "linked"])
@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_an_import_counts_like_the_file(case: ReaderCase, link: bool, tmp_path: Path) -> None:
    alone = integrate(sources_under([case.path], format=case.format, run=RUN, site=SITE, options=case.options))
    if any(info.boundary == "facility" for info in alone.devices.values()):
        pytest.skip("facility metering becomes readings")
    root = tmp_path / "w"
    init_workspace(root)
    wish = Wish(case.format, RUN, SITE, case.options, link=link)
    done = import_telemetry(load_workspace(root), [str(case.path)], wish)
    loaded = load_workspace(root)
    kept = integrated(loaded, integrate)
    assert leaves(kept) == leaves(alone)
    assert [f.code for f in kept.findings] == [f.code for f in alone.findings]
    assert {f.code for f in run_checks(loaded)} <= {"reference-unknown"}
    if case.format != "gxmeter" or link:  # a segment becomes the folder of its journal
        assert [digest for _, digest in kept.sources] == [digest for _, digest in alone.sources]
    assert all(item["records"] for item in done.answers)
