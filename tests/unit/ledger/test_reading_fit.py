"""A reading that cannot be taken: the one cause that holds is said, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gxmeter.factors.registry import Registry
from gxmeter.ledger.lines import build_lines
from gxmeter.ledger.reading_fit import ADVICE, REASONS, Misfit, misfit
from gxmeter.ledger.tables import Declarations
from tests.support.world import FY, bill, contract, day, site, world

ONE = Decimal(1)
ACROSS_YEAR = world(meters=(bill(start=day(2026, 3, 16), end=day(2026, 4, 16)),))
HALF_SITE = world(sites=(replace(site(), accounting_share=Decimal("0.5")),), meters=(bill(),))
ACROSS_CONTRACT = world(
    contracts=(contract(end=day(2026, 5, 16)), contract("next", start=day(2026, 5, 16))),
    meters=(bill(start=day(2026, 5, 10), end=day(2026, 5, 20)),),
)


@pytest.mark.parametrize(
    ("declared", "why", "advice"),
    [
        (ACROSS_YEAR, Misfit.YEAR, "from 1 April"),
        (HALF_SITE, Misfit.SHARE, "own part"),
        (ACROSS_CONTRACT, Misfit.CONTRACT, "contracts in sites/"),
    ],
)
def test_one_cause_is_said_with_its_advice(
    registry: Registry, declared: Declarations, why: Misfit, advice: str
) -> None:
    found = build_lines(declared, (), registry, FY).findings
    (told,) = (item for item in found if item.code == "meter-crosses-contract")
    for cause in Misfit:
        assert (REASONS[cause][1] in told.en) is (cause is why)
        assert (REASONS[cause][0] in told.ja) is (cause is why)
    assert advice in told.en
    assert ADVICE[why][0] in told.ja


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ((day(2026, 4, 1), day(2026, 5, 16)), None),
        ((day(2026, 5, 16), day(2027, 4, 1)), None),
        ((day(2026, 5, 15), day(2026, 5, 17)), Misfit.CONTRACT),
        ((day(2026, 4, 1), day(2027, 4, 2)), Misfit.YEAR),
    ],
)
def test_an_edge_that_is_the_first_or_the_last_day_is_not_crossed(span: tuple[int, int], why: Misfit | None) -> None:
    contracts = (contract(end=day(2026, 5, 16)), contract("next", start=day(2026, 5, 16)))
    assert misfit(span, ONE, contracts, FY) is why
