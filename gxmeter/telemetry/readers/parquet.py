"""Reader of canonical samples in Parquet: the form for large collections, streamed by row group.

Columns: ``device`` (text, or an integer code: more compact); ``ts_ms`` (integer Unix ms) or ``ts`` (a timestamp, with
a zone or in UTC); ``power_mw`` (integer mW); optionally ``run`` and ``site`` (text). A device code's name is its place
in the key-value metadata ``gxmeter.devices`` (a JSON list of texts), or else its decimal text. What the power covers
stands in the metadata ``gxmeter.boundary``, ``gxmeter.method``, ``gxmeter.grade`` and ``gxmeter.kind``; a file that
does not say is taken as polled power of single devices (boundary ``device``, grade C2), the usual export. Instants
finer than a millisecond are cut to it. Rows with an empty cell are left out and counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Batch, DeviceInfo, Int64, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.parquet_keys import SeriesCodes, numbers, shared_texts

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "parquet"
PATTERNS = ("*.parquet",)
"""Which files of a folder are read."""
OPTIONS = ("boundary", "grade")
"""What may be declared for a file whose metadata do not say it."""

BATCH_ROWS = 1 << 17
"""Rows per batch at most [rows]: what is decoded is still in the processor's cache when it is summed up."""

_DEFAULTS = {"boundary": "device", "method": "polled-power", "grade": "C2", "kind": ""}
_ALLOWED = {
    "boundary": ("device", "node", "it", "facility"),
    "grade": ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", "X"),
}

_SHOWN = 60


def read(
    path: Path,
    *,
    run: str,
    site: str,
    options: ReadOptions = NO_OPTIONS,  # noqa: ARG001 - see OPTIONS
    row_groups: Sequence[int] | None = None,
) -> Reading:
    """Open a Parquet file of canonical samples.

    Args:
        path: the file.
        run: used where there is no column ``run``.
        site: used where there is no column ``site``.
        options: what they may say is set by ``telemetry.declared`` for all formats.
        row_groups: only these row groups, in this order; None reads all. Parts of a file meet as files do.

    Raises:
        InputError: ``parquet-unreadable``, ``parquet-column-missing``, ``parquet-column-type``,
            ``parquet-metadata`` (all faults of the file's head at once).
    """
    file = _opened(path)
    schema = file.schema_arrow
    about = {key: _metadata(schema, key) for key in _DEFAULTS}
    names, name_faults = _device_names(path.name, schema)
    faults = _faults(path.name, schema, about) + name_faults
    if faults:
        raise InputError.from_findings(faults)
    reading = Reading(format=FORMAT, batches=iter(()))
    head = _Head(path.name, about, names, row_groups)
    reading.batches = _stream(file, reading, head, SeriesCodes({"run": run, "site": site}, names))
    return reading


def row_group_count(path: Path) -> int:
    """How many row groups a file has.

    Raises:
        InputError: ``parquet-unreadable``.
    """
    count: int = _opened(path).metadata.num_row_groups
    return count


def _opened(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded when a file is read

    try:
        fields = {field.name: field.type for field in pq.read_schema(path)}
        texts = [name for name in ("device", "run", "site") if name in fields and _is_text(fields[name])]
        return pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False)
    except (ValueError, pa.ArrowNotImplementedError) as error:
        raise InputError("parquet-unreadable", file=path.name, reason=_first_line(error)) from None


@dataclass(frozen=True, slots=True)
class _Head:
    """What applies to every row: the file's name, what its metadata say, and which row groups are wanted."""

    name: str
    about: dict[str, str]
    device_names: list[str] | None
    row_groups: Sequence[int] | None


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
        ("device", lambda kind: _is_text(kind) or kinds.is_integer(kind), "string"),
        *((text, _is_text, "string") for text in ("run", "site")),
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


def _device_names(name: str, schema: pa.Schema) -> tuple[list[str] | None, list[Finding]]:
    """Names by device code, and what is wrong with them; None where the metadata have none."""
    raw = (schema.metadata or {}).get(b"gxmeter.devices")
    if raw is None:
        return None, []
    try:
        names = json.loads(raw)
    except ValueError:
        names = None
    if isinstance(names, list) and all(isinstance(one, str) for one in names) and len({*names}) == len(names):
        return names, []
    found = raw[:_SHOWN].decode("utf-8", "replace")
    return None, [finding("parquet-device-names", file=name, key="gxmeter.devices", found=found)]


def _stream(file: Any, reading: Reading, head: _Head, series: SeriesCodes) -> Iterator[Batch]:  # noqa: ANN401 - pyarrow
    empty = nameless = described = 0
    try:
        for rows in _batches(file, head, series):
            whole = rows.drop_null() if any(column.null_count for column in rows.columns) else rows
            named = _named(whole, head.device_names)
            empty += len(rows) - len(whole)
            nameless += len(whole) - len(named)
            reading.records += len(named)
            keys, key = series.of(named)
            for one in series.keys[described:]:
                reading.devices.setdefault((one.site, one.device), _info(one, head.about))
            described = len(series.keys)
            yield PowerBatch(keys, key, _times(named), _int64(named.column("power_mw")))
    except (ValueError, OSError) as error:  # of Arrow, and names that are no UTF-8
        reading.findings.append(finding("parquet-broken", file=head.name, reason=_first_line(error)))
    if empty:
        reading.findings.append(finding("parquet-empty-cells", file=head.name, count=empty))
    if nameless:
        reading.findings.append(finding("parquet-device-nameless", file=head.name, count=nameless))


def _batches(file: Any, head: _Head, series: SeriesCodes) -> Iterator[Any]:  # noqa: ANN401 - pyarrow has no types
    """The rows, group by group; a run or site that a whole group shares is not decoded."""
    wanted = ("device", "run", "site", "ts_ms", "ts", "power_mw")
    columns = [column for column in wanted if column in file.schema_arrow.names]
    texts = [name for name in ("run", "site") if name in columns]
    groups = range(file.metadata.num_row_groups) if head.row_groups is None else head.row_groups
    for shared, same in groupby(groups, lambda group: shared_texts(file.metadata.row_group(group), texts)):
        series.constants.update(shared)
        decoded = [column for column in columns if column not in shared]
        yield from file.iter_batches(BATCH_ROWS, row_groups=list(same), columns=decoded, use_threads=False)


def _named(rows: pa.RecordBatch, names: list[str] | None) -> pa.RecordBatch:
    """The rows whose device code has a name."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read

    if names is None or not pa.types.is_integer(rows.column("device").type):
        return rows
    codes = numbers(rows.column("device"))
    good = (codes >= 0) & (codes < len(names))
    return rows if good.all() else rows.filter(pa.array(good))


def _info(key: SeriesKey, about: dict[str, str]) -> DeviceInfo:
    return DeviceInfo(key.device, key.site, "", about["kind"], "", about["boundary"], about["method"], about["grade"])


def _times(rows: pa.RecordBatch) -> Int64:
    """Instants [Unix ms]."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, loaded when a file is read

    if "ts_ms" in rows.schema.names:
        return _int64(rows.column("ts_ms"))
    return _int64(pc.cast(rows.column("ts"), pa.timestamp("ms"), safe=False).cast(pa.int64()))


def _int64(column: pa.Array) -> Int64:
    return numbers(column).astype(np.int64, copy=False)
