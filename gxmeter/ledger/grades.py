"""Quality grades: how a quantity was obtained and which interval that justifies.

The intervals are judgement, not measurement (docs/explanation/grades.md): 95 %, relative to the
stated boundary. Errors of one method are fully correlated and add linearly; quadrature is used only
between different methods (:func:`gxmeter.ledger.figures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gxmeter.ledger.terms import Status


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade: interval below and above the value [%] and the status it stands for."""

    grade: str
    method: str
    low_pct: Decimal
    high_pct: Decimal
    status: Status


def _grade(grade: str, method: str, low: int, high: int, status: Status) -> Grade:
    return Grade(grade, method, Decimal(low), Decimal(high), status)


GRADES: dict[str, Grade] = {
    g.grade: g
    for g in (
        _grade("A", "revenue meter, PDU or MLPerf-class analyser", 2, 2, Status.MEASURED),
        _grade("B", "BMC/Redfish or PSU input", 5, 5, Status.MEASURED),
        _grade("C1", "NVML cumulative energy counter", 8, 8, Status.MEASURED),
        _grade("C2", "NVML polled power", 12, 12, Status.MEASURED),
        _grade("D1", "RAPL package counter", 10, 10, Status.MEASURED),
        _grade("D2", "RAPL DRAM counter", 20, 20, Status.MEASURED),
        _grade("E1", "CPU load model (load x rated power)", 40, 60, Status.ESTIMATED),
        _grade("E2", "RAM model (power per guessed module)", 50, 100, Status.ESTIMATED),
        _grade("F", "declared hours x power", 50, 30, Status.DECLARED),
        _grade("X", "share of a shared device by activity", 20, 20, Status.ESTIMATED),
    )
}
"""All grades by name."""
