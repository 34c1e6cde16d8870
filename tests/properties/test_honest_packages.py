"""Packages of random honest companies: both verifiers re-compute them without one must-level finding.

The two implementations share no line, so their agreement on arrangements, contracts, PUE periods, bills,
certificates, declared and measured energy of any size is the proof of the arithmetic.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS
from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.tables import ActivityRow, ContractRow, Declarations, DeclaredRow, Instant, PueRow
from tests.support.packages import Package, by_gxmeter, by_verify_py, make_package
from tests.support.world import FY, activity, bill, certificate, day, part, run, site, world

MENUS = [("A0269", "residual"), ("A0269", "A"), ("A0272", ""), ("A0276", "whole"), ("A0273", "G"), ("substitute", "")]
ratios = st.decimals(1, 3, places=4)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="module")
def seed_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("honest"))


@st.composite
def days(draw: st.DrawFn, count: int) -> list[Instant]:
    """Ascending distinct midnights inside the year, with the year's edges around them."""
    inner = draw(st.lists(st.integers(1, 364), min_size=count, max_size=count, unique=True))
    return [Instant(FY.start_ms + n * 86_400_000) for n in [0, *sorted(inner), 365]]


@st.composite
def companies(draw: st.DrawFn) -> tuple[Declarations, list[ActivityRow]]:
    arrangement = draw(st.sampled_from(["owned", "colocation", "lease", "cloud", "allocation"]))
    place = site(
        arrangement=arrangement,
        operational_control=draw(st.booleans()),
        overhead_control=draw(st.booleans()),
        overhead_node=draw(st.none() | ratios),
        overhead_it=draw(st.none() | ratios),
    )
    edges = draw(days(2))
    contracts = tuple(
        ContractRow(f"c{i}", "dc", *draw(st.sampled_from(MENUS)), a, b)
        for i, (a, b) in enumerate(pairwise(edges))
        if draw(st.booleans()) or i == 0
    )
    (first, middle, last) = draw(days(1))
    pue = (
        PueRow("dc", first, middle, draw(ratios), "measured", "m"),
        PueRow("dc", middle, last, draw(ratios), "contract", "c"),
    )
    declared = tuple(draw(parts(i)) for i in range(draw(st.integers(1, 3))))
    rows = [
        activity(
            i + 1, run_id="run-2", start=start, end=Instant(start + SLOT_MS), energy_half_uj=energy, covered_ms=1000
        )
        for i, (start, energy) in enumerate(draw(measured()))
    ]
    energy = draw(st.decimals(0, 10**9, places=3))
    meters = (bill(start=edges[0], end=edges[1], energy_kwh=energy),) if draw(st.booleans()) else ()
    certificates = (certificate(contract_id="c0", quantity_kwh=draw(st.decimals(1, 10**7, places=2))),)
    runs = (run(), run("run-2", source="measured", frame=draw(st.sampled_from(["", "exploration"]))))
    declarations = world(
        sites=(place,),
        contracts=contracts,
        pue=pue,
        runs=runs,
        declared=declared,
        meters=meters,
        instruments=certificates,
    )
    return declarations, rows


@st.composite
def parts(draw: st.DrawFn, number: int) -> DeclaredRow:
    start = FY.start_ms + draw(st.integers(-(10**9), 3 * 10**10))
    length = draw(st.integers(1, 2 * 10**10))
    both = replace(
        part(f"part-{number}"), start=Instant(start), end=Instant(start + length), grade=draw(st.sampled_from("ABF"))
    )
    boundary = draw(st.sampled_from(["device", "node", "it", "facility"]))
    if draw(st.booleans()):
        return replace(both, boundary=boundary, energy_kwh=draw(st.decimals(0, 10**9, places=6)))
    hours, power = draw(st.decimals("0.5", 10**7, places=2)), draw(st.decimals(1, 2000, places=1))
    return replace(both, boundary=boundary, energy_kwh=None, device_hours=hours, power_w=power)


@st.composite
def measured(draw: st.DrawFn) -> list[tuple[Instant, int]]:
    slots = draw(st.lists(st.integers(0, 365 * 48 - 1), max_size=6, unique=True))
    return [(Instant(FY.start_ms + n * SLOT_MS), draw(st.integers(0, 2**62))) for n in sorted(slots)]


@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])
@given(company=companies())
def test_both_verifiers_recompute_any_honest_company(
    company: tuple[Declarations, list[ActivityRow]], seed_package: Package, registry: Registry
) -> None:
    declarations, rows = company
    forge = seed_package.forge()
    forge.company(declarations, rows)
    with tempfile.TemporaryDirectory() as folder:
        written = forge.write(Path(folder) / "package")
        ours, theirs = by_gxmeter(written), by_verify_py(written)
    allowed = {"runs-exceed-meter", "certificate-on-zero-menu", "certificate-outside-vintage", "meter-crosses-contract"}
    allowed |= {"nothing-evaluated"}
    assert ours.codes("must") <= allowed
    assert ours.findings == theirs.findings


@pytest.mark.parametrize(
    ("kwh", "materiality", "code", "level"),
    [
        ("1571.429", "5", "runs-exceed-meter-slightly", "should"),
        ("1571.428", "5", "runs-exceed-meter", "must"),
        ("1571.429", "4", "runs-exceed-meter", "must"),
        ("1571.428", "50", "runs-exceed-meter", "must"),
    ],
)
def test_both_verifiers_give_a_reading_the_same_tolerance(
    seed_package: Package, tmp_path: Path, kwh: str, materiality: str, code: str, level: str
) -> None:
    """1,650 kWh of runs: 5 % of 1,571.429 just reaches, 5 % of 1,571.428 does not, and no materiality widens it."""
    declared = part(start=day(2026, 5, 1), end=day(2026, 6, 1), energy_kwh=Decimal(1000))
    forge = seed_package.forge()
    forge.company(world(declared=(declared,), meters=(bill(energy_kwh=Decimal(kwh)),)), [])
    forge.statement["materiality_pct"] = materiality
    written = forge.write(tmp_path / "package")
    ours, theirs = by_gxmeter(written), by_verify_py(written)
    assert ours.findings == theirs.findings
    assert (code, level) in {found for found in ours.findings if found[0].startswith("runs-exceed")}
