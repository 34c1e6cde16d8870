"""Imports from object storage: copied into the workspace, or left there and held against what they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gxmeter.api import open_workspace
from gxmeter.api.import_files import Wish
from gxmeter.api.imports import import_telemetry
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import EnergyResult, Source
from gxmeter.ledger.telemetry import integrated, telemetry_of
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace
from tests.remote.conftest import BUCKET, Store
from tests.support.parquet import write_power
from tests.support.reader_cases import SAMPLES

START = 1_777_500_000_000
URL = f"s3://{BUCKET}/cluster"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture
def cluster(store: Store, tmp_path: Path) -> Path:
    """Two devices' files in the bucket, and the same on the disk."""
    for name, watts in (("a/gpu0", 100), ("b/gpu1", 50)):
        device = name.rpartition("/")[2]
        write_power(tmp_path / "cluster" / f"{name}.parquet", start_ms=START, watts=watts, device=device)
    store.put_tree("cluster", tmp_path / "cluster")
    return tmp_path / "cluster"


def imported(root: Path, *urls: str, link: bool = False, format_: str = "parquet") -> list[dict[str, object]]:
    wish = Wish(format_, run="r1", site="our-site", link=link)
    return list(import_telemetry(load_workspace(root), urls, wish).answers)


def energy(root: Path) -> EnergyResult:
    return open_workspace(root)._integrated(None)


def joules(result: EnergyResult) -> int:
    return sum(leaf.half_uj for leaf in result.leaves.values()) // 2_000_000


def test_a_bucket_is_copied_as_a_folder_is(root: Path, cluster: Path, tmp_path: Path) -> None:
    (answer,) = imported(root, URL)
    init_workspace(tmp_path / "other")
    (local,) = imported(tmp_path / "other", str(cluster))
    assert {key: answer[key] for key in ("id", "files", "start", "end")} == {
        key: local[key] for key in ("id", "files", "start", "end")
    }
    kept = root / str(answer["place"]) / "received" / "cluster" / "a" / "gpu0.parquet"
    assert kept.read_bytes() == (cluster / "a" / "gpu0.parquet").read_bytes()
    assert joules(energy(root)) == 1500


def test_a_link_to_a_bucket_keeps_urls_and_digests_and_no_secret(root: Path, cluster: Path) -> None:
    (answer,) = imported(root, f"{URL}/", link=True)
    text = (root / str(answer["place"]) / "import.yaml").read_text("utf-8")
    assert f"location: {URL}\n" in text
    assert "wJalr" not in text
    assert [source.label.rpartition("/linked/")[2] for source in telemetry_of(load_workspace(root)).sources] == [
        "a/gpu0.parquet",
        "b/gpu1.parquet",
    ]
    assert joules(energy(root)) == 1500


def test_an_object_that_is_no_longer_what_it_was_is_named_and_not_used(root: Path, cluster: Path, store: Store) -> None:
    imported(root, URL, link=True)
    data = bytearray((cluster / "a" / "gpu0.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    store.put("cluster/a/gpu0.parquet", bytes(data))
    result = energy(root)
    assert ([item.code for item in result.findings], joules(result)) == (["import-changed"], 500)
    store.client.delete_object(Bucket=BUCKET, Key="cluster/a/gpu0.parquet")
    result = energy(root)
    assert ([item.code for item in result.findings], joules(result)) == (["import-missing"], 500)
    assert URL in result.findings[0].en


def test_an_object_that_changes_while_it_is_read_is_named_as_changed(root: Path, cluster: Path, store: Store) -> None:
    imported(root, URL, link=True)
    size = (cluster / "b" / "gpu1.parquet").stat().st_size

    def after_the_listing(sources: Sequence[Source]) -> EnergyResult:
        store.put("cluster/b/gpu1.parquet", bytes(size))
        return integrate(sources)

    result = integrated(load_workspace(root), after_the_listing)
    assert ([item.code for item in result.findings], joules(result)) == (["import-changed"], 1000)


def test_a_bucket_that_is_gone_leaves_everything_else(root: Path, cluster: Path, store: Store) -> None:
    imported(root, URL, link=True)
    imported(root, str(write_power(cluster / "c.parquet", start_ms=START, watts=7, device="gpu7")))
    store.empty()
    result = energy(root)
    assert ([item.code for item in result.findings], joules(result)) == (["remote-missing"], 70)
    assert (result.findings[0].file or "").endswith("/import.yaml")


def test_one_linked_object_and_a_journal_from_a_bucket(root: Path, cluster: Path, store: Store) -> None:
    imported(root, f"{URL}/b/gpu1.parquet", link=True)
    store.put_tree("journals/j-1", SAMPLES / "gxmeter")
    (answer,) = imported(root, f"s3://{BUCKET}/journals", format_="gxmeter")
    assert str(answer["place"]).startswith("telemetry/journals/")
    assert (root / str(answer["place"]) / "0000.gxj").read_bytes() == (SAMPLES / "gxmeter" / "0000.gxj").read_bytes()
    assert {key.device for key in energy(root).leaves} > {"gpu1"}
