"""The texts of the repository say what is so: twins agree, links resolve, records and changes keep their form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "gxmeter", "factors", "reports", "seeds", "bench")
TEXTS = sorted({*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))})
TWINS = [
    ("README.md", "README.ja.md"),
    ("seeds/README.md", "seeds/README.ja.md"),
    ("docs/guides/metering.md", "docs/guides/metering.ja.md"),
    ("docs/guides/hooks.md", "docs/guides/hooks.ja.md"),
    ("docs/guides/engines.md", "docs/guides/engines.ja.md"),
    ("docs/guides/prometheus.md", "docs/guides/prometheus.ja.md"),
    ("docs/guides/import.md", "docs/guides/import.ja.md"),
    ("docs/guides/reconcile.md", "docs/guides/reconcile.ja.md"),
    ("docs/measurements/README.md", "docs/measurements/README.ja.md"),
    ("docs/measurements/mlperf.md", "docs/measurements/mlperf.ja.md"),
    ("docs/reference/faults.md", "docs/reference/faults.ja.md"),
    ("docs/explanation/scale.md", "docs/explanation/scale.ja.md"),
    ("docs/reference/meter-csv.md", "docs/reference/meter-csv.ja.md"),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_AFFECTED = "Affected fiscal years and figures / 影響する年度・数値:"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _levels(text: str) -> list[int]:
    outside = _FENCE.sub("", text)
    return [len(line) - len(line.lstrip("#")) for line in outside.splitlines() if re.match(r"#{1,6} ", line)]


def _without_comments(block: str) -> str:
    """Comments in a code block are in the page's language; what is typed is not."""
    return "\n".join(re.sub(r"\s*#.*$", "", line) for line in block.splitlines())


def _blocks(text: str) -> list[tuple[str, str]]:
    return [(language, _without_comments(body)) for language, body in _FENCE.findall(text) if language]


@pytest.mark.parametrize(("english", "japanese"), TWINS)
def test_the_twins_have_the_same_shape_and_the_same_commands(english: str, japanese: str) -> None:
    en, ja = (ROOT / english).read_text("utf-8"), (ROOT / japanese).read_text("utf-8")
    assert _levels(en) == _levels(ja)
    assert _blocks(en) == _blocks(ja)


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_every_link_within_the_repository_leads_somewhere(path: Path) -> None:
    dead = []
    for target in _LINK.findall(_FENCE.sub("", path.read_text("utf-8"))):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        if not (path.parent / target.partition("#")[0]).exists():
            dead.append(target)
    assert dead == []


def test_every_entry_of_the_changelog_names_the_years_and_figures_it_touches() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    entries = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert entries, "the changelog has no entry"
    for entry in entries:
        heading = entry.splitlines()[0]
        assert re.fullmatch(r"\[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d{2}-\d{2})?", heading), heading
        affected = [line for line in entry.splitlines() if _AFFECTED in line]
        assert affected, f"{heading}: the line '{_AFFECTED}' is missing"
        assert all(line.partition(_AFFECTED)[2].strip(" *") for line in affected), heading


def test_the_changelog_knows_the_version() -> None:
    import gxmeter

    assert f"## [{gxmeter.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=_name)
def test_a_decision_record_keeps_its_form(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Context",
        "## Options",
        "## Decision",
        "## Consequences",
    ]
    assert "**Do nothing**" in text or "**Do nothing special**" in text
    assert re.search(r"^- Status: (accepted|proposed|superseded by \d{4})", text, re.MULTILINE)


def test_the_index_lists_every_decision_once() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| ", index, re.MULTILINE)
    written = []
    for path in RECORDS[1:]:
        number, title = re.match(r"# (\d{4})\. (.*)", path.read_text("utf-8")).groups()
        assert path.name.startswith(number)
        written.append((number, path.name, title))
    assert listed == written


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_commands_of_the_readme_exist(readme: str) -> None:
    from typer.main import get_command

    from gxmeter.cli.app import app

    known = set(get_command(app).commands)
    text = "\n".join(body for _, body in _FENCE.findall((ROOT / readme).read_text("utf-8")))
    used = set(re.findall(r"\bgxmeter ([a-z]+)", text))
    assert used
    assert used <= known


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_layout_of_the_readme_is_the_layout_of_the_repository(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    listed = re.findall(r"^\| `([a-z/]+/)` \|", text, re.MULTILINE)
    assert listed
    assert [folder for folder in listed if not (ROOT / folder).is_dir()] == []
