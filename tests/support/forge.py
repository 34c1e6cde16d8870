"""A forger's bench: opens a package, changes it, computes everything else anew, and seals it with a given key.

It uses the product's own writer on purpose: the attacker with the reporter's key has the reporter's tools,
so only what a verifier re-computes or knows from elsewhere can object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from gxmeter.core.calendar import FiscalYear, instant
from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import sha256_bytes
from gxmeter.core.keys import SigningKey
from gxmeter.core.numbers import plain
from gxmeter.evidence.contents import COUNTED, used_row
from gxmeter.evidence.layout import BY_PATH, TABLES
from gxmeter.evidence.package import build_package, write_folder
from gxmeter.evidence.rows import LineageRow
from gxmeter.evidence.verify.strictjson import strict_json
from gxmeter.factors.registry import Registry
from gxmeter.ledger.inventory import account
from gxmeter.ledger.lineage import lineage
from gxmeter.ledger.tables import ActivityRow, Declarations, DeviceRow, Figure
from gxmeter.roadmap.progress import progress_rows, target_figures

_DATA = re.compile(r'<data value="([^"]*)" data-fig="([^"]*)">([^<]*)</data>')


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files of a package by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Forge:
    """A package in pieces."""

    def __init__(self, files: dict[str, bytes], key: SigningKey) -> None:
        self.files = dict(files)
        self.key = key
        self.statement: dict[str, Any] = strict_json(files["data/statement.json"], "statement")

    def rows(self, path: str) -> list[Any]:
        """The rows of a table."""
        rows, faults = BY_PATH[path].read(self.files[f"data/{path}"])
        assert not faults
        return list(rows)

    def put(self, path: str, rows: Iterable[Any]) -> None:
        """Write a table and the row count that the statement gives for it."""
        members = list(rows)
        self.files[f"data/{path}"] = BY_PATH[path].write(members)
        if path.partition("/")[0] in COUNTED:
            self.statement["counts"][BY_PATH[path].name] = len(members)

    def change(self, path: str, edit: Callable[[list[Any]], list[Any]]) -> None:
        """Edit the rows of a table."""
        self.put(path, edit(self.rows(path)))

    def json(self, path: str) -> Any:
        """A JSON document under data/."""
        return strict_json(self.files[f"data/{path}"], path)

    def put_json(self, path: str, value: Any) -> None:
        """Write a JSON document under data/."""
        self.files[f"data/{path}"] = canonical_json(value)

    def recompute(self) -> None:
        """Lines, figures, progress, factor list and printed figures anew from the changed tables."""
        d = Declarations(*(tuple(self.rows(path)) for path in _DECLARATIONS))
        fy = FiscalYear(self.statement["fy"])
        registry = Registry.from_json(self.json("factors/registry/registry.json"))
        inventory = account(d, self.rows("activity/energy.csv"), registry, fy)
        self.put("results/lines.csv", inventory.lines)
        origins = lineage(inventory.lines, inventory.entries, d)
        self.put("results/lineage.csv", [LineageRow(*origin) for origin in origins])
        self.put("factors/used.csv", [used_row(e, p) for e, p in inventory.used.values()])
        self.statement["provisional"] = inventory.provisional
        self.refigure(list(inventory.figures))

    def refigure(self, figures: list[Figure]) -> None:
        """Targets, gaps, progress and printed figures anew from given figures."""
        by_id = {f.figure_id: f for f in figures if f.formula_id not in {"target", "target-gap"}}
        rows, _ = progress_rows(self.rows("roadmap/roadmap.csv"), by_id, self.statement["fy"], final=False)
        everything = [*by_id.values(), *target_figures(rows, by_id)]
        self.put("results/progress.csv", rows)
        self.put("results/figures.csv", everything)
        self.reprint(everything)

    def reprint(self, figures: Iterable[Figure]) -> None:
        """Put the figures into both HTML pages."""
        known = {f.figure_id: f for f in figures}

        def one(match: re.Match[str]) -> str:
            new = known.get(match[2])
            if new is None:
                return match[0]
            return f'<data value="{plain(new.exact)}" data-fig="{match[2]}">{new.rounded}</data>'

        for language in ("ja", "en"):
            path = f"data/report/report.{language}.html"
            self.files[path] = _DATA.sub(one, self.files[path].decode()).encode()

    def company(self, declarations: Declarations, activity: list[ActivityRow]) -> None:
        """Another company's tables in place of the package's, with headers that agree and no roadmap targets."""
        for path, field in zip(_DECLARATIONS, fields(declarations), strict=True):
            self.put(path, getattr(declarations, field.name))
        self.put("boundary/devices.csv", sorted({_device(row) for row in activity}, key=lambda d: d.device_id))
        self.put("activity/energy.csv", activity)
        self.put("activity/raw_index.csv", [])
        self.files["data/activity/run_headers.jsonl"] = b"".join(
            canonical_json(header) + b"\n" for header in _headers(activity)
        )
        ends = [int(row.end) for row in (*activity, *declarations.meters)]
        fy = FiscalYear(self.statement["fy"])
        self.statement["as_of"] = instant(min(max(ends, default=fy.start_ms), fy.end_ms))
        self.recompute()
        printed = "".join(
            f'<p><data value="{plain(f.exact)}" data-fig="{f.figure_id}">{f.rounded}</data></p>'
            for f in self.rows("results/figures.csv")
        )
        for language in ("ja", "en"):
            self.files[f"data/report/report.{language}.html"] = f"<!doctype html><title>t</title>{printed}".encode()

    def new_registry(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit every registry entry in place."""
        document = self.json("factors/registry/registry.json")
        for entry in document["entries"]:
            edit(entry)
        self.put_json("factors/registry/registry.json", document)

    def roadmap_digest(self) -> str:
        """Digest of the roadmap content as it stands in the package now."""
        return sha256_bytes(self.files["data/roadmap/roadmap.json"])

    def sealed(self) -> dict[str, bytes]:
        """All files with valid manifests and a valid seal under the key."""
        self.put_json("statement.json", self.statement)
        payload = {path: data for path, data in self.files.items() if path.startswith("data/")}
        return build_package(payload, self.statement, self.key)

    def write(self, folder: Path) -> Path:
        """Seal and write the package."""
        write_folder(self.sealed(), folder)
        return folder


def _device(row: ActivityRow) -> DeviceRow:
    return DeviceRow(row.device_id, row.site_id, "host", "gpu", "device", None)


def _headers(rows: list[ActivityRow]) -> list[dict[str, Any]]:
    """Run headers of rows that all belong to one run, site, device and method."""
    if not rows:
        return []
    device = {
        "device_id": rows[0].device_id,
        "method": rows[0].method,
        "rows": len(rows),
        "energy_half_uj": str(sum(row.energy_half_uj for row in rows)),
        "covered_ms": sum(row.covered_ms for row in rows),
    }
    return [
        {
            "run_id": rows[0].run_id,
            "site_id": rows[0].site_id,
            "evidence": ["evidence"],
            "start": instant(rows[0].start),
            "end": instant(rows[-1].end),
            "records": len(rows),
            "clean_end": True,
            "sensors": [],
            "devices": [device],
            "gaps": [],
        }
    ]


_DECLARATIONS = (
    "boundary/sites.csv",
    "boundary/pue.csv",
    "boundary/contracts.csv",
    "boundary/devices.csv",
    "boundary/runs.csv",
    "boundary/declared.csv",
    "activity/meters.csv",
    "boundary/instruments.csv",
    "evidence/evidence.csv",
)
"""Tables in the order of the fields of Declarations."""

assert all(path in {table.path for table in TABLES} for path in _DECLARATIONS)
