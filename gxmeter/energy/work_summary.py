"""Work of runs as the one-shot command prints it: energy by phase, tokens, steps, FLOP, and energy for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import Rounding, divided, fixed, plain
from gxmeter.energy.summary import KWH_DECIMALS, kwh_of
from gxmeter.telemetry.work import PhaseWork, RunWork

HALF_UJ_PER_J = 2_000_000
"""Half-microjoules of one joule [0.5 uJ/J]."""

TOKEN_DECIMALS = 12
"""Places of energy per token [J], half-even."""

FLOP_DECIMALS = 24
"""Places of energy per FLOP [J], half-even: a picojoule keeps twelve digits."""


WELL_COVERED = Fraction(95, 100)
"""Share of time and of work that has energy; below it is said that a ratio stands on a part only."""


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
                    **_told(phase),
                }
                for name, phase in run.phases.items()
            ],
            **_told(run),
        }
        for run in runs
    ]


def work_lines(runs: Iterable[RunWork], *, ja: bool) -> Iterator[str]:
    """The same for people: every run, and its phases where it has any."""
    for run in runs:
        yield (f"実行 {run.run}: " if ja else f"run {run.run}: ") + _said(run, ja=ja)
        for name, phase in run.phases.items():
            if set(run.phases) != {""}:
                label = name or ("(フェーズ外)" if ja else "(outside phases)")
                yield f"  {label}: {_said(phase, ja=ja)}"


def work_findings(runs: Iterable[RunWork]) -> list[Finding]:
    """Runs and phases with counted work of which a part of more than 5 % has no energy."""
    return [_partly(what, work) for run in runs for what, work in _named(run) if _is_partly_covered(work)]


def _named(run: RunWork) -> Iterator[tuple[str, PhaseWork | RunWork]]:
    yield run.run, run
    yield from ((f"{run.run} / {name}", phase) for name, phase in run.phases.items() if name)


def _is_partly_covered(work: PhaseWork | RunWork) -> bool:
    """Whether there is work to compare with energy, and less than 95 % of it or of its time has any."""
    if not (work.tokens or work.flop):
        return False
    parts = (
        (work.covered_ns, work.total_ns),
        (work.tokens_covered, work.tokens),
        (work.flop_covered, work.flop),
    )
    return any(covered < WELL_COVERED * total for covered, total in parts)


def _partly(what: str, work: PhaseWork | RunWork) -> Finding:
    return finding(
        "work-partly-covered",
        what=what,
        covered=_short(work.covered_ns),
        total=_short(work.total_ns),
        percent=_percent(work.tokens_covered, work.tokens) if work.tokens else _percent(work.flop_covered, work.flop),
    )


def _percent(part: int, whole: int) -> str:
    """A share in whole percent, rounded down: what is not all of it is never said to be."""
    return str(part * 100 // whole)


def _seconds(ns: int) -> str:
    return plain(Decimal(ns).scaleb(-9))


def _short(ns: int) -> str:
    """Seconds for people, to the millisecond."""
    return plain(divided(Decimal(ns), Decimal(10**9), 3, Rounding.HALF_EVEN))


def _told(work: PhaseWork | RunWork) -> dict[str, Any]:
    return {
        "energy_kwh": plain(kwh_of(work.half_uj)) if work.covered_ns else None,
        "seconds": _seconds(work.covered_ns),
        "seconds_total": _seconds(work.total_ns),
        "tokens": work.tokens,
        "tokens_covered": work.tokens_covered,
        "steps": work.steps,
        "flop": str(work.flop),
        "flop_covered": str(work.flop_covered),
        "energy_j_per_token": joules_each(work.half_uj, work.tokens_covered, TOKEN_DECIMALS),
        "energy_j_per_flop": joules_each(work.half_uj, work.flop_covered, FLOP_DECIMALS),
    }


def _said(work: PhaseWork | RunWork, *, ja: bool) -> str:
    said = [_energy(work, ja=ja)]
    words = (("tokens", "トークン", "tokens"), ("steps", "ステップ", "steps"), ("flop", "FLOP", "FLOP"))
    said += [f"{getattr(work, key):,} {in_ja if ja else in_en}" for key, in_ja, in_en in words if getattr(work, key)]
    per_token = joules_each(work.half_uj, work.tokens_covered, TOKEN_DECIMALS)
    picojoules = joules_each(work.half_uj * 10**12, work.flop_covered, TOKEN_DECIMALS)
    said += [f"{per_token} J/{'トークン' if ja else 'token'}"] if per_token else []
    said += [f"{picojoules} pJ/FLOP"] if picojoules else []
    if work.covered_ns and work.covered_ns < WELL_COVERED * work.total_ns:
        percent = _percent(work.covered_ns, work.total_ns)
        said.append(f"エネルギーの記録は時間の {percent} %" if ja else f"energy covers {percent} % of the time")
    return ", ".join(said)


def _energy(work: PhaseWork | RunWork, *, ja: bool) -> str:
    """Energy and the time that it covers; time without any is no zero."""
    if not work.covered_ns:
        return "エネルギーの記録なし" if ja else "no energy recorded"
    covered, total = _short(work.covered_ns), _short(work.total_ns)
    seconds = f"{covered} s" if covered == total else f"{total} s 中 {covered} s" if ja else f"{covered} of {total} s"
    return f"{fixed(kwh_of(work.half_uj), KWH_DECIMALS)} kWh, {seconds}"
