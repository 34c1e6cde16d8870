"""The paper plan of ``docs/explanation/scale.md``: what a year of a great fleet takes, from what was measured here.

``.venv/bin/python -m bench.scale`` writes the tables into the page and its Japanese twin. Bytes and processor time a
sample are those of the greatest size in ``bench/RESULTS.md``; a row of energy.csv is written by the product's own
writer. Prices are assumptions, named as such.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.machine import ROOT, table, write_section
from gxmeter.core.calendar import SLOT_MS
from gxmeter.evidence.layout import BY_PATH
from gxmeter.evidence.verify.source import MAX_FILE
from gxmeter.ledger.tables import ActivityRow, Instant

RESULTS = ROOT / "bench" / "RESULTS.md"
PAGES = {"en": ROOT / "docs" / "explanation" / "scale.md", "ja": ROOT / "docs" / "explanation" / "scale.ja.md"}

YEAR_S = 365 * 86_400
SLOTS_A_YEAR = YEAR_S * 1_000 // SLOT_MS
RAW_BYTES = 16
"""A sample as plain numbers [bytes]: instant 8, power 4, device code 2, run code 2."""

LEAF_BYTES = 280
"""A leaf as ``merge.close`` hands it on, in Python objects [bytes]; a test holds it against the allocator."""

ROW_READ_BYTES = 740
"""A row of energy.csv while a verifier reads it, text and object [bytes]; a test holds it against the allocator."""

CORES = 64
YEN_PER_GB_MONTH = 4
"""Assumed: object storage, infrequent access, list price of the order of 0.025 USD/GB [JPY]."""

YEN_PER_CORE_HOUR = 8
"""Assumed: one core of a cloud machine, list price of the order of 0.05 USD/h [JPY]."""

FLEETS = ((10_000, 1), (10_000, 15), (100_000, 1), (100_000, 15))
"""GPUs and sampling period [s]."""

_NS_PER_HOUR = 3.6e12


@dataclass(frozen=True, slots=True)
class PerSample:
    """Measured at the greatest size: processor time [ns] and Parquet bytes a sample."""

    ns: float
    bytes: float


def per_sample(text: str) -> PerSample:
    """Out of the text of ``bench/RESULTS.md``.

    Raises:
        ValueError: nothing has been measured yet.
    """
    sizes = re.findall(r"^### ([\d,]+) samples \(([\d,]+) MB(.*?)(?=^### )", text, re.MULTILINE | re.DOTALL)
    if not sizes:
        raise ValueError("bench/RESULTS.md holds no measurement; run bench.energy --write first")
    rows, megabytes, body = max(sizes, key=lambda size: _number(size[0]))
    cells = re.search(r"^\| gxmeter, compiled kernel \(.*?\) \|(.*)\|$", body, re.MULTILINE)
    if cells is None:
        raise ValueError("bench/RESULTS.md does not tell the compiled kernel's time")
    return PerSample(float(cells.group(1).split("|")[2]), _number(megabytes) * 1e6 / _number(rows))


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def row_bytes() -> float:
    """Bytes of a row of energy.csv with ids of ordinary length."""
    rows = [
        ActivityRow(
            row_id=100_000_000 + i,
            run_id="pretrain-0042",
            site_id="tokyo-dc1",
            device_id=f"tokyo-n{i:04}.gpu{i % 8}",
            start=Instant(SLOT_MS * 986_000),
            end=Instant(SLOT_MS * 986_001),
            boundary="device",
            method="nvml-power",
            grade="C2",
            energy_half_uj=2 * 600_000 * SLOT_MS + i,
            covered_ms=SLOT_MS,
            evidence_id="telemetry.tokyo-dc1.2026-04-01.parquet",
        )
        for i in range(1_000)
    ]
    return len(BY_PATH["activity/energy.csv"].write(rows)) / len(rows)


def gpus_that_fit() -> int:
    """How many devices' full year fits into one file that verifiers read."""
    return int(MAX_FILE / row_bytes() / SLOTS_A_YEAR)


