"""From a real Prometheus server to joules: what it scraped, pulled and integrated, is what the exporter said, exactly.

Needs Debian's ``prometheus`` (``tools/setup_system.sh`` installs it).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import Source
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.pull.client import Client
from gxmeter.telemetry.pull.prometheus import Pulled, Wish, pull
from gxmeter.telemetry.pull.windows import Window
from tests.prometheus.exporter import COUNTER, GPUS, NODE, POWER, Exporter, serve
from tests.properties.energy import oracle

GAP_MS = 1_000

Sample = tuple[int, str]
"""Unix ms and the value as the server writes it."""


@dataclass
class Recorded:
    """A server that has scraped for some seconds: its address, the time in question, what the exporter said."""

    url: str
    start: str
    end: str
    said: dict[tuple[str, str, str], list[str]]

    def samples(self, metric: str, device: str = "") -> list[tuple[Sample, str]]:
        """Every sample the server has of a metric, with the job, by its own API and read here by other means."""
        query = {"query": f"{metric}[10m]", "time": self.end}
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{urlencode(query)}") as answer:
            document = json.loads(answer.read(), parse_float=Decimal, parse_int=Decimal)
        found = [
            ((int(at * 1000), value), one["metric"].get("hpc_job", ""))
            for one in document["data"]["result"]
            if one["metric"].get("UUID", "") == device
            for at, value in one["values"]
        ]
        return sorted(found)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Seven seconds: a job that changes, a driver that is reloaded, an exporter that is away for a while."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (tools/setup_system.sh)")
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = Exporter()
    server = serve(exporter)
    target = f"127.0.0.1:{server.server_address[1]}"
    scrape = {"job_name": "dcgm", "scrape_interval": "250ms", "scrape_timeout": "250ms"}
    config = {"scrape_configs": [scrape | {"static_configs": [{"targets": [target]}]}]}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{_port(folder / 'log', process)}"
        _until(lambda: exporter.scrapes >= 5)
        start = _now()
        time.sleep(1.5)
        exporter.job = "102"
        time.sleep(1.2)
        exporter.away = True
        time.sleep(1.7)
        exporter.away = False
        time.sleep(1)
        exporter.reload_driver()
        time.sleep(1.3)
        end = _now()
        time.sleep(0.4)
        yield Recorded(url, start, end, exporter.said)
    finally:
        process.terminate()
        process.wait(10)
        server.shutdown()
        server.server_close()


def _now() -> str:
    return str(Decimal(time.time_ns() // 10**6).scaleb(-3))


def _until(true: Any) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until, "waited for 20 s"
        time.sleep(0.05)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the system gave the server, from its sockets."""
    import psutil

    def ports() -> list[int]:
        assert process.poll() is None, log.read_text()
        return [c.laddr.port for c in psutil.Process(process.pid).net_connections() if c.status == "LISTEN"]

    _until(ports)
    return ports()[0]


def gxmeter(*words: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "gxmeter", *map(str, words), "--json"], capture_output=True, check=False
    )
    assert done.returncode in {0, 1, 3}, done.stderr.decode()
    return json.loads(done.stdout)


def pulled(recorded: Recorded, folder: Path, *words: object) -> dict[str, Any]:
    return gxmeter(
        "pull", "prometheus", recorded.url, "--start", recorded.start, "--end", recorded.end, "-o", folder, *words
    )


def within(recorded: Recorded, samples: list[tuple[Sample, str]]) -> list[tuple[Sample, str]]:
    start_ms, end_ms = (int(Decimal(text) * 1000) for text in (recorded.start, recorded.end))
    # A range selector of Prometheus 2 takes its beginning in, which is the millisecond before the time asked for.
    return [one for one in samples if start_ms - 1 <= one[0][0] < end_ms]


def joules(half_uj: int) -> Decimal:
    return Decimal(half_uj) * Decimal("0.0000005")


def counted(samples: list[tuple[Sample, str]]) -> int:
    """What a counter [mJ] counted, in half-microjoules: the sum of its steps, but for those back."""
    values = [int(Decimal(value)) for (_, value), _ in samples]
    return sum((b - a) * 2_000 for a, b in pairwise(values) if b >= a)


def trapezoid(samples: list[tuple[Sample, str]], device: str) -> tuple[int, list[tuple[int, int]]]:
    """Energy [half-uJ] and gaps of power samples, by the plain-integer oracle."""
    rows = [oracle.Row("s", device, at, int(Decimal(watts) * 1000), "") for (at, watts), _ in samples]
    leaves, gaps = oracle.integrate(rows, GAP_MS)
    return sum(half_uj for half_uj, _ in leaves.values()), sorted(gap[2:] for gap in gaps)


def test_the_server_has_what_the_exporter_said(recorded: Recorded) -> None:
    for metric, device, job in recorded.said:
        have = [Decimal(value) for (_, value), label in recorded.samples(metric, device) if label == job]
        # A scrape that took too long on a busy machine was said and is not there; nothing else is.
        said = iter(Decimal(value) for value in recorded.said[metric, device, job])
        assert len(have) >= 4
        assert all(value in said for value in have)


