"""The report as one self-contained HTML page: no script, no outside request, its own typeface inside.

The same model gives the same bytes. Every reported number stands in a ``<data>`` element with its exact
value and its figure id, so that a verifier can hold the page against figures.csv.
"""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain
from gxmeter.reporting import drawings, fonts, text
from gxmeter.reporting.model import ReportModel
from gxmeter.reporting.registry import DEFAULT_KIND, LANGUAGES, ReportKind, report_kind
from gxmeter.reporting.view import View

MAX_ROWS = 200
"""Rows a table shows on the page; further ones are in the package's CSV files."""

_FONT_PLACE = "/* typeface */"


def file_name(language: str) -> str:
    """Name of the page in the package's report folder."""
    return f"report.{language}.html"


def render_html(model: ReportModel, language: str, *, kind_id: str = DEFAULT_KIND) -> bytes:
    """Render the page in one language.

    Args:
        model: what to print.
        language: ``ja`` or ``en``.
        kind_id: a folder under ``reports/``.

    Raises:
        InputError: ``report-kind-unknown``, ``report-language-unknown``.
    """
    page = page_text(model, language, kind_id=kind_id)
    regular, bold = fonts.characters(page)
    faces = _face(400, fonts.woff2_data_uri(fonts.REGULAR, regular)) + _face(
        700, fonts.woff2_data_uri(fonts.BOLD, bold)
    )
    return page.replace(_FONT_PLACE, faces, 1).encode("utf-8")


def glyph_findings(model: ReportModel, *, kind_id: str = DEFAULT_KIND) -> list[Finding]:
    """Characters that the page's typeface cannot draw, as one remark for each language's page."""
    found = []
    for language in LANGUAGES:
        lacking = fonts.missing(frozenset().union(*fonts.characters(page_text(model, language, kind_id=kind_id))))
        if lacking:
            names = ", ".join(f"U+{ord(character):04X}" for character in lacking)
            found.append(finding("glyph-missing", file=f"data/report/{file_name(language)}", found=names))
    return found


def page_text(model: ReportModel, language: str, *, kind_id: str = DEFAULT_KIND) -> str:
    """The page without its typeface: for checks of its text and for renderers that bring their own fonts.

    Raises:
        InputError: ``report-kind-unknown``, ``report-language-unknown``.
    """
    kind = report_kind(kind_id)
    view = View(model, kind, language)
    template = _environment(kind).get_template("template.html.j2")
    return template.render(
        v=view,
        m=model,
        s=model.statement,
        t=view.t,
        fig=view.fig,
        unit=view.unit,
        kind=kind.figures,
        drawings=drawings,
        other="en" if language == "ja" else "ja",
        file_name=file_name,
        max_rows=MAX_ROWS,
        style=Markup(_FONT_PLACE + "\n" + (kind.folder / "style.css").read_text("utf-8")),  # noqa: S704 - our own file
    )


def _environment(kind: ReportKind) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(kind.folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "breakable": text.breakable,
        "co2": text.co2,
        "day": text.day,
        "last_day": text.last_day,
        "moment": text.moment,
        "duration": text.duration,
        "shown": text.shown,
        "plain": plain,
        "grouped": text.grouped,
        "web": _web,
    }
    return environment


def _finalize(value: object) -> object:
    """Every text that is not markup loses its hidden characters before it is escaped."""
    return text.neutral(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _web(address: str) -> str:
    """An address that a page may link to, or nothing: only the two web schemes."""
    return address if address.startswith(("https://", "http://")) else ""


def _face(weight: int, address: str) -> str:
    return (
        f'@font-face{{font-family:"gxmeter";font-weight:{weight};font-style:normal;'
        f'src:url("{address}") format("woff2")}}\n'
    )
