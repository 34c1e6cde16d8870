"""Fiscal years, months and slots turn at midnight in Japan."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.calendar import (
    JST,
    SLOT_MS,
    FiscalYear,
    from_ms,
    instant,
    jst_date,
    jst_midnight_ms,
    jst_month,
    parse_instant,
    slot_of,
    to_ms,
)
from gxmeter.core.errors import InputError

years = st.integers(min_value=1975, max_value=2199)
moments = st.integers(min_value=0, max_value=7_000_000_000_000)


@given(years)
def test_years_meet_without_gap_and_on_slot_edges(year: int) -> None:
    fy = FiscalYear(year)
    assert fy.end_ms == FiscalYear(year + 1).start_ms
    assert fy.start_ms % SLOT_MS == 0
    assert FiscalYear.of(fy.start_ms) == fy == FiscalYear.of(fy.end_ms - 1)
    assert FiscalYear.of(fy.start_ms - 1) == FiscalYear(year - 1)


@given(years)
def test_the_thirteen_month_edges(year: int) -> None:
    edges = FiscalYear(year).month_edges_ms()
    assert (edges[0], edges[-1]) == (FiscalYear(year).start_ms, FiscalYear(year).end_ms)
    assert [from_ms(e).astimezone(JST).strftime("%d %H:%M") for e in edges] == ["01 00:00"] * 13
    assert [jst_date(e).month for e in edges] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4]


@given(moments)
def test_an_instant_is_read_back(ts_ms: int) -> None:
    assert parse_instant(instant(ts_ms)) == ts_ms
    assert to_ms(from_ms(ts_ms)) == ts_ms
    assert slot_of(ts_ms) * SLOT_MS <= ts_ms < (slot_of(ts_ms) + 1) * SLOT_MS


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-01",
        "2026-04-01T00:00:00",
        "2026-04-01T00:00:00+09:00",
        "2026-04-01 00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-04-01T24:00:00Z",
        "2026-04-01T00:00:60Z",
        "2026-04-01T00:00:00.1Z",
        "\uff12026-04-01T00:00:00Z",
        "2026-04-01T00:00:00Z\n",
    ],
)
def test_other_forms_of_time_are_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_instant(text)
    assert caught.value.code == "instant-malformed"


def test_a_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 4, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(InputError) as caught:
        to_ms(naive)
    assert caught.value.code == "time-without-zone"


def test_the_day_in_japan_is_not_the_day_in_utc() -> None:
    ts_ms = to_ms(datetime(2026, 3, 31, 15, tzinfo=UTC))
    assert jst_date(ts_ms) == date(2026, 4, 1)
    assert jst_month(ts_ms) == "2026-04"
    assert jst_midnight_ms(date(2026, 4, 1)) == ts_ms
    assert to_ms(datetime(2026, 4, 1, tzinfo=timezone(timedelta(hours=9)))) == ts_ms


@pytest.mark.parametrize(
    ("year", "ja", "en"),
    [
        (2026, "2026年度(令和8年度)", "FY2026 (Reiwa 8)"),
        (2019, "2019年度(令和元年度)", "FY2019 (Reiwa 1)"),
        (2018, "2018年度", "FY2018"),
    ],
)
def test_the_labels_of_a_year(year: int, ja: str, en: str) -> None:
    assert (FiscalYear(year).label_ja, FiscalYear(year).label_en) == (ja, en)
