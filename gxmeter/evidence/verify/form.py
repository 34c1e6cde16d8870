"""Step 2: form. Every file by the rules and tables of package.md; what is read here feeds the later steps."""

from __future__ import annotations

from typing import Any

from gxmeter.core.calendar import parse_instant
from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.evidence.contents import COUNTED
from gxmeter.evidence.layout import TABLES
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.strictjson import strict_json
from gxmeter.factors.registry import Registry

STATEMENT_KEYS = {
    "schema": str,
    "report_id": str,
    "sequence": int,
    "supersedes": (str, type(None)),
    "entity_id": str,
    "entity_name_ja": str,
    "entity_name_en": str,
    "programme": str,
    "fy": int,
    "period_start": str,
    "period_end": str,
    "as_of": str,
    "kind": str,
    "provisional": bool,
    "roadmap": dict,
    "third_party_verification": str,
    "materiality_pct": str,
    "gap_limit_s": (int, type(None)),
    "counts": dict,
    "tool": dict,
}
"""Keys of statement.json and their JSON types."""

_HEADER_KEYS = {
    "run_id",
    "site_id",
    "evidence",
    "start",
    "end",
    "records",
    "clean_end",
    "sensors",
    "devices",
    "gaps",
}
_ROADMAP_KEYS = {"roadmap_id", "version", "entity_id", "base", "targets", "measures"}
_APPROVAL_KEYS = {
    "roadmap_id",
    "version",
    "body",
    "approved_on",
    "resolution_id",
    "agenda_item",
    "minutes_sha256",
    "content_sha256",
}
_REFERENCES = {
    "site_id": "boundary/sites.csv",
    "run_id": "boundary/runs.csv",
    "contract_id": "boundary/contracts.csv",
    "evidence_id": "evidence/evidence.csv",
}


def step2_form(case: Case) -> None:
    """Read every table and document, then the references and the counts."""
    for table in TABLES:
        data = case.source.files.get(f"data/{table.path}")
        if data is None:
            case.add("file-missing", file=f"data/{table.path}")
            continue
        rows, faults = table.read(data)
        case.findings += faults
        case.evaluated["rows"] += len(rows)
        if not faults:
            case.tables[table.path] = rows
    _statement(case)
    case.headers = _json_lines(case, "data/activity/run_headers.jsonl", _HEADER_KEYS)
    case.approvals = _json_lines(case, "data/roadmap/approvals.jsonl", _APPROVAL_KEYS)
    case.roadmap = _object(case, "data/roadmap/roadmap.json", _ROADMAP_KEYS, canonical=True)
    _registry(case)
    _references(case)
    _counts(case)


def _object(case: Case, file: str, keys: set[str], *, canonical: bool = False) -> dict[str, Any] | None:
    data = case.source.files.get(file)
    if data is None:
        case.add("file-missing", file=file)
        return None
    try:
        value = strict_json(data, file)
    except InputError as error:
        case.findings += error.findings
        return None
    if not isinstance(value, dict) or set(value) != keys or (canonical and canonical_json(value) != data):
        found = ",".join(sorted(value)) if isinstance(value, dict) else type(value).__name__
        case.add("json-malformed", file=file, expected=",".join(sorted(keys)), found=found)
        return None
    return value


def _statement(case: Case) -> None:
    file = "data/statement.json"
    value = _object(case, file, set(STATEMENT_KEYS))
    if value is None:
        return
    wrong = [key for key, kind in STATEMENT_KEYS.items() if not _is(value[key], kind)]
    for key in ("period_start", "period_end", "as_of"):
        try:
            parse_instant(str(value[key]))
        except InputError:
            wrong.append(key)
    roadmap_keys = {"roadmap_id", "version", "state", "content_sha256"}
    if not wrong and (set(value["roadmap"]) != roadmap_keys or value["kind"] not in {"interim", "final"}):
        wrong.append("roadmap / kind")
    if wrong:
        case.add("json-malformed", file=file, expected="package.md", found=",".join(wrong))
    else:
        case.statement = value


def _is(value: Any, kind: Any) -> bool:  # noqa: ANN401 - JSON value, type form
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _json_lines(case: Case, file: str, keys: set[str]) -> list[dict[str, Any]] | None:
    data = case.source.files.get(file)
    if data is None:
        case.add("file-missing", file=file)
        return None
    found: list[dict[str, Any]] = []
    faults = 0
    for row, line in enumerate(data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n"), 1):
        if not data:
            break
        try:
            value = strict_json(line, file, row)
            well_formed = isinstance(value, dict) and set(value) == keys and canonical_json(value) == line
        except (GxmeterError, TypeError, ValueError):
            value, well_formed = None, False
        if well_formed and isinstance(value, dict):
            found.append(value)
        else:
            faults += 1
            case.add("json-malformed", file=file, row=row, expected=",".join(sorted(keys)))
    return None if faults else found


def _registry(case: Case) -> None:
    file = "data/factors/registry/registry.json"
    value = _object(case, file, {"schema", "entries"}, canonical=True)
    if value is None:
        return
    try:
        case.registry = Registry.from_json(value)
    except (GxmeterError, ValueError, KeyError, TypeError) as error:
        case.add("json-malformed", file=file, found=str(error))


def _references(case: Case) -> None:
    known = {
        column: {getattr(row, column) for row in case.tables[path]}
        for column, path in _REFERENCES.items()
        if path in case.tables
    }
    for path, rows in case.tables.items():
        if not rows or (path in _REFERENCES.values() and path != "boundary/contracts.csv"):
            continue
        for column in known.keys() & set(rows[0].__dataclass_fields__):
            for row, member in enumerate(rows, 2):
                text = getattr(member, column)
                names = text.split("|") if column == "evidence_id" else [text]
                if text and any(name not in known[column] for name in names):
                    case.add("reference-dangling", file=f"data/{path}", row=row, expected=column, found=text)


def _counts(case: Case) -> None:
    if case.statement is None:
        return
    counts = {
        table.name: len(case.tables[table.path])
        for table in TABLES
        if table.path in case.tables and table.path.partition("/")[0] in COUNTED
    }
    stated = case.statement["counts"]
    wanted = {table.name for table in TABLES if table.path.partition("/")[0] in COUNTED}
    if set(stated) != wanted:
        case.add("count-mismatch", file="data/statement.json", expected=",".join(sorted(wanted)))
    for name, number in sorted(counts.items()):
        if stated.get(name) != number:
            case.add("count-mismatch", file="data/statement.json", expected=stated.get(name), found=f"{name} {number}")
