"""``gxmeter.Meter``: one measured run, started and stopped from a training script.

Nothing here ever raises into the training, replaces a signal handler, takes a lock that outlives the process or
touches the network. ``start`` returns in milliseconds: this module imports next to nothing, and everything else
happens in the sampling thread (:mod:`gxmeter.meter.measuring`). A forked child has no meter: its calls do nothing.
What goes wrong is said once on standard error and stands in the record.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from gxmeter.meter.foreign import is_foreign
from gxmeter.meter.sampling_thread import SamplingThread, tell_fault
from gxmeter.meter.ticks import SystemTicks, Ticks
from gxmeter.meter.told import Told, are_plain, whole_amounts
from gxmeter.meter.wishes import Wishes

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from gxmeter.meter.measuring import Measuring
    from gxmeter.meter.sampler import Sampler
    from gxmeter.meter.sensors.base import Sensor
    from gxmeter.meter.totals import MeterResult, Totals

STOP, EXCEPTION = "stop", "exception"
"""Reasons of a record's end that a training can give."""

SEGMENT_S = 3600
"""Age at which a segment of the record is closed and the next begun [s]."""

_SETTLE_S = 10.0
_READY_S = 5.0


class Meter:
    """Measures this machine while a block runs, into the workspace's journals.

    Exactly one meter of a host measures each device; another one takes part without counting (``counting`` is
    False) and takes over when the first ends.

    Args:
        run: run id; left out, ``GXMETER_RUN``, else what the launcher calls the job, else ``run-<UTC date>-<6 hex>``.
        site: site id; left out, ``GXMETER_SITE``, else the workspace's only site, else ``unknown``.
        workspace: its folder; left out, ``GXMETER_WORKSPACE``, else the nearest one upwards from the current folder.
        period_s: length of an interval [s], 0.1 to 60.
        node_overhead: declared node energy / device energy [ratio], at least 1; left out, the node is not known.
        segment_s: age at which a journal segment is closed [s].
        sensors: what to read; left out, the counters of this machine, and CodeCarbon for what they leave.
        kg_per_kwh: the site's factor [kg-CO2/kWh], only for the live line and the summary.
        budget_kwh: energy that the run may use [kWh]; passing it is said once, and ``over_budget`` becomes True.
        resumes: id of the journal of the run that this one goes on from (after a checkpoint).
        compare: whether CodeCarbon reads the counters a second time, kept beside for comparison.
        ticks: the clocks.

    >>> with Meter(run="pretrain-1", site="tokyo-dc1") as meter:  # doctest: +SKIP
    ...     train()
    >>> meter.result.device_kwh  # doctest: +SKIP
    Decimal('0.000173333333')
    """

    def __init__(
        self,
        run: str | None = None,
        site: str | None = None,
        workspace: str | os.PathLike[str] | None = None,
        *,
        period_s: float = 1.0,
        node_overhead: Decimal | str | float | None = None,
        segment_s: int = SEGMENT_S,
        sensors: Sequence[Sensor] | None = None,
        kg_per_kwh: Decimal | str | float | None = None,
        budget_kwh: Decimal | str | float | None = None,
        resumes: str | None = None,
        compare: bool = False,
        ticks: Ticks | None = None,
    ) -> None:
        """Remember what is wished; nothing is opened or checked yet."""
        self._wishes = Wishes(
            run, site, workspace, period_s, node_overhead, kg_per_kwh, budget_kwh, resumes, segment_s, compare
        )
        self._sensors = sensors
        self._ticks: Ticks = ticks or SystemTicks()
        self._told = Told(self._ticks)
        self._pid = os.getpid()
        self._thread: SamplingThread | None = None
        self._result: MeterResult | None = None

    def __repr__(self) -> str:
        """Run and energy so far, for notebooks."""
        measuring = self._measuring
        run = measuring.plan.head.run if measuring is not None and measuring.plan is not None else self._wishes.run
        state = "not started" if self._thread is None else "ended" if self._result is not None else "running"
        return f"<gxmeter.Meter {run or '-'}: {state}, {self.energy_kwh:f} kWh>"

    def start(self) -> Self:
        """Begin to measure; returns at once, whatever happens."""
        try:
            if self._thread is None:
                self._pid, self._result = os.getpid(), None
                self._start()
            elif self._result is not None and self._measuring is not None:
                self._measuring.say_ended()
        except Exception as error:  # noqa: BLE001 - promise 9: no exception of ours ever leaves the meter
            _not_ours(error)
        return self

    def stop(self, *, reason: str = "stop") -> MeterResult:
        """End the measuring and the record, within a second; in a forked child it does nothing.

        Args:
            reason: what the record's end says: ``stop`` or ``exception``.
        """
        try:
            if os.getpid() == self._pid and self._result is None and self._thread is not None:
                self._result = self._thread.finish(reason if reason == EXCEPTION else STOP) or self._nothing(
                    "meter-late"
                )
                _started.discard(self)
        except Exception as error:  # noqa: BLE001 - promise 9: no exception of ours ever leaves the meter
            _not_ours(error)
        return self.result

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; an exception of the block goes on its way."""
        self.stop(reason=STOP if kind is None else EXCEPTION)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A named stretch of the run, such as ``eval``; the record says its energy. Phases may be nested.

        Args:
            name: at most 80 characters.
        """
        self._turn(name, begins=True)
        try:
            yield
        finally:
            self._turn(name, begins=False)

    def count(self, *, tokens: int = 0, steps: int = 0, flop: int = 0) -> None:
        """Work that this process has done since it last said so: tokens, optimizer steps, operations [FLOP].

        Every rank counts its own; the sums are made when the record is read.
        """
        if not self._running:
            return
        if are_plain(tokens, steps, flop):  # by far most calls; nothing can fail here
            self._told.count(tokens, steps, flop)
            return
        try:
            amounts = whole_amounts(tokens, steps, flop)
        except Exception as error:  # noqa: BLE001 - what is no number may raise anything when it is asked to be one
            self._cannot_count(error)
        else:
            self._told.count(*amounts)

    def note(self, code: str, **params: str) -> None:
        """Write a finding into the record: a message code and the values of its holes."""
        try:
            if self._running and self._thread is not None:
                self._thread.note(code, params)
        except Exception as error:  # noqa: BLE001 - promise 9: no exception of ours ever leaves the meter
            _not_ours(error)

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the counters have their baseline, at most ``timeout_s`` [s]; whether they have."""
        sampler = self._settled()
        return sampler is not None and sampler.ready.wait(timeout_s)

    @property
    def journal(self) -> Path | None:
        """Folder of the journal, or None while there is none."""
        place = self._sampler.recorder.place if self._sampler else None
        return place.folder if place else None

    @property
    def counting(self) -> bool:
        """Whether this meter measures a part of this host; False where others do, and in a forked child.

        Asked in the first moments it waits until that is decided, some tenths of a second.
        """
        sampler = self._settled() if os.getpid() == self._pid else None
        if sampler is None:
            return False
        sampler.ready.wait(_READY_S)
        return sampler.counting

    @property
    def totals(self) -> Totals:
        """Energy so far."""
        if self._sampler is not None:
            return self._sampler.totals
        from gxmeter.meter.totals import Totals  # noqa: PLC0415 - see above

        return Totals()

    @property
    def energy_kwh(self) -> Decimal:
        """Energy so far [kWh]: of the machine where it is metered, else of its components."""
        from decimal import Decimal  # noqa: PLC0415 - see above

        from gxmeter.meter.totals import to_kwh  # noqa: PLC0415

        return to_kwh(Decimal(self.totals.total_uj))

    @property
    def handed_down(self) -> dict[str, str]:
        """Environment for a command under this meter: meters inside it join the same run."""
        self._settled()
        plan = self._measuring.plan if self._measuring else None
        if plan is None:
            return {}
        names = {"GXMETER_RUN": plan.head.run}
        names |= {"GXMETER_SITE": plan.head.site} if plan.head.site != "unknown" else {}
        return names | ({"GXMETER_WORKSPACE": str(plan.workspace)} if plan.workspace is not None else {})

    @property
    def kg_per_kwh(self) -> Decimal | None:
        """The factor that was handed over [kg-CO2/kWh]."""
        plan = self._measuring.plan if self._measuring else None
        return plan.kg_per_kwh if plan else None

    @property
    def over_budget(self) -> bool:
        """Whether the energy so far has passed the budget."""
        return self._sampler is not None and self._sampler.budget.over

    @property
    def budget_uj(self) -> int | None:
        """The budget at the boundary that counts [uJ], or None."""
        sampler = self._sampler
        return None if sampler is None else sampler.budget.limit_uj(node_metered=sampler.totals.node_uj is not None)

    @property
    def elapsed_ns(self) -> int:
        """Time since the start [ns]."""
        return self._ticks.now().mono_ns - self._thread.began.mono_ns if self._thread else 0

    @property
    def result(self) -> MeterResult:
        """What was measured; before ``stop``, what is known so far."""
        if self._result is not None:
            return self._result
        self._settled()
        if self._measuring is not None:
            return self._measuring.result()
        return self._nothing()

    @property
    def _running(self) -> bool:
        return self._thread is not None and self._result is None and os.getpid() == self._pid

    @property
    def _measuring(self) -> Measuring | None:
        return self._thread.measuring if self._thread else None

    @property
    def _sampler(self) -> Sampler | None:
        return self._measuring.sampler if self._measuring else None

    def _settled(self) -> Sampler | None:
        """The sampler, once the thread has decided what will be done; in a forked child what there is."""
        if self._thread is not None and os.getpid() == self._pid:
            _ = self._thread.settled.is_set() or self._thread.settled.wait(_SETTLE_S)
        return self._sampler

    def _start(self) -> None:
        folder = None
        with suppress(OSError):
            folder = os.getcwd()  # noqa: PTH109 - pathlib is loaded by the thread
        thread = SamplingThread(self._wishes._replace(folder=folder), self._sensors, self._ticks, self._told)
        try:
            thread.start()
        except RuntimeError as error:  # the host gives this user no thread more, or the interpreter ends
            self._result = self._nothing("meter-failed", reason=str(error))
            return
        self._thread = thread
        # A notebook that makes a new meter in the old one's place must not leave the old one measuring.
        weakref.finalize(self, self._thread.end)
        _started.add(self)

    def _turn(self, name: str, *, begins: bool) -> None:
        try:
            if self._running and self._thread is not None:
                self._told.turn(name, begins=begins)
                self._thread.wake.set()
        except Exception as error:  # noqa: BLE001 - promise 9: no exception of ours ever leaves the meter
            _not_ours(error)

    def _nothing(self, code: str | None = None, **params: str) -> MeterResult:
        """The result where nothing was measured; why not is said."""
        from gxmeter.meter.measuring import nothing  # noqa: PLC0415 - only where something is wrong

        return nothing(self._wishes, code, **params)

    def _cannot_count(self, error: Exception) -> None:
        try:
            self._settled()
            if self._measuring is not None:
                self._measuring.say_not_counted(error)
        except Exception as second:  # noqa: BLE001 - promise 9: no exception of ours ever leaves the meter
            _not_ours(second)


def _not_ours(error: Exception) -> None:
    """Say a fault of this program; what a signal handler of the training raised meanwhile goes on its way."""
    if is_foreign(error):
        raise error
    tell_fault(error)


_started: weakref.WeakSet[Meter] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """At the interpreter's end."""
    for meter in list(_started):
        meter.stop()
