"""The model selects and counts; it never computes a reported number."""

from __future__ import annotations

from decimal import Decimal

from fixture import DEMO_START, FY, parts

from gxmeter.core.calendar import SLOT_MS


def test_months_are_the_twelve_of_the_fiscal_year() -> None:
    months = parts().model().months
    assert (months[0], months[-1], len(months)) == ("2026-04", "2027-03", 12)


def test_gaps_come_from_the_run_headers_and_stay_times() -> None:
    gaps = parts().model().gaps
    assert [gap.device_id for gap in gaps] == ["cpu0", "gpu0", "ram"]
    assert gaps[0].start == DEMO_START + 2 * SLOT_MS + 600_000
    assert gaps[0].end - gaps[0].start == 754_000


def test_a_void_run_is_listed_without_energy() -> None:
    runs = {row.run.run_id: row for row in parts().model().runs}
    assert not runs["finetune-robot-void"].has_energy
    assert runs["demo-charlm"].statuses == ("estimated", "measured")


def test_factor_uses_count_the_lines_they_price() -> None:
    model = parts().model()
    average = next(use for use in model.factors if "national-average" in use.factor.entry.id)
    assert average.bases == ("location",)
    assert average.lines == len(model.lines)
    assert average.factor.provisional


def test_a_meter_whose_runs_exceed_it_has_no_rest() -> None:
    rest = {check.meter.meter_id: check.unattributed_kwh for check in parts().model().meters}
    assert rest["tokyo-2026-06"] is None
    assert rest["tokyo-2026-07"] is not None
    assert rest["tokyo-2026-07"] > Decimal(0)


def test_only_instruments_of_the_year_are_shown_and_what_was_applied() -> None:
    uses = {use.instrument.instrument_id: use.applied_kwh for use in parts().model().instruments}
    assert uses == {"jc-2026-1": None, "nf-2026-1": Decimal(400_000)}


def test_traces_hold_every_figure_once_with_its_lines() -> None:
    model = parts().model()
    traced = [item.figure.figure_id for trace in model.traces for item in trace.figures]
    assert sorted(traced) == sorted(model.figures)
    everything = next(trace for trace in model.traces if trace.lines_filter == "kind=run")
    assert everything.lines == sum(1 for line in model.lines if line.kind == "run")
    assert "journal-1" in everything.evidence_ids


def test_trace_names_the_factors_of_the_figures_own_basis() -> None:
    factors = {item.figure.figure_id: item.factor_ids for trace in parts().model().traces for item in trace.figures}
    assert factors["scope2_location_t"] == ("jp.elec.national-average.fy2024",)
    assert "nf-2026-1" in factors["scope2_market_t"]
    assert factors["energy_ai_kwh"] == ()


def test_fiscal_year_is_the_statements() -> None:
    assert parts().model().fiscal_year == FY


def test_a_site_shows_the_pue_of_the_year_only() -> None:
    site = next(row for row in parts().model().sites if row.site.site_id == "tokyo-dc1")
    assert sorted(row.pue for row in site.pue) == [Decimal("1.18"), Decimal("1.20")]
