"""What ``gxmeter reconcile`` prints: a table per site, and a line per reading with the rest that nothing explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from gxmeter.cli.output import language
from gxmeter.cli.summary import grouped, table
from gxmeter.core.calendar import jst_date
from gxmeter.core.numbers import Rounding, fixed, plain, rounded
from gxmeter.ledger.reading_fit import REASONS
from gxmeter.ledger.reconcile_periods import named
from gxmeter.ledger.reconcile_row import State

if TYPE_CHECKING:
    from gxmeter.api import Reconciled
    from gxmeter.ledger.reconcile_row import Row

_HEAD = (
    ("期間", "period"),
    ("実行", "runs"),
    ("待機", "idle"),
    ("+ノード", "+node"),
    ("+IT", "+IT"),
    ("+冷却等", "+PUE"),
    ("計 kWh", "sum kWh"),
    ("検針 kWh", "reading"),
    ("差 kWh", "diff."),
    ("差 %", "diff. %"),
    ("判定", "state"),
)
_STATES = {
    State.NOTHING: ("記録も検針もありません", "nothing measured, no reading"),
    State.NO_READING: ("検針なし", "no reading"),
    State.NOT_COMPARABLE: ("比較不可", "not comparable"),
    State.WITHIN: ("許容差内", "in tolerance"),
    State.UNEXPLAINED: ("説明なし", "unexplained"),
    State.EXCEEDS: ("計が過大", "exceeds"),
}
_LEGEND = (
    "account の「実行に帰属しない電力」= 検針-実行 = 待機(ノード等の加算を含む)+ 差",
    "What account calls unattributed: the reading less the runs, so idle (with node, IT, PUE) plus diff.",
)
_DECLARED_BY = {
    "reading": ("検針に宣言", "declared with the reading"),
    "site": ("拠点に宣言", "declared with the site"),
    "materiality": ("重要性の基準", "materiality of the workspace"),
}
_WHOLE_FROM, _TENTHS_FROM = 10_000, 100
"""Greatest amount of a table from which whole kWh, or tenths, are shown [kWh]."""


def lines(made: Reconciled) -> Iterator[str]:
    """The rows of each site; rounded for the eye, the exact texts are in the JSON document."""
    ja = language() == "ja"
    fy = made.span.fy
    yield made.span.month or (fy.label_ja if ja else fy.label_en)
    if not made.result.rows:
        yield "  記録も申告も検針もありません。" if ja else "  Nothing was measured, declared or read."
    for site, members in groupby(made.result.rows, key=lambda row: row.site):
        yield f"{site}"
        yield from _site(list(members))
    if any(row.rest_kwh is not None for row in made.result.rows):
        yield _word(_LEGEND)


def _site(members: Sequence[Row]) -> Iterator[str]:
    """The table of a site, and the months of which nothing is known as one line."""
    rows = [row for row in members if row.state is not State.NOTHING]
    if rows:
        decimals = _decimals(rows)
        yield from table([tuple(_word(pair) for pair in _HEAD), *(_cells(row, decimals) for row in rows)])
        for row in rows:
            yield from (f"  {row.period.label}  {line}" for line in _details(row, decimals))
    for name in named([row.period for row in members if row.state is State.NOTHING]):
        yield f"  {name}: {_word(_STATES[State.NOTHING])}"


def _cells(row: Row, decimals: int) -> tuple[str, ...]:
    steps = row.steps
    amounts = (
        row.runs and row.runs.read_kwh,
        row.idle and row.idle.read_kwh,
        *((steps.node_kwh, steps.it_kwh, steps.pue_kwh, steps.facility_kwh) if steps else [None] * 4),
    )
    reading = row.reading.energy_kwh if row.reading else None
    return (
        _short(row),
        *(_shown(amount, decimals) for amount in amounts),
        _shown(reading, decimals),
        _shown(row.difference_kwh, decimals),
        _shown(row.pct(row.difference_kwh), 2),
        _word(_STATES[row.state]),
    )


def _details(row: Row, decimals: int) -> Iterator[str]:
    """The rest of a reading as a line of its own, what explains the other part, and meters for comparison."""
    ja = language() == "ja"
    if row.misfit is not None:
        reason = _word(REASONS[row.misfit])
        yield f"会計に入らない検針: {reason}" if ja else f"reading not taken: {reason}"
    rest = row.rest_kwh
    if rest is not None and row.tolerance is not None:
        pct, tolerance = _shown(row.pct(rest), 2), plain(row.tolerance.pct)
        by = _word(_DECLARED_BY[row.tolerance.declared_by])
        if row.reading and (row.explained_kwh or row.reading.explanation_ja or row.reading.explanation_en):
            texts = (row.reading.explanation_ja, row.reading.explanation_en)
            told = _word(texts) or next(filter(None, texts))
            amount = _shown(row.explained_kwh, decimals)
            yield f"説明された差 {amount} kWh: {told}" if ja else f"explained: {amount} kWh, {told}"
        amount = _shown(rest, decimals)
        yield (
            f"説明のない差 {amount} kWh({pct} %、許容差 {tolerance} %: {by})"
            if ja
            else f"unexplained rest: {amount} kWh ({pct} %; tolerance {tolerance} %: {by})"
        )
    if row.beside is not None:
        amount, apart = _shown(row.beside.energy_kwh, decimals), _shown(row.meter_difference_kwh, decimals)
        yield (
            f"同じ期間のメーター {row.beside.id}: {amount} kWh(請求書との差 {apart} kWh、足していません)"
            if ja
            else f"meter of the same days, {row.beside.id}: {amount} kWh (bill less meter {apart} kWh; not added)"
        )
    for meter in row.meters:
        amount = _shown(meter.energy_kwh, decimals)
        yield (
            f"拠点のメーター {meter.device}({meter.boundary}): {amount} kWh(足していません)"
            if ja
            else f"meter of the site, {meter.device} ({meter.boundary}): {amount} kWh (not added)"
        )


def _short(row: Row) -> str:
    """A month, or the first and the last day of any other period."""
    if row.period.is_month:
        return row.period.label
    first, last = jst_date(row.period.start_ms), jst_date(row.period.end_ms - 1)
    end = f"{last:%m-%d}" if first.year == last.year else f"{last}"
    return f"{first}/{end}"


def _decimals(rows: Sequence[Row]) -> int:
    greatest = max(max(abs(row.facility_kwh), row.reading.energy_kwh if row.reading else Decimal(0)) for row in rows)
    return 0 if greatest >= _WHOLE_FROM else 1 if greatest >= _TENTHS_FROM else 3


def _shown(amount: Decimal | None, decimals: int) -> str:
    return "-" if amount is None else grouped(fixed(rounded(amount, decimals, Rounding.HALF_UP), decimals))


def _word(pair: tuple[str, str]) -> str:
    return pair[0 if language() == "ja" else 1]
