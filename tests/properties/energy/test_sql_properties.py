"""SQL and the kernel, two implementations: equal leaves and gaps, and what SQL does not judge is refused by name."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gxmeter.energy.fingerprints import fingerprints
from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import close, merged
from gxmeter.energy.model import Device, EnergyResult, GapLimits
from gxmeter.energy.overlaps import Repeat, Shared, cut, repeats, shared
from gxmeter.energy.partial import Partial
from gxmeter.energy.periods import gap_limits
from gxmeter.energy.sources import gathered
from gxmeter.energy.sql.integrate import SqlResult, database, solve
from gxmeter.energy.sql.load import insert
from gxmeter.telemetry.model import Batch
from tests.properties.energy import oracle
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import SLOT_MS, Row, Span

pytest.importorskip("duckdb", reason="the second implementation needs the extra [sql]")

T0 = 1_775_001_600_000 - 3 * SLOT_MS
FILES = ("a", "b", "c")
STEPS_MS = (0, 1, 2, 7, 999, 1_000, 15_000, 59_999, 60_000, 60_001, 120_000, 899_999, 1_799_999, 1_800_000, 1_800_001)
POWERS_MW = (-1, 0, 1, 2, 350_000, 700_001, 10**12, 10**12 + 1)
DEVICES = 40
"""Devices are independent of each other, so one example holds many."""

_PHASES = (Phase.explicit, Phase.generate)  # a smaller seed is no simpler example


class World(NamedTuple):
    """Records by file; ``plain``: devices with power samples only, in files that do not share time."""

    rows: dict[str, list[Row]]
    spans: dict[str, list[Span]]
    stopped: dict[str, bool | None]
    plain: set[Device]


def power_of(random: Random, site: str, device: str) -> list[Row]:
    ts_ms, steps = T0 + random.randrange(SLOT_MS), random.sample(STEPS_MS, random.randint(1, 5))
    found = []
    for _ in range(random.randint(1, 14)):
        ts_ms += random.choice(steps)
        found.append(Row(site, device, ts_ms, random.choice(POWERS_MW), random.choice("rs")))
    return found


def spans_of(random: Random, site: str, device: str) -> list[Span]:
    start_ms, found = T0 + random.randrange(SLOT_MS), []
    for _ in range(random.randint(1, 6)):
        start_ms += random.choice((-2, -1, 0, 0, 0, 0, 0, 0, *STEPS_MS[1:]))
        length_ms = random.choice(
            (1, 3, 1_000, 60_000, SLOT_MS, 5 * SLOT_MS, *[26 * 48 * SLOT_MS] * (random.random() < 0.02))
        )
        energy = random.choice((-1, 0, 1, 10**9, 2 * 10**12 * length_ms))
        run = random.choice("rrrs")
        found.append(Span(site, device, start_ms, start_ms + length_ms, min(energy, 2**63 - 1), run))
        start_ms += length_ms
    return found


def dealt(random: Random, records: list[Row] | list[Span], *, apart: bool) -> dict[str, list]:
    """Neighbours to one file each; unless ``apart``, a file may repeat some of the file before it, or alter one."""
    files: dict[str, list] = {name: [] for name in FILES}
    cuts = sorted(random.randint(0, len(records)) for _ in range(2))
    parts = [records[: cuts[0]], records[cuts[0] : cuts[1]], records[cuts[1] :]]
    if apart:
        edges = [part[0][2] for part in parts[1:] if part]
        parts = [[r for r in records if sum(r[2] >= edge for edge in edges) == i] for i in range(3)]
    else:
        for i in (1, 2):
            parts[i] = parts[i - 1][-random.choice((0, 1, 2, 20)) or len(records) :] + parts[i]
        if random.random() < 0.3 and parts[1]:
            parts[1][0] = parts[1][0]._replace(run="s")
    for name, part in zip(random.sample(FILES, 3), parts, strict=False):
        files[name] = list(part)
    return files


def world_of(seed: int) -> World:
    random = Random(seed)
    world = World({n: [] for n in FILES}, {n: [] for n in FILES}, {}, set())
    for name in FILES:
        world.stopped[name] = random.choice((None, True, False))
    for number in range(DEVICES):
        site, device, kind = random.choice("xy"), f"d{number}", random.choice(("power", "power", "both", "interval"))
        apart = random.random() < 0.5
        if kind != "interval":
            for name, part in dealt(random, power_of(random, site, device), apart=apart).items():
                world.rows[name] += part
        if kind != "power":
            for name, part in dealt(random, spans_of(random, site, device), apart=apart).items():
                world.spans[name] += part
        elif apart:
            world.plain.add(Device(site, device))
    return world


def batches_of(world: World, name: str) -> list[Batch]:
    found: list[Batch] = [power_batch(world.rows[name])] if world.rows[name] else []
    return found + ([interval_batch(world.spans[name])] if world.spans[name] else [])


def by_kernel(world: World, limit_ms: int | None) -> EnergyResult:
    """As the local engine does it, files held in memory."""
    limits = None if limit_ms is None else GapLimits(default_ms=limit_ms)

    def one(i: int, repeat: Repeat, known: GapLimits | None) -> Partial:
        made = partial(cut(gathered(batches_of(world, FILES[i])), repeat), name=FILES[i], limits=known)
        return replace(made, stopped=world.stopped[FILES[i]])

    parts = [one(i, Repeat(), limits) for i in range(len(FILES))]
    limits = limits or gap_limits(part.periods for part in parts)
    for i, repeat in repeats(shared(parts), lambda place: same(world, place)).items():
        parts[i] = one(i, repeat, limits)
    return close(merged(parts), limits)


def same(world: World, place: Shared) -> bool:
    one, other = (batches_of(world, piece.name) for piece in (place.earlier, place.later))
    return fingerprints(lambda: one, [place.window]) == fingerprints(lambda: other, [place.window])


def by_sql(world: World, limit_ms: int | None) -> SqlResult:
    with database() as base:
        for number, name in enumerate(FILES):
            base.execute("INSERT INTO file VALUES (?, ?, ?)", [number, name, world.stopped[name]])
            for batch in batches_of(world, name):
                insert(base, number, batch)
        return solve(base, gap_limit_ms=limit_ms)


@settings(max_examples=12, phases=_PHASES)
@given(st.integers(0, 2**32), st.sampled_from([None, None, 1, 60_000, 1_800_000]))
def test_sql_gives_the_kernels_leaves_and_gaps(seed: int, limit_ms: int | None) -> None:
    world = world_of(seed)
    kernel, sql = by_kernel(world, limit_ms), by_sql(world, limit_ms)
    overlapping = {
        Device(dict(f.params)["site"], dict(f.params)["device"]) for f in kernel.findings if f.code == "files-overlap"
    }
    assert overlapping <= set(sql.refused)
    judged = {Device(site, device) for site, device in kernel_devices(world)} - set(sql.refused)
    assert world.plain <= judged
    expected = {key: pair for key, pair in plain(kernel).items() if Device(key[2], key[3]) in judged}
    assert {tuple(key): pair for key, pair in sql.leaves.items()} == expected
    assert sql.gaps == [gap for gap in kernel.gaps if Device(gap.site, gap.device) in judged]


def kernel_devices(world: World) -> set[tuple[str, str]]:
    records = [*world.rows.values(), *world.spans.values()]
    return {(record.site, record.device) for file in records for record in file}


@settings(max_examples=5, phases=_PHASES)
@given(st.integers(0, 2**32), st.sampled_from([1, 60_000, 1_800_000]))
def test_sql_gives_the_oracles_leaves_and_gaps(seed: int, limit_ms: int) -> None:
    world = world_of(seed)
    rows = [row for file in world.rows.values() for row in file if Device(row.site, row.device) in world.plain]
    leaves, gaps = oracle.integrate([row for row in rows if 0 <= row.power_mw <= 10**12], limit_ms)
    sql = by_sql(world, limit_ms)
    mine = {tuple(key): pair for key, pair in sql.leaves.items() if Device(key.site, key.device) in world.plain}
    assert mine == leaves
    mine_gaps = {(g.site, g.device, g.start_ms, g.end_ms) for g in sql.gaps if Device(g.site, g.device) in world.plain}
    assert mine_gaps == gaps


def test_most_random_devices_are_judged_and_every_kind_of_file_is_met() -> None:
    """The property means little where SQL refuses most, or where nothing overlaps."""
    refused = [reason for seed in range(2) for reason in by_sql(world_of(seed), None).refused.values()]
    assert set(refused) == {"power-overlap", "interval-overlap"}
    assert len(refused) < DEVICES
