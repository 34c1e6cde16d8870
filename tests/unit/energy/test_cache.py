"""Results kept on disk: what comes back is what was put in, and whatever else lies there is not believed."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.files import sha256_bytes
from gxmeter.core.findings import Finding
from gxmeter.energy import cache as cache_module
from gxmeter.energy import tasks, work_kept
from gxmeter.energy.cache import Cache, DamagedEntryError, opened, revision, user_folder
from gxmeter.energy.cache_form import from_bytes, to_bytes
from gxmeter.energy.integrate import integrate
from gxmeter.energy.kernel import partial
from gxmeter.energy.model import GapLimits, Source
from gxmeter.energy.tasks import FileResult, Task, measure
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.work import RunWork, work_of
from tests.properties.energy.build import interval_batch, power_batch
from tests.properties.energy.oracle import Row
from tests.support.journals import GPU, JournalMaker, a_head, part
from tests.unit.energy.test_engine_local import rows_of, write
from tests.unit.energy.test_kernel import at, span

KEY = {"question": "measure", "digest": "0" * 64}
ROWS = st.lists(
    st.builds(
        at,
        st.integers(0, 9_000),
        st.integers(-2, 900_000),
        st.sampled_from(["r", "日本"]),
        device=st.sampled_from("ab"),
    ),
    max_size=30,
)


def result_of(rows: list[Row], limits: GapLimits | None = None) -> FileResult:
    made = partial([power_batch(rows), interval_batch([span(0, 1), span(5, 9)])], name="f", limits=limits)
    source = measure(Task(Source(Path("gone"), "parquet")))
    return FileResult(made, {}, (*made.findings, *source.faults), tasks.SourceFacts(1, None, 3, None, (("a", "b"),)), 7)


def journal(folder: Path, seconds: int = 90) -> Path:
    maker = JournalMaker(a_head(part(0, "gpu0", GPU, uuid="GPU-1"), journal=folder.name))
    for second in range(seconds):
        maker.second(second, 300_000_000 + second)
    return maker.end().write(folder)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = opened(tmp_path / "cache")
    assert made is not None
    return made


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are kept too."""
    monkeypatch.setattr(tasks, "WORTH_BYTES", 0)
    monkeypatch.setattr("gxmeter.energy.integrate.WORTH_BYTES", 0)


@given(ROWS, st.sampled_from([None, 1, 90_000]))
def test_what_comes_back_is_what_was_put_in(rows: list[Row], limit_ms: int | None) -> None:
    value = result_of(rows, None if limit_ms is None else GapLimits(default_ms=limit_ms))
    data = to_bytes(value)
    back = from_bytes(data, FileResult)
    assert to_bytes(back) == data
    assert back.findings == value.findings
    assert back.part.gaps == value.part.gaps
    for name in ("key", "slot", "half_uj", "covered_ms"):
        assert (getattr(back.part.power, name) == getattr(value.part.power, name)).all()


def test_a_whole_journal_comes_back_with_its_origin(tmp_path: Path) -> None:
    value = measure(Task(Source(journal(tmp_path / "j"), "gxmeter"))).result
    back = from_bytes(to_bytes(value), FileResult)
    assert repr(back) == repr(value)
    assert back.facts.origin is not None
    assert type(back.facts.origin.parts) is frozenset


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5\n[[],1",
        b"7\n[[],{}]",
        b"6\n[[],1]",
        b"8\n[[],1.5]",
        b"8\n[[],NaN]",
        b"11\n[[-1,1],[0]]",
        b"9\n[[2],[0]]12345678",
        b"%d\n" % 200_006 + b"[[]," + b"[" * 100_000 + b"]" * 100_000 + b"]",
        b"11\n[[],[true]]",
        b"11\n[[],[[7]]]\n",
    ],
)
def test_bytes_that_hold_no_such_value_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no "):
        from_bytes(body, tasks.SourceFacts)


