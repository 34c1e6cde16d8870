"""Files as received: plain or compressed by gzip, zstd, xz or bzip2, told by their first bytes, not by their name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from gxmeter.core.errors import InputError

CHUNK = 1 << 20
"""Bytes read at a time [bytes]."""

_MAGIC_LENGTH = 6


def _unpacker(magic: bytes, raw: BinaryIO) -> BufferedIOBase:
    """The unpacked bytes of a stream that begins with some bytes."""
    if magic.startswith(b"\x1f\x8b"):
        return cast("BufferedIOBase", gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(raw)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only for such files

        return cast("BufferedIOBase", pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
    return cast("BufferedIOBase", raw)


@contextmanager
def opened(path: Path) -> Iterator[BufferedIOBase]:
    """The bytes of a file, unpacked while they are read.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("rb") as raw:
        magic = raw.read(_MAGIC_LENGTH)
        raw.seek(0)
        with _unpacker(magic, cast("BinaryIO", raw)) as unpacked:
            yield unpacked


def chunks(path: Path) -> Iterator[bytes]:
    """A file's unpacked bytes piece by piece.

    Raises:
        InputError: ``source-torn`` where the packing breaks off or is damaged; what came before has been given out.
        OSError: the file cannot be read.
    """
    with opened(path) as stream:
        while True:
            try:
                # Not read(): of a stream that breaks off it would give nothing instead of what is there.
                chunk = stream.read1(CHUNK)
            except (EOFError, lzma.LZMAError, gzip.BadGzipFile, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise InputError("source-torn", file=path.name, reason=_first_line(error)) from error
            if not chunk:
                return
            yield bytes(chunk)


def head(path: Path, size: int = CHUNK) -> bytes:
    """The first unpacked bytes of a file, at most ``size`` [bytes]; what cannot be unpacked is left out."""
    found = io.BytesIO()
    try:
        for chunk in chunks(path):
            found.write(chunk)
            if found.tell() >= size:
                break
    except InputError:
        pass
    return found.getvalue()[:size]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
