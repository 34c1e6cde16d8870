"""Loading: order, places, evidence, links, hostile files, and nothing but findings for any bytes."""

from __future__ import annotations

import os
import random
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.findings import Finding
from gxmeter.core.yaml_text import MAX_BYTES
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.faults import MAX_FAULTS, dotted
from gxmeter.workspace.load import find_factor_files, find_workspace, load_workspace
from gxmeter.workspace.loaded import Place
from gxmeter.workspace.models import OPEN_END, Entity

FILES = [
    "gxmeter.yaml",
    "entities/bank.yaml",
    "sites/east.yaml",
    "runs/first.yaml",
    "meters/bills.yaml",
    "instruments/c1.yaml",
    "roadmap/v1.yaml",
    "factors/own.yaml",
]


def outcome(root: Path) -> list[Finding]:
    """All findings, whether the workspace could be loaded or not."""
    try:
        return run_checks(load_workspace(root))
    except InputError as error:
        return list(error.findings)


def codes(root: Path) -> list[str]:
    return [item.code for item in run_checks(load_workspace(root))]


def test_the_base_is_loaded_whole_and_in_order(base: Path) -> None:
    workspace = load_workspace(base)
    assert [entity.id for entity in workspace.entities] == ["acme", "bank", "mill"]
    assert [site.id for site in workspace.sites] == ["east", "west"]
    assert [run.id for run in workspace.runs] == ["first", "second"]
    assert [reading.id for reading in workspace.meters] == ["b1", "b2"]
    assert [contract.id for contract in workspace.contracts] == ["east-1", "east-2"]
    assert [item.id for item in workspace.instruments] == ["c1", "j1"]
    assert workspace.reporting_entity is workspace.entity("acme")
    assert workspace.config.materiality_pct == 5
    assert workspace.config.illustrative is False
    assert run_checks(workspace) == []


def test_numbers_and_times_are_exact(base: Path) -> None:
    workspace = load_workspace(base)
    run = workspace.run("first")
    site = workspace.site("east")
    assert run is not None
    assert site is not None
    assert run.model.flop == 6 * 10**24
    assert run.declared[0].total_device_hours == Decimal(1344)
    assert run.declared[1].total_device_hours is None
    assert run.declared[1].energy_kwh == Decimal("1200.5")
    assert (instant(run.start_ms or 0), instant(run.end_ms or 0)) == ("2026-04-30T15:00:00Z", "2026-05-08T15:00:00Z")
    assert site.pue[0].value == Decimal("1.20")
    assert instant(site.pue[0].start_ms) == "2026-03-31T15:00:00Z"
    assert instant(site.pue[0].end_ms) == instant(site.pue[1].start_ms) == "2026-09-30T15:00:00Z"
    assert instant(site.pue[1].end_ms) == f"{OPEN_END.isoformat()}T15:00:00Z"
    assert workspace.instruments[0].factor_t_per_kwh == 0
    assert workspace.instruments[1].factor_t_per_kwh is None


def test_places_name_file_and_line(base: Path) -> None:
    workspace = load_workspace(base)
    assert workspace.where("site", "east") == Place("sites/east.yaml", 1)
    assert workspace.where("contract", "east-2") == Place("sites/east.yaml", 13)
    assert workspace.where("part", "first-2") == Place("runs/first.yaml", 12)
    assert workspace.where("reading", "b2") == Place("meters/bills.yaml", 3)
    assert workspace.where("roadmap", "plan/1") == Place("roadmap/v1.yaml", 2)
    assert workspace.where("device", "west/n1.gpu0") is not None
    assert workspace.where("site", "north") is None


def test_roadmaps_are_sorted_by_version_not_by_file_name(base: Path) -> None:
    text = (base / "roadmap/v1.yaml").read_text("utf-8")
    (base / "roadmap/v10.yaml").write_text(text.replace("version: 1", "version: 10"), "utf-8")
    (base / "roadmap/z2.yaml").write_text(text.replace("version: 1", "version: 2"), "utf-8")
    assert [roadmap.version for roadmap in load_workspace(base).roadmaps] == [1, 2, 10]


def test_a_missing_or_broken_config_is_an_error(base: Path) -> None:
    with pytest.raises(InputError, match="gxmeter init"):
        load_workspace(base / "sites")
    (base / "gxmeter.yaml").write_text("schema: gxmeter-workspace/9\nlanguages: [de]\n", "utf-8")
    with pytest.raises(InputError) as caught:
        load_workspace(base)
    assert [item.code for item in caught.value.findings] == [
        "declaration-choice",
        "declaration-key-missing",
        "declaration-choice",
    ]


def test_the_workspace_is_found_from_below_but_a_named_folder_is_taken_at_its_word(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base / "runs")
    assert find_workspace() == base.resolve()
    assert find_workspace(base) == base.resolve()
    with pytest.raises(InputError) as caught:
        find_workspace(base / "runs")
    assert caught.value.code == "workspace-not-found"


