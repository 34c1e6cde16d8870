"""The pages in a real browser: nothing is refused or asked for, nothing overflows, print shows every figure."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from chromium import Chromium
from fixture import parts

from gxmeter.reporting.html import file_name
from gxmeter.reporting.registry import LANGUAGES

pytestmark = pytest.mark.browser

WIDTHS_PX = (390, 1440)

_OVERFLOWING = """
[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width > 1 && box.right > document.documentElement.clientWidth + 1 && box.left > -5000
    && !e.closest('.scroll, .panels figure, .months');
}).slice(0, 5).map(e => e.tagName + '.' + e.className + ' ' + (e.textContent || '').slice(0, 40))
"""

_LOW_CONTRAST = """
(() => {
  const light = c => { const v = c.map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const parse = s => (s.match(/[\\d.]+/g) || []).map(Number);
  const paper = e => { for (let n = e; n; n = n.parentElement) {
    const c = parse(getComputedStyle(n).backgroundColor); if (c.length === 3 || c[3] > 0) return c.slice(0, 3); }
    return [255, 255, 255]; };
  const bad = [];
  for (const e of document.querySelectorAll('main *, header *, footer *')) {
    if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(paper(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
  }
  return bad.slice(0, 5);
})()
"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_page_opens_quietly_and_does_not_overflow(
    chromium: Chromium, pages: Path, language: str, width_px: int
) -> None:
    chromium.open(pages / file_name(language), width_px=width_px)
    problems = [e for e in chromium.events if e.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown"}]
    asked = [e["params"]["request"]["url"] for e in chromium.events if e.get("method") == "Network.requestWillBeSent"]
    assert not problems
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert chromium.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert chromium.evaluate(_OVERFLOWING) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_embedded_typeface_is_used(chromium: Chromium, pages: Path, language: str) -> None:
    chromium.open(pages / file_name(language), width_px=1440)
    loaded = chromium.evaluate("[...document.fonts].map(f => f.family + ' ' + f.weight + ' ' + f.status)")
    assert loaded == ["gxmeter 400 loaded", "gxmeter 700 loaded"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_has_enough_contrast(chromium: Chromium, pages: Path, language: str) -> None:
    chromium.open(pages / file_name(language), width_px=1440)
    assert chromium.evaluate(_LOW_CONTRAST) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_landmarks_headings_and_names(chromium: Chromium, pages: Path, language: str) -> None:
    chromium.open(pages / file_name(language), width_px=1440)
    assert chromium.evaluate("document.documentElement.lang") == language
    assert chromium.evaluate("document.querySelectorAll('main, header, footer, nav').length") == 4
    assert chromium.evaluate("document.querySelectorAll('h1').length") == 1
    levels = chromium.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert chromium.evaluate("[...document.querySelectorAll('table')].every(t => t.caption && t.tHead)")
    assert chromium.evaluate("[...document.querySelectorAll('svg[role=img]')].every(s => s.querySelector('title'))")


def test_headline_figures_and_status_are_on_the_first_screen(chromium: Chromium, pages: Path) -> None:
    chromium.open(pages / file_name("ja"), width_px=1440)
    bottoms = chromium.evaluate(
        "[...document.querySelectorAll('.card .number')].map(e => e.getBoundingClientRect().bottom)"
    )
    assert len(bottoms) == 3
    assert max(bottoms) < 900


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_figures_link_opens_its_trace(chromium: Chromium, pages: Path, language: str) -> None:
    chromium.open(pages / file_name(language), width_px=1440)
    chromium.evaluate("document.querySelector('.card .fig').click()")
    chromium.evaluate("new Promise(done => setTimeout(done, 200))")
    assert chromium.evaluate("document.querySelector(':target').closest('details').open")


@pytest.mark.parametrize("language", LANGUAGES)
def test_print_shows_every_figure(chromium: Chromium, pages: Path, language: str, tmp_path: Path) -> None:
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("pdftotext is not installed: the print was not read back")
    chromium.open(pages / file_name(language), width_px=1440)
    (tmp_path / "report.pdf").write_bytes(chromium.pdf())
    text = subprocess.run([reader, "-layout", tmp_path / "report.pdf", "-"], capture_output=True, check=True).stdout
    words = set(re.findall(r"-?[\d.]+", text.decode("utf-8").replace(",", "")))
    figures = parts().model().figures.values()
    assert not [f.figure_id for f in figures if f.rounded not in words]
    # Page one says what was found, its status and how it is known (form feeds divide pages).
    first = text.decode("utf-8").partition("\f")[0]
    assert all(word in first for word in (("measured", "provisional") if language == "en" else ("実測", "暫定")))
