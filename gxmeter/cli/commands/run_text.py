"""What ``gxmeter run`` says when the command has ended: a few short lines, in the language of the locale.

How much and how well it is known, the mass by the factor that was handed over, what the phases used, what is
missing, where the record lies and what to do next. The exact figures stand in the record and in ``--json``.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gxmeter.cli.output import language
from gxmeter.core.findings import Finding, Level
from gxmeter.core.numbers import plain
from gxmeter.core.phases import OUTSIDE
from gxmeter.meter.record.place import MARKER
from gxmeter.meter.show.amounts import duration, emissions, energy, percent, power, scaled
from gxmeter.meter.totals import MeterResult

if TYPE_CHECKING:
    from gxmeter.cli.commands.run_site import SiteFactor

SETTINGS = frozenset(
    {
        "allocation-unknown",
        "budget-not-usable",
        "budget-passed",
        "claims-unavailable",
        "factor-not-usable",
        "node-ratio-not-usable",
        "rapl-hidden",
        "rapl-unreadable",
        "run-id-not-shared",
        "site-unknown",
        "workspace-missing",
        "workspace-unwritable",
    }
)
"""Findings that were said at the start and take no energy away; the summary does not say them again."""

_FAILED = {"meter-failed", "meter-late"}
"""Findings of a meter that did not come to measure: then nobody knows whether another one does."""

_MENDABLE = frozenset({"gpu-unreadable", "nvml-unusable", "rapl-unreadable", "sensor-unavailable"})
"""Findings that the doctor has a command for."""

_INDENT = "  "
_MOST_PHASES = 4
_QUIET_NS = 5_000_000_000
_NS_PER_MS = 1_000_000
_PER_TOKEN = ((1, "uJ"), (1_000, "mJ"), (1_000_000, "J"), (1_000_000_000, "kJ"))
_PER_JOULE = ((1, "FLOP/J"), (10**6, "MFLOP/J"), (10**9, "GFLOP/J"), (10**12, "TFLOP/J"))


def summary(result: MeterResult, found: SiteFactor | None = None) -> None:
    """Say the closing summary on standard error.

    Args:
        result: what was measured.
        found: the site's factor, shown where none was handed over.
    """
    for line in summary_lines(result, found):
        typer.echo(line, err=True)


def summary_lines(result: MeterResult, found: SiteFactor | None = None) -> Iterator[str]:
    """The closing summary, line by line; arguments as for :func:`summary`."""
    ja = language() == "ja"
    lines = [
        *_energy(result, ja=ja),
        *_mass(result, found, ja=ja),
        *_work(result, ja=ja),
        *_missing(result, ja=ja),
        *_next(result, ja=ja),
    ]
    for number, line in enumerate(lines):
        yield (_INDENT if number else "gxmeter: ") + line


def total_uj(result: MeterResult) -> int:
    """Energy that counts: of the machine where it was metered, else of its components [uJ]."""
    if result.phases:
        return sum(phase.energy_uj for phase in result.phases.values())
    return result.node_uj if result.node_uj is not None else result.measured_uj + result.estimated_uj


# ------------------------------------------------------------------ how much


def _energy(result: MeterResult, *, ja: bool) -> Iterator[str]:
    time = duration(result.elapsed_ns, ja=ja)
    if result.samples == 0:
        if not result.counting and not _FAILED & {item.code for item in result.findings}:
            yield (
                f"このホストは別の gxmeter が計測しており、こちらは数えずに参加しました({time})。"
                if ja
                else f"another gxmeter measures this host; this one took part without counting ({time})."
            )
        else:
            yield f"エネルギーは計測できませんでした({time})。" if ja else f"no energy could be measured ({time})."
        return
    energy_uj, mean = total_uj(result), _mean(result)
    yield f"{energy(energy_uj)}({time}、平均 {mean})" if ja else f"{energy(energy_uj)} in {time}, mean {mean}"
    yield _known(result, ja=ja)


def _mass(result: MeterResult, found: SiteFactor | None, *, ja: bool) -> Iterator[str]:
    """Mass by the factor that was handed over, else by the site's; none where neither is known."""
    factor = result.kg_per_kwh if result.kg_per_kwh is not None or found is None else found.kg_per_kwh
    if factor is None or result.samples == 0:
        return
    said = f"{plain(factor)} kg-CO2/kWh"
    mass = emissions(total_uj(result), factor)
    if result.kg_per_kwh is not None or found is None:
        yield f"{mass}(指定された係数 {said})" if ja else f"{mass} by the factor given, {said}"
    else:
        at, name = result.site, found.id
        yield f"{mass}({at}、{said}、{name})" if ja else f"{mass} at {at} by {said} ({name})"


