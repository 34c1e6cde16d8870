"""Step 2: form. Every file by the rules and tables of package.md; what is read here feeds the later steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.evidence.contents import COUNTED
from gxmeter.evidence.layout import TABLES
from gxmeter.evidence.verify import shapes
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.strictjson import strict_json
from gxmeter.evidence.verify.vocabulary import check_grades, check_rows, check_words
from gxmeter.factors.registry import Registry

_CANONICAL = "canonical JSON (RFC 8785)"
_HEADERS = "data/activity/run_headers.jsonl"
_APPROVALS = "data/roadmap/approvals.jsonl"
_REGISTRY = "data/factors/registry/registry.json"
_STATEMENT = "data/statement.json"
_ROADMAP = "data/roadmap/roadmap.json"
_OTHERS = ("data/method/environment.json", "data/checks/checks.json", "data/report/report.json")
"""Documents that no later step needs."""

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
    check_words(case)
    check_rows(case)
    check_grades(case)
    case.statement = _object(case, _STATEMENT, shapes.STATEMENT)
    _numbered(case)
    case.headers = _objects(case, _HEADERS, shapes.HEADER, lambda h: (h["run_id"], h["site_id"]))
    case.approvals = _objects(case, _APPROVALS, shapes.APPROVAL, lambda a: (a["version"], a["roadmap_id"]))
    case.roadmap = _object(case, _ROADMAP, shapes.ROADMAP)
    for file in _OTHERS:
        _document(case, file)
    _registry(case)
    _devices(case)
    _references(case)
    _counts(case)


def _numbered(case: Case) -> None:
    """The report id is made of the fiscal year and the sequence."""
    statement = case.statement
    if statement is None:
        return
    expected = f"R-{statement['fy']}-{statement['sequence']:06d}"
    if statement["sequence"] < 1 or statement["report_id"] != expected:
        case.add("json-malformed", file=_STATEMENT, expected=expected, found=statement["report_id"])


def _document(case: Case, file: str) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON document; None with a finding if it is missing or malformed."""
    data = case.source.files.get(file)
    if data is None:
        case.add("file-missing", file=file)
        return None
    try:
        value = strict_json(data, file)
    except InputError as error:
        case.findings += error.findings
        return None
    if value is None or canonical_json(value) != data:
        case.add("json-malformed", file=file, expected=_CANONICAL)
        return None
    return value


def _object(case: Case, file: str, keys: Mapping[str, shapes.Check]) -> dict[str, Any] | None:
    value = _document(case, file)
    if value is None:
        return None
    wrong = shapes.wrong_keys(value, keys)
    if wrong or not isinstance(value, dict):
        case.add("json-malformed", file=file, expected=",".join(sorted(keys)), found=",".join(wrong))
        return None
    return value


def _objects(
    case: Case, file: str, keys: Mapping[str, shapes.Check], key_of: Callable[[dict[str, Any]], Any]
) -> list[dict[str, Any]] | None:
    """The objects of a JSON Lines file, each canonical and of these keys, in ascending order of their key."""
    data = case.source.files.get(file)
    if data is None:
        case.add("file-missing", file=file)
        return None
    if data and not data.endswith(b"\n"):
        case.add("text-malformed", file=file, found="no line end at the end")
        return None
    lines = data.split(b"\n")[:-1]
    found = [_line(case, file, row, line, keys) for row, line in enumerate(lines, 1)]
    members = [value for value in found if value is not None]
    if len(members) < len(found):
        return None
    for row, (before, after) in enumerate(pairwise(map(key_of, members)), 2):
        if after <= before:
            code = "id-duplicate" if after == before else "row-order"
            case.add(code, file=file, row=row, found=" ".join(map(str, after)))
    return members


def _line(case: Case, file: str, row: int, line: bytes, keys: Mapping[str, shapes.Check]) -> dict[str, Any] | None:
    try:
        value = strict_json(line, file, row)
    except InputError as error:
        case.findings += error.findings
        return None
    wrong = shapes.wrong_keys(value, keys)
    if wrong or not isinstance(value, dict):
        case.add("json-malformed", file=file, row=row, expected=",".join(sorted(keys)), found=",".join(wrong))
    elif canonical_json(value) != line:
        case.add("json-malformed", file=file, row=row, expected=_CANONICAL)
    else:
        return value
    return None


def _devices(case: Case) -> None:
    """The devices of a run header stand in order, each (device, method) once."""
    for row, header in enumerate(case.headers or [], 1):
        keys = [(device["device_id"], device["method"]) for device in header["devices"]]
        if keys != sorted(set(keys)):
            case.add("row-order", file=_HEADERS, row=row, found="devices")


def _registry(case: Case) -> None:
    value = _object(case, _REGISTRY, shapes.REGISTRY)
    if value is None:
        return
    try:
        case.registry = Registry.from_json(value)
    except GxmeterError as error:
        case.add("json-malformed", file=_REGISTRY, found=str(error))


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
