"""Every report kind: the same wording keys in both languages, no unused wording, no floats, figures that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from fixture import parts

from gxmeter.factors.model import Basis, Status
from gxmeter.ledger.formulas import FORMULAS
from gxmeter.reporting import drawings
from gxmeter.reporting.fonts import BOLD_TAGS
from gxmeter.reporting.registry import LANGUAGES, kinds, report_kind
from gxmeter.workspace.models.run import Frame, RunStatus, Stage

_VOCABULARIES = frozenset(
    {
        "absent", "approval", "arrangement", "basis", "dimension", "factor_status", "formula", "frame", "headline",
        "instrument_kind", "kind", "level", "measure", "meter_kind", "method_name", "package_file", "pue_source",
        "run_status", "scope_table", "section", "share", "stage", "status",
    }
)  # fmt: skip
_HOLE = re.compile(r"\{([a-z_]+)\}")


def sources(kind_id: str) -> str:
    """All text that may name a wording key: the kind's templates and the room's code."""
    code = sorted(Path(drawings.__file__).parent.glob("*.py"))
    return "\n".join(path.read_text("utf-8") for path in [*sorted(report_kind(kind_id).folder.rglob("*.j2")), *code])


@pytest.mark.parametrize("kind_id", kinds())
def test_languages_have_the_same_keys_and_holes(kind_id: str) -> None:
    wording = report_kind(kind_id).wording
    ja, en = (wording[language] for language in LANGUAGES)
    assert list(ja) == list(en)
    assert {k: set(_HOLE.findall(v)) for k, v in ja.items()} == {k: set(_HOLE.findall(v)) for k, v in en.items()}


@pytest.mark.parametrize("kind_id", kinds())
def test_every_wording_is_used(kind_id: str) -> None:
    text = sources(kind_id)
    unused = [
        key
        for key in report_kind(kind_id).wording["ja"]
        if key.partition(".")[0] not in _VOCABULARIES and f'"{key}"' not in text and f"'{key}'" not in text
    ]
    assert not unused


@pytest.mark.parametrize("kind_id", kinds())
def test_fixed_figures_of_the_kind_have_words(kind_id: str) -> None:
    kind = report_kind(kind_id)
    named = {item["figure"] for item in kind.figures["headline"]}
    named |= set(kind.figures["statutory"]["figures"]) | set(kind.figures["net"]["figures"])
    named |= {row[key] for row in kind.figures["scope"] for key in ("both", "location", "market") if key in row}
    named |= set(parts().model().figures) - {name for name in parts().model().figures if "." in name}
    assert not [name for name in named if f"measure.{name}" not in kind.wording["ja"]]


@pytest.mark.parametrize("kind_id", kinds())
def test_only_the_tags_with_a_bold_cut_are_set_in_bold(kind_id: str) -> None:
    style = (report_kind(kind_id).folder / "style.css").read_text("utf-8")
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", style):
        if re.search(r"font-weight:\s*(700|bold)", body):
            last = {part.split()[-1] for part in selector.strip().split(",")}
            assert {re.split(r"[.:\[]", name)[0] for name in last} <= BOLD_TAGS


@pytest.mark.parametrize("kind_id", kinds())
@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("frame", get_args(Frame)),
        ("stage", get_args(Stage)),
        ("run_status", get_args(RunStatus)),
        ("factor_status", tuple(Status)),
        ("basis", ("location", "market", *(b for b in Basis if b in {Basis.BASIC, Basis.ADJUSTED}))),
        ("formula", tuple(f.formula_id for f in FORMULAS if not f.formula_id.startswith("kwh"))),
    ],
)
def test_every_word_of_a_closed_vocabulary_has_wording(kind_id: str, group: str, values: tuple[str, ...]) -> None:
    wording = report_kind(kind_id).wording["en"]
    assert not [value for value in values if f"{group}.{value}" not in wording]
