"""Charts: what stands on a drawing, that it fits a page, and that its title says what it shows."""

from __future__ import annotations

import logging
import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from fixture import parts
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.reporting import drawings
from gxmeter.reporting.charts.bars import Column, axis_ticks, column_chart
from gxmeter.reporting.charts.inline import Sheet
from gxmeter.reporting.charts.shares import share_bar
from gxmeter.reporting.registry import LANGUAGES, report_kind
from gxmeter.reporting.view import View

COLUMNS = (
    Column("FY2026", "1,234", Decimal(1234), Decimal(1500), "1,500"),
    Column("FY2027", "実績なし", None, Decimal(900), "900"),
)


def sheet(chart_id: str = "c", **other: object) -> Sheet:
    """A small sheet."""
    return Sheet(**({"chart_id": chart_id, "title": "Title", "desc": "What", "width": 390, "height": 200} | other))  # type: ignore[arg-type]


def view(language: str = "en", **changed: object) -> View:
    """The fixture in one language."""
    return View(parts().model(**changed), report_kind(), language)


def texts(markup: str) -> list[str]:
    """The texts of a drawing, tspans joined."""
    return ["".join(text.itertext()) for text in ET.fromstring(markup).iter("text")]


def test_text_stays_text_and_every_number_is_on_the_drawing() -> None:
    written = texts(column_chart(sheet(), COLUMNS, unit="t-CO2"))
    assert sorted(written) == sorted(["t-CO2", "FY2026", "1,234", "FY2027", "実績なし", "1,500", "900"])


def test_an_axis_with_unlabelled_bars_has_ticks_from_zero() -> None:
    written = texts(column_chart(sheet(), [Column("04", "", Decimal(700)), Column("05", "—")], unit="kWh"))
    assert {"0", "200", "400", "600", "800", "04", "05", "—", "kWh"} == set(written)


def test_bars_stand_on_zero_in_proportion() -> None:
    markup = column_chart(sheet(), [Column("a", "50", Decimal(50)), Column("b", "100", Decimal(100))], unit="kWh")
    bars = re.findall(
        r'<path d="M [\d.]+ ([\d.]+) L [\d.]+ [\d.]+ L [\d.]+ ([\d.]+)[^"]*" style="fill: #0b4f5c"', markup
    )
    (base, half), (other_base, full) = ((Decimal(low), Decimal(high)) for low, high in bars)
    assert base == other_base
    assert 2 * (base - half) == base - full


def test_the_unit_has_its_subscript_without_a_special_character() -> None:
    markup = str(column_chart(sheet(), COLUMNS, unit="t-CO2/kWh"))
    assert re.search(r'CO<tspan dy="3"[^>]*>2</tspan><tspan dy="-3">/kWh</tspan>', markup)
    assert "₂" not in markup


@pytest.mark.parametrize("hostile", ["<b>&\u202e", "$\\frac{a}{b}$", "'\"><script>", "\x00"])
def test_foreign_text_is_written_not_obeyed(hostile: str) -> None:
    markup = str(column_chart(sheet(title=hostile), [Column(hostile, "1", Decimal(1))], unit="kWh"))
    assert {element.tag for element in ET.fromstring(markup).iter()} <= {"svg", "title", "desc", "path", "text", "defs"}
    assert "\u202e" not in markup
    assert "\x00" not in markup


def test_a_drawing_is_fit_for_a_page() -> None:
    markup = str(column_chart(sheet("one"), COLUMNS, unit="kWh"))
    root = ET.fromstring(markup)
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "one-t one-d")
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert not {"metadata", "style", "script"} & {element.tag for element in root.iter()}
    assert not re.search(r"<\?xml|<!|xmlns|http|font-family", markup)


