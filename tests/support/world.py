"""A small company as tables: one owned site, one contract, one PUE, and rows made by hand.

FY2026 is 2026-04-01..2027-03-31 JST. The site steps device -> node by 1.25, node -> IT by 1.1 and has PUE 1.2.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import SLOT_MS, FiscalYear, jst_midnight_ms
from gxmeter.ledger.tables import (
    ActivityRow,
    ContractRow,
    Declarations,
    DeclaredRow,
    EvidenceRow,
    Instant,
    InstrumentRow,
    MeterRow,
    PueRow,
    RunRow,
    SiteRow,
)

FY = FiscalYear(2026)
FAR = jst_midnight_ms(date(2100, 1, 1))


def day(year: int, month: int, number: int) -> Instant:
    """00:00 JST of a day."""
    return Instant(jst_midnight_ms(date(year, month, number)))


def site(site_id: str = "dc", **changes: Any) -> SiteRow:
    """An owned site near Tokyo."""
    base = SiteRow(
        site_id=site_id,
        name_ja="拠点",
        name_en="Site",
        country="JP",
        supply_area="tokyo",
        arrangement="owned",
        operational_control=True,
        overhead_control=True,
        overhead_node=Decimal("1.25"),
        overhead_it=Decimal("1.1"),
        accounting_share=Decimal(1),
        direct_sources="none",
    )
    return replace(base, **changes)


def run(run_id: str = "run-1", **changes: Any) -> RunRow:
    """A completed run of the development frame."""
    base = RunRow(
        run_id=run_id,
        title_ja="学習",
        title_en="Training",
        frame="development",
        stage="pretrain",
        status="completed",
        source="declared",
        model="m",
        params=None,
        active_params=None,
        tokens=None,
        flop=None,
        start=None,
        end=None,
    )
    return replace(base, **changes)


def part(part_id: str = "part-1", **changes: Any) -> DeclaredRow:
    """1,000 kWh at the device boundary over May 2026."""
    base = DeclaredRow(
        part_id=part_id,
        run_id="run-1",
        site_id="dc",
        start=day(2026, 5, 1),
        end=day(2026, 6, 1),
        boundary="device",
        device_hours=None,
        power_w=None,
        energy_kwh=Decimal(1000),
        grade="F",
        evidence_id="evidence",
    )
    return replace(base, **changes)


def activity(row_id: int = 1, **changes: Any) -> ActivityRow:
    """One kWh of one device in the first half-hour of 10 May 2026, by counter."""
    start = day(2026, 5, 10)
    base = ActivityRow(
        row_id=row_id,
        run_id="run-1",
        site_id="dc",
        device_id="host.gpu0",
        start=start,
        end=Instant(start + SLOT_MS),
        boundary="device",
        method="nvml-counter",
        grade="C1",
        energy_half_uj=7_200_000_000_000,
        covered_ms=SLOT_MS,
        evidence_id="evidence",
    )
    return replace(base, **changes)


def certificate(instrument_id: str = "cert-1", **changes: Any) -> InstrumentRow:
    """A non-fossil certificate over 100 kWh for the contract."""
    base = InstrumentRow(
        instrument_id=instrument_id,
        kind="nonfossil-certificate",
        serial_first="1",
        serial_last="100",
        fy=2026,
        contract_id="supply",
        vintage_start=day(2026, 4, 1),
        vintage_end=day(2027, 4, 1),
        quantity_kwh=Decimal(100),
        quantity_t=None,
        factor_t_per_kwh=Decimal(0),
        evidence_id="evidence",
    )
    return replace(base, **changes)


def bill(meter_id: str = "bill-1", **changes: Any) -> MeterRow:
    """2,000 kWh at the facility in May 2026."""
    base = MeterRow(
        meter_id=meter_id,
        site_id="dc",
        start=day(2026, 5, 1),
        end=day(2026, 6, 1),
        kind="bill",
        energy_kwh=Decimal(2000),
        evidence_id="evidence",
    )
    return replace(base, **changes)


def contract(contract_id: str = "supply", **changes: Any) -> ContractRow:
    """TEPCO EP, residual menu, open end."""
    base = ContractRow(contract_id, "dc", "A0269", "residual", day(2026, 4, 1), Instant(FAR))
    return replace(base, **changes)


def world(**changes: Any) -> Declarations:
    """The small company; any table may be replaced."""
    base = Declarations(
        sites=(site(),),
        pue=(PueRow("dc", day(2026, 4, 1), Instant(FAR), Decimal("1.2"), "measured", "meter"),),
        contracts=(contract(),),
        devices=(),
        runs=(run(),),
        declared=(),
        meters=(),
        instruments=(),
        evidence=(EvidenceRow("evidence", "declaration", "runs/run-1.yaml", 1, "0" * 64),),
    )
    return replace(base, **changes)
