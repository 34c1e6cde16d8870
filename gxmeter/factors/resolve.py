"""Which factor applies, and why: resolution by step 4 of ``docs/reference/package.md``.

The order follows the notes of the official list: the menu's own row, else the residual, else the whole
company's reference value. A year without a published factor is answered with the newest earlier one,
marked provisional. Nothing is ever guessed: if no row fits, the answer is ``factor-missing``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.factors.model import Basis, FactorEntry, Kind, Status
from gxmeter.factors.registry import Registry
from gxmeter.factors.steps import Step, step

ELECTRICITY_PRIMARY_ENERGY = "jp.energy-law.electricity-primary-energy"
"""Electricity to primary energy [GJ/thousand kWh] (省エネ法)."""
CRUDE_OIL = "jp.energy-law.crude-oil-equivalent"
"""Primary energy to crude-oil equivalent [kL/GJ] (省エネ法)."""

BY_KIND = (str(Kind.NATIONAL_AVERAGE), str(Kind.SUBSTITUTE))
"""Suppliers that are no company: the entry of that kind."""

_USABLE = {Status.CONFIRMED, Status.ILLUSTRATIVE}
_RESIDUAL_FIRST = (Kind.RESIDUAL, Kind.WHOLE, Kind.SINGLE)
_WHOLE_FIRST = (Kind.WHOLE, Kind.SINGLE)
_NO_MENU = (Kind.SINGLE, Kind.RESIDUAL, Kind.WHOLE)
_OPEN = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer to "which factor": the entry or None, and how it was found.

    Attributes:
        entry: the factor that applies, or None (then ``factor-missing`` is among the findings).
        provisional: the entry applies to an earlier year than was asked for.
        steps: the way there, in order, for people.
        findings: what was missing, assumed or provisional.
    """

    entry: FactorEntry | None
    provisional: bool
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Search:
    """The question, and what is gathered while answering it."""

    supplier: str
    menu: str
    basis: str
    fy: int
    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, name: str, **values: object) -> None:
        self.steps.append(step(name, **values))

    def remark(self, code: str, found: object, expected: object = None) -> None:
        self.findings.append(finding(code, found=found, expected=expected, supplier=self.supplier))


def resolve_electricity(
    registry: Registry, *, supplier: str, menu: str = _OPEN, basis: str = "basic", fy: int, country: str = "JP"
) -> Resolution:
    """The electricity factor [t-CO2/kWh] of a supplier's menu for the emissions of a fiscal year.

    Args:
        registry: the entries to choose from.
        supplier: a registration number such as ``A0269``, or ``national-average`` or ``substitute``.
        menu: a letter, ``residual``, ``whole``, or empty for no menu given.
        basis: ``basic``, ``adjusted`` or ``unadjusted``; has no part in ``national-average`` and ``substitute``.
        fy: fiscal year of the emissions (applies-to) [year].
        country: ISO code of the site's country.

    Raises:
        InputError: ``factor-argument-wrong`` for a basis that is none.

    Source of the rules: notes of 電気事業者別排出係数 (環境省・経済産業省), R6年度実績.
    """
    bases = [str(item) for item in Basis if item is not Basis.NONE]
    if basis not in bases:
        raise InputError("factor-argument-wrong", key="basis", expected=", ".join(bases), found=basis)
    search = _Search(supplier, menu, basis, fy)
    known = registry.electricity(country, supplier)
    usable = [entry for entry in known if entry.status in _USABLE]
    if supplier in BY_KIND:
        search.say("kind", supplier=supplier, count=len(usable))
        found = _of_the_year(usable, search)
    else:
        if not known:
            search.remark("supplier-unknown", supplier)
        usable = [entry for entry in usable if entry.basis == basis]
        search.say("supplier", supplier=supplier, basis=basis, count=len(usable))
        found = _of_the_menu(_of_the_year(usable, search), search)
    return _answer(_one_of(found, search), search, known)


def resolve_constant(registry: Registry, name: str, fy: int) -> Resolution:
    """The constant of law that is valid in a fiscal year; never provisional.

    Args:
        registry: the entries to choose from.
        name: the id without its year, e.g. :data:`ELECTRICITY_PRIMARY_ENERGY`.
        fy: fiscal year of the use [year]; it must lie within valid_from_fy and valid_to_fy, both inclusive.
    """
    search = _Search(name, _OPEN, _OPEN, fy)
    editions = [item for item in registry.entries if item.kind is Kind.CONSTANT and item.id.partition(".fy")[0] == name]
    valid = [
        item
        for item in editions
        if item.status in _USABLE and (item.valid_from_fy or fy) <= fy <= (item.valid_to_fy or fy)
    ]
    newest = max((item.valid_from_fy or 0 for item in valid), default=0)
    search.say("constant", constant=name, fy=fy, count=len(valid))
    return _answer(_one_of([item for item in valid if (item.valid_from_fy or 0) == newest], search), search, editions)