def test_ids_are_unique_on_the_page_and_every_reference_resolves() -> None:
    bars = [str(column_chart(sheet(name), COLUMNS, unit="kWh")) for name in ("one", "two")]
    shares = str(share_bar(sheet("three"), {"estimated": Decimal(60), "declared": Decimal(40)}))
    markup = "".join([*bars, shares])
    ids = re.findall(r' id="([^"]+)"', markup)
    assert len(ids) == len(set(ids))
    assert {name for name in re.findall(r"#([\w-]+)", markup) if not re.fullmatch(r"[0-9a-f]{6}", name)} <= set(ids)
    assert any(name.startswith("three-") for name in re.findall(r"url\(#([\w-]+)\)", markup))


def test_the_same_data_give_the_same_bytes_whatever_the_users_settings() -> None:
    first = column_chart(sheet(), COLUMNS, unit="kWh")
    with mpl.rc_context({"axes.linewidth": 9, "svg.fonttype": "path", "lines.solid_capstyle": "round"}):
        assert column_chart(sheet(), COLUMNS, unit="kWh") == first
        assert mpl.rcParams["axes.linewidth"] == 9


def test_drawing_warns_of_nothing(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> None:
    with caplog.at_level(logging.WARNING):
        column_chart(sheet(), COLUMNS, unit="t-CO2")
    assert not caplog.records
    assert not recwarn.list


@pytest.mark.parametrize("values", [(), (Decimal(0),), (Decimal(-5),)])
def test_nothing_above_zero_is_drawn_without_harm(values: tuple[Decimal, ...]) -> None:
    columns = [Column("a", "0", value) for value in values] or [Column("a", "none")]
    assert "a" in texts(column_chart(sheet(), columns, unit="kWh"))


@given(st.decimals(min_value=Decimal("0.000001"), max_value=10**12, places=6))
def test_axis_holds_the_value_in_few_round_steps(value: Decimal) -> None:
    ticks = axis_ticks(value)
    step = ticks[1]
    assert ticks[0] == 0
    assert ticks[-2] < value <= ticks[-1]
    assert ticks == [step * place for place in range(len(ticks))]
    assert 2 <= len(ticks) <= 6
    assert step.normalize().as_tuple().digits in {(1,), (2,), (5,)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_roadmap_title_states_the_finding(language: str) -> None:
    title = str(drawings.roadmap_title(view(language), "energy_ai_kwh"))
    figures = parts().model().figures
    assert figures["energy_ai_kwh"].exact < figures["target.energy-2026"].exact
    assert 'data-fig="energy_ai_kwh"' in title
    assert 'data-fig="target.energy-2026"' in title
    assert ("現時点" if language == "ja" else "so far, at or below") in title


def test_titles_say_above_final_no_target_and_not_computed() -> None:
    model = parts().model()
    over = next(row for row in model.progress if row.gap is not None and row.gap > 0)
    assert "above the year" in drawings.roadmap_title(view(), over.measure)
    final = dict(model.statement, kind="final")
    assert "so far" not in drawings.roadmap_title(view(statement=final), over.measure)
    assert "above the target of" in drawings.roadmap_title(view(statement=final), over.measure)
    assert "no target for FY2026" in drawings.roadmap_title(view(progress=()), over.measure)
    assert "is not computed" in drawings.roadmap_title(view(figures=(), progress=()), over.measure)


def test_the_month_title_names_the_highest_month_and_the_months_without_records() -> None:
    figures = parts().model().figures
    months = {
        m: figures[f"energy_ai_kwh.month.{m}"].exact
        for m in view().model.months
        if view().has(f"energy_ai_kwh.month.{m}")
    }
    peak = max(months, key=lambda m: months[m])
    title = drawings.month_title(view())
    assert f"highest in {peak}" in title
    assert f"(months without records: {12 - len(months)})" in title
    assert drawings.month_title(view(figures=())) == "No month has records of AI compute energy"


def test_the_share_title_names_the_largest_part() -> None:
    assert 'declared: <a class="fig" href="#t-share_declared_pct">' in drawings.status_title(view())
    assert drawings.status_title(view(figures=())) == "How the energy is known"
