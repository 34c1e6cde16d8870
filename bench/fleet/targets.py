"""The targets of the heavy lane, judged from one run: ratios, so that they hold on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.fleet.watch import Spent

AT_MOST, AT_LEAST = "at most", "at least"
_NS_PER_S = 1e9
_LINEAR = 1.15
"""Greatest ratio of the processor times a sample of two sizes that still counts as linear growth."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One size: samples that were read, bytes of the files, and what every piece of work took."""

    rows: int
    bytes: int
    spent: dict[str, Spent]


class Ratio(NamedTuple):
    """A target: a quantity of one work over that of another, at most or at least a bound."""

    text: str
    quantity: str
    over: str
    under: str
    side: str
    bound: float


RATIOS = (
    Ratio("processor time at most 1.2x of merely decoding", "cpu_s", "compiled", "decode", AT_MOST, 1.2),
    Ratio("the same with devices as integer codes", "cpu_s", "compiled-coded", "decode-coded", AT_MOST, 1.2),
    Ratio("at least 4x less processor time than DuckDB's window SQL", "cpu_s", "duckdb", "compiled", AT_LEAST, 4),
    Ratio("the same against the best form of it found", "cpu_s", "duckdb-best", "compiled", AT_LEAST, 4),
    Ratio("at least 20x less processor time than PySpark SQL", "cpu_s", "spark", "compiled", AT_LEAST, 20),
    Ratio("two workers at least 1.7x one", "wall_s", "compiled", "two-workers", AT_LEAST, 1.7),
    Ratio("unchanged re-verification within 1.5x of hashing", "wall_s", "cached", "hash", AT_MOST, 1.5),
)
"""The issue's targets that are ratios, and two more: codes in place of names, and a DuckDB that was helped."""

MEMORY_MB = 1_000


def judged(one: Measured) -> list[list[str]]:
    """A row per target: what it is, the size, what was measured, met or not met."""
    rows = []
    for target in RATIOS:
        value = ratio(one, target.over, target.under, target.quantity)
        if value is not None:
            met = value >= target.bound if target.side == AT_LEAST else value <= target.bound
            rows.append([target.text, f"{one.rows:,}", f"{value:.2f}x{_net(one, target)}", _word(met)])
    for work in ("compiled", "two-workers"):
        spent = one.spent.get(work)
        if spent and not spent.failed:
            told = [f"under 1 GB per worker ({work})", f"{one.rows:,}", f"{spent.peak_mb:,.0f} MB"]
            rows.append([*told, _word(spent.peak_mb < MEMORY_MB)])
    return rows


def ratio(one: Measured, over: str, under: str, quantity: str) -> float | None:
    """One work's quantity over another's; None where either was not run."""
    a, b = one.spent.get(over), one.spent.get(under)
    if a is None or b is None or a.failed or b.failed or not getattr(b, quantity):
        return None
    return float(getattr(a, quantity) / getattr(b, quantity))


def _net(one: Measured, target: Ratio) -> str:
    """The same without the start of Python and all imports, where both works are one process that tells it."""
    name = f"inside_{target.quantity}"
    a, b = (one.spent[work].answer.get(name) for work in (target.over, target.under))
    several = target.quantity == "cpu_s" and "two-workers" in (target.over, target.under)
    return f" ({a / b:.2f}x without start and imports)" if a and b and not several else ""


def growth(results: Sequence[Measured]) -> list[list[str]]:
    """Processor time a sample of gxmeter at every size, and whether it stays."""
    rows, each_ns = [], []
    for one in results:
        spent = one.spent.get("compiled")
        if spent and not spent.failed:
            each_ns.append(spent.answer["inside_cpu_s"] * _NS_PER_S / one.rows)
            rows.append([f"{one.rows:,}", f"{each_ns[-1]:.1f} ns", f"{spent.wall_s:.1f} s", f"{spent.peak_mb:,.0f} MB"])
    if each_ns:
        met = max(each_ns[1:], default=0) <= _LINEAR * each_ns[0]
        rows.append(["linear", f"at most {_LINEAR}x of the smallest size", "", _word(met)])
    return rows


def _word(met: bool) -> str:  # noqa: FBT001 - the answer itself
    return "met" if met else "**not met**"