def test_every_flipped_or_missing_byte_is_noticed(cache: Cache) -> None:
    cache.store(KEY, GapLimits(5, {}))
    (path,) = cache.folder.iterdir()
    good = path.read_bytes()
    assert cache.fetch(KEY, GapLimits) == GapLimits(5, {})
    for place in range(len(good)):
        for bad in (good[:place], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(DamagedEntryError):
                cache.fetch(KEY, GapLimits)
    path.write_bytes(good + b"\n")
    with pytest.raises(DamagedEntryError):
        cache.fetch(KEY, GapLimits)


def test_an_entry_of_another_key_or_kind_is_not_believed(cache: Cache) -> None:
    cache.store(KEY, GapLimits(5, {}))
    other = KEY | {"digest": "1" * 64}
    assert cache.fetch(other, GapLimits) is None
    (cache.folder / cache.name(KEY)).rename(cache.folder / cache.name(other))
    with pytest.raises(DamagedEntryError):
        cache.fetch(other, GapLimits)
    cache.store(KEY, GapLimits(5, {}))
    with pytest.raises(DamagedEntryError):
        cache.fetch(KEY, FileResult)


def test_columns_that_do_not_belong_together_are_not_believed(cache: Cache, tmp_path: Path, small: None) -> None:
    task = Task(Source(write(tmp_path / "a.parquet", rows_of(0, 9)), "parquet"), cache=cache)
    good = measure(task)
    assert (good.stored, measure(task).stored) == (True, False)
    (path,) = cache.folder.iterdir()
    for wrong in (np.array([9]), np.array([-1]), np.array([0, 0])):
        part_ = good.result.part
        lie = tasks.replace(good.result, part=tasks.replace(part_, power=tasks.replace(part_.power, key=wrong)))
        path.write_bytes(resealed(path.read_bytes(), to_bytes(lie)))
        found = measure(task)
        assert (found.damaged, found.stored) == (path.name, True)
        assert repr(found.result) == repr(good.result)


def resealed(entry: bytes, value: bytes) -> bytes:
    """An entry with another value and a digest that holds."""
    form, _, body = entry.split(b"\n", 2)
    size, _, rest = body.partition(b"\n")
    new = b"%s\n%s%s" % (size, rest[: int(size)], value)
    return b"%s\n%s\n%s" % (form, sha256_bytes(new).encode(), new)


def test_a_cache_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert opened(tmp_path / "file") is None
    assert opened(tmp_path / "file" / "below") is None
    gone = Cache(tmp_path / "gone")
    gone.store(KEY, GapLimits(5, {}))
    gone.trim()
    assert not gone.folder.exists()
    assert gone.fetch(KEY, GapLimits) is None


def write_often(folder: Path, limit_ms: int) -> None:
    for _ in range(20):
        Cache(folder).store(KEY, GapLimits(limit_ms, {}))


def test_writers_at_the_same_time_leave_whole_entries(cache: Cache) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_often, args=(cache.folder, limit_ms)) for limit_ms in (5, 6)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found = cache.fetch(KEY, GapLimits)
        assert found is None or found.default_ms in {5, 6}
    for writer in writers:
        writer.join()
    assert [path.suffix for path in cache.folder.iterdir()] == [".gxcache"]


def test_what_was_not_used_for_longest_goes_first(cache: Cache) -> None:
    keys = [KEY | {"digest": str(i) * 64} for i in range(4)]
    for key in keys:
        cache.store(key, GapLimits(5, {}))
    for i, key in enumerate(keys):
        os.utime(cache.folder / cache.name(key), ns=(i, i))
    assert cache.fetch(keys[0], GapLimits)
    size = (cache.folder / cache.name(KEY | {"digest": "0" * 64})).stat().st_size
    cache.trim(max_bytes=2 * size)
    assert {path.name for path in cache.folder.iterdir()} == {cache.name(keys[0]), cache.name(keys[3])}


def test_the_user_s_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert user_folder() == Path("/somewhere/gxmeter")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_folder() == Path.home() / ".cache" / "gxmeter"


def test_the_revision_is_of_the_code_that_reads_and_integrates() -> None:
    assert len(revision()) == 64
    assert {"core", "telemetry", "energy"} == set(cache_module._ROOMS)


@pytest.fixture
def collection(tmp_path: Path) -> list[Source]:
    """Files that overlap, a copy, a journal, and a slow file whose gap limit depends on all others."""
    rows = rows_of(0, 99)
    paths = [
        write(tmp_path / "a.parquet", rows[:60]),
        write(tmp_path / "b.parquet", rows[40:]),
        write(tmp_path / "c.parquet", rows[:60]),
        write(tmp_path / "d.parquet", [at(s, 1, device="slow") for s in range(0, 4_000, 100)]),
    ]
    return [*(Source(path, "parquet", name=path.name) for path in paths), Source(journal(tmp_path / "j"), "gxmeter")]


