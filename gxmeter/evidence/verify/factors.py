"""Step 4: factors (package.md 4.1-4.6). Which factor a line must use is re-computed in step 5."""

from __future__ import annotations

from gxmeter.core.files import sha256_bytes
from gxmeter.evidence.contents import used_row
from gxmeter.evidence.rows import UsedRow
from gxmeter.evidence.verify.case import Case
from gxmeter.factors.model import Status
from gxmeter.factors.registry import Registry
from gxmeter.factors.resolve import CRUDE_OIL, ELECTRICITY_PRIMARY_ENERGY, resolve_constant
from gxmeter.ledger.tables import Line
from gxmeter.ledger.terms import LineKind

ELECTRICITY_UNIT = "t-CO2/kWh"
_USED = "data/factors/used.csv"


def step4_factors(case: Case) -> None:
    """4.1 to 4.5, in order."""
    statement = case.need("statement")
    registry: Registry = case.need("registry")
    used: tuple[UsedRow, ...] = case.rows("factors/used.csv")
    case.evaluated["factors"] = len(used)
    _registered(case, used, registry)
    _trusted_registry(case)
    constants = {
        answer.entry.id
        for answer in (
            resolve_constant(registry, name, statement["fy"]) for name in (ELECTRICITY_PRIMARY_ENERGY, CRUDE_OIL)
        )
        if answer.entry
    }
    _exactly_the_used(case, used, constants)
    for row, factor in enumerate(used, 2):
        _one(case, row, factor, is_constant=factor.factor_id in constants)


def _registered(case: Case, used: tuple[UsedRow, ...], registry: Registry) -> None:
    for row, factor in enumerate(used, 2):
        entry = registry.by_id(factor.factor_id)
        if entry is None or used_row(entry, factor.provisional) != factor:
            expected = entry.value if entry else ""
            case.add(
                "factor-unregistered",
                file=_USED,
                row=row,
                found=f"{factor.factor_id} {factor.value}",
                expected=expected,
            )


def _trusted_registry(case: Case) -> None:
    if case.trust is None:
        case.not_checked.append("registry")
        return
    found = sha256_bytes(case.source.files.get("data/factors/registry/registry.json", b""))
    if found != case.trust.registry_sha256:
        case.add("registry-unknown", expected=case.trust.registry_sha256, found=found)


def _exactly_the_used(case: Case, used: tuple[UsedRow, ...], constants: set[str]) -> None:
    named: set[str] = set(constants)
    for line in case.rows("results/lines.csv"):
        named |= _named(line)
    listed = {factor.factor_id for factor in used}
    for factor_id in sorted(named ^ listed):
        case.add(
            "factor-unused" if factor_id in listed else "factor-unregistered", file=_USED, found=factor_id, expected=""
        )


def _named(line: Line) -> set[str]:
    names = {line.location_factor_id, line.basic_factor_id, line.adjusted_factor_id}
    return names if line.kind == LineKind.INSTRUMENT_IN else names | {line.market_factor_id}


def _one(case: Case, row: int, factor: UsedRow, *, is_constant: bool) -> None:
    statement = case.need("statement")
    fy, final = statement["fy"], statement["kind"] == "final"
    illustrative = factor.status == Status.ILLUSTRATIVE
    if factor.status != Status.CONFIRMED and (final or not illustrative):
        case.add("factor-status", file=_USED, row=row, found=f"{factor.factor_id} {factor.status}")
    if is_constant:
        if factor.provisional:
            case.add("factor-year-wrong", file=_USED, row=row, factor=factor.factor_id, expected="false", found="true")
        return
    if factor.unit != ELECTRICITY_UNIT:
        case.add("factor-unit-wrong", file=_USED, row=row, expected=ELECTRICITY_UNIT, found=factor.unit)
    year = factor.applies_to_fy
    if year is None or year > fy or factor.provisional != (year < fy):
        case.add("factor-year-wrong", file=_USED, row=row, factor=factor.factor_id, expected=fy, found=year)
    elif factor.provisional and final:
        case.add("factor-not-published", file=_USED, row=row, factor=factor.factor_id, fy=fy)
