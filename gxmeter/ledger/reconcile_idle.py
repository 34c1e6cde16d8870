"""Idle energy of our own instruments, led to the facility like a run's, and whether a bill holds it (ADR 0016)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from gxmeter.core.calendar import SLOT_MS, FiscalYear
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import Rounding, fixed, product, rounded
from gxmeter.energy.idle import Idle, idle_energy
from gxmeter.energy.model import EnergyResult
from gxmeter.ledger.entries import JOULE_PER_HALF_UJ, kwh_from_joule
from gxmeter.ledger.pieces import calendars
from gxmeter.ledger.runs import Steps as Ratios
from gxmeter.ledger.tables import Declarations

_SHOWN_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class IdlePart:
    """Idle energy of one site, piece of the year and boundary; steps as in a line."""

    site_id: str
    start: int
    end: int
    portion: str
    energy_kwh: Decimal
    step_node: Decimal
    step_it: Decimal
    step_pue: Decimal
    share: Decimal


def idle_parts(energy: EnergyResult, idle: Idle, declarations: Declarations, fy: FiscalYear) -> list[IdlePart]:
    """The idle energy of a fiscal year, stepped outwards by the ratios that hold for runs.

    Args:
        energy: all telemetry, for the devices.
        idle: what of it belongs to no run.
        declarations: sites with their ratios, PUE periods, contracts and readings.
        fy: the fiscal year; leaves outside it, and of sites that are not declared, are left out.
    """
    by_site, _ = calendars(declarations, fy)
    sums: dict[tuple[str, int, int, str], int] = defaultdict(int)
    for key, leaf in idle.leaves.items():
        piece = by_site[key.site].piece_of(key.slot * SLOT_MS) if key.site in by_site else None
        if piece is not None:
            sums[key.site, *piece, energy.devices[key.site, key.device].boundary] += leaf.half_uj
    sites = {site.site_id: site for site in declarations.sites}
    ratios = Ratios()
    parts: list[IdlePart] = []
    for (site_id, start, end, boundary), half_uj in sorted(sums.items()):
        site = sites[site_id]
        node, it = ratios.node_and_it(site, boundary)
        for portion, pue in ratios.portions(site, by_site[site_id], boundary, start):
            share = site.accounting_share
            parts.append(IdlePart(site_id, start, end, portion, kwh_of(half_uj), node, it, pue, share))
    return parts


def idle_without_reading(energy: EnergyResult, declarations: Declarations, fy: FiscalYear) -> list[Finding]:
    """Sites with idle energy at a time that no bill and no meter covers: it is in no line of the year."""
    by_time: dict[tuple[str, int], int] = defaultdict(int)
    for key, leaf in idle_energy(energy).leaves.items():
        by_time[key.site, key.slot * SLOT_MS] += leaf.half_uj
    sites = {site.site_id for site in declarations.sites}
    lost: dict[str, int] = defaultdict(int)
    for (site, start_ms), half_uj in by_time.items():
        is_read = any(m.site_id == site and m.start <= start_ms < m.end for m in declarations.meters)
        if site in sites and fy.start_ms <= start_ms < fy.end_ms and not is_read:
            lost[site] += half_uj
    told = sorted((site, half_uj) for site, half_uj in lost.items() if half_uj)
    return [finding("idle-without-reading", site=site, kwh=shown_kwh(half_uj)) for site, half_uj in told]


def kwh_of(half_uj: int) -> Decimal:
    """Half-microjoules in kWh, rounded once like a line's energy."""
    return kwh_from_joule(product(Decimal(half_uj), JOULE_PER_HALF_UJ))


def shown_kwh(half_uj: int) -> str:
    """Energy for a sentence [kWh], three decimals."""
    return fixed(rounded(kwh_of(half_uj), _SHOWN_DECIMALS, Rounding.HALF_UP), _SHOWN_DECIMALS)