def _mean(result: MeterResult) -> str:
    """Mean power over the time that has numbers."""
    covered_ns = sum(phase.covered_ns for phase in result.phases.values()) or result.elapsed_ns
    return power(total_uj(result) * _NS_PER_MS // covered_ns) if covered_ns else "- W"


def _known(result: MeterResult, *, ja: bool) -> str:
    """What was measured, and how much of it."""
    if result.node_uj is not None:
        return "本体の電力計による実測" if ja else "measured by the machine's own meter"
    whole = result.measured_uj + result.estimated_uj
    text = ("装置の合計: " if ja else "devices: ") + _share_measured(result.measured_uj, whole, ja=ja)
    if result.node_ratio is None:
        return text
    node, ratio = energy(int(Fraction(result.node_ratio) * whole)), plain(result.node_ratio)
    return text + (f"。ノードは申告比 {ratio} で {node}" if ja else f"; the node {node} by the declared ratio {ratio}")


def _share_measured(measured_uj: int, whole_uj: int, *, ja: bool) -> str:
    if measured_uj == 0:
        return "すべて推計(負荷モデル)" if ja else "all estimated (load models)"
    if measured_uj == whole_uj:
        return "すべて実測" if ja else "all measured"
    share = _share(measured_uj, whole_uj, ja=ja)
    return f"実測 {share}、残りは推計" if ja else f"{share} measured, the rest estimated"


def _share(part: int, whole: int, *, ja: bool) -> str:
    number = percent(part, whole) if whole else "0"
    digits = number.lstrip("<>")
    if ja:
        return f"{digits}%" + {"<": "未満", ">": "超"}.get(number[0], "")
    return {"<": "under ", ">": "over "}.get(number[0], "") + f"{digits} %"


# ------------------------------------------------------------------ what for


def _work(result: MeterResult, *, ja: bool) -> Iterator[str]:
    named = {name: phase.energy_uj for name, phase in result.phases.items() if name != OUTSIDE}
    texts = []
    if named:
        order = sorted(named, key=lambda name: -named[name])
        rest = total_uj(result) - sum(named[name] for name in order[:_MOST_PHASES])
        shown = [(name, named[name]) for name in order[:_MOST_PHASES]]
        shown += [("その他" if ja else "rest", rest)] if rest else []
        whole = total_uj(result)
        parts = [f"{name} {energy(uj)} ({_share(uj, whole, ja=ja)})" for name, uj in shown]
        texts.append(("、" if ja else ", ").join(parts))
    if result.tokens:
        each = scaled(Fraction(total_uj(result), result.tokens), _PER_TOKEN, 3)
        counted = f"{result.tokens:,}"
        per_token = f"{each}/トークン" if ja else f"{each}/token"
        said = f"{counted} トークン" if ja else f"{counted} tokens"
        texts.append(
            said + (f"({per_token})" if ja else f" ({per_token})") if total_uj(result) and not result.partly else said
        )
    elif result.steps:
        texts.append(f"{result.steps:,} ステップ" if ja else f"{result.steps:,} steps")
    if result.flop and total_uj(result) and not result.partly:
        texts.append(scaled(Fraction(result.flop * 1_000_000, total_uj(result)), _PER_JOULE, 3))
    if texts:
        yield ("。" if ja else "; ").join(texts)


# ------------------------------------------------------------------ what is missing


def _missing(result: MeterResult, *, ja: bool) -> Iterator[str]:
    silent_ns = result.elapsed_ns - sum(phase.covered_ns for phase in result.phases.values())
    if result.samples and result.phases and silent_ns > _QUIET_NS:
        time = duration(silent_ns, ja=ja)
        yield f"! {time} の間は数値がありません。" if ja else f"! no numbers for {time} of this time."
    losses = [item for item in result.findings if item.level is not Level.MAY and item.code not in SETTINGS]
    losses.sort(key=lambda item: item.level is not Level.MUST)
    if losses:
        yield f"! {_sentence(losses[0], ja=ja)}"
        others = Counter(item.code for item in losses)
        others[losses[0].code] -= 1
        more = ", ".join(f"{code} x{count}" if count > 1 else code for code, count in others.items() if count)
        if more:
            yield f"! ほかに: {more}" if ja else f"! and: {more}"


def _sentence(item: Finding, *, ja: bool) -> str:
    return item.ja if ja else item.en


# ------------------------------------------------------------------ where it is, what next


def _next(result: MeterResult, *, ja: bool) -> Iterator[str]:
    if result.journal is None:
        if result.counting:
            yield "記録は残っていません。" if ja else "there is no record."
    else:
        yield f"記録: {_near(result.journal)}" if ja else f"record: {_near(result.journal)}"
    command = _next_command(result)
    if command:
        yield f"次は: {command}" if ja else f"next: {command}"


def _next_command(result: MeterResult) -> str:
    """Where nothing was measured, or something could be measured better, what mends that; else the record."""
    if (result.counting and result.samples == 0) or _MENDABLE & {item.code for item in result.findings}:
        return "gxmeter doctor"
    if result.journal is None:
        return ""
    workspace = result.journal.parents[2]
    if (workspace / MARKER).is_file():
        return f"gxmeter check -w {shlex.quote(_near(workspace))}"
    return f"gxmeter energy {shlex.quote(_near(result.journal))} --format gxmeter"


def _near(path: Path) -> str:
    """The path from the current folder where that is shorter."""
    try:
        near = os.path.relpath(path)
    except (OSError, ValueError):
        return str(path)
    return near if len(near) < len(str(path)) else str(path)