@pytest.mark.usefixtures("small")
def test_unchanged_files_are_hashed_and_not_read(
    collection: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = integrate(collection)
    hashed: list[Path] = []
    digest_of = tasks.digest_of
    monkeypatch.setattr(tasks, "digest_of", lambda path: hashed.append(path) or digest_of(path))
    assert integrate(collection, cache=tmp_path / "cache") == fresh
    assert sorted(hashed) == sorted(source.path for source in collection)
    monkeypatch.setattr(tasks, "open_source", None)
    notices: list[Finding] = []
    assert integrate(collection, cache=tmp_path / "cache", notice=notices.append) == fresh
    assert notices == []


@pytest.mark.usefixtures("small")
def test_what_changed_is_read_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = write(tmp_path / "a.parquet", rows_of(0, 99))
    sources = [Source(path, "parquet", name="a")]
    integrate(sources, cache=cache)
    write(path, rows_of(0, 98))
    assert integrate(sources, cache=cache) == integrate(sources)
    entries = len(list(cache.iterdir()))
    for other in (
        [Source(path, "parquet", name="a", run="other")],
        [Source(path, "parquet", name="a", site="other")],
        [Source(path, "parquet", name="a", options=ReadOptions(boundary="node"))],
    ):
        assert integrate(other, cache=cache) == integrate(other)
        entries += 1
        assert len(list(cache.iterdir())) == entries
    assert integrate(sources, gap_limit_ms=500, cache=cache) == integrate(sources, gap_limit_ms=500)
    assert len(list(cache.iterdir())) == entries + 1
    renamed = [Source(path, "parquet", name="another name")]
    assert integrate(renamed, cache=cache) == integrate(renamed)
    assert len(list(cache.iterdir())) == entries + 1


@pytest.mark.usefixtures("small")
def test_a_new_version_of_the_code_believes_no_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [Source(write(tmp_path / "a.parquet", rows_of(0, 99)), "parquet", name="a")]
    integrate(sources, cache=tmp_path / "cache")
    monkeypatch.setattr(tasks, "revision", lambda: "new")
    monkeypatch.setattr("gxmeter.energy.integrate.revision", lambda: "new")
    integrate(sources, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.usefixtures("small")
def test_a_damaged_entry_is_told_and_made_anew(collection: list[Source], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    fresh = integrate(collection, cache=cache)
    entries = sorted(cache.iterdir())
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:-1])
    notices: list[Finding] = []
    assert integrate(collection, cache=cache, notice=notices.append) == fresh
    assert {item.code for item in notices} == {"cache-entry-damaged"}
    assert sorted(item.file for item in notices) == [entry.name for entry in entries]
    notices.clear()
    assert integrate(collection, cache=cache, notice=notices.append) == fresh
    assert notices == []


@pytest.mark.usefixtures("small")
def test_a_segment_alone_is_not_kept_because_its_neighbours_matter(tmp_path: Path) -> None:
    folder = journal(tmp_path / "j")
    integrate([Source(folder / "0000.gxj", "gxmeter")], cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_small_files_leave_no_trace(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", rows_of(0, 9))
    integrate([Source(path, "parquet")], cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_file_that_changes_while_it_is_read_is_named_and_not_kept(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = journal(tmp_path / "j")
    read = tasks.open_source

    def appended(source: Source) -> object:
        with (folder / "0000.gxj").open("ab") as file:
            file.write(b"\n")
        return read(source)

    monkeypatch.setattr(tasks, "open_source", appended)
    result = integrate([Source(folder, "gxmeter", name="j")], cache=tmp_path / "cache")
    assert [(item.code, item.file) for item in result.findings if item.code == "source-changed"] == [
        ("source-changed", "j")
    ]
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_key_is_plain_text_and_names_everything_that_matters() -> None:
    options = ReadOptions(columns=(("time", "t"),))
    task = Task(Source(Path("x/a.csv"), "meter-csv", options=options), limits=GapLimits(7, {}))
    key = json.loads(json.dumps(tasks._key(task, "d", "measure")))
    assert key["name"] == "a.csv"
    assert key["options"]["columns"] == [["time", "t"]]
    assert key["limits"] == [7, []]


def test_the_work_of_unchanged_journals_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_kept, "WORTH_BYTES", 0)
    sources = [Source(journal(tmp_path / name), "gxmeter", name=name) for name in ("j", "k")]
    cache, notices = tmp_path / "cache", list[Finding]()

    def work() -> list[RunWork]:
        return work_kept.journals(sources, run="", cache=cache).work(integrate(sources), notices.append)

    fresh = work()
    assert fresh == work_of([source.path for source in sources])
    monkeypatch.setattr(work_kept, "work_of", None)
    assert work() == fresh
    (entry,) = cache.iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    monkeypatch.setattr(work_kept, "work_of", work_of)
    assert work() == fresh
    assert [item.code for item in notices] == ["cache-entry-damaged"]
    asked = work_kept.journals(sources, run="", cache=cache)
    journal(sources[0].path, seconds=95)
    assert asked.work(integrate(sources), notices.append) == work_of([source.path for source in sources])
    assert len(list(cache.iterdir())) == 1  # it changed in between, so it is not kept
