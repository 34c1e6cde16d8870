"""Which parts are recorded and which count: grades, coverings, claims, shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims, gpu_key
from gxmeter.meter.roster import Roster
from gxmeter.meter.sensors.base import NODE, Part

METHODS = {"counter": "C1", "power": "C2", "package": "D1", "dram": "D2", "load": "E1", "ram": "E2", "bmc": "B"}


MADE: list[Roster] = []


@pytest.fixture(autouse=True)
def _given_back() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().claims.release_all()


def roster(folder: Path, allocation: Allocation | None = None) -> Roster:
    made = Roster("h", Claims.open(folder), allocation or Allocation())
    made.know(METHODS)
    MADE.append(made)
    return made


def rows(made: Roster) -> list[tuple[str, int | None]]:
    return [(part.device, part.beside) for part in made.components]


def test_the_better_grade_counts_and_the_other_stands_beside_it(tmp_path: Path) -> None:
    made = roster(tmp_path)
    made.admit(0, (Part("gpu0", "gpu", "x", "power", uuid="GPU-1"),))
    made.admit(1, (Part("gpu0", "gpu", "x", "counter", uuid="GPU-1"),))
    assert made.claim()
    made.arrange()
    assert [(made.methods[part.method].method, part.beside) for part in made.components] == [
        ("counter", None),
        ("power", 0),
    ]


def test_a_module_counts_in_the_stead_of_its_processor(tmp_path: Path) -> None:
    made = roster(tmp_path)
    made.admit(0, (Part("cpu0", "cpu", "Grace", "package"), Part("cpu1", "cpu", "Grace", "package")))
    made.admit(1, (Part("gpu0", "gpu", "GH200", "counter", uuid="GPU-1", covers=("cpu*", "ram")),))
    made.claim()
    made.arrange()
    assert rows(made) == [("h.gpu0", None), ("h.cpu0", 0), ("h.cpu1", 0)]


def test_a_machines_own_meter_that_comes_later_turns_its_parts_to_comparison(tmp_path: Path) -> None:
    made = roster(tmp_path)
    made.admit(0, (Part("cpu0", "cpu", "x", "package"), Part("gpu0", "gpu", "y", "counter", uuid="GPU-1")))
    made.claim()
    made.arrange()
    assert rows(made) == [("h.cpu0", None), ("h.gpu0", None)]
    made.admit(1, (Part("node", "node", "BMC", "bmc", boundary=NODE, covers=("*",)),))
    made.claim()
    changes = made.arrange()
    assert [(ended, part.device, part.beside) for ended, part in changes] == [
        (None, "h.node", None),
        (0, "h.cpu0", 2),
        (1, "h.gpu0", 2),
    ]
    assert [part.beside for part in made.components] == [3, 4, None, 2, 2]
    assert made.arrange() == []


def test_what_another_meter_has_is_not_recorded_until_it_is_free(tmp_path: Path) -> None:
    other, mine = Claims.open(tmp_path), roster(tmp_path)
    assert other.claim(gpu_key("GPU-1")) is None
    mine.admit(
        0, (Part("gpu0", "gpu", "x", "counter", uuid="GPU-1"), Part("gpu1", "gpu", "x", "counter", uuid="GPU-2"))
    )
    assert mine.claim()
    mine.arrange()
    assert rows(mine) == [("h.gpu1", None)]
    assert not mine.claim()
    other.release_all()
    assert mine.claim()
    mine.arrange()
    assert rows(mine) == [("h.gpu1", None), ("h.gpu0", None)]


def test_a_share_of_a_processor_is_graded_x_has_its_own_id_and_is_rounded_down(tmp_path: Path) -> None:
    made = roster(tmp_path, Allocation(source="cgroup-v2", cpus=(0, 1, 2), cpus_host=8))
    (entry,) = made.admit(0, (Part("cpu0", "cpu", "x", "package"),))
    made.claim()
    made.arrange()
    (part,) = made.components
    assert made.methods[part.method].method == "package-share"
    assert made.methods[part.method].grade == "X"
    assert part.device.startswith("h.cpu0.s")
    assert entry.portion(1_000) == 375
    assert entry.portion(7) == 2


def test_two_jobs_with_processors_of_their_own_have_different_ids(tmp_path: Path) -> None:
    ids = set()
    for cpus in ((0, 1), (2, 3)):
        made = roster(tmp_path, Allocation(source="cgroup-v2", cpus=cpus, cpus_host=8))
        made.admit(0, (Part("cpu", "cpu", "x", "load"),))
        assert made.claim()
        made.arrange()
        ids |= {part.device for part in made.components}
    assert len(ids) == 2


def test_the_share_of_an_estimate_is_no_better_known_than_the_estimate(tmp_path: Path) -> None:
    made = roster(tmp_path, Allocation(source="cgroup-v2", cpus=(0,), cpus_host=8, memory_bytes=1, memory_host_bytes=2))
    made.admit(0, (Part("cpu", "cpu", "x", "load"), Part("ram", "ram", "y", "ram")))
    made.claim()
    made.arrange()
    assert [(made.methods[part.method].method, made.methods[part.method].grade) for part in made.components] == [
        ("load-share", "E1"),
        ("ram-share", "E2"),
    ]
