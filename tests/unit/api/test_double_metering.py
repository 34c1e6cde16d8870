"""A machine with two meters in a workspace: one is in the figures, people are asked, their answer settles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.api import Book, open_workspace
from gxmeter.workspace.init import init_workspace
from tests.support.journals import BMC, JournalMaker, a_head, part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two journals of one machine, one under its short and one under its full name, each a meter of the whole."""
    init_workspace(tmp_path / "w")
    site = next(path.stem for path in sorted((tmp_path / "w" / "sites").glob("*.yaml")))
    for name, host, energy_uj in (("a", "node7", 7_200_000_000), ("b", "node7.cluster", 7_000_000_000)):
        meter = part(0, "node", BMC, host=host, boundary="node")
        maker = JournalMaker(a_head(meter, journal=name, host=host, boot=f"boot-{name}", site=site, run=name))
        for second in range(3):
            maker.second(second, energy_uj)
        maker.end().write(tmp_path / "w" / "telemetry" / "journals" / name)
    return tmp_path / "w"


def declare(folder: Path, **metering: str) -> Book:
    """The workspace with its meters declared."""
    site = next(iter(sorted((folder / "sites").glob("*.yaml"))))
    devices = "".join(
        f"  - {{id: {host}.node, host: {host}, kind: node, name: x, metering: {role}}}\n"
        for host, role in (("node7", metering["short"]), ("node7.cluster", metering["full"]))
    )
    site.write_text(site.read_text("utf-8") + f"devices:\n{devices}", "utf-8")
    return open_workspace(folder)


def told(book: Book) -> dict[str, str]:
    codes = {"host-two-meters", "meter-beside", "boundary-twice", "series-twice"}
    return {item.code: str(item.level) for item in book.account(2026).findings if item.code in codes}


def devices(book: Book) -> set[str]:
    return {row.device_id for row in book.account(2026).year.activity}


def test_check_asks_and_only_one_of_the_two_is_in_the_figures(folder: Path) -> None:
    book = open_workspace(folder)
    assert "host-two-meters" in {item.code for item in book.check()}
    assert told(book) == {"host-two-meters": "must"}
    assert devices(book) == {"node7.cluster.node"}
    assert {row["run_id"] for row in book.account(2026).year.headers} == {"b"}


def test_the_one_declared_beside_is_left_out_and_said(folder: Path) -> None:
    book = declare(folder, short="whole", full="beside")
    assert told(book) == {"meter-beside": "may"}
    assert devices(book) == {"node7.node"}
    assert "meter-beside" in {item.code for item in book.check()}


def test_two_supplies_of_a_machine_both_count(folder: Path) -> None:
    book = declare(folder, short="share", full="share")
    assert told(book) == {}
    assert devices(book) == {"node7.node", "node7.cluster.node"}


def test_a_meter_that_stands_beside_still_covers_its_machine(folder: Path) -> None:
    book = declare(folder, short="whole", full="beside")
    found = book.cover(2026)
    assert [min(device.slots[3], 1) for device in found.cover.devices if device.kind == "node"] == [1, 1]
