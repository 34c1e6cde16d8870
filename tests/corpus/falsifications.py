"""Twelve ways to falsify a package: four without the key, eight with the reporter's own.

Each of the eight recomputes and reseals everything that its lie does not need untouched, so manifests,
digests and signatures are all valid; only re-computation, or what the verifier knows from elsewhere, objects.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.keys import create_key
from gxmeter.core.numbers import product
from gxmeter.evidence.verify.strictjson import strict_json
from gxmeter.factors.registry import Registry
from gxmeter.factors.resolve import CRUDE_OIL, ELECTRICITY_PRIMARY_ENERGY, resolve_constant
from gxmeter.ledger.derived import (
    credit_figures,
    energy_law_figures,
    interval_figures,
    scope1_figures,
    share_figures,
)
from gxmeter.ledger.figures import figure, sum_figures
from gxmeter.ledger.tables import Figure, Line
from tests.support.forge import Forge
from tests.support.packages import Package

TEPCO_RESIDUAL = "jp.elec.a0269.M.fy2024.basic"


@dataclass(frozen=True)
class Falsification:
    """One falsified package. ``needs_trust``: only what travels apart from the package can expose it."""

    name: str
    make: Callable[[Package, Path], Path]
    codes: frozenset[str]
    needs_trust: bool = False


def _after_sealing(edit: Callable[[Path, Package], None]) -> Callable[[Package, Path], Path]:
    def make(package: Package, target: Path) -> Path:
        shutil.copytree(package.folder, target)
        edit(target, package)
        return target

    return make


def _resealed(edit: Callable[[Forge], None]) -> Callable[[Package, Path], Path]:
    def make(package: Package, target: Path) -> Path:
        forge = package.forge()
        edit(forge)
        return forge.write(target)

    return make


def _alter(folder: Path, _package: Package) -> None:
    path = folder / "data/results/figures.csv"
    path.write_bytes(path.read_bytes().replace(b"credits_t,credits", b"credits_t,credit", 1))


def _add(folder: Path, _package: Package) -> None:
    (folder / "data/evidence/extra.csv").write_bytes(b"a\n")


def _remove(folder: Path, _package: Package) -> None:
    (folder / "data/activity/meters.csv").unlink()


def _foreign_signature(folder: Path, package: Package) -> None:
    """The signatures of another package, made with another key, pasted in."""
    forge = package.forge()
    forge.key = create_key(folder.parent / f"{folder.name}-foreign.pem")
    forge.statement["materiality_pct"] = "6"
    for path, data in forge.sealed().items():
        if path.startswith("signatures/"):
            (folder / path).write_bytes(data)


def _factor_changed(forge: Forge) -> None:
    """Registry, factor list, lines, figures and print all agree on a factor a tenth lower."""

    def edit(entry: dict[str, Any]) -> None:
        if entry["id"] == TEPCO_RESIDUAL:
            entry["value"] = "0.000407"

    forge.new_registry(edit)
    forge.recompute()


def _year_swapped(forge: Forge) -> None:
    """The factors of FY2025 are passed off as those of FY2026, so nothing looks provisional."""
    forge.change(
        "factors/used.csv",
        lambda rows: [
            replace(row, applies_to_fy=2026 if row.provisional else row.applies_to_fy, provisional=False)
            for row in rows
        ],
    )
    forge.statement["provisional"] = False


def _rows_dropped(forge: Forge) -> None:
    forge.change("activity/energy.csv", lambda rows: rows[:-1])
    forge.recompute()


def _rows_repeated(forge: Forge) -> None:
    """A file merged twice; the run header is doubled along, so that sums still agree."""
    forge.change("activity/energy.csv", lambda rows: [*rows, *(replace(r, row_id=r.row_id + len(rows)) for r in rows)])
    path = "data/activity/run_headers.jsonl"
    headers = [_doubled(strict_json(line, path)) for line in forge.files[path].splitlines()]
    forge.files[path] = b"".join(canonical_json(header) + b"\n" for header in headers)
    forge.recompute()


def _doubled(header: dict[str, Any]) -> dict[str, Any]:
    for device in header["devices"]:
        device["rows"] *= 2
        device["covered_ms"] *= 2
        device["energy_half_uj"] = str(2 * int(device["energy_half_uj"]))
    return header


def _pue_twice(forge: Forge) -> None:
    """Overhead lines carry PUE^2 - 1 in place of PUE - 1; figures and print follow."""
    one = Decimal(1)

    def edit(line: Line) -> Line:
        if line.portion != "overhead":
            return line
        pue = one + line.step_pue
        return rescaled(line, step_pue=product(pue, pue) - one)

    _edit_lines(forge, edit)


def _kilograms(forge: Forge) -> None:
    """t-CO2 where kg-CO2 was meant: all market emissions of runs a thousandth."""

    def edit(line: Line) -> Line:
        if line.kind != "run":
            return line
        return replace(line, tco2_market=product(line.tco2_market or Decimal(0), Decimal("0.001")))

    _edit_lines(forge, edit)


def _figure_edited(forge: Forge) -> None:
    """One total, its gap and its print lowered by 100 t; the lines stay."""

    def edit(item: Figure) -> Figure:
        if item.figure_id != "scope2_market_domestic_t":
            return item
        source = (item.measure, item.lines_filter)
        return figure(item.figure_id, item.formula_id, item.exact - 100, item.unit, source=source)

    forge.refigure([edit(item) for item in forge.rows("results/figures.csv")])


def _roadmap_edited(forge: Forge) -> None:
    """Targets relaxed after the board's approval; digest, progress and print follow, the approval stays."""
    content = forge.json("roadmap/roadmap.json")
    for target in content["targets"]:
        target["value"] = str(int(Decimal(target["value"])) * 2)
    forge.put_json("roadmap/roadmap.json", content)
    forge.statement["roadmap"]["content_sha256"] = forge.roadmap_digest()
    forge.change("roadmap/roadmap.csv", lambda rows: [replace(row, value=Decimal(int(row.value) * 2)) for row in rows])
    forge.recompute()


