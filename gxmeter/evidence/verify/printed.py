"""Step 5.10: what the HTML pages print is the figures, digit by digit, and nothing on them is active.

Styles are not judged: a page can be made to look like anything, so figures.csv is the evidence, not the page.
"""

from __future__ import annotations

from html.parser import HTMLParser

from gxmeter.evidence.verify.case import Case

ACTIVE = frozenset({"script", "template", "iframe", "object", "embed"})
"""Elements that could show something else than the page's text."""


class _Page(HTMLParser):
    """Collects (figure id, value attribute, text) of every ``<data data-fig>`` element, and what is active."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.active: list[str] = []
        self._open: tuple[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.active += [tag] if tag in ACTIVE else []
        self.active += [name for name, _ in attrs if name.startswith("on")]
        names = dict(attrs)
        if tag == "data" and "data-fig" in names:
            if len(names) != len(attrs):
                self.active.append("data-fig, data-fig")
            self.finish()
            self._open, self._text = (names["data-fig"] or "", names.get("value") or ""), ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self.finish()

    def finish(self) -> None:
        """An element ends with its end tag, at the latest where the next begins or the page ends."""
        if self._open:
            self.found.append((*self._open, self._text.strip()))
            self._open = None


def check_page(case: Case, path: str, printed: dict[str, tuple[str, str]]) -> None:
    """Judge one page.

    Args:
        case: the package; findings are added to it.
        path: the page.
        printed: figure id -> (exact, rounded) as texts.
    """
    data = case.source.files.get(path)
    if data is None:
        case.add("file-missing", file=path)
        return
    page = _Page()
    page.feed(data.decode("utf-8", "replace"))
    page.close()
    page.finish()
    for name in sorted(set(page.active)):
        case.add("report-active-content", file=path, found=name)
    if not page.found:
        case.add("report-figure-mismatch", file=path, figure="-", expected="data-fig", found="")
    for figure_id, value, text in page.found:
        shown = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
        if printed.get(figure_id) != (value, shown):
            expected = " ".join(printed.get(figure_id, ("",)))
            case.add("report-figure-mismatch", file=path, figure=figure_id, expected=expected, found=f"{value} {text}")
