"""The formulas behind the figures, as data: expression, unit, rounding rule, reference.

They are written to ``method/formulas.csv`` of every package.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula. ``rounding`` names the rule that forms ``exact``, where it must be rounded at all."""

    formula_id: str
    expression: str
    unit: str
    rounding: str
    reference: str


_OWN = "docs/reference/package.md 5.9"

FORMULAS: tuple[Formula, ...] = (
    Formula("credits", "sum of quantity_t of J-Credits and JCM credits used in the year", "t-CO2", "none", _OWN),
    Formula("crude-oil", "primary_energy_gj x crude-oil constant", "kL", "none", "省エネ法 (factors/used.csv)"),
    Formula("declared-none", "0, because every site declares direct_sources = none", "t-CO2", "none", _OWN),
    Formula("gross", "scope1_t + scope2_market_t", "t-CO2", "none", _OWN),
    Formula(
        "interval-high-pct",
        "sqrt(sum over methods of (sum of facility_kwh x high_pct)^2) / energy_ai_kwh",
        "%",
        "6-half-even",
        _OWN,
    ),
    Formula(
        "interval-low-pct",
        "sqrt(sum over methods of (sum of facility_kwh x low_pct)^2) / energy_ai_kwh",
        "%",
        "6-half-even",
        _OWN,
    ),
    Formula(
        "kwh-12-half-even", "energy_kwh = energy_j / 3600000", "kWh", "12-half-even", "docs/reference/package.md 5.2"
    ),
    Formula("net", "gross_market_t - credits_t", "t-CO2", "none", _OWN),
    Formula(
        "primary-energy",
        "sum of facility_kwh of domestic Scope 2 lines x electricity constant / 1000",
        "GJ",
        "none",
        "省エネ法 (factors/used.csv)",
    ),
    Formula("share-pct", "100 x energy_ai_kwh.status.S / energy_ai_kwh", "%", "12-half-even", _OWN),
    Formula("sum", "sum of measure over the lines that lines_filter selects", "as measure", "none", _OWN),
    Formula("target", "value of the approved target", "as target", "none", "roadmap/roadmap.csv"),
    Formula("target-gap", "actual - target", "as target", "none", "results/progress.csv"),
)
"""All formulas in order of their ids."""
