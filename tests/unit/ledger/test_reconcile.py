"""Reconciliation: runs, idle energy and steps outwards against bills and meters, exact to the last digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS, FiscalYear, jst_midnight_ms
from gxmeter.core.numbers import EXACT, product, total
from gxmeter.energy.model import EnergyResult, Leaf, LeafKey, SourceFacts
from gxmeter.factors.registry import Registry
from gxmeter.ledger.reconcile import Reconciliation, reconcile
from gxmeter.ledger.reconcile_idle import IdlePart
from gxmeter.ledger.reconcile_periods import periods_of
from gxmeter.ledger.reconcile_readings import counted_readings
from gxmeter.ledger.reconcile_row import Row, State
from gxmeter.ledger.reconcile_steps import steps_of
from gxmeter.ledger.year import Year, compute_year
from gxmeter.telemetry.model import DeviceInfo
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import MeterReading

FY = FiscalYear(2026)
APRIL = FY.start_ms
KWH = 7_200_000_000_000
SITE = """
id: dc
name_ja: 拠点
name_en: Site
country: JP
supply_area: tokyo
entity: acme
arrangement: owned
accounting_share: {share}
overheads:
  node: {{ratio: 1.25, source_class: declared, source: x}}
  it: {{ratio: 1.1, source_class: declared, source: x}}
pue:
  - {{first_day: 2026-04-01, value: 1.2, source_class: measured, source: x}}
contracts:
  - {{id: c, supplier: A0269, menu: residual, first_day: 2026-04-01, evidence: x}}
