"""A corpus of malformed factor files; each says in its first lines what must be found, where, and in which words."""

from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.factors import load_registry

CORPUS = sorted((Path(__file__).parent / "malformed").glob("*.yaml"))


def _expected(path: Path) -> list[tuple[str, int, list[str]]]:
    found = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("# expect: "):
            code, row, *words = line.removeprefix("# expect: ").split()
            found.append((code, int(row), words))
    return found


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_fault_is_found_at_its_line_and_no_other(path):
    expected = _expected(path)
    with pytest.raises(InputError) as caught:
        load_registry([path])
    findings = caught.value.findings
    assert sorted((f.code, f.row) for f in findings) == sorted((code, row) for code, row, _ in expected)
    assert {f.file for f in findings} == {f"malformed/{path.name}"}
    for code, row, words in expected:
        texts = [f.en for f in findings if (f.code, f.row) == (code, row)]
        assert any(all(word in text for word in words) for text in texts), (code, row, words, texts)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_fault_is_told_in_both_languages_without_a_hole(path):
    with pytest.raises(InputError) as caught:
        load_registry([path])
    for found in caught.value.findings:
        assert any("\N{HIRAGANA LETTER SMALL A}" <= c <= "\N{KATAKANA LETTER VO}" for c in found.ja)
        for text in (found.ja, found.en):
            assert "{" not in text
            assert "None" not in text


def test_the_corpus_is_there():
    assert len(CORPUS) >= 15
    assert all(_expected(path) for path in CORPUS)
