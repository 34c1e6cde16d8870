"""The HTML page: figures exactly as the ledger has them, self-contained, safe, the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from io import BytesIO

import pytest
from fixture import parts
from fontTools.ttLib import TTFont

from gxmeter.core.errors import InputError
from gxmeter.core.numbers import plain
from gxmeter.reporting import ReportModel, fonts
from gxmeter.reporting.html import MAX_ROWS, glyph_findings, page_text, render_html
from gxmeter.reporting.registry import LANGUAGES

_BUDGET_BYTES = 300_000


@cache
def page(language: str) -> str:
    """The rendered page of the fixture."""
    return render_html(parts().model(), language).decode("utf-8")


class _Figures(HTMLParser):
    """Reads a page as a verifier does: every data element with its value, id and text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._open: tuple[str, str] | None = None
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.resources: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag == "data":
            self._open = (values["value"] or "", values["data-fig"] or "")
            self.found.append((*self._open, ""))
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.targets.append((values["href"] or "")[1:])
        if tag != "a":
            self.resources += [values[name] or "" for name in ("src", "href", "data", "poster") if name in values]

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[-1] = (*self._open, self.found[-1][2] + data)


def read(text: str) -> _Figures:
    """A page, parsed."""
    parser = _Figures()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_data_element_is_the_figure_it_names(language: str) -> None:
    figures = parts().model().figures
    found = read(page(language)).found
    assert found
    for value, figure_id, text in found:
        assert value == plain(figures[figure_id].exact)
        assert text.replace(",", "") == figures[figure_id].rounded


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_is_on_the_page_and_linked_to_its_trace(language: str) -> None:
    parsed = read(page(language))
    assert {figure_id for _, figure_id, _ in parsed.found} == set(parts().model().figures)
    assert not set(parsed.targets) - set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_is_byte_equal_twice(language: str) -> None:
    assert render_html(parts().model(), language) == page(language).encode("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_is_self_contained_without_script(language: str) -> None:
    text = page(language)
    parsed = read(text)
    assert "script" not in parsed.tags
    assert all(not address.startswith(("http:", "https:", "//")) for address in parsed.resources)
    assert not re.search(r"url\((?![\"']?(?:data:|#))", text)
    assert "default-src 'none'" in text
    assert not re.search(r"\son[a-z]+\s*=", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_keeps_the_size_budget(language: str) -> None:
    assert len(page(language).encode("utf-8")) <= _BUDGET_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
def test_embedded_typeface_has_every_character(language: str) -> None:
    regular, bold = fonts.characters(page(language))
    assert not fonts.missing(regular | bold)
    assert not glyph_findings(parts().model())
    for name, wanted in ((fonts.REGULAR, regular), (fonts.BOLD, bold)):
        uri = fonts.woff2_data_uri(name, wanted)
        assert uri in page(language)
        assert wanted <= drawn(uri)


def drawn(uri: str) -> frozenset[str]:
    """The characters of an embedded cut."""
    import base64

    data = base64.b64decode(uri.partition(",")[2])
    return frozenset(chr(code) for code in TTFont(BytesIO(data)).getBestCmap())


def test_figures_of_the_typeface_are_equally_wide() -> None:
    import base64

    data = base64.b64decode(fonts.woff2_data_uri(fonts.REGULAR, "0123456789").partition(",")[2])
    font = TTFont(BytesIO(data))
    widths = {font["hmtx"][font.getBestCmap()[ord(digit)]][0] for digit in "0123456789"}
    assert len(widths) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_co2_is_set_by_markup(language: str) -> None:
    text = page(language)
    assert "₂" not in text
    assert "t-CO<sub>2</sub>" in text
    body = re.sub(r"<svg.*?</svg>|CO<sub>2</sub>|<[^>]*>", "", text.partition("<main")[2], flags=re.DOTALL)
    assert "CO2" not in re.sub(r"[a-z_]*tco2[a-z_]*", "", body)


@pytest.mark.parametrize(("language", "words"), [("ja", ("検証済",)), ("en", ("verified", "Verified"))])
def test_nobody_is_told_more_than_was_done(language: str, words: tuple[str, ...]) -> None:
    assert not [word for word in words if word in page(language)]


def test_page_says_what_is_provisional_interim_and_not_checked() -> None:
    ja, en = page("ja"), page("en")
    assert "第三者検証" in ja
    assert "未実施" in ja
    assert "暫定の係数を含む" in ja
    assert "not yet checked by a third party" in en
    assert "Provisional factors" in en
    assert "Interim report" in en
    assert "2026年度(令和8年度)" in ja


def test_without_provisional_factors_nothing_is_marked_so() -> None:
    statement = dict(parts().arguments["statement"], provisional=False)  # type: ignore[call-overload]
    used = {name: (entry, False) for name, (entry, _) in parts().arguments["used_factors"].items()}  # type: ignore[attr-defined]
    figures = tuple(replace(figure, provisional=False) for figure in parts().model().figures.values())
    text = page_text(parts().model(statement=statement, used_factors=used, findings=(), figures=figures), "en")
    assert "rovisional" not in text
    assert "†" not in text


def test_exactly_the_figures_with_a_provisional_factor_carry_the_mark() -> None:
    figures = parts().model().figures
    printed = re.findall(r'data-fig="([^"]+)">[^<]*</data></a>(<span class="prov">†</span>)?', page("en"))
    assert {name for name, mark in printed if mark} == {n for n, _ in printed if figures[n].provisional}
    assert {bool(mark) for _, mark in printed} == {True, False}


def test_missing_looks_different_from_zero() -> None:
    figures = tuple(f for f in parts().arguments["figures"] if not f.figure_id.startswith("scope1"))  # type: ignore[attr-defined]
    text = page_text(parts().model(figures=figures), "en")
    row = re.search(r'<tr class="scope1">.*?</tr>', text, re.DOTALL)
    assert row
    assert '<span class="absent">not assessed</span>' in row.group()
    assert "no records" in re.search(r"2027-03</th>.*?</tr>", text, re.DOTALL).group()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("approved", "Board approval: approved"),
        ("changed-since-approval", "Board approval: changed since approval"),
        ("unapproved", "Board approval: not approved"),
    ],
)
def test_approval_box_says_the_state(state: str, words: str) -> None:
    statement = dict(parts().arguments["statement"])  # type: ignore[call-overload]
    statement["roadmap"] = statement["roadmap"] | {"state": state}
    approval = parts().arguments["approval"] if state != "unapproved" else None
    text = page_text(parts().model(statement=statement, approval=approval), "en")
    assert words in text


