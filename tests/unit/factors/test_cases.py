"""The officer-style cases in tests/yaml/factors: what is asked of the registry and what must come back."""

from pathlib import Path

import pytest
import yaml

from gxmeter.factors import load_registry, resolve_constant, resolve_electricity

FOLDER = Path(__file__).parents[2] / "yaml" / "factors"


def _cases():
    for path in sorted(FOLDER.glob("*.yaml")):
        document = yaml.safe_load(path.read_text("utf-8"))
        for case in document["cases"]:
            extra = [FOLDER / document["registry"]] if "registry" in document else []
            yield pytest.param(case, extra, id=f"{path.stem}: {case['name']}")


@pytest.mark.parametrize(("case", "extra"), list(_cases()))
def test_case(case, extra):
    registry = load_registry(extra)
    question = dict(case["input"])
    if "constant" in question:
        answer = resolve_constant(registry, question["constant"], question["fy"])
    else:
        answer = resolve_electricity(registry, **question)
    assert {
        "id": answer.entry and answer.entry.id,
        "value": answer.entry and answer.entry.value,
        "provisional": answer.provisional,
        "findings": sorted(item.code for item in answer.findings),
    } == case["expected"]
    assert case["rule"]
    assert answer.steps
    assert all(item.ja and item.en and "{" not in item.ja + item.en for item in answer.steps)
