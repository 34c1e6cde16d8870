"""Gap limits from the data, independent of how it was cut into files."""

from __future__ import annotations

from collections import Counter

import pytest

from gxmeter.energy.kernel import partial
from gxmeter.energy.model import Device
from gxmeter.energy.periods import Periods, gap_limits, limit_of
from gxmeter.telemetry.model import Batch
from tests.properties.energy.build import interval_batch, power_batch
from tests.unit.energy.test_kernel import at, span

G0 = Device("s", "g0")


def periods(batches: list[Batch]) -> dict[Device, Periods]:
    return partial(batches).periods


def test_ten_median_periods_between_a_minute_and_half_an_hour() -> None:
    assert limit_of(Counter({1_000: 10})) == 60_000
    assert limit_of(Counter({10_000: 1, 30_000: 1})) == 100_000  # the lower of two medians
    assert limit_of(Counter({900_000: 3})) == 1_800_000


def test_files_and_batches_do_not_change_the_limit() -> None:
    rows = [at(15 * i, 5) for i in range(9)]
    whole = gap_limits([periods([power_batch(rows)])])
    batched = gap_limits([periods([power_batch(rows[:4]), power_batch(rows[4:])])])
    singles = gap_limits([periods([power_batch([row])]) for row in reversed(rows)])
    assert whole == batched == singles
    assert whole.of(G0) == 150_000
    assert whole.of(Device("s", "other")) == 60_000


def test_files_that_touch_add_no_period() -> None:
    files = [periods([power_batch([at(0, 5), at(20, 5)])]), periods([power_batch([at(20, 5), at(60, 5)])])]
    assert gap_limits(files).of(G0) == 200_000


def test_interval_records_count_their_length() -> None:
    limits = gap_limits([periods([interval_batch([span(0, 30), span(30, 60), span(60, 60)])])])
    assert limits.of(Device("s", "c0")) == 300_000


def test_without_periods_a_minute_holds() -> None:
    assert limit_of(Counter()) == 60_000
    assert limit_of(Counter({1_000: 1, 20_000: 5})) == 200_000


def test_periods_are_counted_alike_however_many_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [at(7 * i + i % 5, 5, device=f"g{i % 3}") for i in range(200)]
    whole = periods([power_batch(rows)])
    monkeypatch.setattr("gxmeter.energy.periods._FRESH", 5)
    assert periods([power_batch(rows[i : i + 10]) for i in range(0, 200, 10)]) == whole
    assert {device: sum(one.counts.values()) for device, one in whole.items()} == {
        Device("s", "g0"): 66,
        Device("s", "g1"): 66,
        Device("s", "g2"): 65,
    }
