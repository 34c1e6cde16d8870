"""Whatever a Parquet file's layout, the reader yields its rows: none lost, none under another name."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.telemetry import parquet_keys
from gxmeter.telemetry.model import PowerBatch
from gxmeter.telemetry.readers import parquet

TEXTS = st.sampled_from(["", "a", "b", "京都", "c" * 70])
DEVICES = st.one_of(st.sampled_from(["g0", "g1", "g2"]), TEXTS, st.none())
CODES = st.one_of(st.integers(0, 3), st.integers(0, 3), st.none(), st.sampled_from([4, 65_535, 65_536, 2**40, -1]))
NUMBERS = st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1), st.integers(0, 9))


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[str] | None]:
    """Columns in any of the forms that are understood, with empty cells, and names of device codes or none."""
    count = draw(st.integers(0, 24))

    def column(cells: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(cells, min_size=count, max_size=count))

    coded = draw(st.booleans())
    columns = {"device": pa.array(column(CODES), pa.int64()) if coded else pa.array(column(DEVICES), pa.string())}
    for name in ("run", "site"):
        form = draw(st.sampled_from(["none", "one", "many", "dictionary"]))
        if form != "none":
            cells = column(st.just("only") if form == "one" else st.one_of(TEXTS, st.none()))
            array = pa.array(cells, pa.string())
            columns[name] = array.dictionary_encode() if form == "dictionary" else array
    columns["ts_ms"] = pa.array(column(NUMBERS), pa.int64())
    columns["power_mw"] = pa.array(column(NUMBERS), draw(st.sampled_from([pa.int32(), pa.int64()])))
    names = ["n0", "n1", "n2", "n3"] if coded and draw(st.booleans()) else None
    return pa.table(columns), names


def expected(table: pa.Table, names: list[str] | None) -> list[tuple[str, str, str, int, int]]:
    found = []
    for row in table.to_pylist():
        if None in row.values():
            continue
        device = row["device"]
        if names is not None:
            if not 0 <= device < len(names):
                continue
            device = names[device]
        found.append((row.get("run", "R"), row.get("site", "S"), str(device), row["ts_ms"], row["power_mw"]))
    return found


@settings(max_examples=300)
@given(
    tables(),
    st.integers(1, 24),
    st.sampled_from([1, 3, 1 << 17]),
    st.sampled_from([0, parquet_keys._MOST_COMBINATIONS]),
    st.booleans(),
)
def test_the_reader_yields_every_whole_row_under_its_names(
    made: tuple[pa.Table, list[str] | None], group: int, batch: int, combinations: int, dictionary: bool
) -> None:
    table, names = made
    metadata = {} if names is None else {"gxmeter.devices": json.dumps(names)}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "x.parquet"
        pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=group, use_dictionary=dictionary)
        patch.setattr(parquet, "BATCH_ROWS", batch)
        patch.setattr(parquet_keys, "_MOST_COMBINATIONS", combinations)
        reading = parquet.read(path, run="R", site="S")
        found = []
        for part in reading.batches:
            assert isinstance(part, PowerBatch)
            keys = [part.keys[code] for code in part.key.tolist()]
            rows = zip(keys, part.ts_ms.tolist(), part.power_mw.tolist(), strict=True)
            found += [(*key, ts_ms, power_mw) for key, ts_ms, power_mw in rows]
    whole = expected(table, names)
    assert found == whole
    assert reading.records == len(whole)
    assert set(reading.devices) == {(site, device) for _, site, device, _, _ in whole}
    assert sum(int(dict(f.params)["count"]) for f in reading.findings) == len(table) - len(whole)