def test_pulled_and_integrated_it_is_the_exporters_energy_to_the_last_digit(recorded: Recorded, tmp_path: Path) -> None:
    selector = f'{{__name__=~"{COUNTER}|{POWER}|{NODE}"}}'
    done = pulled(recorded, tmp_path / "raw", "--match", selector)
    assert done["server"].startswith("2.")
    assert (done["files"], done["findings"]) == (1, [])
    found = gxmeter("energy", tmp_path / "raw", "--format", "dcgm-prometheus", "--gap-limit", GAP_MS // 1000)
    counter = counted(within(recorded, recorded.samples(COUNTER, GPUS[0])))
    power, gaps = trapezoid(within(recorded, recorded.samples(POWER, GPUS[1])), GPUS[1])
    node, node_gaps = trapezoid(within(recorded, recorded.samples(NODE)), "127.0.0.1")
    assert found["energy_half_uj"] == {"device": str(counter + power), "node": str(node)}
    told = [gap["device"] for gap in found["gaps"]]
    assert (told.count(GPUS[1]), told.count("127.0.0.1")) == (len(gaps), len(node_gaps))
    assert gaps
    assert sorted({item["code"] for item in found["findings"]}) == ["counter-went-back", "prometheus-power-beside"]


def fetched(recorded: Recorded, folder: Path, *, end: str = "", **more: Any) -> Pulled:
    start_ms, end_ms = (int(Decimal(text) * 1000) for text in (recorded.start, end or recorded.end))
    wish = Wish(Window(start_ms, end_ms), **more)
    return pull(Client(recorded.url), wish, folder, now_ms=time.time_ns() // 10**6)


def half_uj(folder: Path, **options: Any) -> dict[tuple[str, str], int]:
    """Energy by run and device."""
    source = Source(folder, "dcgm-prometheus", "idle", "site", options=ReadOptions(**options))
    sums: dict[tuple[str, str], int] = {}
    for key, leaf in integrate([source]).leaves.items():
        sums[key.run, key.device] = sums.get((key.run, key.device), 0) + leaf.half_uj
    return sums


def test_a_pull_in_many_files_that_goes_on_later_gives_the_same(recorded: Recorded, tmp_path: Path) -> None:
    fetched(recorded, tmp_path / "one")
    half = str((Decimal(recorded.start) + Decimal(recorded.end)) / 2)
    folder = tmp_path / "many"
    first = fetched(recorded, folder, end=half, chunk_ms=1_700)
    assert len(first.fetched) == len(first.manifest.parts) > 1
    torn = sorted(folder.glob("*.json.gz"))[1]
    torn.write_bytes(torn.read_bytes()[:-9])
    (folder / ".pull-left").write_bytes(b"of a pull that was killed")
    second = fetched(recorded, folder, chunk_ms=1_700)
    assert second.kept == len(first.fetched) - 1
    assert len(second.manifest.parts) > len(first.fetched)
    assert not list(folder.glob(".pull-*"))
    assert fetched(recorded, folder, chunk_ms=1_700).fetched == []
    assert half_uj(folder) == half_uj(tmp_path / "one")


def test_the_run_comes_from_the_schedulers_label(recorded: Recorded, tmp_path: Path) -> None:
    fetched(recorded, tmp_path / "raw")
    found = half_uj(tmp_path / "raw", columns=(("run", "hpc_job"),))
    sums = {job: found[job, GPUS[0]] for job in ("101", "102")}
    samples = within(recorded, recorded.samples(COUNTER, GPUS[0]))
    wanted = dict.fromkeys(sums, 0)
    for ((_, before), job), ((_, after), _) in pairwise(samples):
        step = int(Decimal(after)) - int(Decimal(before))
        wanted[job] += step * 2_000 if step >= 0 else 0
    assert sums == wanted


def test_a_range_query_finer_than_the_scrape_is_named(recorded: Recorded, tmp_path: Path) -> None:
    fetched(recorded, tmp_path / "range", step_ms=100, queries=(POWER,))
    result = integrate([Source(tmp_path / "range", "dcgm-prometheus", "", "site")])
    assert "prometheus-values-repeat" in {item.code for item in result.findings}


def test_a_query_that_the_server_refuses_is_told_in_its_words(recorded: Recorded, tmp_path: Path) -> None:
    folder = tmp_path / "no"
    words = ["--start", recorded.start, "--end", recorded.end, "-o", str(folder), "--match", "{{{"]
    done = subprocess.run(
        [sys.executable, "-m", "gxmeter", "pull", "prometheus", recorded.url, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"GXMETER_LANG": "en", "PATH": "/usr/bin"},
    )
    assert done.returncode == 2
    assert "pull-refused" in done.stderr
    assert "parse error" in done.stderr
    assert not list(folder.glob("*.json.gz"))
