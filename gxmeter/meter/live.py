"""The updating line of ``gxmeter run --live``: power now, energy so far, the last minute as a spark line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal

from gxmeter.meter.totals import Totals, to_kwh

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 20
_MW_PER_W = 1000
_UJ_PER_J = 1_000_000
_CLEAR = "\r\x1b[K"


def live_line(totals: Totals) -> str:
    """The line for what has been measured so far.

    >>> live_line(Totals(estimated_uj=7_200_000_000, samples=2))
    'gxmeter      - W       7200 J  0.002000000000 kWh  '
    """
    recent = list(totals.recent_mw)
    total_uj = totals.measured_uj + totals.estimated_uj
    power = f"{recent[-1] / _MW_PER_W:6.1f}" if recent else f"{'-':>6}"
    kwh = format(to_kwh(Decimal(total_uj)), "f")
    return f"gxmeter {power} W {total_uj // _UJ_PER_J:10d} J  {kwh} kWh  {spark(recent[-_WIDTH:])}"


def spark(values: Sequence[int]) -> str:
    """Values as bars from the lowest to the highest of them.

    >>> spark([0, 1, 2, 3, 4, 5, 6, 7])
    '▁▂▃▄▅▆▇█'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    steps = len(_BARS) - 1
    return "".join(_BARS[(value - low) * steps // (high - low) if high > low else 0] for value in values)


def draw(totals: Totals) -> None:
    """Put the line on the terminal; nothing where standard error is none."""
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR + live_line(totals))
        sys.stderr.flush()


def clear() -> None:
    """Take the line away."""
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()
