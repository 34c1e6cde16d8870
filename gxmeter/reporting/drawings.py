"""The charts of a report: which values stand in which chart, in words and drawing."""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup

from gxmeter.core.numbers import plain
from gxmeter.reporting.charts.bars import Column, ColumnChart, column_chart
from gxmeter.reporting.charts.shares import share_bar
from gxmeter.reporting.text import grouped
from gxmeter.reporting.view import View


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
                below=grouped(own.rounded) if own else view.plain_text(without),
                bar=own.exact if own else None,
                target=target.value if target else None,
                target_text=grouped(plain(target.value)) if target else "",
            )
        )
    unit = next(iter(targets.values())).unit if targets else (figure.unit if figure else "")
    title = str(view.word("measure", measure).striptags())
    return column_chart(
        ColumnChart(
            chart_id=f"roadmap-{measure}",
            title=title,
            desc=view.plain_text("chart.roadmap_desc"),
            unit=unit,
            columns=columns,
        )
    )


def month_chart(view: View) -> Markup:
    """AI compute energy by month; a month without records has no bar, only the words for it."""
    columns = []
    for month in view.model.months:
        figure = view.model.figures.get(f"energy_ai_kwh.month.{month}")
        columns.append(Column(month[2:].replace("-", "/"), "" if figure else "—", figure.exact if figure else None))
    return column_chart(
        ColumnChart(
            chart_id="months",
            title=view.plain_text("chart.month_title"),
            desc=view.plain_text("chart.month_desc"),
            unit="kWh",
            columns=columns,
            width=1000,
            height=240,
        )
    )


def status_chart(view: View) -> Markup:
    """The share bar of page one."""
    shares: dict[str, Decimal] = {}
    for status in ("measured", "estimated", "declared"):
        figure = view.model.figures.get(f"share_{status}_pct")
        if figure is not None:
            shares[status] = figure.exact
    return share_bar(shares, title=view.plain_text("chart.share_title"), desc=view.plain_text("chart.share_desc"))
