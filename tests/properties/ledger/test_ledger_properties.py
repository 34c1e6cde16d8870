"""Lines and figures of random small companies: nothing is lost, doubled or made up by a cut."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.spread import declared_half_uj, spread_half_uj
from gxmeter.factors.load import load_registry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.entries import kwh_from_joule
from gxmeter.ledger.figures import TOTALS, Filter
from gxmeter.ledger.inventory import account
from gxmeter.ledger.lineage import lineage
from gxmeter.ledger.lines import build_lines
from gxmeter.ledger.pieces import calendars, overlaps
from gxmeter.ledger.tables import ContractRow, Declarations, Instant, Line, PueRow
from tests.support.world import FAR, FY, activity, certificate, contract, part, run, site, world

D = Decimal
SLOTS = (FY.end_ms - FY.start_ms) // SLOT_MS
slots = st.integers(0, SLOTS)
cuts = st.lists(st.integers(1, SLOTS - 1), max_size=5, unique=True).map(sorted)
kwh = st.integers(0, 10**9).map(lambda n: D(n).scaleb(-3))
few = settings(max_examples=30)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def at(slot: int) -> Instant:
    return Instant(FY.start_ms + slot * SLOT_MS)


@st.composite
def parts(draw: st.DrawFn, number: int = 1) -> list[object]:
    made = []
    for index in range(draw(st.integers(1, number))):
        start = draw(st.integers(-2_000, SLOTS - 1))
        end = start + draw(st.integers(1, 6_000))
        boundary = draw(st.sampled_from(["device", "node", "it", "facility"]))
        made.append(
            part(
                f"part-{index}",
                run_id=draw(st.sampled_from(["run-1", "run-2"])),
                start=at(start),
                end=at(end),
                boundary=boundary,
                energy_kwh=draw(kwh),
            )
        )
    return made


def contracts_of(edges: list[int]) -> tuple[ContractRow, ...]:
    """Contracts that meet at the edges and differ in nothing that changes energy."""
    ends = [FY.start_ms, *(at(edge) for edge in edges), FAR]
    return tuple(
        contract(f"c{n}", start=Instant(a), end=Instant(b), menu=("residual", "M")[n % 2])
        for n, (a, b) in enumerate(pairwise(ends))
    )


def pue_of(edges: list[int]) -> tuple[PueRow, ...]:
    """One PUE, split into periods."""
    ends = [FY.start_ms, *(at(edge) for edge in edges), FAR]
    return tuple(PueRow("dc", Instant(a), Instant(b), D("1.2"), "measured", "m") for a, b in pairwise(ends))


def company(declared: list[object], contract_cuts: list[int], pue_cuts: list[int]) -> Declarations:
    return world(
        runs=(run(), run("run-2", frame="")),
        declared=tuple(declared),
        contracts=contracts_of(contract_cuts),
        pue=pue_of(pue_cuts),
    )


def facility(lines: tuple[Line, ...]) -> Fraction:
    return sum((Fraction(line.facility_kwh) for line in lines), Fraction(0))


@few
@given(parts(3), cuts, cuts)
def test_a_cut_changes_no_total_beyond_the_rounding_of_each_line(
    registry: Registry, declared: list[object], contract_cuts: list[int], pue_cuts: list[int]
) -> None:
    whole = build_lines(company(declared, [], []), (), registry, FY).lines
    cut = build_lines(company(declared, contract_cuts, pue_cuts), (), registry, FY).lines
    steps = Fraction("1.25") * Fraction("1.1") * Fraction("1.2")
    # Each entry is rounded to 1e-12 kWh, so by half of that at most, before steps of 1.65 at most.
    bound = (len(whole) + len(cut)) * Fraction(1, 2 * 10**12) * steps
    assert abs(facility(whole) - facility(cut)) <= bound
    assert sum(line.energy_j for line in whole if line.portion != "overhead") == sum(
        line.energy_j for line in cut if line.portion != "overhead"
    )


@few
@given(parts(3), cuts)
def test_energy_before_rounding_is_that_of_the_part_inside_the_year(
    registry: Registry, declared: list, contract_cuts: list[int]
) -> None:
    lines = build_lines(company(declared, contract_cuts, []), (), registry, FY).lines
    wanted = 0
    for row in declared:
        total = declared_half_uj(energy_kwh=row.energy_kwh)
        wanted += spread_half_uj(total, row.start, row.end, max(row.start, FY.start_ms), min(row.end, FY.end_ms))
    got = sum(line.energy_j for line in lines if line.portion != "overhead")
    assert Fraction(got) == Fraction(wanted, 2_000_000)


@given(st.integers(0, 10**15), slots, st.integers(1, SLOTS), st.lists(slots, max_size=8))
def test_pieces_of_any_set_of_cuts_add_up_to_the_whole(total: int, first: int, length: int, edges: list[int]) -> None:
    start, end = at(first), at(first + length)
    inside = sorted({start, end, *(at(e) for e in edges if start < at(e) < end)})
    assert sum(spread_half_uj(total, start, end, a, b) for a, b in pairwise(inside)) == total


@few
@given(parts(3), cuts, st.integers(0, 10**14))
def test_every_line_is_the_product_it_claims(
    registry: Registry, declared: list[object], contract_cuts: list[int], half_uj: int
) -> None:
    built = build_lines(company(declared, contract_cuts, []), (activity(energy_half_uj=half_uj),), registry, FY)
    for line in built.lines:
        assert line.energy_kwh == kwh_from_joule(line.energy_j)
        product = Fraction(line.energy_kwh)
        for factor in (line.step_node, line.step_it, line.step_pue, line.share):
            product *= Fraction(factor)
        assert Fraction(line.facility_kwh) == product
        for basis in ("location", "market", "basic", "adjusted"):
            factor = getattr(line, f"{basis}_t_per_kwh")
            assert Fraction(getattr(line, f"tco2_{basis}")) == product * Fraction(factor)
    keys = [(x.kind, x.run_id, x.site_id, x.contract_id, x.start, x.end, x.boundary) for x in built.lines]
    assert keys == sorted(keys)
    assert [line.line_id for line in built.lines] == [f"L{n:06d}" for n in range(1, len(keys) + 1)]


@few
@given(parts(4), cuts)
def test_figures_are_sums_over_the_lines_their_filter_selects(
    registry: Registry, declared: list[object], contract_cuts: list[int]
) -> None:
    declarations = replace(
        company(declared, contract_cuts, []), sites=(site(arrangement="colocation", overhead_control=False),)
    )
    inventory = account(declarations, (activity(),), registry, FY)
    for figure in inventory.figures:
        if figure.formula_id != "sum":
            continue
        conditions = [c.split("=") for c in figure.lines_filter.split(";")]
        chosen = [x for x in inventory.lines if all(getattr(x, name) in value.split("|") for name, value in conditions)]
        assert Fraction(figure.exact) == sum((Fraction(getattr(x, figure.measure)) for x in chosen), Fraction(0))
        assert chosen == [line for line in inventory.lines if Filter.parse(figure.lines_filter).selects(line)]
        step = Fraction(1, 10**figure.decimals)
        assert abs(Fraction(figure.rounded) - Fraction(figure.exact)) <= step / 2
    by_id = {figure.figure_id: figure.exact for figure in inventory.figures}
    assert {name for name, _, _ in TOTALS} <= by_id.keys()
    scope3 = sum(line.facility_kwh for line in inventory.lines if line.scope == "3")
    assert by_id["energy_scope2_kwh"] + scope3 == by_id["energy_ai_kwh"]


@few
@given(parts(2), st.lists(kwh, min_size=1, max_size=4))
def test_certificates_move_kwh_and_never_make_any(
    registry: Registry, declared: list[object], amounts: list[Decimal]
) -> None:
    instruments = tuple(
        certificate(f"cert-{n}", quantity_kwh=amount, contract_id="c0", factor_t_per_kwh=D("0.0001"))
        for n, amount in enumerate(amounts)
    )
    declarations = replace(company(declared, [], []), instruments=instruments)
    built = build_lines(declarations, (), registry, FY)
    out = [line for line in built.lines if line.kind == "instrument-out"]
    into = [line for line in built.lines if line.kind == "instrument-in"]
    assert sum(x.facility_kwh for x in out) == -sum(x.facility_kwh for x in into)
    pool = sum(x.facility_kwh for x in built.lines if x.kind == "run")
    assert sum(x.facility_kwh for x in into) == min(pool, sum(amounts))
    for a, b in zip(out, into, strict=True):
        assert a.facility_kwh + b.facility_kwh == 0
        assert a.tco2_location + b.tco2_location == a.tco2_basic + b.tco2_basic == 0
        assert a.tco2_adjusted + b.tco2_adjusted == 0
    # Each pair leads back to one certificate of its own, also where amounts and evidence are alike.
    origins = lineage(built.lines, built.entries, declarations)
    by_line = {line_id: first for line_id, source, first, _ in origins if source == "instruments.csv"}
    assert [by_line[a.line_id] for a in out] == [by_line[b.line_id] for b in into]
    assert [by_line[b.line_id] for b in into] == [b.market_factor_id for b in into]
    assert len(set(by_line.values())) == len(into)


@few
@given(parts(3), cuts)
def test_every_run_line_leads_back_to_its_rows(
    registry: Registry, declared: list[object], contract_cuts: list[int]
) -> None:
    rows = tuple(activity(n, device_id=f"d{n}") for n in (1, 2, 3, 5, 6, 9))
    declarations = company(declared, contract_cuts, [])
    built = build_lines(declarations, rows, registry, FY)
    origins = lineage(built.lines, built.entries, declarations)
    assert {line_id for line_id, *_ in origins} == {line.line_id for line in built.lines}
    measured = {(first, last) for _, source, first, last in origins if source == "energy.csv"}
    assert measured == {("1", "3"), ("5", "6"), ("9", "9")}
    for line_id, source, first, _ in origins:
        if source == "declared.csv":
            line = next(x for x in built.lines if x.line_id == line_id)
            assert line.method == "declared"
            assert first in {row.part_id for row in declarations.declared}


@few
@given(st.permutations(range(6)), parts(4))
def test_the_order_of_tables_changes_nothing(registry: Registry, order: list[int], declared: list[object]) -> None:
    rows = [activity(n + 1, device_id=f"d{n}", energy_half_uj=10**n) for n in range(6)]
    plain = account(company(declared, [], []), rows, registry, FY)
    mixed = account(company(declared[::-1], [], []), [rows[i] for i in order], registry, FY)
    assert plain.lines == mixed.lines
    assert plain.figures == mixed.figures
    assert plain.findings == mixed.findings


@given(cuts, cuts, st.integers(-10, SLOTS + 10))
def test_pieces_cover_the_year_without_gap_and_hold_what_they_hold(
    contract_cuts: list[int], pue_cuts: list[int], slot: int
) -> None:
    found, findings = calendars(company([], contract_cuts, pue_cuts), FY)
    calendar = found["dc"]
    pieces = calendar.pieces()
    assert findings == []
    assert (pieces[0][0], pieces[-1][1]) == (FY.start_ms, FY.end_ms)
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    assert {at(cut) for cut in (*contract_cuts, *pue_cuts)} <= {start for start, _ in pieces}
    ts_ms = at(slot) + 1
    holding = [piece for piece in pieces if piece[0] <= ts_ms < piece[1]]
    assert calendar.piece_of(ts_ms) == (holding[0] if holding else None)
    if holding:
        both = (calendar.contract_at(ts_ms), calendar.contract_at(holding[0][0]))
        assert both[0] == both[1] is not None


@given(st.lists(st.tuples(slots, st.integers(1, 50)), max_size=6))
def test_overlap_is_what_counting_slots_says(spans: list[tuple[int, int]]) -> None:
    periods = [PueRow("dc", at(a), at(a + n), D(1), "m", "m") for a, n in spans]
    counted = [slot for a, n in spans for slot in range(a, a + n)]
    assert overlaps(periods) == (len(counted) != len(set(counted)))


words = st.text("abcdefg-_.0123456789", min_size=1, max_size=6)


@given(st.dictionaries(words, st.sets(words, min_size=1, max_size=3), max_size=3))
def test_a_filter_is_read_as_it_is_written(conditions: dict[str, set[str]]) -> None:
    text = ";".join(f"{column}={'|'.join(sorted(values))}" for column, values in conditions.items())
    assert dict(Filter.parse(text).conditions) == {column: frozenset(values) for column, values in conditions.items()}
