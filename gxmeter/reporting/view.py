"""What a template may ask of a model: figures as ``<data>``, wording, names, in one language."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from markupsafe import Markup

from gxmeter.core.calendar import parse_instant
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.core.numbers import plain
from gxmeter.factors.model import FactorEntry
from gxmeter.ledger.tables import Figure
from gxmeter.reporting.model import ReportModel, Trace
from gxmeter.reporting.registry import LANGUAGES, ReportKind
from gxmeter.reporting.text import co2, duration, grouped, moment, neutral
from gxmeter.roadmap.content import TargetRow
from gxmeter.roadmap.progress import ProgressRow

PROVISIONAL_MARK = Markup('<span class="prov">†</span>')
"""Stands after a figure that a factor of an earlier year enters."""


class View:
    """A model seen in one language through one report kind's wording."""

    def __init__(self, model: ReportModel, kind: ReportKind, language: str) -> None:
        """Make the view.

        Raises:
            InputError: ``report-language-unknown``.
        """
        if language not in LANGUAGES:
            raise InputError("report-language-unknown", found=language, expected=", ".join(LANGUAGES))
        self.model = model
        self.kind = kind
        self.language = language
        self._wording = kind.wording[language]
        self._sites = {site.site_id: site for site in model.declarations.sites}
        self._runs = {run.run_id: run for run in model.declarations.runs}

    def t(self, key: str, **holes: object) -> Markup:
        """A wording of the report kind, its holes filled and escaped, CO2 set by markup."""
        return co2(self._wording[key]).format(**{name: co2(value) for name, value in holes.items()})

    def plain_text(self, key: str) -> str:
        """A wording as plain text, for drawings and attributes."""
        return self._wording[key]

    def word(self, group: str, value: str) -> Markup:
        """The wording of a value of a closed vocabulary; an unknown value as it is."""
        key = f"{group}.{value}"
        return self.t(key) if key in self._wording else co2(value)

    def words(self, group: str, values: Iterable[str]) -> Markup:
        """Several values of a vocabulary, joined."""
        return Markup(self._wording["list.joint"]).join(self.word(group, v) for v in values)  # noqa: S704

    def name(self, thing: object, stem: str = "name") -> str:
        """The Japanese or English text of a row with ``<stem>_ja`` and ``<stem>_en``."""
        return neutral(str(getattr(thing, f"{stem}_{self.language}")))

    def sentence(self, finding: Finding) -> str:
        """A finding's sentence."""
        return neutral(str(getattr(finding, self.language)))

    @property
    def entity(self) -> str:
        """The reporting company's name."""
        return neutral(str(self.model.statement[f"entity_name_{self.language}"]))

    @property
    def year(self) -> str:
        """Fiscal year and era."""
        year = self.model.fiscal_year
        return year.label_ja if self.language == "ja" else year.label_en

    @property
    def as_of(self) -> str:
        """The instant through which data is covered, in Japan."""
        if self.model.statement["as_of"] == self.model.statement["period_start"]:
            return self.t("status_strip.no_data")
        return moment(parse_instant(str(self.model.statement["as_of"])))

    def has(self, figure_id: str) -> bool:
        """Whether the package holds the figure."""
        return figure_id in self.model.figures

    def is_provisional(self, figure_id: str) -> bool:
        """Whether a figure is known and a provisional factor enters it."""
        figure = self.model.figures.get(figure_id)
        return figure is not None and figure.provisional

    def same(self, one_id: str, other_id: str) -> bool:
        """Whether two figures are both known and have the same exact value."""
        one, other = self.model.figures.get(one_id), self.model.figures.get(other_id)
        return one is not None and other is not None and one.exact == other.exact

    def fig(self, figure_id: str, absent: str = "absent.figure") -> Markup:
        """A figure as ``<data>`` linked to its trace, or the words for its absence (never a zero).

        A figure that a provisional factor enters carries the mark that the page explains.
        """
        figure = self.model.figures.get(figure_id)
        if figure is None:
            return Markup('<span class="absent">{}</span>').format(self.t(absent))
        mark = PROVISIONAL_MARK if figure.provisional else ""
        return Markup('<a class="fig" href="#t-{}">{}</a>{}').format(figure_id, self.data(figure), mark)

    def data(self, figure: Figure) -> Markup:
        """A figure as ``<data>``: the exact value as attribute, the rounded one with thousands commas as text."""
        return Markup('<data value="{}" data-fig="{}">{}</data>').format(
            plain(figure.exact), figure.figure_id, grouped(figure.rounded)
        )

    def unit(self, figure_id: str) -> Markup:
        """The unit of a figure, or nothing where there is no figure."""
        figure = self.model.figures.get(figure_id)
        return co2(figure.unit) if figure else Markup("")

    def label(self, figure_id: str) -> Markup:
        """What a figure is, in words: its measure and, for a part, the dimension and value."""
        if figure_id.startswith(("target.", "gap.")):
            return self._target_label(figure_id)
        measure, dimension, value = self._parts(figure_id)
        base = self.word("measure", measure)
        if not dimension:
            return base
        return self.t("label.part", measure=base, dimension=self.word("dimension", dimension), value=value)

    def _target_label(self, figure_id: str) -> Markup:
        head, _, target_id = figure_id.partition(".")
        row = self.progress_row(target_id)
        value = self.label(row.measure) if row else neutral(target_id)
        return self.t("label.target", measure=self.word("measure", head), value=value)

    def trace_title(self, trace: Trace) -> Markup:
        """What the figures of a trace have in common: their part, or else their names."""
        _, dimension, value = self._parts(trace.figures[0].figure.figure_id)
        if dimension and trace.lines is not None:
            return Markup("{}: {}").format(self.word("dimension", dimension), value)
        labels = [self.label(item.figure.figure_id) for item in trace.figures]
        return Markup(self._wording["list.joint"]).join(labels)  # noqa: S704 - our own wording

    def _parts(self, figure_id: str) -> tuple[str, str, Markup | str]:
        head, _, rest = figure_id.partition(".")
        dimension, _, value = rest.partition(".")
        if dimension == "site" and value in self._sites:
            return head, dimension, self.name(self._sites[value])
        if dimension == "run" and value in self._runs:
            return head, dimension, self.name(self._runs[value], "title")
        if dimension in {"frame", "status"}:
            return head, dimension, self.word(dimension, value)
        return head, dimension, value

    def progress_of(self, measures: Iterable[str]) -> ProgressRow | None:
        """The year's target for the first of several measures that has one."""
        by_measure = {row.measure: row for row in self.model.progress}
        return next((by_measure[measure] for measure in measures if measure in by_measure), None)

    @property
    def roadmap_years(self) -> list[int]:
        """The years of the roadmap's targets and the reported year, in order."""
        return sorted({self.model.fiscal_year.year, *(target.fy for target in self.model.targets)})

    def progress_row(self, target_id: str) -> ProgressRow | None:
        """The progress of a target, if it is one of the reported year."""
        return next((row for row in self.model.progress if row.target_id == target_id), None)

    def target_of(self, measure: str, fy: int) -> TargetRow | None:
        """The roadmap's target of a measure in a year."""
        return next((t for t in self.model.targets if (t.measure, t.fy) == (measure, fy)), None)

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Title and address of every source of a used factor, once each, in order of first use."""
        found = [use.factor.entry.source for use in self.model.factors]
        return list(dict.fromkeys((source.title, source.url) for source in found))

    def source_number(self, entry: FactorEntry) -> int:
        """The number of a factor's source in the list of sources, from 1."""
        return self.sources.index((entry.source.title, entry.source.url)) + 1

    @property
    def programme_name(self) -> str:
        """The name of the programme that the report is made for; empty without one."""
        programme = self.model.statement["programme"]
        return neutral(str(programme[f"name_{self.language}"])) if programme else ""

    @property
    def approval_key(self) -> str:
        """The state of the roadmap as a key of the wording: approved, changed or unapproved."""
        return {"approved": "approved", "changed-since-approval": "changed"}.get(self.model.roadmap_state, "unapproved")

    @property
    def joint(self) -> str:
        """What stands between the items of a list."""
        return self._wording["list.joint"]

    @property
    def open_scope1(self) -> list[str]:
        """Names of the sites whose direct emissions were not assessed."""
        return [self.name(row.site) for row in self.model.sites if row.site.direct_sources != "none"]

    @property
    def void_runs(self) -> list[str]:
        """Ids of the runs that are void: they carry no energy."""
        return [row.run.run_id for row in self.model.runs if row.run.status == "void"]

    @property
    def main_files(self) -> list[str]:
        """The package files that the page explains."""
        prefix = "package_file."
        return [key.removeprefix(prefix) for key in self._wording if key.startswith(prefix)]

    @property
    def factor_ids(self) -> frozenset[str]:
        """Ids of the factors that have a row on the page."""
        return frozenset(use.factor.entry.id for use in self.model.factors)

    def formula(self, figure: Figure) -> Markup:
        """A figure's formula in words."""
        key = f"formula.{figure.formula_id}"
        return self.t(key, measure=figure.measure) if key in self._wording else co2(figure.formula_id)

    def gap_text(self) -> str:
        """Length of all missing time, in device time."""
        return duration(sum(gap.end - gap.start for gap in self.model.gaps))

    def count(self, level: str) -> int:
        """How many findings have a level."""
        return sum(1 for finding in self.model.findings if finding.level == level)

    def within(self, met: bool) -> int:  # noqa: FBT001 - asked by templates
        """How many targets of the year lie on one side: actual at or below target, or above it."""
        return sum(1 for row in self.model.progress if row.gap is not None and (row.gap <= Decimal(0)) is met)
