"""Small files of canonical samples, made at known watts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def write_power(
    path: Path,
    *,
    start_ms: int,
    seconds: int = 10,
    step_s: int = 1,
    watts: int = 100,
    device: str = "gpu0",
    columns: dict[str, str] | None = None,
    about: dict[str, str] | None = None,
) -> Path:
    """A device that draws the same power all the time.

    Args:
        path: the file.
        start_ms: first sample [Unix ms].
        seconds: time from the first to the last sample [s].
        step_s: time between samples [s].
        watts: the power [W].
        device: its id.
        columns: ``run`` and ``site`` of all rows, where the file says them.
        about: what it says of itself, e.g. ``boundary``.
    """
    ts_ms = start_ms + np.arange(0, seconds + 1, step_s, dtype=np.int64) * 1000
    texts = {"device": device, **(columns or {})}
    table = pa.table(
        {
            **{name: pa.array([text] * len(ts_ms), pa.string()) for name, text in texts.items()},
            "ts_ms": ts_ms,
            "power_mw": np.full(len(ts_ms), watts * 1000, np.int64),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {f"gxmeter.{key}": value for key, value in (about or {}).items()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path
