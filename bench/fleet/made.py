"""Telemetry as a collector writes it, made from integers and a seed: the same arguments give the same samples.

1,024 GPUs at four sites, one file a site and UTC day, samples of all devices interleaved as they arrive, one a second
each with 40 ms of jitter either way. One sample in 2,000 is lost, one in 100,000 written twice; devices and whole
nodes drop out for one to 45 minutes; jobs of 8 to 64 GPUs follow each other with idle time between. The middle of the
time is 1 April 2026 00:00 JST, where a fiscal year ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

SITES = ("hokkaido", "kanagawa", "osaka", "tokyo")
GPUS_PER_SITE, GPUS_PER_NODE = 256, 8
GPUS = len(SITES) * GPUS_PER_SITE
PERIOD_MS, JITTER_MS = 1_000, 40
FISCAL_EDGE_MS = 1_774_969_200_000
"""1 April 2026 00:00 JST [Unix ms]."""

DAY_MS = 86_400_000
ROW_GROUP = 1 << 20
"""Rows of a row group, pyarrow's own default [rows]."""

CHUNK_TICKS = 4_096
TEXT, CODED = "text", "coded"
IDLE_MW, BUSY_MW = 71_000, 640_000
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Which run each device serves at a tick: blocks of devices change their job every few hours."""

    seed: int

    def run(self, device: Int64, tick: Int64) -> tuple[Int64, npt.NDArray[np.bool_]]:
        """Number of the run, and whether it computes (else it is between two jobs)."""
        size = 8 << (device // 64)  # blocks of 8, 16, 32 and 64 GPUs
        block = device // size
        length = 7_000 + 1_300 * ((block * 7 + self.seed) % 11)  # two to six hours in ticks
        shifted = tick + 977 * block
        return (shifted // length) * 64 + block + 8 * (device // 64), shifted % length > length // 12


def make(folder: Path, rows: int, *, layout: str = TEXT) -> list[Path]:
    """Write about so many samples into ``folder/SITE/DATE.parquet``; what is there already stays.

    Args:
        folder: empty, or holding the same data.
        rows: how many samples to aim at [rows]; lost ones are missing from it.
        layout: of the device column: texts, or codes whose names stand in the file's metadata.
    """
    ticks = rows // GPUS
    first_ms = FISCAL_EDGE_MS - ticks // 2 * PERIOD_MS
    files = []
    for number, site in enumerate(SITES):
        for day in range(first_ms // DAY_MS, (first_ms + ticks * PERIOD_MS - 1) // DAY_MS + 1):
            from_tick = max(0, -(-(day * DAY_MS - first_ms) // PERIOD_MS))
            to_tick = min(ticks, -(-((day + 1) * DAY_MS - first_ms) // PERIOD_MS))
            path = folder / site / f"{np.datetime64(day, 'D')}.parquet"
            if not path.exists():
                chunks = _chunks(number, range(from_tick, to_tick), first_ms)
                _write(path, chunks, site, layout)
            files.append(path)
    return files


def _write(path: Path, chunks: Iterator[tuple[Int64, Int64, Int64, Int64]], site: str, layout: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    names = [f"{site}-n{d // GPUS_PER_NODE:03}.gpu{d % GPUS_PER_NODE}" for d in range(GPUS_PER_SITE)]
    schema = _schema(names, layout)
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for device, run, ts_ms, power_mw in chunks:
            runs, code = np.unique(run, return_inverse=True)
            columns = [
                _named(code, [f"{site}-job-{r:05}" for r in runs.tolist()]),
                _named(np.zeros(len(code), np.int64), [site]),
                _named(device, names) if layout == TEXT else pa.array(device.astype(np.int16)),
                pa.array(ts_ms),
                pa.array(power_mw.astype(np.int32)),
            ]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)
    part.rename(path)


def _schema(names: list[str], layout: str) -> pa.Schema:
    about = {"gxmeter.boundary": "device", "gxmeter.kind": "gpu", "gxmeter.method": "nvml-power"}
    if layout == CODED:
        about["gxmeter.devices"] = json.dumps(names)
    device = pa.string() if layout == TEXT else pa.int16()
    columns = [("run", pa.string()), ("site", pa.string()), ("device", device)]
    return pa.schema([*columns, ("ts_ms", pa.int64()), ("power_mw", pa.int32())], metadata=about)


def _named(code: Int64, names: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(code.astype(np.int32), pa.array(names)).cast(pa.string())


def _chunks(number: int, ticks: range, first_ms: int) -> Iterator[tuple[Int64, Int64, Int64, Int64]]:
    """Device, run, instant [Unix ms] and power [mW] of the samples of some ticks, in order of arrival."""
    jobs = Jobs(number)
    for start in range(ticks.start, ticks.stop, CHUNK_TICKS):
        random = np.random.default_rng((number, start))
        tick = np.arange(start, min(start + CHUNK_TICKS, ticks.stop), dtype=np.int64)
        device = np.arange(GPUS_PER_SITE, dtype=np.int64)
        grid, devices = (column.ravel() for column in np.meshgrid(tick, device, indexing="ij"))
        run, busy = jobs.run(devices, grid)
        jitter = random.integers(-JITTER_MS, JITTER_MS + 1, len(grid))
        ts_ms = first_ms + grid * PERIOD_MS + jitter
        wave = np.abs(grid % 240 - 120) * 900 + random.integers(-25_000, 25_001, len(grid))
        power_mw = np.where(busy, BUSY_MW + wave, IDLE_MW + wave // 64)
        kept = (random.integers(0, 2_000, len(grid)) > 0) & ~_out(random, tick, device).ravel()
        copies = np.where(random.integers(0, 100_000, len(grid)) == 0, 2, 1) * kept
        yield devices.repeat(copies), run.repeat(copies), ts_ms.repeat(copies), power_mw.repeat(copies)


def _out(random: np.random.Generator, tick: Int64, device: Int64) -> npt.NDArray[np.bool_]:
    """Ticks at which a device (of one in 20) or a whole node (of one in 32) does not answer."""
    out = np.zeros((len(tick), len(device)), np.bool_)
    for index in np.nonzero(random.integers(0, 20, len(device)) == 0)[0].tolist():
        begin = int(random.integers(0, len(tick)))
        out[begin : begin + int(random.integers(60, 600)), index] = True
    for node in np.nonzero(random.integers(0, 32, len(device) // GPUS_PER_NODE) == 0)[0].tolist():
        begin = int(random.integers(0, len(tick)))
        out[begin : begin + int(random.integers(600, 2_700)), node * GPUS_PER_NODE : (node + 1) * GPUS_PER_NODE] = True
    return out


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), layout=sys.argv[3])
