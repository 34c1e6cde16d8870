"""What a journal's digest covers, and sealed files that are not what they should be."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.sources import digest_of, size_of
from gxmeter.telemetry.sealed import seal, unseal
from tests.support.journals import GPU, JournalMaker, a_head, part


def two_segments(folder: Path) -> Path:
    maker = JournalMaker(a_head(part(0, "gpu0", GPU))).second(0, 5).rotate()
    return maker.second(1, 6).end().write(folder)


def test_a_journals_digest_is_of_its_segments_alone(tmp_path: Path) -> None:
    folder = two_segments(tmp_path / "j")
    stored = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    lines = (f"{sha256(data).hexdigest()}  {name}\n" for name, data in stored)
    told = sha256("".join(lines).encode()).hexdigest()
    for stray in ("notes.txt", ".0000.gxj.parquet.x1y2", "0000.gxj~"):
        (folder / stray).write_bytes(b"no segment")
    assert digest_of(folder) == told
    assert size_of(folder) == sum(path.stat().st_size for path in folder.glob("*.gxj"))


def test_a_sealed_file_whose_columns_changed_their_type_is_refused(tmp_path: Path) -> None:
    folder = two_segments(tmp_path / "j")
    table = pq.read_table(io.BytesIO(seal((folder / "0000.gxj").read_bytes())))
    spoilt = table.set_column(0, "line", table.column("line").cast("binary"))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, spoilt.schema) as writer:
        writer.write_table(spoilt)
        writer.add_key_value_metadata({"gxmeter.sealed": "1"})
    with pytest.raises(InputError) as caught:
        unseal(sink.getvalue())
    assert caught.value.code == "journal-seal-unreadable"


def test_a_small_file_that_claims_lines_without_end_is_refused(tmp_path: Path) -> None:
    folder = two_segments(tmp_path / "j")
    table = pq.read_table(io.BytesIO(seal((folder / "0000.gxj").read_bytes())))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema) as writer:
        for _ in range(100):
            writer.write_table(table)
        writer.add_key_value_metadata({"gxmeter.sealed": "1", "gxmeter.bytes": "100"})
    with pytest.raises(InputError, match="more lines than bytes"):
        unseal(sink.getvalue())