def test_no_workspace_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        find_workspace()
    assert caught.value.code == "workspace-not-found"


def test_links_out_of_the_workspace_are_refused(base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("{id: spy, name_ja: 外, name_en: Out, kind: other}\n", "utf-8")
    (base / "entities/spy.yaml").symlink_to(outside)
    (base / "entities/bank2.yaml").symlink_to("bank.yaml")
    (base / "factors").symlink_to(tmp_path)
    found = {(item.code, item.file) for item in run_checks(load_workspace(base))}
    assert ("declaration-outside", "entities/spy.yaml") in found
    assert ("declaration-outside", "factors") in found
    assert ("id-taken-twice", "entities/bank2.yaml") in found  # a link inside is read like a file


def test_links_in_circles_pipes_and_folders_are_findings(base: Path) -> None:
    (base / "entities/loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(base / "entities/pipe.yaml")
    (base / "entities/folder.yaml").mkdir()
    found = {(item.code, item.file) for item in load_workspace(base).findings}
    assert found == {
        ("declaration-unreadable", "entities/loop.yaml"),
        ("declaration-not-a-file", "entities/pipe.yaml"),
        ("declaration-not-a-file", "entities/folder.yaml"),
    }


def test_a_file_where_a_folder_should_be_and_a_pipe_among_the_factors(base: Path) -> None:
    (base / "instruments/c1.yaml").unlink()
    (base / "instruments/j1.yaml").unlink()
    (base / "instruments").rmdir()
    (base / "instruments").write_text("not a folder", "utf-8")
    (base / "factors").mkdir()
    os.mkfifo(base / "factors/pipe.yaml")
    workspace = load_workspace(base)
    assert workspace.factor_files == ()
    assert {(item.code, item.file) for item in workspace.findings} == {
        ("declaration-unreadable", "instruments"),
        ("declaration-not-a-file", "factors/pipe.yaml"),
    }


def test_factor_files_are_found_alone_by_the_rule_of_the_workspace(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "factors/drafts").mkdir(parents=True)
    for name in ("b.yaml", "a.yaml", ".hidden.yaml", "old.yml", "drafts/c.yaml"):
        (base / "factors" / name).write_text("content is not looked at", "utf-8")
    files = load_workspace(base).factor_files
    assert [path.name for path in files] == ["a.yaml", "b.yaml"]
    (base / "gxmeter.yaml").write_text("[", "utf-8")
    assert find_factor_files(base) == files
    monkeypatch.chdir(base / "factors/drafts")
    assert find_factor_files() == files
    monkeypatch.chdir(tmp_path)
    assert find_factor_files() == ()


def test_factor_files_that_may_not_be_read_are_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find_factor_files(tmp_path / "nowhere")
    assert caught.value.code == "workspace-not-found"
    (tmp_path / "outside.yaml").write_text("entries:\n", "utf-8")
    (base / "factors").mkdir(exist_ok=True)
    (base / "factors/spy.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(InputError) as caught:
        find_factor_files(base)
    assert [(item.code, item.file) for item in caught.value.findings] == [("declaration-outside", "factors/spy.yaml")]


def test_a_programme_ends_no_earlier_than_it_begins(base: Path) -> None:
    programme = "programme: {id: p, name_ja: 事業, name_en: P, first_fy: 2030, last_fy: 2026}\n"
    with (base / "gxmeter.yaml").open("a", encoding="utf-8") as file:
        file.write(programme)
    with pytest.raises(InputError) as caught:
        load_workspace(base)
    assert [(item.code, item.row) for item in caught.value.findings] == [("period-reversed", 4)]


def test_periods_of_certificates_and_parts_are_half_open(base: Path) -> None:
    workspace = load_workspace(base)
    certificate = workspace.instruments[0]
    part = workspace.runs[0].declared[0]
    assert certificate.is_certificate
    assert instant(certificate.vintage_start_ms) == "2026-03-31T15:00:00Z"
    assert instant(certificate.vintage_end_ms) == "2026-09-30T15:00:00Z"
    assert (part.start_ms, part.end_ms) == (part.start, part.end)


def test_oversized_and_undecodable_files_are_findings(base: Path) -> None:
    (base / "entities/big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (base / "entities/latin.yaml").write_bytes("id: caf\xe9\n".encode("latin-1"))
    (base / "entities/deep.yaml").write_bytes(b"a: " + b"[" * 50)
    found = {(item.code, item.file) for item in load_workspace(base).findings}
    assert found == {
        ("yaml-too-large", "entities/big.yaml"),
        ("yaml-not-utf8", "entities/latin.yaml"),
        ("yaml-too-deep", "entities/deep.yaml"),
    }


def test_a_file_with_countless_faults_is_told_up_to_a_number(base: Path) -> None:
    lines = "".join(f"k{i}: 1\n" for i in range(MAX_FAULTS + 7))
    (base / "entities/many.yaml").write_text(lines, "utf-8")
    found = load_workspace(base).findings
    assert len(found) == MAX_FAULTS + 1
    assert {item.code for item in found if item.row is None} == {"declaration-more-faults"}


def test_a_close_key_is_suggested(base: Path) -> None:
    (base / "entities/bank.yaml").write_text("{id: bank, name_ja: 銀, nmae_en: Bank, kind: holder}\n", "utf-8")
    unknown = next(item for item in load_workspace(base).findings if item.code == "declaration-key-unknown")
    assert unknown.found == "nmae_en"
    assert (unknown.expected or "").startswith("name_en")


def test_unknown_keys_deep_inside_list_what_is_allowed(base: Path) -> None:
    text = (base / "sites/east.yaml").read_text("utf-8").replace("rated_w: 700", "watts: 700")
    (base / "sites/east.yaml").write_text(text, "utf-8")
    (unknown,) = load_workspace(base).findings
    assert unknown.expected == "id | host | kind | name | rated_w | installed_on | removed_on | off | metering"
    assert "devices[1].watts" in unknown.en


def test_blank_keys_are_left_out(base: Path) -> None:
    text = (
        (base / "entities/bank.yaml")
        .read_text("utf-8")
        .replace("kind: holder", "kind: holder, registered_on: , holdings: ")
    )
    (base / "entities/bank.yaml").write_text(text, "utf-8")
    bank = load_workspace(base).entity("bank")
    assert isinstance(bank, Entity)
    assert bank.registered_on is None
    assert bank.holdings == ()


def test_evidence_is_a_file_inside_or_a_reference(base: Path, tmp_path: Path) -> None:
    (base / "evidence").mkdir()
    (base / "evidence/bill.txt").write_bytes(b"bill")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (base / "evidence/link.txt").symlink_to(tmp_path / "secret.txt")
    workspace = load_workspace(base)
    found = workspace.evidence("evidence/bill.txt")
    assert found is not None
    assert (found.path, found.bytes, found.sha256) == ("evidence/bill.txt", 4, sha256_bytes(b"bill"))
    for text in (
        "",
        "bill no. 4",
        "../secret.txt",
        "evidence/link.txt",
        "evidence",
        str(base / "evidence/bill.txt"),
        "a\0b",
        "x" * 5000,
    ):
        assert workspace.evidence(text) is None


def test_order_does_not_depend_on_the_disk(base: Path) -> None:
    names = [f"r{i:02d}" for i in range(30)]
    shuffled = names[:]
    random.Random(1).shuffle(shuffled)
    for name in shuffled:
        text = (
            f"{{id: {name}, title_ja: 題, title_en: T, frame: none, stage: demo, source: measured, status: running}}\n"
        )
        (base / f"runs/{name}.yaml").write_text(text, "utf-8")
    first = run_checks(load_workspace(base))
    assert first == run_checks(load_workspace(base))
    assert [item.file for item in first if item.code == "run-site-missing"] == [f"runs/{name}.yaml" for name in names]


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_as_any_file_are_findings_never_a_crash(base: Path, name: str, data: bytes) -> None:
    (base / name).parent.mkdir(exist_ok=True)
    (base / name).write_bytes(data)
    findings = outcome(base)
    assert findings or name != "gxmeter.yaml"


@pytest.mark.parametrize("name", FILES[:-1])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_declaration_is_findings_never_a_crash(base: Path, name: str, data: st.DataObject) -> None:
    original = (Path(__file__).parent / "cases/_base" / name).read_bytes()
    at = data.draw(st.integers(0, len(original)))
    cut = data.draw(st.integers(0, 12))
    put = data.draw(
        st.sampled_from([b"", b"-", b": ", b"[", b"{", b"'", b"\n", b"9" * 20, b"1e9", "あ".encode(), b"\xff", b"~"])
    )
    (base / name).write_bytes(original[:at] + put + original[at + cut :])
    for item in outcome(base):
        assert item.ja
        assert item.en


def test_a_thousand_runs_load_in_a_few_seconds(base: Path) -> None:
    text = (base / "runs/first.yaml").read_text("utf-8")
    for i in range(1000):
        (base / f"runs/r{i:04d}.yaml").write_text(text.replace("first", f"r{i:04d}"), "utf-8")
    began = time.monotonic()
    assert codes(base) == []
    assert time.monotonic() - began < 20  # seconds; about two on an idle core


def test_a_folder_that_may_not_be_looked_into_is_no_workspace(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(InputError) as caught:
        find_workspace(base)
    assert caught.value.code == "workspace-not-found"


def test_paths_in_messages_count_items_from_one() -> None:
    assert dotted(("declared", 0, "power_w")) == "declared[1].power_w"
    assert dotted(()) == ""