direct_sources: none
direct_sources_evidence: x
"""


def reading(reading_id: str, first: str, last: str, kwh: object, kind: str = "bill", **more: object) -> str:
    pairs = {"id": reading_id, "site": "dc", "kind": kind, "first_day": first, "last_day": last, "energy_kwh": kwh}
    body = ", ".join(f"{key}: {value}" for key, value in (pairs | {"evidence": "x"} | more).items())
    return f"  - {{{body}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "w")
    return tmp_path / "w"


def workspace(folder: Path, *readings: str, share: str = "1") -> Workspace:
    for path in [*(folder / "sites").glob("*.yaml"), *(folder / "runs").glob("*.yaml")]:
        path.unlink()
    (folder / "sites" / "dc.yaml").write_text(SITE.format(share=share), "utf-8")
    (folder / "meters").mkdir(exist_ok=True)
    for path in (folder / "meters").glob("*.yaml"):
        path.unlink()
    if readings:
        (folder / "meters" / "bills.yaml").write_text("readings:\n" + "".join(readings), "utf-8")
    return load_workspace(folder)


def energy(*leaves: tuple[str, str, int, int], boundary: str = "device", host: str = "n1") -> EnergyResult:
    """Energy of (run, device, day after 1 April, half-uJ), in the first half-hour of the day."""
    result = EnergyResult(sources=[("f", "0" * 64)])
    result.facts = [SourceFacts(APRIL, FY.end_ms, 1, clean_end=True, sensors=())]
    return with_leaves(result, *leaves, boundary=boundary, host=host)


def with_leaves(
    result: EnergyResult, *leaves: tuple[str, str, int, int], boundary: str = "device", host: str = "n1"
) -> EnergyResult:
    for run, device, day, half_uj in leaves:
        result.leaves[LeafKey(APRIL // SLOT_MS + 48 * day, run, "dc", device)] = Leaf(half_uj, SLOT_MS)
        result.devices["dc", device] = DeviceInfo(device, "dc", host, "gpu", "x", boundary, "dcgm", "C1")
        result.source_of.setdefault((run, "dc", device), set()).add(0)
    return result


def computed(loaded: Workspace, result: EnergyResult, registry: Registry) -> Year:
    return compute_year(loaded, result, registry, FY)


def reconciled(
    loaded: Workspace, result: EnergyResult, registry: Registry, span: tuple[int, int] | None = None
) -> Reconciliation:
    year = computed(loaded, result, registry)
    return reconcile(loaded, year, result, span=span or (FY.start_ms, FY.end_ms))


def only(found: Reconciliation) -> Row:
    (row,) = (row for row in found.rows if row.reading is not None)
    return row


def codes(found: Reconciliation) -> list[str]:
    return sorted({item.code for item in found.findings} - {"reading-missing"})


def test_every_step_is_an_amount_of_its_own_and_they_add_up(folder: Path, registry: Registry) -> None:
    """100 kWh of a run and 10 idle, x 1.25 x 1.1 x 1.2: 110 read, 27.5 node, 13.75 IT, 30.25 cooling: 181.5."""
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200))
    row = only(reconciled(loaded, energy(("r", "g0", 1, 100 * KWH), ("", "g1", 2, 10 * KWH)), registry))
    assert row.runs is not None
    assert row.idle is not None
    assert (row.runs.read_kwh, row.idle.read_kwh) == (100, 10)
    assert row.steps is not None
    assert (row.steps.node_kwh, row.steps.it_kwh, row.steps.pue_kwh) == (
        Decimal("27.5"),
        Decimal("13.75"),
        Decimal("30.25"),
    )
    assert (row.facility_kwh, row.difference_kwh, row.rest_kwh) == (
        Decimal("181.5"),
        Decimal("18.5"),
        Decimal("18.5"),
    )
    assert row.pct(row.rest_kwh) == Decimal("9.25")
    assert row.state is State.UNEXPLAINED


def test_idle_energy_is_part_of_the_unattributed_line_and_never_on_top_of_it(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200))
    with_idle = energy(("r", "g0", 1, 100 * KWH), ("idle", "g1", 2, 10 * KWH))
    without = energy(("r", "g0", 1, 100 * KWH))
    ours, theirs = (computed(loaded, result, registry) for result in (with_idle, without))
    assert ours.inventory.lines == theirs.inventory.lines
    (rest,) = (line for line in ours.inventory.lines if line.kind == "unattributed")
    row = only(reconciled(loaded, with_idle, registry))
    assert row.idle is not None
    assert rest.facility_kwh == EXACT.add(row.idle.facility_kwh, row.rest_kwh or Decimal(0))
    assert "idle-without-reading" not in {item.code for item in ours.findings}


def test_idle_energy_that_no_bill_holds_is_named(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200))
    year = computed(loaded, energy(("", "g1", 2, 10 * KWH), ("", "g1", 40, KWH // 2)), registry)
    (item,) = (item for item in year.findings if item.code == "idle-without-reading")
    assert (item.level, "0.500 kWh" in item.en) == ("should", True)
    assert year.activity == ()


def test_what_a_declaration_explains_is_apart_from_the_rest(folder: Path, registry: Registry) -> None:
    said = {"explained_kwh": 35, "explanation_en": "offices"}
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200, **said))
    row = only(reconciled(loaded, energy(("r", "g0", 1, 98 * KWH)), registry))
    assert (row.difference_kwh, row.explained_kwh, row.rest_kwh) == (Decimal("38.3"), 35, Decimal("3.3"))
    assert row.state is State.WITHIN


@pytest.mark.parametrize(
    ("kwh", "tolerance", "state", "account"),
    [
        ("165", {}, State.WITHIN, set()),
        ("164.999", {}, State.WITHIN, {"runs-exceed-meter-slightly"}),
        ("157.15", {}, State.WITHIN, {"runs-exceed-meter-slightly"}),
        ("157.14", {}, State.EXCEEDS, {"runs-exceed-meter"}),
        ("164", {"tolerance_pct": "0.5"}, State.EXCEEDS, {"runs-exceed-meter"}),
        ("173.6", {}, State.WITHIN, set()),
        ("173.7", {}, State.UNEXPLAINED, set()),
        ("0", {}, State.EXCEEDS, {"runs-exceed-meter"}),
    ],
)
def test_within_the_tolerance_a_difference_is_a_remark_and_beyond_it_a_fault(
    folder: Path, registry: Registry, kwh: str, tolerance: dict[str, str], state: State, account: set[str]
) -> None:
    """165 kWh accounted; 5 % of 157.15 is 7.8575 and reaches up to it, 5 % of 157.14 does not."""
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", kwh, **tolerance))
    result = energy(("r", "g0", 1, 100 * KWH))
    found = reconciled(loaded, result, registry)
    row = only(found)
    assert row.state is state
    assert {f.code for f in computed(loaded, result, registry).findings if f.code.startswith("runs-exceed")} == account
    assert ("accounted-exceeds-reading" in codes(found)) is (state is State.EXCEEDS)
    assert ("reading-unexplained" in codes(found)) is (state is State.UNEXPLAINED)


def test_the_reading_goes_before_the_site_and_the_site_before_materiality(folder: Path, registry: Registry) -> None:
    bills = [reading("a", "2026-04-01", "2026-04-30", 1, tolerance_pct=1), reading("b", "2026-05-01", "2026-05-31", 1)]
    loaded = workspace(folder, *bills)
    rows = [row for row in reconciled(loaded, energy(), registry).rows if row.reading]
    assert [row.tolerance for row in rows] == [(Decimal(1), "reading"), (Decimal(5), "materiality")]
    path = folder / "sites" / "dc.yaml"
    path.write_text(path.read_text("utf-8") + "tolerance_pct: 3\n", "utf-8")
    rows = [row for row in reconciled(load_workspace(folder), energy(), registry).rows if row.reading]
    assert [row.tolerance for row in rows] == [(Decimal(1), "reading"), (Decimal(3), "site")]


def test_a_bill_that_is_no_month_is_its_own_row_and_the_rest_of_its_months_are_others(
    folder: Path, registry: Registry
) -> None:
    loaded = workspace(folder, reading("b", "2026-04-11", "2026-05-10", 100))
    result = energy(*(("r", "g0", day, KWH) for day in (0, 9, 10, 39, 40, 60)))
    rows = reconciled(loaded, result, registry).rows
    told = [(row.period.label, row.runs.read_kwh if row.runs else None) for row in rows]
    assert {kwh for _, kwh in told[3:]} == {None}
    assert told[:3] == [
        ("2026-04-01/2026-04-10", 2),
        ("2026-04-11/2026-05-10", 2),
        ("2026-05-11/2026-05-31", 2),
    ]


def test_a_month_shows_a_reading_that_reaches_beyond_it_whole(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder, reading("b", "2026-04-11", "2026-05-10", 100))
    span = (APRIL, jst_midnight_ms(date(2026, 5, 1)))
    found = reconciled(loaded, energy(("r", "g0", 0, KWH), ("r", "g0", 35, KWH)), registry, span)
    assert [row.period.label for row in found.rows] == ["2026-04-01/2026-04-10", "2026-04-11/2026-05-10"]


def test_a_month_without_a_reading_is_said_and_is_no_difference_of_zero(folder: Path, registry: Registry) -> None:
    found = reconciled(workspace(folder), energy(("r", "g0", 1, KWH)), registry)
    (row,) = found.rows
    assert (row.state, row.difference_kwh, row.idle) == (State.NO_READING, None, None)
    assert [item.code for item in found.findings] == ["reading-missing"]


def test_a_bill_and_a_meter_of_the_same_days_are_compared_and_never_added(folder: Path, registry: Registry) -> None:
    april = ("2026-04-01", "2026-04-30")
    bills = [reading("b", *april, 200), reading("m", *april, 185, kind="meter")]
    loaded = workspace(folder, *bills)
    result = energy(("r", "g0", 1, 100 * KWH))
    found = reconciled(loaded, result, registry)
    row = only(found)
    assert (row.reading and row.reading.id, row.beside and row.beside.id) == ("b", "m")
    assert row.meter_difference_kwh == 15
    assert "bill-differs-from-meter" in codes(found)
    year = computed(loaded, result, registry)
    assert [meter.meter_id for meter in year.declarations.meters] == ["b"]
    assert total(line.facility_kwh for line in year.inventory.lines) == 200


def test_telemetry_of_a_site_meter_is_shown_beside_and_is_not_idle_energy(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200))
    result = with_leaves(energy(("r", "g0", 1, 100 * KWH)), ("", "revenue", 1, 199 * KWH), boundary="facility")
    row = only(reconciled(loaded, result, registry))
    assert row.idle is None
    assert [(m.device, m.boundary, m.energy_kwh, m.covered_ms) for m in row.meters] == [
        ("revenue", "facility", 199, SLOT_MS)
    ]


def test_a_whole_machine_without_a_run_holds_the_runs_of_its_parts_and_is_no_idle_energy(
    folder: Path, registry: Registry
) -> None:
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200))
    result = energy(("r", "g0", 1, 100 * KWH), ("", "g1", 3, KWH))
    with_leaves(result, ("", "pdu", 1, 130 * KWH), ("", "pdu", 2, 40 * KWH), ("", "pdu", 3, 2 * KWH), boundary="node")
    found = reconciled(loaded, result, registry)
    row = only(found)
    assert row.idle is not None
    assert row.idle.read_kwh == 42
    (item,) = (item for item in found.findings if item.code == "idle-beside")
    assert "131.000 kWh" in item.en


def test_idle_energy_that_is_left_out_is_told_of_its_own_time_only(folder: Path, registry: Registry) -> None:
    """The whole machine's idle energy lies on 3 April: May says nothing of it."""
    loaded = workspace(folder)
    result = with_leaves(energy(("r", "g0", 2, KWH)), ("", "bmc", 2, 2 * KWH), boundary="node")
    may = (jst_midnight_ms(date(2026, 5, 1)), jst_midnight_ms(date(2026, 6, 1)))
    april = (APRIL, may[0])
    assert "idle-beside" in codes(reconciled(loaded, result, registry, april))
    assert "idle-beside" not in codes(reconciled(loaded, result, registry, may))


