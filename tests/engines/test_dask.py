"""The Dask engine: a real cluster of two worker processes; one of them is killed, and the digits stay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.energy.engines import EngineChoice
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import Source
from gxmeter.energy.summary import document
from tests.engines.conftest import Fleet, Struck


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as running:
        yield running


@pytest.fixture(scope="module")
def dask(cluster: LocalCluster) -> EngineChoice:
    return EngineChoice("dask", scheduler=cluster.scheduler_address)


def test_a_cluster_gives_the_same_digits_and_findings(fleet: Fleet, dask: EngineChoice) -> None:
    seen: list[tuple[int, int]] = []
    result = integrate(fleet.sources, engine=dask, progress=lambda done, total: seen.append((done, total)))
    assert result == fleet.local
    assert seen[-1][0] == seen[-1][1]


def test_a_worker_killed_in_the_middle_of_a_file_changes_nothing(
    long_fleet: Fleet, cluster: LocalCluster, dask: EngineChoice
) -> None:
    busy: list[str] = []

    with Client(cluster.scheduler_address) as client:
        pids = client.run(os.getpid)

        def strike() -> None:
            busy.extend(worker for worker, keys in client.processing().items() if keys)
            os.kill(pids[busy[0]], signal.SIGKILL)

        result = integrate(long_fleet.sources, engine=dask, progress=Struck(strike))
        assert result == long_fleet.local
        client.wait_for_workers(2, timeout=30)
        assert pids[busy[0]] not in client.run(os.getpid).values()


def test_all_unreadable_files_are_named_at_once(broken: list[Source], dask: EngineChoice) -> None:
    with pytest.raises(InputError) as caught:
        integrate(broken, engine=dask)
    assert [item.code for item in caught.value.findings] == [
        "parquet-unreadable",
        "source-unreadable",
        "parquet-unreadable",
    ]


@settings(max_examples=5)
@given(st.data())
def test_however_the_files_are_dealt_out_the_document_is_the_same(
    fleet: Fleet, dask: EngineChoice, data: st.DataObject
) -> None:
    dealt = data.draw(st.permutations(fleet.sources))
    found = document(integrate(dealt, engine=dask), format="mixed")
    assert json.dumps(found).encode() == json.dumps(document(fleet.local, format="mixed")).encode()


def test_a_cluster_that_is_not_there_is_said_in_one_sentence(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    from gxmeter.energy import engine_dask

    monkeypatch.setattr(engine_dask, "START_S", 1)
    with pytest.raises(GxmeterError) as caught:
        integrate(fleet.sources, engine=EngineChoice("dask", scheduler="tcp://127.0.0.1:1"))
    assert caught.value.code == "engine-not-started"
    with pytest.raises(GxmeterError) as caught:
        integrate(fleet.sources, engine=EngineChoice("dask", workers=2, scheduler="tcp://127.0.0.1:1"))
    assert caught.value.code == "engine-option-unused"


def test_a_scheduler_that_goes_away_is_said_in_one_sentence(long_fleet: Fleet) -> None:
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as own:
        choice = EngineChoice("dask", scheduler=own.scheduler_address)
        with pytest.raises(GxmeterError) as caught:
            integrate(long_fleet.sources, engine=choice, progress=Struck(own.close))
    assert caught.value.code == "engine-lost"


def test_the_command_starts_a_cluster_of_its_own(fleet: Fleet) -> None:
    paths = [str(source.path) for source in fleet.sources if source.format == "parquet"]
    command = [sys.executable, "-m", "gxmeter", "energy", "--format", "parquet", "--no-cache", "--json", *paths]
    plain = subprocess.run(command, capture_output=True, text=True, check=False)
    dask = subprocess.run([*command, "--engine", "dask", "--workers", "2"], capture_output=True, text=True, check=False)
    assert (dask.returncode, dask.stdout) == (plain.returncode, plain.stdout)
    assert plain.returncode == 1  # the files differ
    assert "distributed" not in dask.stderr
