"""The tables a ledger is computed from and the tables it yields: columns, types, units, keys.

These are at once the arguments of :func:`gxmeter.ledger.lines.build_lines` and the CSV files of a
verification package (``docs/reference/package.md``), so a verifier computes from exactly what the
reporter computed from. Column types: ``str``, ``int``, ``bool``, :class:`~decimal.Decimal`,
:data:`Instant` (Unix ms in memory, ``YYYY-MM-DDTHH:MM:SSZ`` in files), each optionally ``| None``
(an empty cell: not known). Units stand in the column's suffix.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

Instant = NewType("Instant", int)
"""Unix milliseconds (UTC)."""

Printed = NewType("Printed", str)
"""A figure as printed: plain decimal text with a fixed number of decimals, trailing zeros kept."""


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A place where compute stands.

    ``operational_control``: for a lease, whether the company controls the hardware's operation.
    ``overhead_control``: for colocation, whether cooling and power losses count as the company's own.
    ``overhead_node``, ``overhead_it``: declared ratios node/device and IT/node [ratio, >= 1]; empty = not known.
    ``accounting_share``: the part of the site's energy that the company accounts for [ratio, 0..1].
    ``direct_sources``: ``none`` (declared: no fuel or refrigerant) or ``not-assessed``.
    """

    site_id: str
    name_ja: str
    name_en: str
    country: str
    supply_area: str
    arrangement: str
    operational_control: bool
    overhead_control: bool
    overhead_node: Decimal | None
    overhead_it: Decimal | None
    accounting_share: Decimal
    direct_sources: str


@dataclass(frozen=True, slots=True)
class PueRow:
    """The PUE of a site over a period [ratio, >= 1]; ``source_class``: measured, contract or declared."""

    site_id: str
    start: Instant
    end: Instant
    pue: Decimal
    source_class: str
    source: str


@dataclass(frozen=True, slots=True)
class ContractRow:
    """An electricity supply contract: supplier number (or ``substitute``) and menu over a period."""

    contract_id: str
    site_id: str
    supplier: str
    menu: str
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """Something whose energy is in the activity table; ``rated_w`` [W] where known."""

    device_id: str
    site_id: str
    host: str
    kind: str
    name: str
    rated_w: Decimal | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A training run. ``status``: completed, failed, running or void (void runs carry no energy).

    ``frame``: development, exploration or empty. ``flop`` [FLOP], ``tokens`` [tokens], ``params`` and
    ``active_params`` [parameters] as plain integers in text; empty = not stated.
    """

    run_id: str
    title_ja: str
    title_en: str
    frame: str
    stage: str
    status: str
    source: str
    model: str
    params: int | None
    active_params: int | None
    tokens: int | None
    flop: int | None
    start: Instant | None
    end: Instant | None


@dataclass(frozen=True, slots=True)
class DeclaredRow:
    """A declared part of a run: either ``energy_kwh``, or ``device_hours`` x ``power_w``; grade F unless said.

    ``boundary`` says what the power or energy covers. The energy is spread evenly over [start, end).
    """

    part_id: str
    run_id: str
    site_id: str
    start: Instant
    end: Instant
    boundary: str
    device_hours: Decimal | None
    power_w: Decimal | None
    energy_kwh: Decimal | None
    grade: str
    evidence_id: str


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Measured or imported energy of one device of one run in one half-hour slot.

    ``energy_half_uj``: integer half-microjoules [0.5 uJ]. ``covered_ms``: how much of the slot was
    measured [ms]. ``method``: e.g. ``codecarbon-cpu-load``. ``grade``: A, B, C1, C2, D1, D2, E1, E2, F or X.
    """

    row_id: int
    run_id: str
    site_id: str
    device_id: str
    start: Instant
    end: Instant
    boundary: str
    method: str
    grade: str
    energy_half_uj: int
    covered_ms: int
    evidence_id: str


@dataclass(frozen=True, slots=True)
class MeterRow:
    """A bill or facility meter reading over a period [kWh]; ``kind``: bill or meter."""

    meter_id: str
    site_id: str
    start: Instant
    end: Instant
    kind: str
    energy_kwh: Decimal
    evidence_id: str


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """A certificate (``quantity_kwh``, applied to ``contract_id``) or a credit (``quantity_t``) used in ``fy``.

    ``factor_t_per_kwh``: the instrument's own emission factor [t-CO2/kWh], for certificates.
    """

    instrument_id: str
    kind: str
    serial_first: str
    serial_last: str
    fy: int
    contract_id: str
    vintage_start: Instant
    vintage_end: Instant
    quantity_kwh: Decimal | None
    quantity_t: Decimal | None
    factor_t_per_kwh: Decimal | None
    evidence_id: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A document or record behind a number: where it lies in the workspace and its digest."""

    evidence_id: str
    kind: str
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Line:
    """One smallest product: quantity x conversion x steps x share x factor, once per accounting basis.

    ``energy_j`` [J] exact; ``energy_kwh`` [kWh] = energy_j / 3,600,000 rounded half-even to 1e-12;
    ``facility_kwh`` = energy_kwh x step_node x step_it x step_pue x share, exact; ``tco2_*`` [t-CO2] =
    facility_kwh x the basis's factor [t-CO2/kWh], exact. ``step_pue`` is 1 on the portions ``it`` and
    ``facility`` and PUE - 1 on ``overhead``, so that a PUE is applied once by construction. A factor and its
    emissions are None where no factor is published (finding ``factor-missing``); such lines never reach a package.
    """

    line_id: str
    kind: str
    run_id: str
    site_id: str
    contract_id: str
    frame: str
    country: str
    start: Instant
    end: Instant
    month: str
    boundary: str
    portion: str
    method: str
    grade: str
    status: str
    energy_j: Decimal
    energy_kwh: Decimal
    step_node: Decimal
    step_it: Decimal
    step_pue: Decimal
    share: Decimal
    facility_kwh: Decimal
    scope: str
    category: str
    location_factor_id: str
    location_t_per_kwh: Decimal | None
    tco2_location: Decimal | None
    market_factor_id: str
    market_t_per_kwh: Decimal | None
    tco2_market: Decimal | None
    basic_factor_id: str
    basic_t_per_kwh: Decimal | None
    tco2_basic: Decimal | None
    adjusted_factor_id: str
    adjusted_t_per_kwh: Decimal | None
    tco2_adjusted: Decimal | None
    low_pct: Decimal
    high_pct: Decimal
    evidence_id: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A reported number: a measure summed over the lines that a filter selects, rounded once by a named rule.

    ``lines_filter``: ``column=a|b;column=c``; empty selects all lines. ``provisional``: a factor in it is of
    an earlier year than the emissions.
    """

    figure_id: str
    formula_id: str
    measure: str
    lines_filter: str
    exact: Decimal
    rounded: Printed
    unit: str
    decimals: int
    rounding: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Declarations:
    """All declared tables: what the company says about itself."""

    sites: tuple[SiteRow, ...]
    pue: tuple[PueRow, ...]
    contracts: tuple[ContractRow, ...]
    devices: tuple[DeviceRow, ...]
    runs: tuple[RunRow, ...]
    declared: tuple[DeclaredRow, ...]
    meters: tuple[MeterRow, ...]
    instruments: tuple[InstrumentRow, ...]
    evidence: tuple[EvidenceRow, ...]