def test_idle_energy_of_a_site_that_is_not_declared_is_in_no_row(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder)
    result = energy(("", "g0", 2, KWH))
    result.leaves[LeafKey(APRIL // SLOT_MS, "", "elsewhere", "g0")] = Leaf(KWH, SLOT_MS)
    result.devices["elsewhere", "g0"] = DeviceInfo("g0", "elsewhere", "n1", "gpu", "x", "device", "dcgm", "C1")
    result.source_of["", "elsewhere", "g0"] = {0}
    rows = reconciled(loaded, result, registry).rows
    assert sum(row.idle.facility_kwh for row in rows if row.idle) == Decimal("1.65")


def test_without_a_reading_nothing_is_within_a_tolerance(folder: Path, registry: Registry) -> None:
    (row, *_) = reconciled(workspace(folder), energy(("r", "g0", 2, KWH)), registry).rows
    assert row.reading is None
    assert not row.is_within(Decimal(0))


def test_a_share_of_a_site_is_not_held_against_the_bill_of_the_whole(folder: Path, registry: Registry) -> None:
    loaded = workspace(folder, reading("b", "2026-04-01", "2026-04-30", 200), share="0.5")
    row = only(reconciled(loaded, energy(("r", "g0", 1, 100 * KWH)), registry))
    assert (row.state, row.difference_kwh, row.facility_kwh) == (State.NOT_COMPARABLE, None, Decimal("82.5"))


amounts = st.decimals("0", "1000000", places=6)
ratios = st.decimals("1", "99", places=4)


@given(
    parts=st.lists(
        st.tuples(amounts, ratios, ratios, ratios, st.decimals("0.000001", "1", places=6)), min_size=1, max_size=5
    )
)
def test_the_columns_add_up_to_facility_energy_whatever_the_ratios(parts: list[tuple[Decimal, ...]]) -> None:
    made, wanted = [], []
    for kwh, node, it, pue, share in parts:
        for portion, step in (("it", Decimal(1)), ("overhead", EXACT.subtract(pue, Decimal(1)))):
            made.append(IdlePart("dc", 0, 1, portion, kwh, node, it, step, share))
        wanted.append(product(kwh, node, it, pue, share))
    steps = steps_of(made)
    assert steps is not None
    assert steps.facility_kwh == total(wanted)


days = st.integers(0, 364)


@given(
    edges=st.lists(days, max_size=8, unique=True),
    leaves=st.lists(st.tuples(days, st.integers(0, 10**16)), max_size=12, unique_by=lambda leaf: leaf[0]),
)
def test_rows_divide_the_year_once_and_no_energy_is_lost_between_them(
    edges: list[int], leaves: list[tuple[int, int]], registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = load_base(tmp_path_factory)
    edges = sorted(edges)
    readings = [model(first, last) for first, last in zip(edges[::2], edges[1::2], strict=False)]
    periods = periods_of(counted_readings(readings), FY, (FY.start_ms, FY.end_ms))
    assert [period.end_ms for period in periods[:-1]] == [period.start_ms for period in periods[1:]]
    assert (periods[0].start_ms, periods[-1].end_ms) == (FY.start_ms, FY.end_ms)
    (bills,) = base.meter_documents
    document = replace(bills, model=bills.model.model_copy(update={"readings": tuple(readings)}))
    loaded = replace(base, meter_documents=(document,))
    result = energy(*(("r", "g0", day, half_uj) for day, half_uj in leaves))
    year = computed(loaded, result, registry)
    rows = reconcile(loaded, year, result, span=(FY.start_ms, FY.end_ms)).rows
    runs = total(line.facility_kwh for line in year.inventory.lines if line.kind == "run")
    assert total(row.facility_kwh for row in rows) == runs
    booked = total(line.facility_kwh for line in year.inventory.lines if line.kind == "unattributed")
    assert booked == total(max(row.difference_kwh, Decimal(0)) for row in rows if row.difference_kwh is not None)


def model(first: int, last: int) -> MeterReading:
    return MeterReading.model_validate(
        {
            "id": f"b{first}",
            "site": "dc",
            "kind": "bill",
            "first_day": (date(2026, 4, 1) + timedelta(days=first)).isoformat(),
            "last_day": (date(2026, 4, 1) + timedelta(days=last - 1)).isoformat(),
            "energy_kwh": "1234.5",
            "evidence": "x",
        }
    )


_BASE: list[Workspace] = []


def load_base(factory: pytest.TempPathFactory) -> Workspace:
    """One workspace for all examples."""
    if not _BASE:
        folder = factory.mktemp("base") / "w"
        init_workspace(folder)
        _BASE.append(workspace(folder, reading("b", "2026-04-01", "2026-04-30", 1)))
    return _BASE[0]
