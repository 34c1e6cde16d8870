"""What an entry must keep beyond the form of its single keys, alone and among the others.

Each rule is a plain function from entries to findings; all are run, so all faults come at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gxmeter.core.findings import Finding
from gxmeter.core.numbers import parse_decimal
from gxmeter.factors.expand import Placed
from gxmeter.factors.family import Commodity, Family, UnitRule, family_of
from gxmeter.factors.model import Basis, FactorEntry, Kind, Status

_OF_A_SUPPLIER = {Kind.MENU, Kind.RESIDUAL, Kind.WHOLE, Kind.SINGLE, Kind.OPERATOR}
_WITH_A_LETTER = {Kind.MENU, Kind.RESIDUAL}
_FOUR_YEARS = ("actuals_fy", "applies_to_fy", "submission_fy")
_VALIDITY = ("valid_from_fy", "valid_to_fy")


def family_faults(placed: Placed, families: Sequence[Family]) -> Iterator[Finding]:
    """Family, commodity, kind, unit, range and calendar as the entry's ``family.yaml`` allows them."""
    entry, fault = placed.entry, placed.origin.fault
    family = family_of(families, entry.family, entry.country)
    if family is None:
        known = sorted({item.id for item in families})
        yield fault("factors-family-unknown", "family", expected=", ".join(known), found=entry.family)
        return
    commodity = next((item for item in family.commodities if item.id == entry.commodity), None)
    if commodity is None:
        known = sorted(item.id for item in family.commodities)
        yield fault("factors-value-not-allowed", "commodity", expected=", ".join(known), found=entry.commodity)
        return
    if entry.kind not in commodity.kinds:
        yield fault("factors-value-not-allowed", "kind", expected=", ".join(commodity.kinds), found=entry.kind)
    yield from _unit_faults(placed, commodity)
    if family.calendar and entry.actuals_fy:
        due = {"applies_to_fy": family.calendar.applies_to, "submission_fy": family.calendar.submission}
        for key, years in due.items():
            found = getattr(entry, key)
            if found and found != entry.actuals_fy + years:
                yield fault("factors-calendar-wrong", key, expected=entry.actuals_fy + years, found=found)


def _unit_faults(placed: Placed, commodity: Commodity) -> Iterator[Finding]:
    entry, fault = placed.entry, placed.origin.fault
    rule = next((item for item in commodity.units if item.unit == entry.unit), None)
    if rule is None:
        expected = ", ".join(item.unit for item in commodity.units)
        yield fault("factors-unit-not-allowed", "unit", expected=expected, found=entry.unit, commodity=commodity.id)
    elif not _in_range(entry, rule):
        expected = f"{rule.lowest or ''}..{rule.highest or ''} {rule.unit}"
        yield fault("factors-value-implausible", "value", expected=expected, found=entry.value)


def _in_range(entry: FactorEntry, rule: UnitRule) -> bool:
    low = rule.lowest is None or entry.decimal >= parse_decimal(rule.lowest)
    return low and (rule.highest is None or entry.decimal <= parse_decimal(rule.highest))


def kind_faults(placed: Placed) -> Iterator[Finding]:
    """Number, menu, basis and years as the entry's kind needs them."""
    entry, fault = placed.entry, placed.origin.fault
    of_a_supplier = entry.kind in _OF_A_SUPPLIER
    needed = {"number": of_a_supplier, "menu": entry.kind is Kind.MENU}
    allowed = {"number": of_a_supplier, "menu": entry.kind in _WITH_A_LETTER}
    for keys, wanted in ((_FOUR_YEARS, entry.kind is not Kind.CONSTANT), (_VALIDITY, False)):
        needed |= dict.fromkeys(keys, wanted)
    allowed |= dict.fromkeys(_FOUR_YEARS, entry.kind is not Kind.CONSTANT)
    allowed |= dict.fromkeys(_VALIDITY, entry.kind is Kind.CONSTANT)
    for key, must in needed.items():
        present = bool(getattr(entry, key))
        if must and not present:
            yield fault("factors-key-needed", key, kind=entry.kind)
        elif present and not allowed[key]:
            yield fault("factors-key-not-here", key, kind=entry.kind, found=getattr(entry, key))
    if (entry.basis is not Basis.NONE) != of_a_supplier:
        expected = "basic, adjusted, unadjusted" if of_a_supplier else "none"
        yield fault("factors-value-not-allowed", "basis", expected=expected, found=entry.basis)
    if entry.kind is Kind.CONSTANT:
        yield from _constant_faults(placed)


