"""Work of runs as the one-shot command prints it: energy by phase, tokens, steps, FLOP, and energy for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from gxmeter.core.numbers import Rounding, divided, fixed, plain
from gxmeter.energy.summary import KWH_DECIMALS, kwh_of
from gxmeter.telemetry.work import PhaseWork, RunWork

HALF_UJ_PER_J = 2_000_000
"""Half-microjoules of one joule [0.5 uJ/J]."""

TOKEN_DECIMALS = 12
"""Places of energy per token [J], half-even."""

FLOP_DECIMALS = 24
"""Places of energy per FLOP [J], half-even: a picojoule keeps twelve digits."""


def joules_each(half_uj: int, count: int, decimals: int) -> str | None:
    """Energy for each counted thing [J] as decimal text; None where nothing was counted.

    >>> joules_each(3_000_000, 2, 12), joules_each(3_000_000, 0, 12)
    ('0.75', None)
    """
    if count == 0:
        return None
    return plain(divided(Decimal(half_uj), Decimal(HALF_UJ_PER_J * count), decimals, Rounding.HALF_EVEN))


def work_document(runs: Iterable[RunWork]) -> list[dict[str, Any]]:
    """The key ``work`` of ``gxmeter energy --format gxmeter --json``; quantities are decimal strings."""
    return [
        {
            "run": run.run,
            "phases": [
                {
                    "name": name,
                    "energy_kwh": plain(kwh_of(phase.half_uj)),
                    "seconds": _seconds(phase.covered_ns),
                    **_counted(phase),
                }
                for name, phase in run.phases.items()
            ],
            **_counted(run),
        }
        for run in runs
    ]


def work_lines(runs: Iterable[RunWork], *, ja: bool) -> Iterator[str]:
    """The same for people; a run without phases and counts has no line."""
    for run in runs:
        if set(run.phases) <= {""} and not (run.tokens or run.steps or run.flop):
            continue
        yield (f"実行 {run.run}: " if ja else f"run {run.run}: ") + _said(run, ja=ja)
        for name, phase in run.phases.items():
            label = name or ("(フェーズ外)" if ja else "(outside phases)")
            yield f"  {label}: {_seconds(phase.covered_ns)} s, {_said(phase, ja=ja)}"


def _seconds(ns: int) -> str:
    return plain(Decimal(ns).scaleb(-9))


def _counted(work: PhaseWork | RunWork) -> dict[str, Any]:
    return {
        "tokens": work.tokens,
        "steps": work.steps,
        "flop": str(work.flop),
        "energy_j_per_token": joules_each(work.half_uj, work.tokens, TOKEN_DECIMALS),
        "energy_j_per_flop": joules_each(work.half_uj, work.flop, FLOP_DECIMALS),
    }


def _said(work: PhaseWork | RunWork, *, ja: bool) -> str:
    said = [f"{fixed(kwh_of(work.half_uj), KWH_DECIMALS)} kWh"]
    words = (("tokens", "トークン", "tokens"), ("steps", "ステップ", "steps"), ("flop", "FLOP", "FLOP"))
    said += [f"{getattr(work, key):,} {in_ja if ja else in_en}" for key, in_ja, in_en in words if getattr(work, key)]
    per_token = joules_each(work.half_uj, work.tokens, TOKEN_DECIMALS)
    picojoules = joules_each(work.half_uj * 10**12, work.flop, TOKEN_DECIMALS)
    said += [f"{per_token} J/{'トークン' if ja else 'token'}"] if per_token else []
    said += [f"{picojoules} pJ/FLOP"] if picojoules else []
    return ", ".join(said)
