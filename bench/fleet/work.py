"""What the bench measures, each in a process of its own: ``python -m bench.fleet.work NAME FOLDER ANSWER``.

Every piece of work answers with the digest of its leaves (none where it makes none) as JSON in the file ``ANSWER``.
This module is imported by an interpreter without gxmeter too, for Spark; so imports stand inside the functions.
"""

# ruff: noqa: PLC0415 - each piece of work pays for its own imports, and Spark's interpreter has fewer

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SQL = (Path(__file__).parent / "window.sql").read_text("utf-8")
COLUMNS = ("run", "site", "device", "ts_ms", "power_mw")
WORKERS = 2

Leaf = tuple[int, str, str, str, int, int]
"""Slot, run, site, device, energy [half-uJ], covered time [ms]."""


def digest(leaves: Iterable[Leaf]) -> dict[str, Any]:
    """SHA-256 over the sorted leaves as decimal text, how many there are, and their energy [half-uJ]."""
    ordered = sorted(tuple(leaf) for leaf in leaves)
    text = "".join(",".join(map(str, leaf)) + "\n" for leaf in ordered)
    energy = sum(leaf[4] for leaf in ordered)
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "leaves": len(ordered), "half_uj": str(energy)}


class Clock:
    """Counts from the moment when everything is imported."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    def told(self) -> dict[str, float]:
        """Wall and processor time since then, of this process alone [s]."""
        return {"inside_wall_s": time.perf_counter() - self._wall_s, "inside_cpu_s": time.process_time() - self._cpu_s}


def files(folder: Path) -> list[Path]:
    """The Parquet files of a folder, sorted."""
    return sorted(folder.rglob("*.parquet"))


def nothing(folder: Path) -> dict[str, Any]:  # noqa: ARG001 - as the others
    """Start Python and import what the kernel imports."""
    import numpy as np  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    return {}


def decode(folder: Path) -> dict[str, Any]:
    """Read the columns with pyarrow, in one thread, texts as dictionaries: the least that any reader must do."""
    import pyarrow.parquet as pq

    clock, rows = Clock(), 0
    for path in files(folder):
        file = pq.ParquetFile(path)
        texts = [field.name for field in file.schema_arrow if field.type == "string"]
        file = pq.ParquetFile(path, read_dictionary=texts)
        for batch in file.iter_batches(batch_size=1 << 20, columns=list(COLUMNS), use_threads=False):
            rows += len(batch)
    return {"rows": rows} | clock.told()


def decode_text(folder: Path) -> dict[str, Any]:
    """The same with texts as texts, pyarrow's default."""
    import pyarrow.parquet as pq

    clock, rows = Clock(), 0
    for path in files(folder):
        for batch in pq.ParquetFile(path).iter_batches(1 << 20, columns=list(COLUMNS), use_threads=False):
            rows += len(batch)
    return {"rows": rows} | clock.told()


def hashing(folder: Path) -> dict[str, Any]:
    """SHA-256 of every file."""
    clock = Clock()
    for path in files(folder):
        with path.open("rb") as data:
            hashlib.file_digest(data, "sha256")
    return clock.told()


def _gxmeter(folder: Path, *, cache: Path | None = None, workers: int = 1) -> dict[str, Any]:
    from gxmeter.energy.engines import EngineChoice
    from gxmeter.energy.integrate import integrate
    from gxmeter.energy.sources import sources_under

    engine = EngineChoice("process", workers=workers) if workers > 1 else None
    clock = Clock()
    result = integrate(sources_under([folder], format="parquet"), engine=engine, cache=cache)
    told = clock.told()
    leaves = ((*key, leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items())
    return digest(leaves) | {"rows": result.samples, "gaps": len(result.gaps)} | told


def compiled(folder: Path) -> dict[str, Any]:
    """Gxmeter, one process, compiled kernel; every file is hashed too."""
    os.environ["GXMETER_KERNEL"] = "compiled"
    return _gxmeter(folder)


def numpy_form(folder: Path) -> dict[str, Any]:
    """The same with the kernel in numpy."""
    os.environ["GXMETER_KERNEL"] = "numpy"
    return _gxmeter(folder)


def automatic(folder: Path) -> dict[str, Any]:
    """Gxmeter as it comes."""
    return _gxmeter(folder)


def two_workers(folder: Path) -> dict[str, Any]:
    """Gxmeter in two processes, compiled kernel."""
    os.environ["GXMETER_KERNEL"] = "compiled"
    return _gxmeter(folder, workers=WORKERS)


def cached(folder: Path) -> dict[str, Any]:
    """Gxmeter again over unchanged files: the first run of this work fills the cache beside them."""
    return _gxmeter(folder, cache=folder.with_name(f"{folder.name}.cache"))


def _duckdb(folder: Path, source: str, before: Iterable[str] = ()) -> dict[str, Any]:
    import duckdb

    clock = Clock()
    with tempfile.TemporaryDirectory(dir=folder.parent) as spill:
        base = duckdb.connect(config={"temp_directory": spill, "preserve_insertion_order": "false"})
        read = f"read_parquet('{folder}/**/*.parquet')"
        for statement in before:
            base.execute(statement.format(READ=read))
        query = SQL.format(SOURCE=source.format(READ=read), DIV="//")
        leaves = base.execute(query).fetchall()
        told = clock.told()
    return digest(leaves) | told


def duckdb_window(folder: Path) -> dict[str, Any]:
    """DuckDB, the window query as one writes it."""
    return _duckdb(folder, "{READ}")


def duckdb_best(folder: Path) -> dict[str, Any]:
    """DuckDB, the best form that was found: texts as enumerations first (a third less processor time)."""
    names = ("run", "site", "device")
    types = [f"CREATE TYPE {name}_e AS ENUM (SELECT DISTINCT {name} FROM {{READ}})" for name in names]  # noqa: S608 - our names
    cast = ", ".join(f"{name}::{name}_e AS {name}" for name in names)
    return _duckdb(folder, f"(SELECT {cast}, ts_ms, power_mw FROM {{READ}})", types)  # noqa: S608 - our names


def spark_window(folder: Path) -> dict[str, Any]:
    """PySpark SQL, two local cores, the same window query."""
    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory(dir=folder.parent) as spill:
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.memory", "8g")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "16")
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.local.dir", spill)
            .getOrCreate()
        )
        session.read.option("recursiveFileLookup", "true").parquet(str(folder)).createOrReplaceTempView("samples")
        leaves = [tuple(row) for row in session.sql(SQL.format(SOURCE="samples", DIV="DIV")).collect()]
        session.stop()
    return digest(leaves)


WORK: dict[str, Callable[[Path], dict[str, Any]]] = {
    "nothing": nothing,
    "decode": decode,
    "decode-text": decode_text,
    "hash": hashing,
    "compiled": compiled,
    "numpy": numpy_form,
    "auto": automatic,
    "two-workers": two_workers,
    "decode-coded": decode,
    "compiled-coded": compiled,
    "cached": cached,
    "duckdb": duckdb_window,
    "duckdb-best": duckdb_best,
    "spark": spark_window,
}

COMPARED = ("compiled", "compiled-coded", "numpy", "auto", "two-workers", "cached", "duckdb", "duckdb-best", "spark")
"""Those that make leaves."""

if __name__ == "__main__":
    name, folder, answer = sys.argv[1:]
    Path(answer).write_text(json.dumps(WORK[name](Path(folder))), "utf-8")
