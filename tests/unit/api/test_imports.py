"""Telemetry of other tools becomes part of a workspace whole, as received, once, and only while it is what it was."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gxmeter.api import open_workspace
from gxmeter.api.import_files import Wish
from gxmeter.api.imports import Imported, import_telemetry
from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.core.clock import FixedClock
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_file
from gxmeter.core.findings import Finding
from gxmeter.ledger.telemetry import telemetry_of
from gxmeter.telemetry.jobs import jobs_file
from gxmeter.telemetry.options import ReadOptions
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace
from tests.support.journals import write_journal
from tests.support.parquet import write_power
from tests.support.reader_cases import SAMPLES

SITE = "our-site"
START = jst_midnight_ms(date(2026, 5, 1))
CLOCK = FixedClock(jst_midnight_ms(date(2026, 8, 1)) + 123)
PARQUET = Wish("parquet", run="r1", site=SITE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture
def received(tmp_path: Path) -> Path:
    return write_power(tmp_path / "from the cluster" / "node 7.parquet", start_ms=START)


def imports(root: Path, *paths: object, wish: Wish = PARQUET) -> Imported:
    return import_telemetry(load_workspace(root), [str(path) for path in paths], wish, clock=CLOCK)


def refused(root: Path, *paths: object, wish: Wish = PARQUET) -> list[Finding]:
    """The faults for which an import is refused; the workspace is as it was before."""
    before = tree(root)
    with pytest.raises(InputError) as caught:
        imports(root, *paths, wish=wish)
    assert tree(root) == before
    return list(caught.value.findings)


def codes(findings: Any) -> list[str]:
    return [item.code for item in findings]


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


def joules(root: Path) -> Decimal:
    """The energy of all telemetry of a workspace [J]."""
    energy = open_workspace(root)._integrated(None)
    return Decimal(sum(leaf.half_uj for leaf in energy.leaves.values())) / 2_000_000


def test_a_file_is_kept_byte_for_byte_with_what_was_declared_of_it(root: Path, received: Path) -> None:
    done = imports(root, received)
    (answer,) = done.answers
    assert answer["id"] == f"node-7-parquet-{sha256_file(received)[:8]}"
    place = root / answer["place"]
    assert (place / "received" / "node 7.parquet").read_bytes() == received.read_bytes()
    (document,) = load_workspace(root).import_documents
    assert document.file == f"telemetry/imported/{answer['id']}/import.yaml"
    told = document.model
    assert (told.format, told.run, told.site, told.received_as) == ("parquet", "r1", SITE, "node 7.parquet")
    assert [(file.path, file.bytes, file.sha256) for file in told.files] == [
        ("node 7.parquet", received.stat().st_size, sha256_file(received))
    ]
    assert (told.imported_at, told.start, told.end) == (CLOCK.ms - 123, START, START + 10_000)
    assert (told.records, told.devices) == (11, 1)
    assert done.to_json()["imported"][0]["files"][0]["sha256"] == sha256_file(received)
    assert codes(done.findings) == ["import-run-unknown"]
    assert codes(run_checks(load_workspace(root))) == []
    assert joules(root) == 1000


def test_nothing_hidden_stays_and_a_new_folder_is_like_any_other(root: Path, received: Path) -> None:
    imports(root, received)
    home = root / "telemetry" / "imported"
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []
    assert {oct(path.stat().st_mode & 0o777) for path in home.rglob("*.*") if path.is_file()} == {"0o644"}


def test_the_same_bytes_are_refused_under_any_name_and_twice_in_one_command(
    root: Path, received: Path, tmp_path: Path
) -> None:
    copy = shutil.copy(received, tmp_path / "other.parquet")
    assert codes(refused(root, received, copy)) == ["import-known"]
    imports(root, received)
    (item,) = refused(root, copy)
    assert item.code == "import-known"
    assert "received/node 7.parquet" in item.en


def test_all_faults_of_all_paths_come_at_once_and_then_nothing_is_imported(
    root: Path, received: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "b.parquet").write_bytes(b"")
    found = refused(root, tmp_path / "a.parquet", received, tmp_path / "b.parquet")
    assert codes(found) == ["parquet-unreadable", "parquet-unreadable"]
    assert codes(refused(root, tmp_path / "none", tmp_path / "gone")) == ["source-unreadable", "source-unreadable"]


def test_a_wish_that_cannot_be_is_refused_before_any_file_is_looked_at(root: Path) -> None:
    wish = Wish("parquet", run="a b", site="../x", options=ReadOptions(host="h"), as_reading="guess")
    assert codes(refused(root, "none", wish=wish)) == [
        "import-id",
        "import-id",
        "import-as-reading",
        "option-not-heeded",
    ]
    for wrong in (
        Wish("parquet", run="r", site=SITE, as_reading="bill"),
        Wish("parquet", site=SITE, as_reading="bill", link=True),
        Wish("parquet", as_reading="meter"),
    ):
        assert codes(refused(root, "none", wish=wrong)) == ["import-reading-one-file"]


def test_a_folder_is_one_import_with_the_paths_that_it_had(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    write_power(folder / "a" / "1.parquet", start_ms=START)
    write_power(folder / "b" / "1.parquet", start_ms=START, device="gpu1")
    (folder / "a" / "notes.txt").write_text("not read")
    (folder / ".hidden.parquet").write_text("not read")
    (answer,) = imports(root, folder).answers
    assert [file["path"] for file in answer["files"]] == ["fleet/a/1.parquet", "fleet/b/1.parquet"]
    kept = root / answer["place"] / "received"
    names = sorted(path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file())
    assert names == ["fleet/a/1.parquet", "fleet/b/1.parquet"]
    assert joules(root) == 2000
    assert codes(refused(root, folder / "a" / "1.parquet")) == ["import-known"]


def test_several_imports_of_one_device_are_one_record_of_it(root: Path, tmp_path: Path) -> None:
    first = write_power(tmp_path / "may" / "log.parquet", start_ms=START)
    second = write_power(tmp_path / "june" / "log.parquet", start_ms=START + 20_000)
    assert len(imports(root, first, second).answers) == 2
    assert joules(root) == 1000 + 1000 + 1000  # the ten seconds between them are shorter than a gap


def test_samples_without_a_site_are_refused_and_unknown_names_are_told(root: Path, received: Path) -> None:
    assert codes(refused(root, received, wish=Wish("parquet", run="r1"))) == ["import-site-missing"]
    done = imports(root, received, wish=Wish("parquet", run="r1", site="elsewhere"))
    assert codes(done.findings) == ["import-run-unknown", "import-site-unknown"]
    assert codes(run_checks(load_workspace(root))) == ["reference-unknown"]


def test_fleet_telemetry_needs_no_run(root: Path, received: Path) -> None:
    done = imports(root, received, wish=Wish("parquet", site=SITE))
    assert codes(done.findings) == []
    assert "run" not in done.answers[0]
    assert telemetry_of(load_workspace(root)).sources[0].run == ""


def test_what_was_declared_is_used_whenever_the_import_is_read(root: Path, received: Path) -> None:
    options = ReadOptions(boundary="node", grade="B")
    imports(root, received, wish=Wish("parquet", "r1", SITE, options))
    energy = open_workspace(root)._integrated(None)
    assert [(info.boundary, info.grade) for info in energy.devices.values()] == [("node", "B")]
    assert codes(energy.findings) == ["grade-raised"]
    assert energy.findings[0].file.endswith("received/node 7.parquet")


def test_a_file_without_a_sample_is_refused(root: Path, tmp_path: Path) -> None:
    empty = write_power(tmp_path / "empty.parquet", start_ms=START, seconds=-1)
    assert codes(refused(root, empty)) == ["import-empty"]


@pytest.mark.parametrize("name", ["=cmd.parquet", "a\nb.parquet", "-x.parquet"])
def test_a_name_that_no_table_may_hold_is_refused(root: Path, received: Path, name: str) -> None:
    bad = received.with_name(name)
    received.rename(bad)
    assert codes(refused(root, bad)) == ["import-name"]


def test_an_import_that_is_stopped_leaves_nothing(root: Path, received: Path) -> None:
    def stop(done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    before = tree(root)
    with pytest.raises(KeyboardInterrupt):
        import_telemetry(load_workspace(root), [str(received)], PARQUET, clock=CLOCK, progress=stop)
    assert tree(root) == before


def test_progress_counts_copying_and_reading(root: Path, received: Path) -> None:
    seen: list[tuple[int, int]] = []
    import_telemetry(
        load_workspace(root), [str(received)], PARQUET, clock=CLOCK, progress=lambda *told: seen.append(told)
    )
    assert seen[-1] == (2 * received.stat().st_size,) * 2
    assert seen == sorted(seen)


# ---------------------------------------------------------------- while it is what it was


def _edit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (_edit, "import-changed"),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), "import-changed"),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), "import-changed"),
        (Path.unlink, "import-missing"),
    ],
    ids=["changed", "longer", "no longer of its format", "gone"],
)
@pytest.mark.parametrize("link", [False, True], ids=["kept", "linked"])
def test_a_file_that_is_no_longer_what_it_was_is_named_and_not_used(
    root: Path, received: Path, tmp_path: Path, harm: Any, code: str, link: bool
) -> None:
    other = write_power(tmp_path / "other.parquet", start_ms=START, watts=5, device="gpu9")
    imports(root, other)
    (answer,) = imports(root, received, wish=Wish("parquet", "r1", SITE, link=link)).answers
    assert joules(root) == 1050
    harm(received if link else root / answer["place"] / "received" / received.name)
    energy = open_workspace(root)._integrated(None)
    assert [(f.code, str(f.level)) for f in energy.findings if f.code.startswith("import-")] == [(code, "must")]
    assert {key.device for key in energy.leaves} == {"gpu9"}
    assert code in codes(open_workspace(root).check())


def test_another_record_that_cannot_be_read_is_no_fault_of_an_import(root: Path, received: Path) -> None:
    imports(root, received)
    (root / "telemetry" / "journals" / "j").mkdir(parents=True)
    (root / "telemetry" / "journals" / "j" / "0000.gxj").write_text("no journal")
    with pytest.raises(InputError) as caught:
        open_workspace(root)._integrated(None)
    assert caught.value.code == "journal-not-a-journal"


def test_a_link_copies_nothing_and_says_where_the_data_are(root: Path, received: Path) -> None:
    (answer,) = imports(root, received, wish=Wish("parquet", "r1", SITE, link=True)).answers
    assert [path.name for path in (root / answer["place"]).iterdir()] == ["import.yaml"]
    (document,) = load_workspace(root).import_documents
    assert document.model.location == str(received)
    assert list(load_workspace(root).imported) == [f"{answer['place']}/linked/node 7.parquet"]
    assert [(file.path, file.sha256) for file in document.model.files] == [(".", sha256_file(received))]
    assert codes(run_checks(load_workspace(root))) == []
    assert codes(refused(root, received)) == ["import-known-otherwise"]


def test_a_linked_folder_names_its_files_and_reads_no_more_than_those(root: Path, tmp_path: Path) -> None:
    write_power(tmp_path / "data" / "a" / "1.parquet", start_ms=START)
    imports(root, tmp_path / "data", wish=Wish("parquet", "r1", SITE, link=True))
    write_power(tmp_path / "data" / "a" / "2.parquet", start_ms=START, device="gpu5")
    assert joules(root) == 1000
    (source,) = telemetry_of(load_workspace(root)).sources
    assert source.label.endswith("/linked/a/1.parquet")


def test_an_import_that_leads_out_of_the_workspace_is_refused(root: Path, received: Path) -> None:
    (answer,) = imports(root, received).answers
    kept = root / answer["place"] / "received" / received.name
    kept.unlink()
    kept.symlink_to(received)
    with pytest.raises(InputError) as caught:
        telemetry_of(load_workspace(root))
    assert caught.value.code == "telemetry-outside"


def test_an_import_of_an_unknown_format_or_with_an_option_it_does_not_heed_is_named(root: Path, received: Path) -> None:
    (answer,) = imports(root, received).answers
    record = root / answer["place"] / "import.yaml"
    text = record.read_text("utf-8")
    record.write_text(text.replace("format: parquet", "format: nothing"), "utf-8")
    (item,) = telemetry_of(load_workspace(root)).findings
    assert (item.code, item.file) == ("format-unknown", f"{answer['place']}/import.yaml")
    record.write_text(text + "options:\n  host: h\n", "utf-8")
    assert codes(telemetry_of(load_workspace(root)).findings) == ["option-not-heeded"]


# ---------------------------------------------------------------- fleet telemetry and its runs


def test_a_table_of_jobs_is_kept_with_what_it_was_declared_for(root: Path, received: Path, tmp_path: Path) -> None:
    table = tmp_path / "who ran.csv"
    table.write_text(
        "device,start,end,run\ngpu0,2026-05-01T00:00:00+09:00,2026-05-01T00:00:04+09:00,a\n"
        "gpu0,2026-05-01T00:00:04+09:00,2026-05-01T00:00:08+09:00,b\n"
    )
    wish = Wish("parquet", site=SITE, options=ReadOptions(jobs=jobs_file(table)))
    done = imports(root, received, wish=wish)
    (item,) = done.findings
    assert (item.code, dict(item.params)["count"], item.found) == ("import-run-unknown", "2", "a, b")
    table.unlink()
    energy = open_workspace(root)._integrated(None)
    by_run: dict[str, int] = {}
    for key, leaf in energy.leaves.items():
        by_run[key.run] = by_run.get(key.run, 0) + leaf.half_uj // 2_000_000
    assert by_run == {"a": 400, "b": 400, "": 200}
    assert codes(run_checks(load_workspace(root))) == []
    kept = root / done.answers[0]["place"] / "jobs" / "who-ran.csv"
    kept.write_text(kept.read_text().replace(",b", ",a"))
    changed = open_workspace(root)._integrated(None)
    assert (codes(changed.findings), changed.leaves) == (["import-changed"], {})


def test_other_options_or_another_table_of_jobs_say_which_folder_to_remove_first(
    root: Path, received: Path, tmp_path: Path
) -> None:
    table = tmp_path / "jobs.csv"
    table.write_text("device,start,end,run\ngpu0,2026-05-01T00:00:00+09:00,2026-05-01T00:00:04+09:00,a\n")
    first = Wish("parquet", site=SITE, options=ReadOptions(jobs=jobs_file(table)))
    (answer,) = imports(root, received, wish=first).answers
    assert codes(refused(root, received, wish=first)) == ["import-known"]
    table.write_text(table.read_text() + "gpu0,2026-05-01T00:00:04+09:00,2026-05-01T00:00:08+09:00,b\n")
    newer = Wish("parquet", site=SITE, options=ReadOptions(jobs=jobs_file(table)))
    (item,) = refused(root, received, wish=newer)
    assert (item.code, item.found, dict(item.params)["place"]) == ("import-known-otherwise", "--jobs", answer["place"])
    options = ReadOptions(time_zone="UTC", jobs=jobs_file(table))
    (item,) = refused(root, received, wish=Wish("parquet", "r1", SITE, options, link=True))
    assert item.found == "--run, --link, --time-zone, --jobs"
    shutil.rmtree(root / answer["place"])
    assert [item["id"] for item in imports(root, received, wish=newer).answers] == [answer["id"]]


def test_what_is_written_down_can_be_read_again_or_is_refused(root: Path, tmp_path: Path) -> None:
    bill = shutil.copy(SAMPLES / "meter-csv" / "bill.csv", tmp_path / "bill.csv")
    columns = (("meter", "=1+1"),)
    wish = Wish("meter-csv", site=SITE, options=ReadOptions(boundary="it", columns=columns))
    assert codes(refused(root, bill, wish=wish)) == ["declaration-text-formula"]


# ---------------------------------------------------------------- journals


def test_a_journal_goes_among_the_journals_under_its_own_name(root: Path, tmp_path: Path) -> None:
    journal = write_journal(tmp_path / "node7", run="r1", site=SITE, start_ms=START)
    (answer,) = imports(root, tmp_path / "node7", wish=Wish("gxmeter")).answers
    assert answer["place"].startswith("telemetry/journals/")
    assert (root / answer["place"] / "0000.gxj").read_bytes() == (journal / "0000.gxj").read_bytes()
    assert codes(refused(root, journal, wish=Wish("gxmeter"))) == ["import-known"]
    with (journal / "0000.gxj").open("ab") as file:
        file.write(b"more")
    assert codes(refused(root, journal, wish=Wish("gxmeter"))) == ["import-journal-other"]


def test_one_segment_becomes_the_folder_of_its_journal(root: Path, tmp_path: Path) -> None:
    journal = write_journal(tmp_path / "node7", run="r1", site=SITE, start_ms=START)
    loose = shutil.copy(journal / "0000.gxj", tmp_path / "0000.gxj")
    (answer,) = imports(root, loose, wish=Wish("gxmeter")).answers
    assert [path.name for path in (root / answer["place"]).iterdir()] == ["0000.gxj"]
    assert Path(answer["place"]).parent.as_posix() == "telemetry/journals"


def test_a_journal_that_names_no_site_is_kept_with_the_one_that_was_declared(root: Path, tmp_path: Path) -> None:
    write_journal(tmp_path / "node7", run="r1", site="unknown", start_ms=START)
    (answer,) = imports(root, tmp_path / "node7", wish=Wish("gxmeter", site=SITE)).answers
    assert answer["place"].startswith("telemetry/imported/")
    energy = open_workspace(root)._integrated(None)
    assert {key.site for key in energy.leaves} == {SITE}
    assert codes(run_checks(load_workspace(root))) == []


# ---------------------------------------------------------------- facility metering


def facility(path: Path, **more: Any) -> Path:
    """A facility that draws 1 MW from 30 April 12:00 JST to 2 June 12:00."""
    days = (date(2026, 6, 2) - date(2026, 4, 30)).days
    about = {"boundary": "facility", "grade": "A"}
    start_ms = jst_midnight_ms(date(2026, 4, 30)) + 43_200_000
    return write_power(path, start_ms=start_ms, seconds=days * 86_400, step_s=300, watts=10**6, about=about, **more)


def test_facility_metering_is_no_telemetry_of_a_run(root: Path, tmp_path: Path) -> None:
    path = facility(tmp_path / "bms.parquet")
    assert codes(refused(root, path)) == ["import-facility"]
    assert codes(refused(root, path, wish=Wish("parquet", site=SITE, link=True))) == ["import-facility"]


def test_facility_metering_becomes_readings_of_whole_days_by_month(root: Path, tmp_path: Path) -> None:
    path = facility(tmp_path / "bms.parquet")
    done = imports(root, path, wish=Wish("parquet", site=SITE, as_reading="meter"))
    (answer,) = done.answers
    (item,) = done.findings
    assert (item.code, dict(item.params)["count"], item.found) == ("import-days-partial", "2", "24000")
    loaded = load_workspace(root)
    assert answer["place"] == f"meters/{answer['id']}.yaml"
    assert [(r.kind, r.first_day, r.last_day, r.energy_kwh) for r in loaded.meters] == [
        ("meter", date(2026, 5, 1), date(2026, 5, 31), Decimal(31 * 24_000)),
        ("meter", date(2026, 6, 1), date(2026, 6, 1), Decimal(24_000)),
    ]
    evidence = loaded.evidence(loaded.meters[0].evidence)
    assert evidence is not None
    assert evidence.sha256 == sha256_file(path)
    assert codes(run_checks(loaded)) == []
    again = shutil.copy(path, tmp_path / "again.parquet")
    (known,) = refused(root, again, wish=Wish("parquet", site=SITE, as_reading="meter"))
    assert known.code == "import-known-reading"
    assert all(place in known.en for place in (answer["place"], loaded.meters[0].evidence))
    for place in (answer["place"], loaded.meters[0].evidence):
        (root / place).unlink()
    assert codes(imports(root, again, wish=Wish("parquet", site=SITE, as_reading="bill")).findings) == [item.code]


def test_an_explanation_may_be_added_to_an_imported_reading_and_the_file_says_so(root: Path, tmp_path: Path) -> None:
    wish = Wish("parquet", site=SITE, as_reading="meter")
    (answer,) = imports(root, facility(tmp_path / "bms.parquet"), wish=wish).answers
    path = root / answer["place"]
    head, rest = path.read_text("utf-8").split("readings:\n")
    assert all(key in head for key in ("tolerance_pct", "explained_kwh", "explanation_*"))
    added = "  tolerance_pct: '2'\n  explained_kwh: '5'\n  explanation_en: offices\n"
    path.write_text(f"{head}readings:\n{rest}{added}", "utf-8")
    loaded = load_workspace(root)
    assert codes(run_checks(loaded)) == []
    assert (loaded.meters[-1].tolerance_pct, loaded.meters[-1].explained_kwh) == (Decimal(2), Decimal(5))


def test_a_bill_becomes_a_reading_for_each_period_exactly_as_billed(root: Path, tmp_path: Path) -> None:
    bill = shutil.copy(SAMPLES / "meter-csv" / "bill.csv", tmp_path / "電気料金 2026.csv")
    options = ReadOptions(time_zone="Asia/Tokyo", decimal=".")
    (answer,) = imports(root, bill, wish=Wish("meter-csv", site=SITE, options=options, as_reading="bill")).answers
    loaded = load_workspace(root)
    assert [(r.id, r.kind, r.first_day, r.last_day, r.energy_kwh) for r in loaded.meters] == [
        (f"{answer['id']}-20260401", "bill", date(2026, 4, 1), date(2026, 4, 30), Decimal(123_456)),
        (f"{answer['id']}-20260501", "bill", date(2026, 5, 1), date(2026, 5, 31), Decimal(130_001)),
    ]
    assert loaded.meters[0].evidence == f"evidence/readings/{answer['id']}/電気料金 2026.csv"
    assert codes(run_checks(loaded)) == []


def test_a_bill_of_days_elsewhere_in_the_world_is_refused(root: Path, tmp_path: Path) -> None:
    bill = shutil.copy(SAMPLES / "meter-csv" / "bill.csv", tmp_path / "bill.csv")
    options = ReadOptions(time_zone="UTC", decimal=".")
    found = refused(root, bill, wish=Wish("meter-csv", site=SITE, options=options, as_reading="bill"))
    assert codes(found) == ["import-reading-days", "import-reading-days"]
    assert "2026-04-01T00:00:00Z to 2026-05-01T00:00:00Z" in found[0].en


def test_only_facility_metering_of_at_least_a_day_becomes_a_reading(root: Path, received: Path, tmp_path: Path) -> None:
    wish = Wish("parquet", site=SITE, as_reading="bill")
    assert codes(refused(root, received, wish=wish)) == ["import-not-facility"]
    hour = write_power(tmp_path / "hour.parquet", start_ms=START, seconds=3600, about={"boundary": "facility"})
    assert codes(refused(root, hour, wish=wish)) == ["import-reading-none"]
    assert codes(refused(root, hour.parent, wish=wish)) == ["import-reading-one-file"]
