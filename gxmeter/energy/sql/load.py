"""Samples into the database: Parquet by DuckDB's own reader where it holds plain columns, all else by our readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gxmeter.core.errors import InputError
from gxmeter.energy.model import Source
from gxmeter.energy.sources import open_source, unreadable
from gxmeter.energy.sql.base import duckdb_module
from gxmeter.energy.units import at_hand
from gxmeter.telemetry.model import Batch, PowerBatch, Reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PARQUET = "parquet"
_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT"})
_HARMLESS = frozenset({"boundary", "grade"})
"""Declared options that change no number and no run."""

_GLOB = frozenset("*?[]{}")
"""Characters that DuckDB would read as a pattern in a path."""


def load(base: DuckDBPyConnection, number: int, source: Source) -> None:
    """Put the records of a source into ``read_power`` and ``read_interval``, and the source into ``file``.

    Args:
        base: a database with the tables of step 1.
        number: of the file, in order of the files' names.
        source: the file.

    Raises:
        InputError: the reader's, or ``source-unreadable``.
    """
    stopped = None
    with at_hand(source) as local:
        if not _directly(base, number, local):
            stopped = _read(base, number, local).stopped
    base.execute("INSERT INTO file VALUES (?, ?, ?)", [number, source.label, stopped])


def _directly(base: DuckDBPyConnection, number: int, source: Source) -> bool:
    """Read a Parquet file without our reader; false where it needs what only our reader knows."""
    path = str(source.path)
    if source.format != _PARQUET or _GLOB & set(path) or not _HARMLESS.issuperset(source.options.declared()):
        return False
    try:
        described = base.execute("DESCRIBE FROM read_parquet(?)", [path]).fetchall()
        kinds = {str(row[0]): str(row[1]) for row in described}
        if not _is_plain(kinds):
            return False
        run, site = ('"run"' if "run" in kinds else "?"), ('"site"' if "site" in kinds else "?")
        fallbacks = [value for name, value in (("run", source.run), ("site", source.site)) if name not in kinds]
        named = [f'"{name}" IS NOT NULL' for name in ("run", "site", "device", "ts_ms", "power_mw") if name in kinds]
        base.execute(
            f'INSERT INTO read_power SELECT ?, {run}, {site}, "device", "ts_ms", "power_mw" FROM read_parquet(?)'  # noqa: S608 - fixed words
            f" WHERE {' AND '.join(named)}",
            [number, *fallbacks, path],
        )
    except duckdb_module().Error as error:
        raise InputError("source-unreadable", file=source.label, reason=str(error).splitlines()[0]) from None
    return True


def _is_plain(kinds: dict[str, str]) -> bool:
    """Whether the columns are texts and integers as they are compared, with nothing to be interpreted."""
    texts = all(kinds.get(name, "VARCHAR") == "VARCHAR" for name in ("run", "site", "device"))
    return texts and "device" in kinds and kinds.get("ts_ms") in _INTEGERS and kinds.get("power_mw") in _INTEGERS


def _read(base: DuckDBPyConnection, number: int, source: Source) -> Reading:
    reading = open_source(source)
    try:
        for batch in reading.batches:
            insert(base, number, batch)
    except OSError as error:
        raise unreadable(source, error) from error
    return reading


def insert(base: DuckDBPyConnection, number: int, batch: Batch) -> None:
    """Put one batch of a file into ``read_power`` or ``read_interval``."""
    base.register("batch", _arrow(batch))
    table = "read_power" if isinstance(batch, PowerBatch) else "read_interval"
    base.execute(f"INSERT INTO {table} SELECT ?, * FROM batch", [number])  # noqa: S608 - one of two words
    base.unregister("batch")


def _arrow(batch: Batch) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A batch as an Arrow table: run, site and device as texts, then its integers in their order."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read

    columns = {
        name: pa.DictionaryArray.from_arrays(pa.array(batch.key), pa.array([key[i] for key in batch.keys], pa.string()))
        for i, name in enumerate(("run", "site", "device"))
    }
    if isinstance(batch, PowerBatch):
        numbers = {"ts_ms": batch.ts_ms, "power_mw": batch.power_mw}
    else:
        numbers = {"start_ms": batch.start_ms, "end_ms": batch.end_ms, "half_uj": batch.half_uj}
    return pa.table({**columns, **{name: pa.array(column) for name, column in numbers.items()}})
