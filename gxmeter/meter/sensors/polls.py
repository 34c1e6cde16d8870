"""Polled power as energy: the trapezoid over uneven polls, in whole microjoules.

Where a device has no energy counter its power is asked several times a second. The times are uneven on purpose:
polls at a fixed rate lock to a load that is periodic at that rate (a 1 s square wave read once a second was 75 %
off, ``codecarbon.md`` section 6). The meter's loop makes them uneven; here they are only added up.

Between two polls the power is taken to run straight. Over a longer time nobody knows, so polls too far apart give no
number, nor does an interval without any.
"""

from __future__ import annotations

from dataclasses import dataclass

from gxmeter.meter.sensors.base import Fault, fault

POLL_S = 0.2
"""Mean time between two polls of a device that has no counter [s]."""

APART_NS = 10_000_000_000
"""Longest time between two polls over which the power is taken to run straight [ns], unless the device says less."""

LIMIT_FACTOR = 2
"""A power above this many times the rated one is a fault of the sensor."""

_PJ_PER_UJ = 1_000_000
"""One mW for one ns is one picojoule."""


@dataclass(slots=True)
class Polls:
    """The polls of one device.

    Attributes:
        rated_mw: rated power [mW]; twice of it is the most that is believed.
        apart_ns: longest time between two polls over which the power is taken to run straight [ns].
    """

    rated_mw: int
    apart_ns: int = APART_NS
    _last: tuple[int, int] | None = None
    _double_pj: int = 0
    _covered_ns: int = 0
    _fault: Fault | None = None

    def start(self, at_ns: int, power_mw: int | None) -> None:
        """Begin at a moment of the monotonic clock [ns] with the power there [mW], None where it has no answer."""
        self._last = None if power_mw is None or self._wrong(power_mw, "") else (at_ns, power_mw)
        self._double_pj, self._covered_ns, self._fault = 0, 0, None

    def add(self, at_ns: int, power_mw: int | None, *, reason: str = "") -> None:
        """A poll; a power that cannot be is a fault of the whole interval.

        Args:
            at_ns: its moment on the monotonic clock [ns].
            power_mw: the power [mW], or None where there was no answer.
            reason: why there was none.
        """
        wrong = self._wrong(power_mw, reason)
        if wrong is not None or power_mw is None:
            self._last, self._fault = None, self._fault or wrong
            return
        then = self._last
        if then is not None and at_ns <= then[0]:
            return
        self._last = (at_ns, power_mw)
        if then is None:
            self._fault = self._fault or fault("power-begins")
            return
        passed_ns = at_ns - then[0]
        if passed_ns > self.apart_ns:
            self._fault = self._fault or fault("power-sparse", seconds=f"{passed_ns // 1_000_000_000}")
            return
        self._double_pj += (then[1] + power_mw) * passed_ns
        self._covered_ns += passed_ns

    def take(self) -> tuple[int | None, Fault | None]:
        """Energy since the last call [uJ] up to the newest poll, or None and why; the next interval begins there.

        What is left below one microjoule goes to the next interval, so nothing is lost by rounding.
        """
        wrong, covered_ns = self._fault, self._covered_ns
        if wrong is None and covered_ns == 0:
            wrong = fault("sensor-read-failed", reason="not polled")
        energy_uj, rest = divmod(self._double_pj, 2 * _PJ_PER_UJ)
        self._double_pj = rest if wrong is None else 0
        self._covered_ns, self._fault = 0, None
        return (energy_uj, None) if wrong is None else (None, wrong)

    def _wrong(self, power_mw: int | None, reason: str) -> Fault | None:
        if power_mw is None:
            return fault("sensor-read-failed", reason=reason or "no answer")
        if power_mw < 0:
            return fault("reading-negative", found=f"{power_mw} mW")
        if power_mw == 0:
            return fault("sensor-zero")
        if power_mw > LIMIT_FACTOR * self.rated_mw:
            return fault("power-too-high", found=f"{power_mw // 1000}", rated=f"{self.rated_mw // 1000}")
        return None