def section(language: str, measured: PerSample) -> str:
    """The table of one language, and what it was computed from."""
    i = 0 if language == "en" else 1
    columns = [_column(gpus, period_s, measured) for gpus, period_s in FLEETS]
    head = ["", *(_HEAD[i].format(gpus, period_s) for gpus, period_s in FLEETS)]
    body = table(head, [[name[i], *cells] for name, *cells in zip(_NAMES, *columns, strict=True)])
    return f"{body}\n\n{_NOTE[i].format(measured=measured, row=row_bytes(), leaf=LEAF_BYTES, fit=gpus_that_fit())}"


def _column(gpus: int, period_s: int, measured: PerSample) -> list[str]:
    samples = gpus * YEAR_S // period_s
    stored = samples * measured.bytes
    core_hours = samples * measured.ns / _NS_PER_HOUR
    leaves = gpus * SLOTS_A_YEAR
    return [
        _power_of_ten(samples),
        _size(samples * RAW_BYTES),
        _size(stored),
        f"{core_hours:,.1f}",
        f"{core_hours * 60 / CORES:,.1f} min",
        f"{stored / (core_hours * 3_600 / CORES) / 1e9:,.1f} GB/s",
        f"{leaves / 1e6:,.0f} M",
        _size(leaves * LEAF_BYTES),
        _size(leaves * row_bytes()),
        _size(leaves * ROW_READ_BYTES),
        f"¥{stored / 1e9 * YEN_PER_GB_MONTH * 12:,.0f}",
        f"¥{core_hours * YEN_PER_CORE_HOUR:,.0f}",
    ]


def _power_of_ten(number: float) -> str:
    mantissa, _, exponent = f"{number:.2e}".partition("e")
    return f"{mantissa} × 10<sup>{int(exponent)}</sup>"


def _size(number: float) -> str:
    return f"{number / 1e12:,.2f} TB" if number >= 1e12 else f"{number / 1e9:,.1f} GB"


_HEAD = ("{:,} GPUs, every {} s", "GPU {:,} 台、{} 秒ごと")
_NAMES = (
    ("samples a year", "1 年のサンプル数"),
    ("as plain numbers (16 bytes a sample)", "数値のまま(1 サンプル 16 バイト)"),
    ("as Parquet, zstd", "Parquet(zstd)"),
    ("core-hours to integrate it once", "1 回積分するコア時間"),
    (f"the same on {CORES} cores", f"{CORES} コアでの時間"),
    ("reading rate that needs", "そのための読み出し速度"),
    ("leaves (half-hours x devices)", "葉(半時間 × 機器)"),
    ("memory of the leaves in `close`", "`close` での葉のメモリー"),
    ("energy.csv, one row a leaf", "energy.csv(葉 1 枚に 1 行)"),
    ("memory of a verifier that reads it", "それを読む検証者のメモリー"),
    (
        f"storage for a year (assumed ¥{YEN_PER_GB_MONTH}/GB and month)",
        f"保管 1 年(仮定: 1 GB・月 {YEN_PER_GB_MONTH} 円)",
    ),
    (
        f"computing, once (assumed ¥{YEN_PER_CORE_HOUR}/core-hour)",
        f"計算 1 回(仮定: 1 コア時間 {YEN_PER_CORE_HOUR} 円)",
    ),
)
_NOTE = (
    (
        "Computed by `bench/scale.py` from {measured.ns:.1f} ns of processor time and {measured.bytes:.2f} bytes of "
        "Parquet a sample ([bench/RESULTS.md](../../bench/RESULTS.md), greatest size), {leaf} bytes a leaf and "
        "{row:.0f} bytes a row. A full year of {fit:,} devices fills the 2 GB that a verifier reads of one file."
    ),
    (
        "`bench/scale.py` が、1 サンプルあたりの処理時間 {measured.ns:.1f} ns と Parquet {measured.bytes:.2f} バイト"
        "([bench/RESULTS.md](../../bench/RESULTS.md) の最大の規模)、葉 1 枚 {leaf} バイト、1 行 {row:.0f} バイトから"
        "計算しました。検証者が 1 ファイルから読む 2 GB は、機器 {fit:,} 台の 1 年分で埋まります。"
    ),
)


def write(results: Path = RESULTS) -> None:
    """Write both pages' tables."""
    measured = per_sample(results.read_text("utf-8"))
    for language, page in PAGES.items():
        write_section("scale", section(language, measured), page)


if __name__ == "__main__":
    write()
