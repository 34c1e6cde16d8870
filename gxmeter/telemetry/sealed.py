"""A closed journal segment as Parquet, without loss: the bytes that come out are the bytes that went in.

A row is a line, in the line's order. Lines that say an interval stand in typed columns, so that pandas or DuckDB
can add them up; every other line stands as text. A typed row is taken only where writing it again gives the same
line, so restoring never depends on how a line was spelt. The form is told in ``docs/reference/journal.md``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.core.journal import SUFFIX, Interval
from gxmeter.core.journal_encode import encode
from gxmeter.core.journal_fields import UnknownKindError, parse
from gxmeter.core.journal_keys import FieldError

if TYPE_CHECKING:
    import pyarrow as pa

SEALED_SUFFIX = f"{SUFFIX}.parquet"
"""Ending of a sealed segment's file name."""

FORM = "1"
"""Version of the columns; stands in the file's metadata as ``gxmeter.sealed``."""

_INTERVAL = b'{"t":"i",'
_CRC_LENGTH = 9
_LEVEL = 19
_WHOLE = ("n", "start_utc_ms", "end_utc_ms", "start_mono_ns", "end_mono_ns")
_LISTS = ("energy_uj", "method", "counter_before", "counter_after")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a sealed segment holds.

    Attributes:
        data: the segment's bytes, as restored.
        sha256: digest of the original bytes as the file says it.
    """

    data: bytes
    sha256: str

    @property
    def intact(self) -> bool:
        """Whether what was restored is what was sealed."""
        return sha256_bytes(self.data) == self.sha256


def seal(data: bytes, *, file: str = "journal") -> bytes:
    """The Parquet file of a segment; the same bytes give the same file (of one pyarrow version).

    Args:
        data: bytes of a segment that ends with a line break.
        file: its name, for the finding.

    Raises:
        InputError: ``journal-not-sealable``: a torn last line, or a line that is no UTF-8.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a segment is sealed
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded when a segment is sealed

    if not data.endswith(b"\n"):
        raise InputError("journal-not-sealable", file=file, reason="torn tail")
    rows: list[dict[str, Any]] = []
    for line in data[:-1].split(b"\n"):
        record = _typed(line)
        rows.append(_text(line, file) if record is None else _columns(record))
    about = {"gxmeter.sealed": FORM, "gxmeter.sha256": sha256_bytes(data), "gxmeter.bytes": str(len(data))}
    table = pa.Table.from_pylist(rows, schema=_schema())
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        table.schema,
        version="2.6",
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=False,
        column_encoding=dict.fromkeys(_WHOLE, "DELTA_BINARY_PACKED"),
        store_schema=False,
    ) as writer:
        writer.write_table(table, row_group_size=len(rows))
        writer.add_key_value_metadata(about)
    return sink.getvalue()


def unseal(file: Path | bytes) -> Restored:
    """The bytes of the segment that was sealed.

    Args:
        file: the sealed segment, as a file or its bytes.

    Raises:
        InputError: ``journal-seal-unreadable``: no Parquet, or not of this form.
        OSError: the file cannot be read.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a sealed segment is read
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded when a sealed segment is read

    name = file.name if isinstance(file, Path) else None
    raw = file.read_bytes() if isinstance(file, Path) else file
    try:
        parquet = pq.ParquetFile(io.BytesIO(raw))
        about = {key.decode(): value.decode() for key, value in (parquet.metadata.metadata or {}).items()}
        if about.get("gxmeter.sealed") != FORM:
            raise ValueError(f"gxmeter.sealed is not {FORM}")  # noqa: TRY301 - one sentence for all that is no such file
        if parquet.metadata.num_rows > int(about.get("gxmeter.bytes", "0")):  # a line has its line break at least
            raise ValueError("more lines than bytes")  # noqa: TRY301 - a small file may claim lines without end
        data = b"".join(_lines(parquet.read(use_threads=False)))
        return Restored(data, about.get("gxmeter.sha256", ""))
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        # A spoilt schema gives values of any type: a line as bytes, a list where a number belongs.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError("journal-seal-unreadable", file=name, reason=reason) from None


def sealed_size(file: Path) -> int | None:
    """Size of the segment before it was sealed [bytes], as its file says it; None where it does not."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a sealed segment is read
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded when a sealed segment is read

    try:
        text = (pq.read_metadata(file).metadata or {}).get(b"gxmeter.bytes", b"")
    except (pa.ArrowException, OSError, ValueError):
        return None
    return int(text) if text.isdigit() else None


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a segment is sealed

    fields = [pa.field("line", pa.string()), *(pa.field(name, pa.int64()) for name in _WHOLE)]
    fields += [pa.field(name, pa.list_(pa.field("element", pa.int64()))) for name in _LISTS]
    return pa.schema(fields)


def _typed(line: bytes) -> Interval | None:
    """The line's interval, where writing that gives the very line again."""
    if not line.startswith(_INTERVAL):
        return None
    try:
        record = parse(line[:-_CRC_LENGTH])
    except (FieldError, UnknownKindError):
        return None
    return record if isinstance(record, Interval) and encode(record) == line + b"\n" else None


def _text(line: bytes, file: str) -> dict[str, Any]:
    try:
        return {"line": line.decode("utf-8")}
    except UnicodeDecodeError:
        raise InputError("journal-not-sealable", file=file, reason="no UTF-8") from None


def _columns(record: Interval) -> dict[str, Any]:
    pairs = record.counters
    return {
        **{name: getattr(record, name) for name in _WHOLE},
        "energy_uj": record.energy_uj,
        "method": record.methods,
        "counter_before": None if pairs is None else [None if pair is None else pair[0] for pair in pairs],
        "counter_after": None if pairs is None else [None if pair is None else pair[1] for pair in pairs],
    }


def _lines(table: pa.Table) -> Iterator[bytes]:
    columns = (table.column(name).to_pylist() for name in ("line", *_WHOLE, *_LISTS))
    for line, n, start_utc, end_utc, start, end, energy, methods, before, after in zip(*columns, strict=True):
        if line is not None:
            yield line.encode("utf-8") + b"\n"
            continue
        yield encode(
            Interval(
                n,
                start_utc,
                end_utc,
                start,
                end,
                tuple(energy),
                None if methods is None else tuple(methods),
                None if before is None else tuple(_pair(*pair) for pair in zip(before, after, strict=True)),
            )
        )


def _pair(before: int | None, after: int | None) -> tuple[int, int] | None:
    return None if before is None or after is None else (before, after)