def hostile_model(name: str) -> ReportModel:
    """The fixture with one run's titles, id-less text fields and a factor's source made hostile."""
    declarations = parts().arguments["declarations"]
    runs = list(declarations.runs)  # type: ignore[attr-defined]
    runs[0] = replace(runs[0], title_ja=name, title_en=name, stage=name)
    return parts().model(declarations=replace(declarations, runs=tuple(runs)))  # type: ignore[type-var]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }}{% raw %}",
        "run\u202egnp.exe",
        "a\u0000b\u0007c\u200bd\u2066e\ufeff",
        "CO2<b>x</b>",
        "{value} {0} %s",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_names_do_no_harm(name: str, language: str) -> None:
    text = page_text(hostile_model(name), language)
    tags = read(text).tags
    assert "script" not in tags
    assert "img" not in tags
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert "49" not in re.findall(r"<bdi>([^<]*)</bdi>", text)


def test_bidirectional_override_is_spelled_out() -> None:
    assert "run[U+202E]gnp.exe" in page_text(hostile_model("run\u202egnp.exe"), "en")


def test_a_character_outside_the_typeface_is_a_remark_and_still_shown() -> None:
    model = hostile_model("run \u263a")
    assert [f.code for f in glyph_findings(model)] == ["glyph-missing", "glyph-missing"]
    assert "run \u263a" in page_text(model, "en")


