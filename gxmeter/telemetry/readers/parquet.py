"""Reader of canonical samples in Parquet: the form for large collections, streamed by row group.

Columns: ``device`` (text); ``ts_ms`` (integer Unix ms) or ``ts`` (a timestamp, with a zone or in UTC);
``power_mw`` (integer mW); optionally ``run`` and ``site`` (text). What the power covers stands in the file's
key-value metadata ``gxmeter.boundary``, ``gxmeter.method``, ``gxmeter.grade`` and ``gxmeter.kind``; a file that
does not say is taken as polled power of single devices (boundary ``device``, grade C2), the usual export.
Instants finer than a millisecond are cut to it. Rows with an empty cell are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Batch, DeviceInfo, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "parquet"
PATTERNS = ("*.parquet",)
"""Which files of a folder are read."""
OPTIONS = ("boundary", "grade")
"""What may be declared for a file whose metadata do not say it."""

BATCH_ROWS = 1 << 20
"""Rows per batch at most [rows]: about 50 MB at work."""

_DEFAULTS = {"boundary": "device", "method": "polled-power", "grade": "C2", "kind": ""}
_ALLOWED = {
    "boundary": ("device", "node", "it", "facility"),
    "grade": ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"),
}


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:  # noqa: ARG001 - see OPTIONS
    """Open a Parquet file of canonical samples.

    Args:
        path: the file.
        run: used where there is no column ``run``.
        site: used where there is no column ``site``.
        options: what they may say is set by ``telemetry.declared`` for all formats.

    Raises:
        InputError: ``parquet-unreadable``, ``parquet-column-missing``, ``parquet-column-type``,
            ``parquet-metadata`` (all faults of the file's head at once).
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded when a file is read

    try:
        names = pq.read_schema(path).names
        file = pq.ParquetFile(path, read_dictionary=[name for name in ("device", "run", "site") if name in names])
    except (ValueError, pa.ArrowNotImplementedError) as error:
        raise InputError("parquet-unreadable", file=path.name, reason=_first_line(error)) from None
    schema = file.schema_arrow
    about = {key: _metadata(schema, key) for key in _DEFAULTS}
    faults = _faults(path.name, schema, about)
    if faults:
        raise InputError.from_findings(faults)
    reading = Reading(format=FORMAT, batches=iter(()))
    reading.batches = _stream(file, reading, _Head(path.name, about, {"run": run, "site": site}))
    return reading


@dataclass(frozen=True, slots=True)
class _Head:
    """What applies to every row: the file's name, what its metadata say, fallback run and site."""

    name: str
    about: dict[str, str]
    names: dict[str, str]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _metadata(schema: pa.Schema, key: str) -> str:
    raw = (schema.metadata or {}).get(f"gxmeter.{key}".encode())
    return raw.decode("utf-8", "replace") if raw else _DEFAULTS[key]


def _faults(name: str, schema: pa.Schema, about: dict[str, str]) -> list[Finding]:
    import pyarrow.types as kinds  # noqa: PLC0415 - heavy, loaded when a file is read

    columns = {field.name: field.type for field in schema}
    time = "ts_ms" if "ts_ms" in columns else "ts"
    faults = [
        finding("parquet-column-missing", file=name, column=label, found=", ".join(columns) or "-")
        for column, label in (("device", "device"), (time, "ts_ms (ts)"), ("power_mw", "power_mw"))
        if column not in columns
    ]
    for column, fits, expected in (
        ("ts_ms", kinds.is_integer, "int64"),
        ("power_mw", kinds.is_integer, "int64"),
        ("ts", kinds.is_timestamp, "timestamp"),
        *((text, _is_text, "string") for text in ("device", "run", "site")),
    ):
        if column in columns and not fits(columns[column]):
            faults.append(
                finding("parquet-column-type", file=name, column=column, expected=expected, found=columns[column])
            )
    for key, allowed in _ALLOWED.items():
        if about[key] not in allowed:
            faults.append(
                finding(
                    "parquet-metadata", file=name, key=f"gxmeter.{key}", expected=", ".join(allowed), found=about[key]
                )
            )
    return faults


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds  # noqa: PLC0415 - heavy, loaded when a file is read

    inner = kind.value_type if kinds.is_dictionary(kind) else kind
    return bool(kinds.is_string(inner) or kinds.is_large_string(inner))


def _stream(file: Any, reading: Reading, head: _Head) -> Iterator[Batch]:  # noqa: ANN401 - pyarrow has no types

    wanted = ("device", "run", "site", "ts_ms", "ts", "power_mw")
    columns = [column for column in wanted if column in file.schema_arrow.names]
    empty = 0
    try:
        for rows in file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False):
            whole = rows.drop_null()
            empty += len(rows) - len(whole)
            reading.records += len(whole)
            batch = _batch(whole, head)
            for key in batch.keys:
                about = head.about
                info = DeviceInfo(
                    key.device, key.site, "", about["kind"], "", about["boundary"], about["method"], about["grade"]
                )
                reading.devices.setdefault((key.site, key.device), info)
            yield batch
    except (ValueError, OSError) as error:  # of Arrow, and names that are no UTF-8
        reading.findings.append(finding("parquet-broken", file=head.name, reason=_first_line(error)))
    if empty:
        reading.findings.append(finding("parquet-empty-cells", file=head.name, count=empty))


def _batch(rows: pa.RecordBatch, head: _Head) -> PowerBatch:
    """Codes of (run, site, device) from the columns' dictionaries, without touching a text per row."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, loaded when a file is read

    packed = np.zeros(len(rows), np.int64)
    texts: list[list[str]] = []
    for name in ("run", "site", "device"):
        if name in rows.schema.names:
            column = rows.column(name)
            column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            values = column.dictionary.to_pylist() or [""]
            packed = packed * len(values) + column.indices.to_numpy(zero_copy_only=False)
        else:
            values = [head.names[name]]
        texts.append(values)
    used, key = np.unique(packed, return_inverse=True)
    _, sites, devices = (len(values) for values in texts)
    keys = tuple(
        SeriesKey(texts[0][i // devices // sites], texts[1][i // devices % sites], texts[2][i % devices])
        for i in used.tolist()
    )
    if "ts_ms" in rows.schema.names:
        ts_ms = rows.column("ts_ms")
    else:
        ts_ms = pc.cast(rows.column("ts"), pa.timestamp("ms"), safe=False).cast(pa.int64())
    return PowerBatch(keys, key.astype(np.int32), _int64(ts_ms), _int64(rows.column("power_mw")))


def _int64(column: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
