"""Facility metering as readings: a bill's period as billed, a meter's whole days by month, exact to the digit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS, jst_midnight_ms
from gxmeter.energy.model import Leaf, LeafKey
from gxmeter.ledger.readings import DAY_MS, DayReading, half_uj_kwh, long_periods, whole_days
from gxmeter.telemetry.model import IntervalBatch, SeriesKey

KWH = 7_200_000_000_000
APRIL = date(2026, 4, 1)
SLOTS_A_DAY = DAY_MS // SLOT_MS


def intervals(*rows: tuple[int, int, int]) -> IntervalBatch:
    start_ms, end_ms, half_uj = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return IntervalBatch((SeriesKey("", "s", "meter"),), np.zeros(len(rows), np.int32), start_ms, end_ms, half_uj)


def leaf(day: date, slot: int, half_uj: int, covered_ms: int = SLOT_MS) -> tuple[LeafKey, Leaf]:
    return LeafKey(jst_midnight_ms(day) // SLOT_MS + slot, "", "s", "meter"), Leaf(half_uj, covered_ms)


def test_a_bill_is_one_reading_over_its_own_period_even_across_months() -> None:
    start, end = date(2026, 4, 11), date(2026, 5, 11)
    found = long_periods([intervals((jst_midnight_ms(start), jst_midnight_ms(end), 1234 * KWH + KWH // 2))])
    assert found.readings == [DayReading("meter", start, date(2026, 5, 10), 1234 * KWH + KWH // 2)]
    assert found.readings[0].kwh == Decimal("1234.5")
    assert (found.ragged, found.devices) == ([], {"meter"})


def test_a_period_that_begins_within_a_day_is_none_and_is_told() -> None:
    start_ms = jst_midnight_ms(APRIL) + 32_400_000  # midnight in UTC
    found = long_periods([intervals((start_ms, start_ms + 30 * DAY_MS, KWH))])
    assert (found.readings, found.ragged) == ([], [("meter", start_ms, start_ms + 30 * DAY_MS)])


def test_a_day_or_less_is_no_long_period() -> None:
    start_ms = jst_midnight_ms(APRIL)
    found = long_periods([intervals((start_ms, start_ms + DAY_MS, KWH), (start_ms, start_ms + SLOT_MS, KWH))])
    assert found.devices == set()


def test_the_same_bill_in_two_batches_is_one_reading() -> None:
    row = (jst_midnight_ms(APRIL), jst_midnight_ms(date(2026, 5, 1)), KWH)
    assert len(long_periods([intervals(row), intervals(row, row)]).readings) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 70), st.integers(0, 10**15), st.booleans()), max_size=40, unique_by=lambda r: r[0]
    )
)
def test_whole_days_lose_no_energy_and_no_reading_reaches_over_a_month_or_a_gap(
    days: list[tuple[int, int, bool]],
) -> None:
    leaves = []
    for number, half_uj, whole in days:
        count = SLOTS_A_DAY if whole else SLOTS_A_DAY - 1
        leaves += [leaf(APRIL + timedelta(number), slot, half_uj + slot) for slot in range(count)]
    found = whole_days(leaves)
    covered = set()
    for reading in found.readings:
        assert (reading.first_day.year, reading.first_day.month) == (reading.last_day.year, reading.last_day.month)
        covered |= {reading.first_day + timedelta(n) for n in range((reading.last_day - reading.first_day).days + 1)}
    assert covered == {APRIL + timedelta(number) for number, _, whole in days if whole}
    assert sum(reading.half_uj for reading in found.readings) + sum(row[2] for row in found.partial) == sum(
        one.half_uj for _, one in leaves
    )
    joined = {(a.last_day + timedelta(1), a.last_day.month) for a in found.readings}
    assert not {(reading.first_day, reading.first_day.month) for reading in found.readings} & joined


@given(st.integers(0, 10**22))
def test_kwh_are_exact_to_half_a_hundred_millionth(half_uj: int) -> None:
    kwh = half_uj_kwh(half_uj)
    assert abs(Fraction(kwh) - Fraction(half_uj, KWH)) <= Fraction(1, 2 * 10**8)
    assert half_uj_kwh(half_uj // KWH * KWH) == half_uj // KWH
