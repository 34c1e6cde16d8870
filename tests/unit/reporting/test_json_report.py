"""The JSON report: the same figures, decimals as strings, no floats, canonical bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fixture import parts

from gxmeter.core.canonical import canonical_json
from gxmeter.core.numbers import plain
from gxmeter.reporting.json_report import SCHEMA, render_json


def _no_float(text: str) -> Any:
    raise AssertionError(f"a float in the document: {text}")


def test_document_is_exact_and_byte_equal() -> None:
    data = render_json(parts().model())
    document = json.loads(data, parse_float=_no_float)
    assert data == render_json(parts().model())
    assert data == canonical_json(document)
    assert document["schema"] == SCHEMA


def test_figures_are_the_ledgers() -> None:
    model = parts().model()
    figures = json.loads(render_json(model))["figures"]
    assert {k: (v["exact"], v["rounded"]) for k, v in figures.items()} == {
        k: (plain(f.exact), f.rounded) for k, f in model.figures.items()
    }


def test_what_json_cannot_hold_exactly_is_refused() -> None:
    statement = dict(parts().arguments["statement"], odd={1, 2})  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no place in a report"):
        render_json(parts().model(statement=statement))


def test_findings_progress_and_gaps_are_there() -> None:
    document = json.loads(render_json(parts().model()))
    assert {f["code"] for f in document["findings"]} >= {"factor-provisional", "runs-exceed-meter"}
    assert document["progress"][0]["met"] is None
    assert document["gaps"][0]["start"] == "2026-11-09T17:10:00Z"
    assert document["roadmap"]["state"] == "approved"