def _constant_faults(placed: Placed) -> Iterator[Finding]:
    """A constant is found by its id: country, family and name, and the year its validity begins."""
    entry, fault = placed.entry, placed.origin.fault
    start = f"{entry.country.lower()}.{entry.family}."
    end = f".fy{entry.valid_from_fy}" if entry.valid_from_fy else ""
    name = entry.id.removeprefix(start).removesuffix(end)
    if not entry.id.startswith(start) or not entry.id.endswith(end) or "." in name:
        yield fault("factors-value-not-allowed", "id", expected=f"{start}NAME{end}", found=entry.id)
    if entry.valid_from_fy and entry.valid_to_fy and entry.valid_to_fy < entry.valid_from_fy:
        expected = f">= {entry.valid_from_fy}"
        yield fault("factors-value-not-allowed", "valid_to_fy", expected=expected, found=entry.valid_to_fy)


def place_of(entry: FactorEntry) -> tuple[object, ...]:
    """What an entry is the value of; two entries at one place are editions of one number."""
    if entry.kind is Kind.CONSTANT:
        return (entry.country, entry.family, entry.id.partition(".fy")[0], entry.valid_from_fy)
    return (entry.country, entry.commodity, entry.kind, entry.number, entry.menu, entry.basis, entry.applies_to_fy)


def id_faults(placed: Iterable[Placed]) -> Iterator[Finding]:
    """No two entries have one id."""
    first: dict[str, Placed] = {}
    for item in placed:
        earlier = first.setdefault(item.entry.id, item)
        if earlier is not item:
            where = f"{earlier.origin.file}:{earlier.origin.row}"
            yield item.origin.fault("factors-id-duplicate", "id", found=item.entry.id, first=where)


def correction_faults(placed: Sequence[Placed]) -> Iterator[Finding]:
    """A correction names an older entry at the same place; so no two can correct each other."""
    by_id = {item.entry.id: item.entry for item in placed}
    for item in placed:
        entry = item.entry
        if entry.corrects is None:
            continue
        old = by_id.get(entry.corrects)
        if old is None:
            yield item.origin.fault("factors-corrects-unknown", "corrects", found=entry.corrects)
        elif place_of(old) != place_of(entry) or (old.edition_on, old.id) >= (entry.edition_on, entry.id):
            yield item.origin.fault("factors-corrects-wrong", "corrects", found=entry.corrects)


def registry_faults(shipped: Iterable[Placed]) -> Iterator[Finding]:
    """The shipped registry holds nothing invented."""
    for item in shipped:
        if item.entry.status is Status.ILLUSTRATIVE:
            yield item.origin.fault("factors-illustrative-in-registry", "status", found=item.entry.id)


def addition_faults(shipped: Iterable[Placed], additions: Iterable[Placed]) -> Iterator[Finding]:
    """A workspace adds; it takes a registry entry's place only as a confirmed correction that says so."""
    taken = {place_of(item.entry): item.entry.id for item in shipped}
    for item in additions:
        entry = item.entry
        says_so = entry.corrects is not None and entry.status is Status.CONFIRMED
        if place_of(entry) in taken and not says_so:
            yield item.origin.fault("factors-place-taken", "id", expected=taken[place_of(entry)], found=entry.id)