def _of_the_year(entries: Sequence[FactorEntry], search: _Search) -> list[FactorEntry]:
    """Those with the greatest ``applies_to_fy`` that is not after the year asked for."""
    years = [entry.applies_to_fy for entry in entries if entry.applies_to_fy and entry.applies_to_fy <= search.fy]
    if not years:
        search.say("none-yet", fy=search.fy)
        return []
    search.say("year", fy=search.fy, applies_to=max(years))
    return [entry for entry in entries if entry.applies_to_fy == max(years)]


def _of_the_menu(entries: list[FactorEntry], search: _Search) -> list[FactorEntry]:
    menu = search.menu
    if menu == "residual":
        return _first_kind(entries, _RESIDUAL_FIRST, search)
    if menu == "whole":
        return _whole(entries, search)
    if menu == _OPEN:
        return _no_menu(entries, search)
    lettered = [entry for entry in entries if entry.menu == menu and entry.kind in {Kind.MENU, Kind.RESIDUAL}]
    if lettered:
        search.say("menu", menu=menu)
        return lettered
    search.say("menu-absent", menu=menu)
    search.remark("menu-not-published", menu)
    return _first_kind(entries, _RESIDUAL_FIRST, search)


def _whole(entries: list[FactorEntry], search: _Search) -> list[FactorEntry]:
    found = _first_kind(entries, _WHOLE_FIRST, search)
    residual = next((entry for entry in entries if entry.kind is Kind.RESIDUAL), None)
    if residual and found and found[0].kind is Kind.WHOLE:
        search.remark("whole-where-residual-exists", found[0].id, residual.id)
    return found


def _no_menu(entries: list[FactorEntry], search: _Search) -> list[FactorEntry]:
    found = _first_kind(entries, _NO_MENU, search)
    if found and found[0].kind is Kind.RESIDUAL:
        search.remark("menu-assumed-residual", found[0].menu or "residual")
    return found


def _first_kind(entries: list[FactorEntry], kinds: Sequence[Kind], search: _Search) -> list[FactorEntry]:
    """The entries of the first kind that there are any of."""
    form = "" if search.menu else "-no-menu"
    for kind in kinds:
        found = [entry for entry in entries if entry.kind is kind]
        if found:
            search.say(f"kind-taken{form}", menu=search.menu, kind=kind)
            return found
    search.say(f"nothing{form}", menu=search.menu)
    return []


def _one_of(entries: list[FactorEntry], search: _Search) -> FactorEntry | None:
    """Of several editions: corrected ones drop out, then the newest edition, then the greatest id."""
    corrected = {entry.corrects for entry in entries} & {entry.id for entry in entries}
    if corrected:
        search.say("corrected", ids=", ".join(sorted(str(item) for item in corrected)))
        entries = [entry for entry in entries if entry.id not in corrected]
    newest = max(entries, key=lambda entry: (entry.edition_on, entry.id), default=None)
    if newest and len(entries) > 1:
        search.say("newest", count=len(entries), edition=newest.edition_on)
    return newest


def _answer(entry: FactorEntry | None, search: _Search, known: Sequence[FactorEntry]) -> Resolution:
    if entry is None:
        asked = [search.supplier, search.menu, search.basis, f"FY{search.fy}"]
        years = sorted({f"FY{year}" for item in known if (year := item.applies_to_fy or item.valid_from_fy)})
        wanted = " ".join(word for word in asked if word)
        search.findings.append(finding("factor-missing", found=wanted, years=", ".join(years) or "-"))
        return Resolution(None, False, tuple(search.steps), tuple(search.findings))  # noqa: FBT003 - a field's value
    provisional = entry.applies_to_fy is not None and entry.applies_to_fy < search.fy
    if provisional:
        search.say("provisional", fy=search.fy, applies_to=entry.applies_to_fy)
        search.findings.append(_provisional(entry, search.fy))
    if entry.status is Status.ILLUSTRATIVE:
        search.remark("factor-illustrative", entry.id)
    return Resolution(entry, provisional, tuple(search.steps), tuple(search.findings))


def _provisional(entry: FactorEntry, fy: int) -> Finding:
    years = {"fy": fy, "applies_to": entry.applies_to_fy, "actuals": entry.actuals_fy}
    return finding("factor-provisional", found=entry.id, expected=f"FY{fy}", **years)  # type: ignore[arg-type]