def test_long_tables_are_cut_and_say_so() -> None:
    declarations = parts().arguments["declarations"]
    run = declarations.runs[0]  # type: ignore[attr-defined]
    many = tuple(replace(run, run_id=f"run-{number:04d}", status="void") for number in range(MAX_ROWS + 12))
    model = parts().model(declarations=replace(declarations, runs=many))  # type: ignore[type-var]
    text = page_text(model, "en")
    assert "12 more are in" in text
    assert f"run-{MAX_ROWS - 1:04d}" in text


def test_an_empty_year_renders_without_figures() -> None:
    model = parts().model(
        lines=(), figures=(), progress=(), targets=(), approval=None, used_factors={}, findings=(), run_headers=()
    )
    for language in LANGUAGES:
        text = page_text(model, language)
        assert "<main" in text
        assert not read(text).found


def test_unknown_language_and_kind_are_clear_faults() -> None:
    with pytest.raises(InputError, match="no report language"):
        render_html(parts().model(), "fr")
    with pytest.raises(InputError, match="no report kind"):
        render_html(parts().model(), "ja", kind_id="other")


def test_a_negative_figure_keeps_its_sign() -> None:
    gap = parts().model().figures["gap.energy-2026"]
    assert gap.exact < Decimal(0)
    assert ("gap.energy-2026", gap.rounded) in {(i, t.replace(",", "")) for _, i, t in read(page("en")).found}


def test_a_year_without_measurement_says_that_all_is_declared() -> None:
    figures = tuple(
        f
        for f in parts().arguments["figures"]  # type: ignore[attr-defined]
        if f.figure_id not in {"energy_ai_kwh.status.measured", "energy_ai_kwh.status.estimated"}
    )
    assert "declarations may be plans" in page_text(parts().model(figures=figures), "en")
    assert "declarations may be plans" not in page("en")


def test_earlier_years_point_to_their_own_report() -> None:
    statement = dict(parts().arguments["statement"], fy=2028)  # type: ignore[call-overload]
    text = page_text(parts().model(statement=statement, progress=()), "en")
    assert text.count("see that year") == 2
    assert text.count("no actual yet</span>") == 2
    assert text.count("this report</span>") == 1


def test_an_illustrative_report_says_so_first_and_on_every_printed_page() -> None:
    statement = dict(parts().arguments["statement"], illustrative=True)  # type: ignore[call-overload]
    for language, words in (
        ("ja", "説明用の架空データ"),
        ("en", "Illustrative numbers of a fictional scenario: no legal report"),
    ):
        text = page_text(parts().model(statement=statement), language)
        assert text.index(words, text.index("<main")) < text.index('id="summary"')
        assert f'@top-right {{ content: "{words}' in text
        assert words not in page(language)


def test_the_programme_and_what_is_not_public_of_its_call() -> None:
    programme = dict(parts().arguments["statement"]["programme"], call_text="not-public")  # type: ignore[index]
    statement = dict(parts().arguments["statement"], programme=programme)  # type: ignore[call-overload]
    for language, words in (("ja", "公表されていない条件は推測せず"), ("en", "never guessed")):
        text = page_text(parts().model(statement=statement), language)
        assert words in text
        assert words not in page(language)
        assert programme[f"name_{language}"] in page(language)
    without = page_text(parts().model(statement=statement | {"programme": None}), "en")
    assert "Programme" not in without
    assert "never guessed" not in without


def test_a_source_is_listed_once_and_every_factor_points_to_its_own() -> None:
    text = page("en")
    entries = [use.factor.entry for use in parts().model().factors]
    numbers = re.findall(r'<li id="source-(\d+)">', text)
    assert numbers == [str(n) for n in range(1, len({(e.source.title, e.source.url) for e in entries}) + 1)]
    assert len(re.findall(r'<a href="#source-\d+">', text)) == len(entries)