def _edit_lines(forge: Forge, edit: Callable[[Line], Line]) -> None:
    """Edit the lines and form every figure anew from them, as a consistent forger would."""
    lines = [edit(line) for line in forge.rows("results/lines.csv")]
    forge.put("results/lines.csv", lines)
    registry = Registry.from_json(forge.json("factors/registry/registry.json"))
    electricity, crude_oil = (
        resolve_constant(registry, name, forge.statement["fy"]).entry
        for name in (ELECTRICITY_PRIMARY_ENERGY, CRUDE_OIL)
    )
    assert electricity
    assert crude_oil
    figures, _ = sum_figures(lines)
    figures += scope1_figures(forge.rows("boundary/sites.csv"))[0]
    figures += energy_law_figures(lines, electricity, crude_oil)
    by_id = {item.figure_id: item for item in figures}
    figures += credit_figures(by_id, forge.rows("boundary/instruments.csv"), forge.statement["fy"])
    forge.refigure([*figures, *share_figures(by_id), *interval_figures(lines)])


def rescaled(line: Line, **steps: Decimal) -> Line:
    """A line with other steps, all its products formed again."""
    line = replace(line, **steps)
    kwh = product(line.energy_kwh, line.step_node, line.step_it, line.step_pue, line.share)
    bases = ("location", "market", "basic", "adjusted")
    tonnes = {f"tco2_{b}": product(kwh, getattr(line, f"{b}_t_per_kwh")) for b in bases}
    return replace(line, facility_kwh=kwh, **tonnes)


FALSIFICATIONS = (
    Falsification("file-altered", _after_sealing(_alter), frozenset({"file-altered"})),
    Falsification("file-added", _after_sealing(_add), frozenset({"file-unlisted"})),
    Falsification("file-removed", _after_sealing(_remove), frozenset({"file-missing"})),
    Falsification("signature-pasted", _after_sealing(_foreign_signature), frozenset({"subject-mismatch"})),
    Falsification("factor-changed", _resealed(_factor_changed), frozenset({"registry-unknown"}), needs_trust=True),
    Falsification("year-swapped", _resealed(_year_swapped), frozenset({"factor-unregistered"})),
    Falsification("rows-dropped", _resealed(_rows_dropped), frozenset({"activity-incomplete"})),
    Falsification("rows-repeated", _resealed(_rows_repeated), frozenset({"activity-duplicate"})),
    Falsification("pue-twice", _resealed(_pue_twice), frozenset({"line-mismatch"})),
    Falsification("figure-edited", _resealed(_figure_edited), frozenset({"figure-mismatch"})),
    Falsification("roadmap-edited", _resealed(_roadmap_edited), frozenset({"roadmap-changed-since-approval"})),
    Falsification("kg-for-t", _resealed(_kilograms), frozenset({"line-mismatch"})),
)
"""All twelve."""
