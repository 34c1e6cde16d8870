"""Any samples, cut into files and batches in any way, give the oracle's leaves and gaps to the digit."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import Merged, close, merge, merged
from gxmeter.energy.model import Device, EnergyResult, GapLimits
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.partial import Partial
from gxmeter.energy.screen import MAX_POWER_MW
from gxmeter.energy.sources import gathered
from gxmeter.telemetry.model import Batch
from tests.properties.energy import oracle
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import SLOT_MS, Row, Span

T0 = 1_775_001_600_000 - 3 * SLOT_MS
STEPS_MS = st.sampled_from(
    [
        *(0, 1, 7, 999, 1_000, 5_999, 6_000, 6_001, 15_000, 15_040, 59_999, 60_000, 60_001, 150_000, 150_001, 179_999),
        *(180_000, 180_001, 899_999, 1_799_999, 1_800_000, 1_800_001),
    ]
)
POWERS_MW = st.one_of(st.integers(0, 10), st.integers(0, 700_000), st.integers(MAX_POWER_MW - 3, MAX_POWER_MW))


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Samples of three devices with ties, duplicates, long steps and run changes."""
    found = []
    for site, device in (("a", "g0"), ("a", "g1"), ("b", "g0")):
        ts_ms = T0 + draw(st.integers(0, SLOT_MS))
        for step_ms, power_mw, run in draw(
            st.lists(st.tuples(STEPS_MS, POWERS_MW, st.sampled_from("rs")), max_size=12)
        ):
            ts_ms += step_ms
            found.append(Row(site, device, ts_ms, power_mw, run))
    return found


class Limit(NamedTuple):
    """A gap limit and when the kernel and the merge are told: what is left open is derived from the data."""

    given_ms: int | None
    to_kernel: bool
    to_merge: bool

    def by_device(self, samples: list[Row]) -> dict[tuple[str, str], int]:
        found = oracle.limits(samples)
        return found if self.given_ms is None else dict.fromkeys(found, self.given_ms)

    def limits(self, samples: list[Row]) -> GapLimits:
        return GapLimits(by_device={Device(*device): ms for device, ms in self.by_device(samples).items()})

    def kernel(self, samples: list[Row]) -> GapLimits | None:
        return self.limits(samples) if self.to_kernel else None

    def merge(self, samples: list[Row]) -> GapLimits | None:
        return self.limits(samples) if self.to_merge else None


LIMITS = st.one_of(
    st.builds(Limit, st.none(), st.booleans(), st.booleans()),
    st.builds(Limit, st.sampled_from([1, 1_000, 60_000, 900_000, 1_800_000]), st.just(True), st.just(True)),
    st.builds(Limit, st.sampled_from([60_000, 150_000, 900_000, 1_800_000]), st.just(False), st.just(True)),
)


def one_partial(batches: list[Batch], limits: GapLimits | None, name: str) -> Partial:
    """As the engine does it: streamed, or as a whole if a batch goes back in time."""
    try:
        return partial(iter(batches), name=name, limits=limits)
    except LateRecordError:
        return partial(gathered(batches), name=name, limits=limits)


def gaps_of(result: EnergyResult) -> set[tuple[str, str, int, int]]:
    return {(g.site, g.device, g.start_ms, g.end_ms) for g in result.gaps}


def in_batches(items: list[Row], random: Random) -> list[Batch]:
    batches: list[Batch] = []
    while items:
        count = random.randint(1, len(items))
        batches.append(power_batch(items[:count]))
        items = items[count:]
    return batches


@settings(max_examples=300)
@given(rows(), LIMITS, st.randoms(use_true_random=False), st.booleans())
def test_one_file_in_any_order_and_batching(samples: list[Row], limit: Limit, random: Random, shuffled: bool) -> None:
    expected, gaps = oracle.integrate(samples, limit.by_device(samples))
    if shuffled:
        random.shuffle(samples)
    result = close(merged([one_partial(in_batches(samples, random), limit.kernel(samples), "f")]), limit.merge(samples))
    assert plain(result) == expected
    assert gaps_of(result) == gaps
    assert not [f for f in result.findings if f.code != "single-sample"]


@settings(max_examples=300)
@given(rows(), LIMITS, st.randoms(use_true_random=False))
def test_files_that_do_not_touch_in_any_order_and_grouping(samples: list[Row], limit: Limit, random: Random) -> None:
    """Each device's instants are dealt to files in runs of neighbours, so that no two files touch."""
    expected, gaps = oracle.integrate(samples, limit.by_device(samples))
    files: dict[int, list[Row]] = defaultdict(list)
    file, before = 0, None
    for row in sorted(samples):
        if row[:3] != before and random.random() < 0.4:
            file += 1
        before = row[:3]
        files[file].append(row)
    known = limit.kernel(samples)
    parts = [merged([one_partial(in_batches(f, random), known, f"{i:03}")]) for i, f in files.items()]
    random.shuffle(parts)
    while len(parts) > 1:  # a random tree of merges
        a = parts.pop(random.randrange(len(parts)))
        b = parts.pop(random.randrange(len(parts)))
        parts.append(merge(a, b))
    result = close(parts[0] if parts else Merged(), limit.merge(samples))
    assert plain(result) == expected
    assert gaps_of(result) == gaps
    assert not [f for f in result.findings if f.code != "single-sample"]


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Interval records of two devices that do not overlap, from 1 ms to 60 days, with energies up to 1 GW."""
    found = []
    lengths = st.one_of(st.integers(1, 3 * SLOT_MS), st.just(SLOT_MS), st.integers(1, 60 * 48 * SLOT_MS))
    for device in ("c0", "c1"):
        ts_ms = T0
        for hole_ms, length_ms, run in draw(st.lists(st.tuples(STEPS_MS, lengths, st.sampled_from("rs")), max_size=5)):
            ts_ms += hole_ms
            most = min(2 * MAX_POWER_MW * length_ms, 2**63 - 1)
            found.append(Span("a", device, ts_ms, ts_ms + length_ms, draw(st.integers(0, most)), run))
            ts_ms += length_ms
    return found


@settings(max_examples=150)
@given(spans(), st.randoms(use_true_random=False))
def test_interval_records_in_any_order_and_file(records: list[Span], random: Random) -> None:
    expected = oracle.spread(records)
    random.shuffle(records)
    files: dict[str, list[Span]] = defaultdict(list)
    for record in records:
        files[random.choice("xyz")].append(record)
    parts = [one_partial([interval_batch([r]) for r in f], None, name) for name, f in files.items()]
    result = close(merged(parts))
    assert plain(result) == expected
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == sum(r.half_uj for r in records)
    assert not result.findings
