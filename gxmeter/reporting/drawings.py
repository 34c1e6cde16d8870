"""The charts of a report: which values stand in which chart, in words and drawing.

A chart's title states what it shows: the finding, with its figures as ``<data>`` like everywhere on the page.
"""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup

from gxmeter.core.numbers import plain
from gxmeter.ledger.tables import Figure
from gxmeter.reporting.charts.bars import Column, column_chart
from gxmeter.reporting.charts.inline import Sheet
from gxmeter.reporting.charts.shares import HEIGHT, WIDTH, share_bar
from gxmeter.reporting.text import co2, grouped
from gxmeter.reporting.view import PROVISIONAL_MARK, View

STATUSES = ("measured", "estimated", "declared")
"""How energy is known, in drawing order."""

_COLUMN_WIDTH, _LEAST_WIDTH = 74, 378


def roadmap_measures(view: View) -> list[str]:
    """The measures that the roadmap sets targets for, in the order of the year's progress rows, then by name."""
    stated = [row.measure for row in view.model.progress]
    others = [target.measure for target in view.model.targets]
    return list(dict.fromkeys(stated + others))


def charted_measures(view: View) -> list[str]:
    """The measures worth a chart: those with a target or an actual above zero (all stand in the table)."""
    return [measure for measure in roadmap_measures(view) if _has_height(view, measure)]


def _has_height(view: View, measure: str) -> bool:
    figure = view.model.figures.get(measure)
    values = [target.value for target in view.model.targets if target.measure == measure]
    return any(value > 0 for value in [*values, *([figure.exact] if figure else [])])


def measure_unit(view: View, measure: str) -> str:
    """The unit of a measure: its targets', else its figure's."""
    stated = [target.unit for target in view.model.targets if target.measure == measure]
    figure = view.model.figures.get(measure)
    return stated[0] if stated else (figure.unit if figure else "")


def roadmap_title(view: View, measure: str) -> Markup:
    """What a roadmap chart shows: the year's actual against its target, and on which side it lies."""
    row = view.progress_of([measure])
    holes = {"measure": view.label(measure), "unit": _unit(view, measure), "year": view.year}
    if measure not in view.model.figures:
        return view.t("chart.roadmap_no_actual", **holes)
    holes["actual"] = view.fig(measure)
    if row is None or row.gap is None:
        return view.t("chart.roadmap_no_target", **holes)
    holes["target"] = view.fig(f"target.{row.target_id}")
    if view.model.statement["kind"] == "final":
        return view.t("chart.final_beyond" if row.gap > 0 else "chart.final_within", **holes)
    return view.t("chart.interim_beyond" if row.gap > 0 else "chart.interim_within", **holes)


def _unit(view: View, measure: str) -> Markup:
    return Markup('<span class="nowrap">{}</span>').format(co2(measure_unit(view, measure)))


def roadmap_chart(view: View, measure: str) -> Markup:
    """The targets of one measure over the roadmap's years, and the actual of the reported year."""
    targets = {t.fy: t for t in view.model.targets if t.measure == measure}
    figure = view.model.figures.get(measure)
    year = view.model.fiscal_year.year
    columns = []
    for fy in sorted({*targets, year}):
        target = targets.get(fy)
        without = "chart.other_year" if fy < year else "chart.no_actual"
        own = figure if fy == year else None
        columns.append(
            Column(
                label=f"FY{fy}",
                below=_labelled(own) if own else view.plain_text(without),
                bar=own.exact if own else None,
                target=target.value if target else None,
                target_text=grouped(plain(target.value)) if target else "",
            )
        )
    sheet = Sheet(
        chart_id=f"roadmap-{measure}",
        title=str(roadmap_title(view, measure).striptags()),
        desc=view.plain_text("chart.roadmap_desc"),
        width=max(_LEAST_WIDTH, _COLUMN_WIDTH * len(columns) + 8),
        height=196,
    )
    return column_chart(sheet, columns, unit=measure_unit(view, measure))


def _labelled(figure: Figure) -> str:
    return grouped(figure.rounded) + (str(PROVISIONAL_MARK.striptags()) if figure.provisional else "")


def month_title(view: View) -> Markup:
    """What the month chart shows: the month with the most energy, and how many months have no records."""
    figures = {month: view.model.figures.get(f"energy_ai_kwh.month.{month}") for month in view.model.months}
    known = {month: figure for month, figure in figures.items() if figure is not None}
    if not known:
        return view.t("chart.month_none")
    peak = max(known, key=lambda month: known[month].exact)
    holes = {"month": peak, "energy": view.fig(known[peak].figure_id), "none": len(figures) - len(known)}
    return view.t("chart.month_peak_gaps" if len(known) < len(figures) else "chart.month_peak", **holes)


def month_chart(view: View) -> Markup:
    """AI compute energy by month; a month without records has no bar, only the words for it."""
    columns = []
    for month in view.model.months:
        figure = view.model.figures.get(f"energy_ai_kwh.month.{month}")
        columns.append(Column(month[2:].replace("-", "/"), "" if figure else "—", figure.exact if figure else None))
    sheet = Sheet(
        chart_id="months",
        title=str(month_title(view).striptags()),
        desc=view.plain_text("chart.month_desc"),
        width=778,
        height=230,
    )
    return column_chart(sheet, columns, unit="kWh")


def status_title(view: View) -> Markup:
    """What the share bar shows: how the largest part of the energy is known."""
    shares = _status_shares(view)
    if not shares:
        return view.t("share.title")
    largest = max(shares, key=lambda status: shares[status])
    return view.t("chart.share_finding", share=view.fig(f"share_{largest}_pct"), status=view.word("share", largest))


def status_chart(view: View) -> Markup:
    """The share bar of page one."""
    sheet = Sheet(
        chart_id="shares",
        title=str(status_title(view).striptags()),
        desc=view.plain_text("chart.share_desc"),
        width=WIDTH,
        height=HEIGHT,
        keeps_ratio=False,
    )
    return share_bar(sheet, _status_shares(view))


def _status_shares(view: View) -> dict[str, Decimal]:
    figures = {status: view.model.figures.get(f"share_{status}_pct") for status in STATUSES}
    return {status: figure.exact for status, figure in figures.items() if figure is not None}
