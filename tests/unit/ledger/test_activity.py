"""The measured side of a year: two sites of one device, and headers of many runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gxmeter.core.calendar import SLOT_MS, FiscalYear, jst_midnight_ms
from gxmeter.core.findings import Finding
from gxmeter.energy.model import EnergyResult, Gap, Leaf, LeafKey, SourceFacts
from gxmeter.ledger.activity import Activity, activity_of
from gxmeter.telemetry.model import DeviceInfo

FY = FiscalYear(2026)
START_MS = jst_midnight_ms(date(2026, 5, 1))
SLOT = START_MS // SLOT_MS
MINUTE_MS = 60_000


def result_of(*leaves: tuple[str, str, str, int, int], gaps: tuple[Gap, ...] = ()) -> EnergyResult:
    """Energy of (run, site, device, slots after the start, covered ms), each run and site from a source of its own."""
    result = EnergyResult(gaps=list(gaps))
    stays = sorted({(run, site) for run, site, *_ in leaves})
    result.facts = [
        SourceFacts(START_MS, START_MS + SLOT_MS, i + 1, clean_end=True, sensors=()) for i in range(len(stays))
    ]
    for run, site, device, slot, covered_ms in leaves:
        result.leaves[LeafKey(SLOT + slot, run, site, device)] = Leaf(2_000_000, covered_ms)
        result.devices[site, device] = DeviceInfo(device, site, "host", "gpu", "x", "device", "nvml-counter", "C1")
        result.source_of.setdefault((run, site, device), set()).add(stays.index((run, site)))
    return result


def activity(result: EnergyResult) -> Activity:
    evidence = {i: f"journal-{i}" for i in range(len(result.facts))}
    return activity_of(result, evidence, {site for site, _ in result.devices}, FY)


def at_two_sites(found: Activity) -> list[Finding]:
    return [item for item in found.findings if item.code == "device-at-two-sites"]


def test_one_device_at_two_sites_for_more_than_the_half_hour_is_named_once() -> None:
    full = [("r", site, "host.gpu0", slot, SLOT_MS) for site in ("east", "west") for slot in range(3)]
    (found,) = at_two_sites(activity(result_of(*full, ("r", "west", "host.gpu1", 0, SLOT_MS))))
    assert found.level == "must"
    assert "host.gpu0" in found.en
    assert "east, west" in found.ja
    assert "3 times, first at 2026-04-30T15:00:00Z" in found.en


def test_it_is_told_across_runs_too() -> None:
    leaves = (("a", "east", "host.gpu0", 0, SLOT_MS), ("b", "west", "host.gpu0", 0, MINUTE_MS))
    assert len(at_two_sites(activity(result_of(*leaves)))) == 1


def test_a_device_that_moves_within_the_half_hour_is_fine() -> None:
    moved = (("a", "east", "host.gpu0", 0, 10 * MINUTE_MS), ("b", "west", "host.gpu0", 0, 20 * MINUTE_MS))
    later = (("a", "east", "host.gpu1", 0, SLOT_MS), ("a", "west", "host.gpu1", 1, SLOT_MS))
    assert at_two_sites(activity(result_of(*moved, *later))) == []


@pytest.mark.parametrize(
    ("run", "device", "boundary", "grade", "said"),
    [
        ("pre train", "host.gpu0", "device", "C1", "pre train"),
        ("run", "my host.gpu0", "device", "C1", "my host.gpu0"),
        ("run", "host.gpu0", "rack", "C1", "rack"),
        ("run", "host.gpu0", "device", "Q9", "Q9"),
    ],
)
def test_what_no_package_can_hold_is_left_out_and_named(
    run: str, device: str, boundary: str, grade: str, said: str
) -> None:
    result = result_of((run, "east", device, 0, SLOT_MS), ("good", "east", "host.gpu9", 0, SLOT_MS))
    result.devices["east", device] = replace(result.devices["east", device], boundary=boundary, grade=grade)
    found = activity(result)
    assert [row.run_id for row in found.rows] == ["good"]
    (item,) = (item for item in found.findings if item.code == "record-not-accountable")
    assert item.level == "must"
    assert said in item.en


def test_every_header_has_the_facts_and_gaps_of_its_own_run_and_site() -> None:
    gaps = (
        Gap("b", "east", "host.gpu1", START_MS + 5, START_MS + 9),
        Gap("b", "east", "host.gpu0", START_MS + 1, START_MS + 2),
        Gap("a", "west", "host.gpu0", 0, 1),
    )
    leaves = [(run, site, "host.gpu0", 0, MINUTE_MS) for run in ("a", "b") for site in ("east", "west")]
    headers = activity(result_of(*leaves, gaps=gaps)).headers
    assert [(h["run_id"], h["site_id"], h["records"], h["evidence"]) for h in headers] == [
        ("a", "east", 1, ["journal-0"]),
        ("a", "west", 2, ["journal-1"]),
        ("b", "east", 3, ["journal-2"]),
        ("b", "west", 4, ["journal-3"]),
    ]
    assert [[gap["device_id"] for gap in h["gaps"]] for h in headers] == [[], [], ["host.gpu0", "host.gpu1"], []]


def test_a_gap_of_several_devices_at_one_time_is_said_once() -> None:
    times = (("gpu0", 1, 5), ("gpu1", 2, 6), ("gpu0", 8, 9), ("gpu1", 8, 9))
    gaps = tuple(Gap("a", "east", f"host.{d}", START_MS + s * MINUTE_MS, START_MS + e * MINUTE_MS) for d, s, e in times)
    found = activity(result_of(("a", "east", "host.gpu0", 0, SLOT_MS), gaps=gaps))
    assert len(found.headers[0]["gaps"]) == 4
    (gap,) = (item for item in found.findings if item.code == "telemetry-gap")
    assert (dict(gap.params)["count"], dict(gap.params)["seconds"]) == ("2", "360")
