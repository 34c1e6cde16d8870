"""Values by which DCGM says that it has none: they look like numbers and are no reading.

Source: NVIDIA DCGM, ``dcgm_structs.h``: ``DCGM_INT32_BLANK`` 0x7ffffff0, ``DCGM_INT64_BLANK`` 0x7ffffffffffffff0,
``DCGM_FP64_BLANK`` 2^47, each followed by "not found" (+1), "not supported" (+2) and "not permissioned" (+3).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gxmeter.telemetry.prometheus.metrics import Metric

_CODES = 4
_INT32 = 0x7FFFFFF0
_INT64 = 0x7FFFFFFFFFFFFFF0
_FP64 = 2**47
_DCGM = ("DCGM_FI_", "dcgm_")


def blanks(name: str, metric: Metric, values: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Which of some samples say that there is no reading.

    Args:
        name: the metric's name; only DCGM's have such values.
        metric: what it holds. A counter passes the smaller codes as it grows, and has 64 bits itself.
        values: samples as the server wrote them.
        rows: those that may be blank: no numbers, or too large to be believed.
    """
    if not name.startswith(_DCGM):
        return []
    bases = () if metric.is_counter else (_INT32, _FP64)
    return [row for row in rows if _is_blank(values[row], bases)]


def _is_blank(text: str, bases: Sequence[int]) -> bool:
    """Whether a text is such a value; Prometheus keeps 64-bit floats, so the 64-bit codes may have become 2^63."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        return False
    return value >= _INT64 or any(value - base in range(_CODES) for base in bases)
