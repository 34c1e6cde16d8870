"""The sampling thread: it imports what measures, so that the training's own thread need not."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gxmeter.meter.bell import Bell
from gxmeter.meter.loading import loading
from gxmeter.meter.show.tell import tell
from gxmeter.meter.ticks import Ticks
from gxmeter.meter.told import Told
from gxmeter.meter.wishes import Wishes

if TYPE_CHECKING:
    from gxmeter.meter.measuring import Measuring
    from gxmeter.meter.sensors.base import Sensor
    from gxmeter.meter.totals import MeterResult

_STOP_S = 0.9


class SamplingThread(threading.Thread):
    """The sampling thread. It imports what measures, so the training's thread need not."""

    def __init__(self, wishes: Wishes, sensors: Sequence[Sensor] | None, ticks: Ticks, told: Told) -> None:
        """Note the moment, the environment and the folder; all else is done by :meth:`run`."""
        super().__init__(name="gxmeter", daemon=True)
        self.wishes, self.sensors, self.ticks, self.told = wishes, sensors, ticks, told
        self.pid = os.getpid()
        self.environ = dict(os.environ)
        self.began = ticks.now()
        self.stopping, self.wake, self.settled = Bell(), Bell(), threading.Event()
        self.measuring: Measuring | None = None

    def run(self) -> None:
        """Measure until :meth:`end`."""
        try:
            with loading():
                _leave_signals()
                from gxmeter.meter.host.claims import Claims, folder_of  # noqa: PLC0415 - off the training's thread
                from gxmeter.meter.sensors.early import open_early  # noqa: PLC0415
                from gxmeter.meter.sensors.standard import quick  # noqa: PLC0415

                claims = Claims.open(folder_of(self.environ))
                chosen = quick(self.environ) if self.sensors is None else self.sensors
                early = open_early(chosen, self.ticks, claims, self.environ)
            with loading():
                from gxmeter.meter.measuring import Measuring  # noqa: PLC0415 - after the counters have begun

            self.measuring = Measuring(
                self.wishes,
                self.environ,
                self.sensors,
                early,
                claims,
                self.ticks,
                self.told,
                self.began,
                self.stopping,
                self.wake,
            )
            self.measuring.run(self.settled)
        except Exception as error:  # noqa: BLE001 - promise 9
            tell_fault(error)
        finally:
            self.settled.set()

    def end(self) -> None:
        """Tell it to end. In a forked child there is no thread, and its events may be locked for ever."""
        if os.getpid() == self.pid:
            self.stopping.set()
            self.wake.set()

    def note(self, code: str, params: dict[str, str]) -> None:
        """Have a finding written down."""
        self.told.note(code, params)
        self.wake.set()

    def finish(self, reason: str) -> MeterResult | None:
        """Tell it to end, wait for that, and say what came of it."""
        settled = self.settled.is_set() or self.settled.wait(_STOP_S)
        measuring = self.measuring
        if measuring is not None and measuring.sampler is not None:
            measuring.sampler.reason = reason
        self.end()
        self.join(_STOP_S if settled else 0)
        if measuring is None:
            return None
        measuring.end(in_time=not self.is_alive())
        return measuring.result()


def _leave_signals() -> None:
    """Leave every signal to the training's threads: one that they hold back for ``sigwait`` would end the process here.

    Those that a thread's own fault raises stay as they are.
    """
    import signal  # noqa: PLC0415 - off the training's thread

    own = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - own)


def tell_fault(error: Exception) -> None:
    """A fault of this program, in one line."""
    tell(f"gxmeter: {type(error).__name__}: {error}")
