"""Single rules of steps 4 and 5 against values worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import build
import pytest
from hypothesis import given
from hypothesis import strategies as st


def site(arrangement: str, *, operational: bool = True, overhead: bool = True) -> dict[str, Any]:
    return {"arrangement": arrangement, "operational_control": operational, "overhead_control": overhead}


@pytest.mark.parametrize(
    ("place", "portion", "expected"),
    [
        (site("owned", operational=False, overhead=False), "overhead", ("2", "")),
        (site("colocation", overhead=True), "overhead", ("2", "")),
        (site("colocation", overhead=False), "overhead", ("3", "8")),
        (site("colocation", overhead=False), "it", ("2", "")),
        (site("colocation", overhead=False), "facility", ("2", "")),
        (site("lease", operational=True), "overhead", ("2", "")),
        (site("lease", operational=False), "it", ("3", "8")),
        (site("cloud"), "it", ("3", "1")),
        (site("allocation"), "facility", ("3", "1")),
    ],
)
def test_scope_by_arrangement(verify: Any, place: dict[str, Any], portion: str, expected: tuple[str, str]) -> None:
    assert verify.scope(place, portion) == expected


def factor(factor_id: str, kind: str, menu: str = "", fy: int = 2025, **more: Any) -> dict[str, Any]:
    supplier = {"number": "A1", "menu": menu, "basis": "basic", "applies_to_fy": fy}
    return build.entry(factor_id, "0.0005", kind, **(supplier | more))


MENUS = [
    factor("menu-a", "menu", "A"),
    factor("menu-b", "menu", "B"),
    factor("rest", "residual"),
    factor("all", "whole"),
]
CASES = [
    ("A", MENUS, "menu-a", None),
    ("C", MENUS, "rest", "menu-not-published"),
    ("C", [factor("rest-c", "residual", "C")], "rest-c", None),
    ("C", [factor("one", "single")], "one", "menu-not-published"),
    ("residual", MENUS, "rest", None),
    ("residual", MENUS[3:], "all", None),
    ("residual", [factor("one", "single")], "one", None),
    ("whole", MENUS, "all", "whole-where-residual-exists"),
    ("whole", MENUS[3:], "all", None),
    ("whole", [factor("one", "single")], "one", None),
    ("", [factor("one", "single")], "one", None),
    ("", MENUS, "rest", "menu-assumed-residual"),
    ("", MENUS[3:], "all", None),
    ("A", [factor("old", "menu", "A", 2024), factor("new", "menu", "A", 2025)], "new", None),
    ("A", [factor("now", "menu", "A", 2025), factor("later", "menu", "A", 2027)], "now", None),
    ("A", [factor("wrong", "menu", "A"), factor("right", "menu", "A", corrects="wrong")], "right", None),
    ("A", [factor("a", "menu", "A"), factor("b", "menu", "A", edition_on="2026-01-01")], "b", None),
    ("A", [factor("a", "menu", "A"), factor("b", "menu", "A")], "b", None),
    ("A", [factor("rest", "residual"), factor("a", "menu", "A", status="suspect")], "rest", "menu-not-published"),
    ("A", [factor("a", "menu", "A", status="suspect")], None, "factor-missing"),
    ("A", [factor("a", "menu", "A", basis="adjusted")], None, "factor-missing"),
    ("A", [factor("a", "menu", "A", country="US")], None, "factor-missing"),
    ("A", [factor("a", "menu", "A", 2027)], None, "factor-missing"),
]


@pytest.mark.parametrize(("menu", "entries", "expected", "code"), CASES)
def test_resolution(
    verify: Any, menu: str, entries: list[dict[str, Any]], expected: str | None, code: str | None
) -> None:
    verifier = verify.Verifier()
    verifier.fy, verifier.docs[verify.REGISTRY] = 2026, {"entries": entries}
    found = verifier._resolve("A1", menu, "basic", "JP")
    assert (found or {"id": None})["id"] == expected
    assert [f["code"] for f in verifier.findings] == ([code] if code else [])


@given(total=st.integers(0, 10**24), length=st.integers(1, 10**11), cuts=st.lists(st.integers(0, 10**11), max_size=5))
def test_a_spread_adds_up_whatever_the_cuts(verify: Any, total: int, length: int, cuts: list[int]) -> None:
    edges = sorted({0, length, *(c for c in cuts if c < length)})
    parts = [verify.spread(total, length, b) - verify.spread(total, length, a) for a, b in pairwise(edges)]
    assert sum(parts) == total
    assert min(parts) >= 0


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("0", "0"),
        ("12345.5", "12346"),
        ("1234.5", "1235"),
        ("-1234.5", "-1235"),
        ("999.95", "1000.0"),
        ("0.00012345", "0.0001235"),
        ("9.9995", "10.000"),
    ],
)
def test_four_significant_digits_half_up(verify: Any, exact: str, rounded: str) -> None:
    assert verify.figure("x", "sum", Decimal(exact), "kWh")["rounded"] == rounded


def test_fiscal_year_edges_are_japanese(verify: Any) -> None:
    edges = verify.fiscal_year(2026)
    assert (edges[0], edges[-1], len(edges)) == (1_774_969_200_000, 1_806_505_200_000, 13)


def test_a_foreign_context_does_not_change_the_answer(judged: Callable[..., dict[str, Any]]) -> None:
    with localcontext() as context:
        context.prec = 5
        assert judged(build.seal(build.payload()))["exit"] == 3


def test_hostile_numbers_do_not_hang_or_crash(judged: Callable[..., dict[str, Any]]) -> None:
    files = build.payload()
    huge = b"9" * 60
    files["data/activity/energy.csv"] = files["data/activity/energy.csv"].replace(b"2880000000000", huge)
    files["data/boundary/sites.csv"] = files["data/boundary/sites.csv"].replace(b"1.25", huge)
    answer = judged(build.seal(files))
    assert answer["exit"] == 1
    assert "energy-implausible" in answer["codes"]


def test_of_many_faults_of_one_code_a_hundred_are_shown(judged: Callable[..., dict[str, Any]]) -> None:
    files = build.payload()
    files["data/boundary/devices.csv"] += b"gpu-1,tokyo\n" * 500
    answer = judged(build.seal(files))
    assert sum(f["code"] == "cell-malformed" for f in answer["findings"]) == 100
    assert answer["exit"] == 1
