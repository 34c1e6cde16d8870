"""Step 3: completeness and physics (package.md 3.1-3.5)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant, parse_instant
from gxmeter.core.numbers import product
from gxmeter.evidence.statement import FINAL
from gxmeter.evidence.verify.case import Case
from gxmeter.ledger.pieces import calendars, overlaps
from gxmeter.ledger.tables import ActivityRow

HALF_UJ_PER_WATT_MS = 2_000
"""1 W over 1 ms is 1 mJ = 2,000 half-uJ."""

MARGIN = Decimal("1.1")
"""Energy above 1.1 x rated power x time is not believed [ratio]."""

_ENERGY = "data/activity/energy.csv"
_AMOUNTS = {
    "boundary/declared.csv": ("energy_kwh", "device_hours", "power_w"),
    "activity/meters.csv": ("energy_kwh",),
    "boundary/instruments.csv": ("quantity_kwh", "quantity_t"),
}


def step3_physics(case: Case) -> None:
    """3.1 to 3.5, in order."""
    statement = case.need("statement")
    fy = FiscalYear(statement["fy"])
    if (statement["period_start"], statement["period_end"]) != (instant(fy.start_ms), instant(fy.end_ms)):
        case.add("period-mismatch", file="data/statement.json", expected=f"{instant(fy.start_ms)}/{instant(fy.end_ms)}")
    _as_of(case, statement)
    _final(case, statement)
    _ratios(case, fy)
    _amounts(case)
    _serials(case)
    rows = case.rows("activity/energy.csv")
    _slots(case, rows, fy)
    _doubles(case, rows)
    _headers(case, rows)
    _rated(case, rows)


def _as_of(case: Case, statement: dict[str, Any]) -> None:
    """3.1: what the data covers is inside the period and not before the data's own end."""
    start, end, as_of = (parse_instant(statement[key]) for key in ("period_start", "period_end", "as_of"))
    ends = [parse_instant(header["end"]) for header in case.need("headers")]
    ends += [min(int(meter.end), end) for meter in case.rows("activity/meters.csv")]
    if not start <= as_of <= end or any(as_of < known for known in ends):
        case.add("as-of-wrong", file="data/statement.json", found=statement["as_of"])


def _serials(case: Case) -> None:
    """3.6: a serial may be used once."""
    seen: set[str] = set()
    for row, item in enumerate(case.rows("boundary/instruments.csv"), 2):
        serials = {item.serial_first.casefold(), item.serial_last.casefold()}
        for serial in sorted(serials & seen):
            case.add("serial-twice", file="data/boundary/instruments.csv", row=row, found=serial)
        seen |= serials


def _final(case: Case, statement: dict[str, Any]) -> None:
    """3.1: a final report is of real numbers and of a year that has ended."""
    if statement["kind"] != FINAL:
        return
    if statement["illustrative"]:
        case.add("workspace-illustrative", file="data/statement.json")
    if statement["as_of"] != statement["period_end"]:
        year = FiscalYear(statement["fy"])
        case.add("final-year-not-ended", file="data/statement.json", label=year.label_en, label_ja=year.label_ja)


def _slots(case: Case, rows: tuple[ActivityRow, ...], fy: FiscalYear) -> None:
    for row, member in enumerate(rows, 2):
        on_slot = member.start % SLOT_MS == 0 and member.end - member.start == SLOT_MS
        inside = fy.start_ms <= member.start and member.end <= fy.end_ms
        if not (on_slot and inside and 0 <= member.covered_ms <= SLOT_MS):
            case.add("activity-off-slot", file=_ENERGY, row=row, found=instant(member.start))
        if member.energy_half_uj < 0:
            case.add("energy-negative", file=_ENERGY, row=row, found=member.energy_half_uj)


def _doubles(case: Case, rows: tuple[ActivityRow, ...]) -> None:
    seen: set[tuple[str, str, str, str, int]] = set()
    covered: dict[tuple[str, str, str, int], int] = defaultdict(int)
    for row, member in enumerate(rows, 2):
        key = (member.run_id, member.site_id, member.device_id, member.method, int(member.start))
        if key in seen:
            case.add("activity-duplicate", file=_ENERGY, row=row, found=" ".join(key[:4]))
        seen.add(key)
        covered[key[1:]] += member.covered_ms
    for (site, device, _, start), time_ms in sorted(covered.items()):
        if time_ms > SLOT_MS:
            case.add("device-counted-twice", file=_ENERGY, site=site, device=device, found=instant(start))


def _headers(case: Case, rows: tuple[ActivityRow, ...]) -> None:
    found: dict[tuple[str, str], dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for row in rows:
        entry = found[row.run_id, row.site_id][row.device_id, row.method]
        entry[0] += 1
        entry[1] += row.energy_half_uj
        entry[2] += row.covered_ms
    stated: dict[tuple[str, str], dict[tuple[str, str], list[int]]] = {}
    for header in case.need("headers"):
        stated[header["run_id"], header["site_id"]] = {
            (d["device_id"], d["method"]): [d["rows"], int(d["energy_half_uj"]), d["covered_ms"]]
            for d in header["devices"]
        }
    for key in sorted(found.keys() | stated.keys()):
        if stated.get(key) != _plain(found.get(key)):
            case.add("activity-incomplete", file=_ENERGY, run=key[0], site=key[1])


def _plain(totals: dict[tuple[str, str], list[int]] | None) -> dict[tuple[str, str], list[int]] | None:
    return None if totals is None else dict(totals)


def _rated(case: Case, rows: tuple[ActivityRow, ...]) -> None:
    rated = {(d.site_id, d.device_id): d.rated_w for d in case.rows("boundary/devices.csv") if d.rated_w is not None}
    for row, member in enumerate(rows, 2):
        power = rated.get((member.site_id, member.device_id))
        if power is None:
            continue
        bound = product(power, MARGIN, Decimal(member.covered_ms * HALF_UJ_PER_WATT_MS))
        if member.energy_half_uj > bound:
            case.add("energy-implausible", file=_ENERGY, row=row, expected=bound, found=member.energy_half_uj)


def _amounts(case: Case) -> None:
    """3.4 for what is declared: energies, hours and powers are never negative."""
    for path, names in _AMOUNTS.items():
        for row, member in enumerate(case.rows(path), 2):
            for name in names:
                value = getattr(member, name)
                if value is not None and value < 0:
                    case.add("energy-negative", file=f"data/{path}", row=row, found=value)


def _ratios(case: Case, fy: FiscalYear) -> None:
    declarations = case.declarations()
    for row, pue in enumerate(declarations.pue, 2):
        if pue.pue < 1:
            case.add("pue-out-of-range", file="data/boundary/pue.csv", row=row, found=pue.pue)
    for row, site in enumerate(declarations.sites, 2):
        ratios = [ratio for ratio in (site.overhead_node, site.overhead_it) if ratio is not None]
        if any(ratio < 1 for ratio in ratios) or not 0 <= site.accounting_share <= 1:
            case.add("pue-out-of-range", file="data/boundary/sites.csv", row=row, found=site.site_id)
        for code, periods in (
            ("contract-overlap", declarations.contracts),
            ("pue-overlap", declarations.pue),
            ("meter-overlap", declarations.meters),
        ):
            _no_overlap(case, code, site.site_id, [p for p in periods if p.site_id == site.site_id])
    case.findings += calendars(declarations, fy)[1]


def _no_overlap(case: Case, code: str, site_id: str, periods: list[Any]) -> None:
    if overlaps(periods):
        case.add(code, site=site_id)
