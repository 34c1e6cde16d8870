"""What people read: aligned by width, grouped by thousands, unknown said as unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.cli.summary import account_lines, grouped, progress_lines, table, width
from gxmeter.core.calendar import FiscalYear
from gxmeter.ledger.figures import figure
from gxmeter.roadmap.progress import ProgressRow

D = Decimal


@dataclass
class Seen:
    """As much of an account as its summary looks at."""

    figures: dict[str, Any]
    provisional: bool = True
    lines: tuple[Any, ...] = (SimpleNamespace(kind="run", facility_kwh=D(1)),)
    progress: tuple[ProgressRow, ...] = ()
    plan: Any = None
    as_of_ms: int = FiscalYear(2026).end_ms
    year: Any = field(init=False)

    def __post_init__(self) -> None:
        inventory = SimpleNamespace(provisional=self.provisional)
        self.year = SimpleNamespace(fy=FiscalYear(2026), as_of_ms=self.as_of_ms, inventory=inventory)


@pytest.fixture(params=["ja", "en"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GXMETER_LANG", request.param)
    return request.param


def known() -> dict[str, Any]:
    return {"energy_ai_kwh": figure("energy_ai_kwh", "sum", D("1234567.8"), "kWh")}


def test_an_unknown_figure_is_not_zero(language: str) -> None:
    lines = list(account_lines(Seen(known())))
    assert lines[0] == ("2026年度(令和8年度)" if language == "ja" else "FY2026 (Reiwa 8)")
    assert "1,234,568  kWh" in lines[1]
    (scope1,) = [line for line in lines if "Scope 1" in line]
    assert scope1.endswith("不明" if language == "ja" else "not known")
    assert ("暫定" if language == "ja" else "provisional") in lines[-1]
    assert len(list(account_lines(Seen(known(), provisional=False)))) == len(lines) - 1


def test_energy_in_no_run_and_the_energy_behind_scope_2_stand_beside_the_tonnes(language: str) -> None:
    rest = SimpleNamespace(kind="unattributed", facility_kwh=D("654.25"))
    figures = known() | {"energy_scope2_kwh": figure("energy_scope2_kwh", "sum", D(9001), "kWh")}
    lines = list(account_lines(Seen(figures, lines=(*Seen({}).lines, rest, rest))))
    (told,) = [line for line in lines if ("帰属しない" if language == "ja" else "Unattributed") in line]
    assert told.split()[-2:] == ["1,309", "kWh"]
    (behind,) = [line for line in lines if line.endswith("9,001  kWh")]
    assert "Scope 2" in behind
    assert not [line for line in account_lines(Seen(known())) if told[:14] in line]


@pytest.mark.parametrize(
    ("as_of_ms", "ja", "en"),
    [
        (FiscalYear(2026).start_ms, ": 計測・検針なし", ": no measurement, no reading"),
        (FiscalYear(2026).start_ms + 30 * 86_400_000, ": 2026-04-30 までのデータ", ": data until 2026-04-30"),
    ],
)
def test_the_head_says_through_when_data_covers_the_year(language: str, as_of_ms: int, ja: str, en: str) -> None:
    head, *_ = account_lines(Seen(known(), as_of_ms=as_of_ms))
    assert head.endswith(ja if language == "ja" else en)


def test_progress_without_a_roadmap_is_one_sentence_and_no_empty_table(language: str) -> None:
    assert len(list(progress_lines(Seen(known())))) == 2


@pytest.mark.parametrize(
    ("met", "ja", "en"), [(True, "達成", "met"), (False, "未達", "not met"), (None, "未確定", "open")]
)
def test_progress_says_the_state_of_each_target(language: str, met: bool | None, ja: str, en: str) -> None:
    row = ProgressRow("t", "energy_ai_kwh", 2026, D(10), D("1234567.8"), D("1234557.8"), "kWh", met)
    figures = known() | {"target.t": figure("target.t", "target", D(10), "kWh")}
    lines = list(progress_lines(Seen(figures, progress=(row,))))
    assert lines[2].split()[1:3] == ["10.00", "1,234,568"]
    assert lines[2].endswith(ja if language == "ja" else en)
    assert ("不明" if language == "ja" else "not known") in lines[2]  # the gap figure is not there
    assert lines[-1].endswith("ロードマップなし" if language == "ja" else "no roadmap")


@pytest.mark.parametrize(
    ("state", "ja", "en"),
    [
        ("approved", "承認済み", "approved"),
        ("changed-since-approval", "変更あり", "changed since approval"),
        ("unapproved", "未承認", "not approved"),
    ],
)
def test_the_roadmap_s_state_is_said(language: str, state: str, ja: str, en: str) -> None:
    last = list(progress_lines(Seen({}, plan=SimpleNamespace(state=state))))[-1]
    assert last.endswith(ja if language == "ja" else en)


@pytest.mark.parametrize(
    ("number", "shown"),
    [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.80", "-1,234,567.80"), ("-0.5", "-0.5")],
)
def test_thousands_are_grouped(number: str, shown: str) -> None:
    assert grouped(number) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=3))
def test_grouping_changes_no_digit(value: Decimal) -> None:
    text = format(value, "f")
    assert grouped(text).replace(",", "") == text


def test_wide_characters_take_two_columns_and_rows_are_aligned() -> None:
    assert (width("電力 kWh"), width("ｶﾅ"), width("")) == (8, 2, 0)
    rows = list(table([("電力", "1"), ("energy", "1,000")]))
    assert rows == ["  電力        1", "  energy  1,000"]
    assert len({width(row) for row in rows}) == 1


def test_a_year_without_anything_is_not_a_table_of_zeros() -> None:
    assert len(list(account_lines(Seen(known(), lines=())))) == 2
