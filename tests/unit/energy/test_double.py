"""Double counting that the leaves show: wholes beside parts, two meters of one machine, one series under two ids."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS
from gxmeter.core.findings import Finding
from gxmeter.energy.double import double_findings, settled
from gxmeter.energy.double_hosts import host_of
from gxmeter.energy.double_meters import counted
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import Device, EnergyResult, Leaf, LeafKey, Source, SourceFacts
from gxmeter.energy.summary import half_uj_by_boundary
from gxmeter.telemetry.model import DeviceInfo
from tests.support.parquet import write_power

SITE = "tokyo"
KWH = 7_200_000_000_000


class World:
    """A result made leaf by leaf; every device comes from a source of its own unless it is said otherwise."""

    def __init__(self) -> None:
        self.result = EnergyResult()

    def device(
        self,
        name: str,
        energies: Iterable[int],
        *,
        host: str = "n1",
        boundary: str = "node",
        method: str = "pdu",
        grade: str = "A",
        first: int = 0,
        run: str = "r",
        source: str = "",
        covered_ms: int = SLOT_MS,
        site: str = SITE,
    ) -> World:
        index = self._source(source or f"{name}.csv", first, len(list(energies := list(energies))))
        self.result.devices[site, name] = DeviceInfo(name, site, host, "k", name, boundary, method, grade)
        self.result.source_of.setdefault((run, site, name), set()).add(index)
        for i, half_uj in enumerate(energies):
            self.result.leaves[LeafKey(first + i, run, site, name)] = Leaf(half_uj, covered_ms)
        return self

    def _source(self, name: str, first: int, slots: int) -> int:
        names = [known for known, _ in self.result.sources]
        start, end = first * SLOT_MS, (first + slots) * SLOT_MS
        if name in names:
            index = names.index(name)
            known = self.result.facts[index]
            start, end = min(start, known.first_ms or start), max(end, known.last_ms or end)
            self.result.facts[index] = SourceFacts(start, end, 1, None, ())
            return index
        self.result.sources.append((name, "0" * 64))
        self.result.facts.append(SourceFacts(start, end, 1, None, ()))
        return len(names)

    def found(self, metering: dict[Device, str] | None = None) -> list[Finding]:
        return double_findings(self.result, metering)

    def codes(self, metering: dict[Device, str] | None = None) -> list[str]:
        """The codes of what is found; in a workspace, which declares nothing unless it is said."""
        metering = {} if metering is None else metering
        return [item.code for item in self.found(metering)]


def gpus(world: World, *, host: str = "n1", source: str = "gpus.csv", **more: object) -> World:
    for number in range(2):
        energies = [100 + number, 110 + 2 * number, 130 + number]
        world.device(
            f"n1.gpu{number}", energies, host=host, boundary="device", method="dcgm", grade="C1", source=source, **more
        )  # type: ignore[arg-type]
    return world


@pytest.mark.parametrize("host", ["n1", "N1", "n1.cluster.example", "n1:9400"])
def test_a_node_meter_and_components_of_one_host_are_told_however_the_host_is_spelt(host: str) -> None:
    (item,) = gpus(World().device("bmc", [500, 510, 520], host="n1"), host=host).found()
    assert (item.code, item.level, item.file) == ("boundary-twice", "must", "gpus.csv")


@pytest.mark.parametrize("host", ["n2", "n1.other"])
def test_another_machine_is_another_machine(host: str) -> None:
    world = World().device("bmc", [500, 510, 520], host="n1.cluster")
    assert gpus(world, host=host).codes() == []


def test_one_file_that_holds_the_whole_and_its_parts_is_told() -> None:
    world = World().device("bmc", [500, 510, 520], source="all.parquet")
    assert gpus(world, source="all.parquet").codes() == ["boundary-twice"]


def test_parts_first_and_then_the_whole_in_one_file_are_not_told() -> None:
    world = World().device("bmc", [500, 510, 520], source="all.parquet")
    assert gpus(world, source="all.parquet", first=3).codes() == []


def test_components_without_a_run_are_in_no_figure_and_so_not_counted_twice() -> None:
    assert gpus(World().device("bmc", [500, 510, 520]), run="").codes() == []


def test_a_short_name_meets_the_one_full_name_that_begins_with_it() -> None:
    def devices(*hosts: str) -> dict[tuple[str, str], DeviceInfo]:
        return {(SITE, host): DeviceInfo(host, SITE, host, "k", "x", "node", "m", "A") for host in hosts}

    assert host_of(devices("n1", "n1.a"))[Device(SITE, "n1")] == "n1.a"
    assert host_of(devices("n1", "n1.a", "n1.b"))[Device(SITE, "n1")] == "n1"
    assert host_of(devices("10.0.0.1", "10.0.0.2"))[Device(SITE, "10.0.0.1")] == "10.0.0.1"
    assert host_of(devices("")) == {}


def two_meters() -> World:
    return World().device("pdu-7", [1000, 1100, 1200]).device("n1.bmc", [990, 1090, 1190], method="bmc", grade="B")


def test_of_two_meters_of_one_machine_the_better_counts_and_the_other_is_named() -> None:
    world = two_meters()
    left, (item,) = settled(world.result)
    assert (item.code, item.level, item.file) == ("host-two-meters", "must", "n1.bmc.csv")
    assert "pdu-7 (pdu) counts" in item.en
    assert {key.device for key in left.leaves} == {"pdu-7"}
    assert left.source_of.keys() == {("r", SITE, "pdu-7")}
    assert half_uj_by_boundary(world.result) == {"node": 3300}


def test_where_the_better_meter_is_silent_the_other_counts() -> None:
    world = World().device("pdu-7", [1000, 1100]).device("n1.bmc", [990, 1090, 1190], method="bmc", grade="B")
    left, _ = settled(world.result)
    assert half_uj_by_boundary(left) == {"node": 1000 + 1100 + 1190}


def test_meters_that_take_turns_both_count() -> None:
    world = World().device("pdu-7", [1000, 1100]).device("n1.bmc", [990, 1090], method="bmc", grade="B", first=2)
    assert world.codes() == []
    assert half_uj_by_boundary(world.result) == {"node": 4180}


def test_two_supplies_of_one_machine_add_up_once_they_are_declared_so() -> None:
    world = World().device("out-a", [500, 510, 530]).device("out-b", [505, 515, 525])
    shares = {Device(SITE, name): "share" for name in ("out-a", "out-b")}
    assert world.codes() == ["host-two-meters"]
    assert world.codes(shares) == []
    assert sum(leaf.half_uj for leaf in settled(world.result, shares)[0].leaves.values()) == 3085


def test_shares_together_stand_against_a_meter_of_the_whole() -> None:
    world = World().device("out-a", [500, 510, 530], grade="B").device("out-b", [505, 515, 525], grade="B")
    world.device("meter", [1000, 1020, 1050])
    shares = {Device(SITE, name): "share" for name in ("out-a", "out-b")}
    left, (item,) = settled(world.result, shares)
    assert item.code == "host-two-meters"
    assert "out-a + out-b" in item.en
    assert {key.device for key in left.leaves} == {"meter"}


def test_a_meter_declared_beside_never_counts_and_is_a_remark() -> None:
    world = two_meters()
    left, (item,) = settled(world.result, {Device(SITE, "pdu-7"): "beside"})
    assert (item.code, item.level) == ("meter-beside", "may")
    assert {key.device for key in left.leaves} == {"n1.bmc"}


def test_components_beside_a_node_meter_are_settled_by_declaring_them() -> None:
    world = gpus(World().device("bmc", [500, 510, 520]))
    beside = {Device(SITE, f"n1.gpu{number}"): "beside" for number in range(2)}
    assert world.codes(beside) == ["meter-beside"]


def test_the_dc_side_is_left_out_whatever_its_grade() -> None:
    world = World().device("n1.ac", [1000, 1100, 1200], method="mlperf-ac", grade="B")
    world.device("n1.dc", [950, 1040, 1150], method="mlperf-dc", grade="A")
    (item,) = world.found()
    assert (item.code, item.level) == ("ac-and-dc-side", "may")
    assert half_uj_by_boundary(world.result) == {"node": 3300}


def test_a_thousand_machines_metered_twice_in_one_way_are_one_finding() -> None:
    world = World()
    for number in range(12):
        world.device(f"pdu-{number}", [1000 + number] * 2, host=f"n{number}")
        world.device(f"bmc-{number}", [990 + number] * 2, host=f"n{number}", method="bmc", grade="B")
    (item,) = world.found()
    assert "12 in all" in item.en
    assert "..." in item.en


def test_one_series_under_two_ids_is_told() -> None:
    world = World().device("a", [10, 20, 30, 20], host="n1").device("b", [10, 20, 30, 20], host="n2")
    (item,) = world.found({})
    assert (item.code, item.level, item.file) == ("series-twice", "must", "b.csv")
    assert "tokyo/a = tokyo/b" in item.en


def test_files_alone_cannot_tell_a_copy_from_a_reading_shared_out_and_a_workspace_can_say_it() -> None:
    world = World().device("a", [10, 20, 30, 20], host="n1").device("b", [10, 20, 30, 20], host="n2")
    (item,) = world.found()
    assert (item.code, item.level) == ("series-equal", "should")
    assert world.codes({Device(SITE, "a"): "share"}) == ["series-twice"]
    assert world.codes({Device(SITE, name): "share" for name in "ab"}) == []


def test_it_is_told_across_sites_and_where_a_copy_is_shorter_or_cut_within_a_half_hour() -> None:
    world = World().device("a", [10, 20, 30, 20, 40], host="n1").device("b", [20, 30, 20], first=1, site="osaka")
    world.device("b", [7], first=4, site="osaka", covered_ms=SLOT_MS // 3)
    assert world.codes() == ["series-twice"]


@pytest.mark.parametrize(
    "other",
    [[10, 20, 30, 21], [10, 20, 31, 40], [40, 30, 20, 10]],
    ids=["one half-hour differs", "two differ", "another order"],
)
def test_series_that_differ_where_both_cover_are_two_series(other: list[int]) -> None:
    assert World().device("a", [10, 20, 30, 20], host="n1").device("b", other, host="n2").codes() == []


@pytest.mark.parametrize(
    "energies",
    [[10] * 100, [0] * 100, [10, 20]],
    ids=["constant", "none", "too short"],
)
def test_what_many_have_says_nothing(energies: list[int]) -> None:
    assert World().device("a", energies, host="n1").device("b", energies, host="n2").codes() == []


def test_a_model_gives_one_answer_to_many_devices() -> None:
    world = World().device("a", [10, 20, 30], host="n1", grade="E1").device("b", [10, 20, 30], host="n2", grade="E1")
    assert world.codes() == []


def test_coarse_readings_agree_by_chance_for_less_than_a_day() -> None:
    coarse = [KWH // 10 * (i % 5) for i in range(48)]
    short = World().device("a", coarse[:47], host="n1").device("b", coarse[:47], host="n2")
    zeros_count_as_agreement = World().device("a", coarse, host="n1").device("b", coarse, host="n2")
    assert short.codes() == []
    assert zeros_count_as_agreement.codes() == ["series-twice"]


def test_partitions_of_one_gpu_that_all_tell_its_power_are_one_finding() -> None:
    world = World()
    for number in range(7):
        world.device(f"gpu0.mig{number}", [10, 20, 30], boundary="device", source="dcgm.json")
    (item,) = world.found()
    assert "6 pairs" in item.en


@given(
    energies=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=6),
    grades=st.tuples(*[st.sampled_from(["A", "B", "C1"])] * 3),
)
def test_of_all_meters_of_a_machine_one_counts_in_every_half_hour(
    energies: list[tuple[int, int, int]], grades: tuple[str, ...]
) -> None:
    world = World()
    for number, grade in enumerate(grades):
        world.device(f"m{number}", [row[number] for row in energies], grade=grade)
    best = min(range(3), key=lambda number: (grades[number], number))
    left = {key for key in world.result.leaves if key not in counted(world.result).beside}
    assert left == {LeafKey(slot, "r", SITE, f"m{best}") for slot in range(len(energies))}


def test_one_series_in_two_files_under_two_runs_is_refused_and_named(tmp_path: Path) -> None:
    files = [
        write_power(
            tmp_path / f"{run}.parquet", start_ms=1_000_000 * SLOT_MS, seconds=60, columns={"run": run, "site": SITE}
        )
        for run in ("a", "b")
    ]
    result = integrate([Source(path, "parquet", name=path.name) for path in files])
    assert [item.code for item in result.findings] == ["files-overlap"]
    assert {key.run for key in result.leaves} == {"a"}
