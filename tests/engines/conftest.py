"""Telemetry that every engine is given: formats mixed, overlaps, gaps across files, records that cannot be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from tests.support.journals import BMC, GPU, NS_PER_S, JournalMaker, a_head, part
from tests.unit.energy.test_engine_local import rows_of, write
from tests.unit.energy.test_kernel import at

LONG_S = 9_000
"""How long each of the longer journals is [s]: a third of a second of reading."""


@dataclass
class Fleet:
    """Files and what the local engine makes of them."""

    sources: list[Source]
    local: EnergyResult


@dataclass
class Struck:
    """A callback of progress that strikes once, when the first file is done and others are being read."""

    strike: Callable[[], object]
    seen: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        self.seen.append((done_bytes, total_bytes))
        if len(self.seen) == 1:
            self.strike()


def journal(folder: Path, name: str, seconds: int, **head: object) -> Path:
    """A journal of a machine that has the journal's name."""
    parts = (part(0, "gpu0", GPU, host=name), part(1, "bmc", BMC, host=name))
    maker = JournalMaker(a_head(*parts, journal=name, host=name, boot=f"boot-{name}", **head))
    for second in range(seconds):
        maker.second(second, 300_000_000 + second, 500_000_000)
    return maker.end(at_ns=seconds * NS_PER_S).write(folder / name)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    folder = tmp_path_factory.mktemp("fleet")
    rows = rows_of(0, 599) + rows_of(0, 599, "g1")
    paths = [
        write(folder / "a.parquet", [row for row in rows if row.ts_ms <= rows[300].ts_ms]),
        write(folder / "rotated.parquet", [row for row in rows if row.ts_ms >= rows[200].ts_ms]),
        write(folder / "later.parquet", rows_of(2_700, 2_900)),  # a gap across files, and over the end of a slot
        write(folder / "slow.parquet", [at(s, 5, device="g2") for s in range(0, 4_000, 40) if s != 400]),
        write(folder / "faulty.parquet", [at(0, -5, device="g3"), at(1, 5, device="g3"), at(2, 5, device="g3")]),
        write(folder / "differs.parquet", [at(s, 1, device="g1") for s in range(100)]),
        write(folder / "empty.parquet", []),
        write(folder / "mixed-up.parquet", [at(s, s, device="g4") for s in (*range(500, 999), *range(500))], group=100),
    ]
    sources = [Source(path, "parquet", name=path.name) for path in paths]
    whole = journal(folder, "j1", 90)
    copy = shutil.copytree(whole, folder / "j1-copy")
    cut = journal(folder, "j2", 90, run="tune") / "0000.gxj"
    cut.write_bytes(cut.read_bytes()[:-300])
    sources += [Source(path, "gxmeter", name=path.name) for path in (whole, copy, cut.parent)]
    return Fleet(sources, integrate(sources))


@pytest.fixture(scope="session")
def long_fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Six journals that each take a while to read, so that a worker can be struck in the middle of one."""
    folder = tmp_path_factory.mktemp("long")
    sources = [Source(journal(folder, f"l{i}", LONG_S), "gxmeter", name=f"l{i}") for i in range(6)]
    return Fleet(sources, integrate(sources))


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """A good file among some that cannot be read."""
    folder = tmp_path_factory.mktemp("broken")
    write(folder / "b.parquet", rows_of(0, 9))
    for name in ("a.parquet", "z.parquet"):
        (folder / name).write_text("no parquet")
    return [Source(folder / f"{name}.parquet", "parquet", name=name) for name in ("z", "b", "gone", "a")]
