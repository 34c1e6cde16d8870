"""Polled power as energy: the trapezoid over uneven polls, in whole microjoules.

Where a device has no energy counter its power is asked several times a second. The times are uneven on purpose:
polls at a fixed rate lock to a load that is periodic at that rate (a 1 s square wave read once a second was 75 %
off, ``codecarbon.md`` section 6). The meter's loop makes them uneven; here they are only added up.
"""

from __future__ import annotations

from dataclasses import dataclass

from gxmeter.meter.sensors.base import Fault, fault

POLL_S = 0.2
"""Mean time between two polls of a device that has no counter [s]."""

LIMIT_FACTOR = 2
"""A power above this many times the rated one is a fault of the sensor."""

_PJ_PER_UJ = 1_000_000
"""One mW for one ns is one picojoule."""


@dataclass(slots=True)
class Polls:
    """The polls of one device.

    Attributes:
        rated_mw: rated power [mW]; twice of it is the most that is believed.
    """

    rated_mw: int
    _last: tuple[int, int] | None = None
    _double_pj: int = 0
    _fault: Fault | None = None

    def start(self, at_ns: int, power_mw: int | None) -> None:
        """Begin at a moment of the monotonic clock [ns] with the power there [mW], None where it has no answer."""
        self._last = None if power_mw is None else (at_ns, power_mw)
        self._double_pj, self._fault = 0, None

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
        if self._last is None:
            self._fault = self._fault or fault("power-begins")
        else:
            then_ns, before_mw = self._last
            self._double_pj += (before_mw + power_mw) * (at_ns - then_ns)
        self._last = (at_ns, power_mw)

    def take(self) -> tuple[int | None, Fault | None]:
        """Energy since the last call [uJ] up to the newest poll, or None and why; the next interval begins there.

        What is left below one microjoule goes to the next interval, so nothing is lost by rounding.
        """
        wrong, self._fault = self._fault, None
        energy_uj, rest = divmod(self._double_pj, 2 * _PJ_PER_UJ)
        if wrong is not None:
            self._double_pj = 0
            return None, wrong
        self._double_pj = rest
        return energy_uj, None

    def _wrong(self, power_mw: int | None, reason: str) -> Fault | None:
        if power_mw is None:
            return fault("sensor-read-failed", reason=reason or "no answer")
        if power_mw < 0:
            return fault("reading-negative", found=f"{power_mw} mW")
        if power_mw == 0:
            return fault("sensor-zero")
        if power_mw > LIMIT_FACTOR * self.rated_mw:
            return fault("power-implausible", found=f"{power_mw // 1000}", rated=f"{self.rated_mw // 1000}")
        return None
