"""Telemetry on object storage: the same digits as on a disk, of exactly the bytes that were listed, and no secret told.

The server is that of moto, on loopback.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.engines import EngineChoice
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult
from gxmeter.energy.sources import bytes_of, digest_of, sources_under
from gxmeter.energy.units import at_hand
from gxmeter.telemetry import fetching
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from tests.remote.conftest import BUCKET, Store
from tests.support.parquet import write_power
from tests.support.reader_cases import SAMPLES

START = 1_777_500_000_000
JAPAN = ReadOptions(time_zone="Asia/Tokyo")
OWNER = {"run": "r", "site": "s"}


def measured(place: str | Path, format_: str, options: ReadOptions = NO_OPTIONS, **more: Any) -> EnergyResult:
    return integrate(sources_under([place], format=format_, options=options, **OWNER), **more)


def content(result: EnergyResult) -> tuple[Any, ...]:
    leaves = {key: (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()}
    return leaves, result.devices, [digest for _, digest in result.sources], [f.code for f in result.findings]


def error_of(url: str, format_: str = "parquet") -> Any:
    with pytest.raises(InputError) as caught:
        measured(url, format_)
    return caught.value.findings[0]


@pytest.mark.parametrize(
    ("format_", "sample", "options"),
    [
        ("parquet", "", ReadOptions()),
        ("parquet", "samples.parquet", ReadOptions()),
        ("gxmeter", "", ReadOptions()),
        ("gxmeter", "0000.gxj", ReadOptions()),
        ("nvidia-smi", "gpus.csv", JAPAN),
        ("mlperf-power", "result_0", ReadOptions()),
    ],
)
def test_a_bucket_gives_what_a_disk_gives(store: Store, format_: str, sample: str, options: ReadOptions) -> None:
    folder = SAMPLES / format_
    url = store.put_tree(f"cluster/{format_}", folder)
    place = f"{url}/{sample}".rstrip("/")
    there, here = measured(place, format_, options), measured(folder / sample, format_, options)
    assert content(there) == content(here)
    assert here.samples > 0
    assert all(name.startswith(place) for name, _ in there.sources)


def test_a_packed_table_in_a_bucket_reads_like_the_plain_one(store: Store) -> None:
    plain = SAMPLES / "nvidia-smi" / "gpus.csv"
    url = store.put("logs/gpus.csv.gz", gzip.compress(plain.read_bytes()))
    assert content(measured(url, "nvidia-smi", JAPAN))[0] == content(measured(plain, "nvidia-smi", JAPAN))[0]


def test_a_whole_bucket_may_be_named_and_hidden_objects_are_passed_over(store: Store, tmp_path: Path) -> None:
    path = write_power(tmp_path / "a.parquet", start_ms=START)
    for key in ("x/a.parquet", ".hidden/a.parquet", "x/.a.parquet", "notes.txt"):
        store.put(key, path.read_bytes())
    assert [s.label for s in sources_under([f"s3://{BUCKET}"], format="parquet")] == [f"s3://{BUCKET}/x/a.parquet"]


def test_a_file_is_fetched_once_and_its_copy_does_not_stay(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(fetching, "CHUNK", 1 << 12)
    data = write_power(tmp_path / "in" / "a.parquet", start_ms=START, seconds=6000).read_bytes()
    url = store.put("a.parquet", data)
    with caplog.at_level(logging.INFO, logger="werkzeug"):
        assert measured(url, "parquet").samples == 6001
    fetches = [record.getMessage() for record in caplog.records if f"GET /{BUCKET}/a.parquet" in record.getMessage()]
    assert len(fetches) == -(-len(data) // (1 << 12))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_source_travels_to_workers_and_knows_its_size(store: Store, tmp_path: Path) -> None:
    paths = [write_power(tmp_path / f"{n}.parquet", start_ms=START, device=f"gpu{n}", watts=10 * n) for n in (1, 2)]
    store.put_tree("two", tmp_path)
    sources = sources_under([f"s3://{BUCKET}/two"], format="parquet", **OWNER)
    assert pickle.loads(pickle.dumps(sources)) == sources
    assert b"wJalr" not in pickle.dumps(sources)
    assert [bytes_of(source) for source in sources] == [path.stat().st_size for path in paths]
    apart = integrate(sources, engine=EngineChoice("process", workers=2))
    assert content(apart) == content(integrate(sources)) == content(measured(tmp_path, "parquet"))


def test_a_cached_result_is_that_of_the_bytes_there_are(store: Store, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for watts in (100, 100, 200):
        data = write_power(tmp_path / "a.parquet", start_ms=START, seconds=60_000, watts=watts).read_bytes()
        url = store.put("a.parquet", data + b"")
        kept, fresh = measured(url, "parquet", cache=cache), measured(url, "parquet")
        assert content(kept) == content(fresh)


# ---------------------------------------------------------------- what changes while it is read


def test_an_object_that_is_overwritten_after_the_listing_is_refused(store: Store, tmp_path: Path) -> None:
    data = write_power(tmp_path / "a.parquet", start_ms=START).read_bytes()
    url = store.put("a.parquet", data)
    (source,) = sources_under([url], format="parquet")
    store.put("a.parquet", data[:-1] + b"x")  # of the same size
    with pytest.raises(InputError) as caught:
        integrate([source])
    assert caught.value.code == "remote-changed"


def test_an_object_that_is_overwritten_while_it_is_fetched_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_power(tmp_path / "a.parquet", start_ms=START, seconds=6000).read_bytes()
    url = store.put("a.parquet", data)
    real = fetching._chunks

    def chunks(*arguments: Any) -> Iterator[bytes]:
        for chunk in real(*arguments):
            yield chunk
            store.put("a.parquet", bytes(len(data)))

    monkeypatch.setattr(fetching, "CHUNK", 1 << 12)
    monkeypatch.setattr(fetching, "_chunks", chunks)
    assert error_of(url).code == "remote-changed"


def test_an_object_that_is_deleted_after_the_listing_is_missing(store: Store, tmp_path: Path) -> None:
    url = store.put("a.parquet", write_power(tmp_path / "a.parquet", start_ms=START).read_bytes())
    sources = sources_under([url], format="parquet")
    store.empty()
    with pytest.raises(InputError) as caught:
        integrate(sources)
    assert caught.value.code == "remote-missing"


# ---------------------------------------------------------------- what is not there, or not allowed


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("s3://no-such-bucket/x", "remote-missing"),
        (f"s3://{BUCKET}/no/such/key", "remote-missing"),
        ("s3://AKID:secret@fleet/x", "remote-secret"),
        ("https://host/x.parquet?X-Amz-Signature=abc", "remote-secret"),
        ("nothing://x/y", "remote-scheme"),
        ("gs://bucket/x", "remote-library-missing"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence_without_a_secret(store: Store, url: str, code: str) -> None:
    item = error_of(url)
    assert item.code == code
    assert not any(part in str(item.to_json()) for part in ("AKID", "Signature", "abc"))


def test_the_faults_of_all_urls_come_at_once(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sources_under([f"s3://{BUCKET}/a", "s3://no-such-bucket", tmp_path / "none"], format="parquet")
    assert [item.code for item in caught.value.findings] == ["remote-missing", "remote-missing", "source-unreadable"]


def test_a_bucket_that_may_not_be_read_says_so(store: Store, tmp_path: Path) -> None:
    url = store.put("a.parquet", write_power(tmp_path / "a.parquet", start_ms=START).read_bytes())

    def allow(count: str) -> None:
        request = urllib.request.Request(
            f"{store.endpoint}/moto-api/reset-auth", data=count.encode(), headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(request, timeout=10).close()

    allow("0")
    try:
        assert error_of(url).code == "remote-forbidden"
    finally:
        allow("1000000000")


@pytest.mark.parametrize("key", ["a/../../b.parquet", "a//b.parquet", "a/./b.parquet", "a/b\tc.parquet"])
def test_a_key_that_is_no_safe_path_is_refused(store: Store, key: str) -> None:
    store.put(key, b"x")
    assert error_of(f"s3://{BUCKET}").code == "remote-name"


# ---------------------------------------------------------------- the command line


def gxmeter(*arguments: str, code: str = "from gxmeter.cli.app import main; main()", **environment: str) -> Any:
    env = {**os.environ, "GXMETER_LANG": "en", **environment}
    env = {name: value for name, value in env.items() if value}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)


def test_the_command_gives_the_same_document_for_a_bucket_and_tells_no_secret(store: Store) -> None:
    url = store.put_tree("p", SAMPLES / "parquet")
    there = gxmeter("energy", url, "--format", "parquet", "--json")
    here = gxmeter("energy", str(SAMPLES / "parquet"), "--format", "parquet", "--json")
    assert (there.returncode, json.loads(there.stdout)) == (here.returncode, json.loads(here.stdout))
    assert "wJalr" not in there.stdout + there.stderr


def test_without_credentials_or_without_the_extra_the_command_says_what_to_do(store: Store) -> None:
    url = store.put_tree("p", SAMPLES / "parquet")
    bare = gxmeter(
        "energy", url, "--format", "parquet", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME="/nowhere"
    )
    assert (bare.returncode, "remote-forbidden" in bare.stderr) == (2, True)
    without = "import sys; sys.modules['fsspec'] = None; from gxmeter.cli.app import main; main()"
    told = gxmeter("energy", url, "--format", "parquet", code=without)
    assert (told.returncode, "pip install 'gxmeter[remote]'" in told.stderr) == (2, True)
    assert "Traceback" not in bare.stderr + told.stderr


def test_a_local_path_loads_no_library_for_storage() -> None:
    code = "import sys\nfrom gxmeter.cli.app import main\ntry:\n    main()\nfinally:\n    print(sorted(sys.modules))"
    done = gxmeter("energy", str(SAMPLES / "parquet"), "--format", "parquet", code=code)
    assert done.returncode == 0
    assert "'gxmeter.energy.units'" in done.stdout
    assert "fsspec" not in done.stdout


# ---------------------------------------------------------------- networks as they are


@contextmanager
def flaky(target: tuple[str, int], break_every: int) -> Iterator[str]:
    """A proxy that hangs up on every so many connections before a byte has come back."""
    listener = socket.create_server(("127.0.0.1", 0))
    count = 0

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with closing(sink):
            try:
                while data := source.recv(1 << 16):
                    sink.sendall(data)
            except OSError:
                return

    def serve() -> None:
        nonlocal count
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            count += 1
            if count % break_every == 1:
                inner.close()
                continue
            outer = socket.create_connection(target)
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_a_connection_that_breaks_is_tried_again(store: Store) -> None:
    url = store.put_tree("p", SAMPLES / "parquet")
    host, _, port = store.endpoint.removeprefix("http://").partition(":")
    with flaky((host, int(port)), 2) as endpoint:
        done = gxmeter("energy", url, "--format", "parquet", "--json", AWS_ENDPOINT_URL=endpoint)
    assert done.returncode == 0, done.stderr
    here = measured(SAMPLES / "parquet", "parquet")
    assert json.loads(done.stdout)["energy_half_uj"] == {"device": str(sum(x.half_uj for x in here.leaves.values()))}


def test_a_service_that_is_not_there_is_given_up_with_a_sentence(store: Store) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    told = gxmeter(
        "energy",
        f"s3://{BUCKET}/x",
        "--format",
        "parquet",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_MAX_ATTEMPTS="1",
    )
    assert (told.returncode, "remote-failed" in told.stderr, "Traceback" in told.stderr) == (2, True, False)


def test_a_single_file_may_lie_on_a_web_server() -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SAMPLES / "nvidia-smi"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/gpus.csv"
        there = measured(url, "nvidia-smi", JAPAN)
        with at_hand(sources_under([url], format="nvidia-smi")[0]) as here:
            assert digest_of(here.path) == digest_of(SAMPLES / "nvidia-smi" / "gpus.csv")
    finally:
        server.shutdown()
        server.server_close()
    assert content(there) == content(measured(SAMPLES / "nvidia-smi" / "gpus.csv", "nvidia-smi", JAPAN))
