"""What ``account`` and ``progress`` print for people: few lines, aligned, in the language of the locale."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gxmeter.cli.output import language
from gxmeter.core.calendar import jst_date

if TYPE_CHECKING:
    from gxmeter.api import Account
    from gxmeter.ledger.tables import Figure

_ACCOUNT_ROWS = (
    ("energy_ai_kwh", "AI計算のエネルギー(全形態)", "AI compute energy, all arrangements"),
    ("unattributed", "実行に帰属しない電力(検針-実行)", "Unattributed energy (readings less runs)"),
    ("scope1_t", "Scope 1", "Scope 1"),
    ("energy_scope2_kwh", "Scope 2 の電力量(検針を含む)", "Energy in Scope 2 (readings included)"),
    ("scope2_location_t", "Scope 2 ロケーション基準", "Scope 2, location-based"),
    ("scope2_market_t", "Scope 2 マーケット基準", "Scope 2, market-based"),
    ("scope3_cat1_location_t", "Scope 3 カテゴリ1(ロケーション)", "Scope 3 category 1 (location)"),
    ("scope3_cat8_location_t", "Scope 3 カテゴリ8(ロケーション)", "Scope 3 category 8 (location)"),
    ("shk_basic_t", "温対法 基礎排出量(電気)", "SHK basic emissions (electricity)"),
    ("shk_adjusted_t", "温対法 調整後排出量(電気)", "SHK adjusted emissions (electricity)"),
    ("crude_oil_kl", "原油換算", "Crude-oil equivalent"),
    ("share_measured_pct", "実測の割合", "Share measured"),
    ("share_estimated_pct", "推計の割合", "Share estimated"),
    ("share_declared_pct", "申告の割合", "Share declared"),
)


def account_lines(account: Account) -> Iterator[str]:
    """The main figures of a year; an unknown figure is said to be unknown, not zero."""
    ja = language() == "ja"
    fy = account.year.fy
    yield (fy.label_ja if ja else fy.label_en) + _until(account)
    if not account.lines:
        yield "  記録も申告もありません。" if ja else "  Nothing was measured or declared."
        return
    rows = []
    figures = dict(account.figures) | _unattributed(account)
    for figure_id, name_ja, name_en in _ACCOUNT_ROWS:
        figure = figures.get(figure_id)
        if figure is None and figure_id == "unattributed":
            continue
        value = grouped(figure.rounded) if figure else ("不明" if ja else "not known")
        rows.append((name_ja if ja else name_en, value, figure.unit if figure else ""))
    yield from table(rows)
    if account.year.inventory.provisional:
        yield "※ 暫定: この年度の排出係数は未公表" if ja else "* provisional: the year's factors are not published yet"


def _until(account: Account) -> str:
    """Through when measurements and readings cover a year that they do not cover whole."""
    ja = language() == "ja"
    fy, as_of_ms = account.year.fy, account.year.as_of_ms
    if as_of_ms >= fy.end_ms:
        return ""
    if as_of_ms <= fy.start_ms:
        return ": 計測・検針なし" if ja else ": no measurement, no reading"
    last = jst_date(as_of_ms - 1)
    return f": {last} までのデータ" if ja else f": data until {last}"


def _unattributed(account: Account) -> dict[str, Figure]:
    """What readings show beyond the runs, as printed; nothing where no reading does."""
    from gxmeter.core.numbers import total
    from gxmeter.ledger.figures import figure
    from gxmeter.ledger.terms import LineKind

    parts = [line.facility_kwh for line in account.lines if line.kind == LineKind.UNATTRIBUTED]
    return {"unattributed": figure("unattributed", "sum", total(parts), "kWh")} if parts else {}


def progress_lines(account: Account) -> Iterator[str]:
    """Target, actual and gap of every target of the year, and the state of the approval."""
    ja = language() == "ja"
    fy = account.year.fy
    yield fy.label_ja if ja else fy.label_en
    states = {True: ("達成", "met"), False: ("未達", "not met"), None: ("未確定", "open")}
    head = (
        ("目標", "目標値", "実績", "差", "単位", "判定")
        if ja
        else ("target", "value", "actual", "gap", "unit", "state")
    )
    rows: list[tuple[str, ...]] = [head] if account.progress else []
    for row in account.progress:
        known = [account.figures.get(key) for key in (f"target.{row.target_id}", row.measure, f"gap.{row.target_id}")]
        values = [grouped(figure.rounded) if figure else ("不明" if ja else "not known") for figure in known]
        rows.append((row.target_id, *values, row.unit, states[row.met][0 if ja else 1]))
    yield from table(rows)
    state = str(account.plan.state) if account.plan else "none"
    words = {
        "approved": ("承認済み", "approved"),
        "changed-since-approval": ("承認後に変更あり", "changed since approval"),
        "unapproved": ("未承認", "not approved"),
        "none": ("ロードマップなし", "no roadmap"),
    }
    yield ("ロードマップ: " if ja else "Roadmap: ") + words[state][0 if ja else 1]


def grouped(number: str) -> str:
    """Thousands separators for the eye; digits unchanged.

    >>> grouped("-1234567.80")
    '-1,234,567.80'
    """
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, rest = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{rest}"


def width(text: str) -> int:
    """Columns a text takes on a terminal; East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows aligned by display width: the first column to the left, the others to the right; of none nothing."""
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [" " * (widths[i] - width(row[i])) + row[i] for i in range(1, len(row))]
        yield "  " + "  ".join(cells).rstrip()
