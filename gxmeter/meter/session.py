"""``gxmeter.Meter``: one measured run, started and stopped from a training script.

Nothing here ever raises into the training, replaces a signal handler, takes a lock that outlives the process or
touches the network. ``start`` returns in milliseconds; everything slow happens in the sampling thread. A forked
child has no meter: its calls do nothing. What goes wrong is said once on standard error and stands in the record.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import BEGIN, END
from gxmeter.meter.budget import Budget
from gxmeter.meter.claims import Claims, folder_of
from gxmeter.meter.place import SITE_VARIABLE, WORKSPACE_VARIABLE, safe_id
from gxmeter.meter.recorder import Recorder
from gxmeter.meter.roster import Roster
from gxmeter.meter.sampler import Sampler
from gxmeter.meter.say import tell, warn
from gxmeter.meter.settle import RUN_VARIABLE, Plan, Wishes, host_prefix, settle
from gxmeter.meter.ticks import SystemTicks, Ticks
from gxmeter.meter.totals import MeterResult, Totals, to_kwh
from gxmeter.meter.work import Work

if TYPE_CHECKING:
    from typing import Self

    from gxmeter.meter.sensors.base import Sensor

SEGMENT_S = 3600
"""Age at which a segment of the record is closed and the next begun [s]."""

_STOP_S = 0.9


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
        node_overhead: Decimal | str | None = None,
        segment_s: int = SEGMENT_S,
        sensors: Sequence[Sensor] | None = None,
        kg_per_kwh: Decimal | str | None = None,
        budget_kwh: Decimal | str | None = None,
        resumes: str | None = None,
        ticks: Ticks | None = None,
    ) -> None:
        """Remember what is wished; nothing is opened or checked yet."""
        self._wishes = Wishes(run, site, workspace, period_s, node_overhead, kg_per_kwh, budget_kwh, resumes)
        self._segment_s = segment_s
        self._sensors = sensors
        self._ticks: Ticks = ticks or SystemTicks()
        self._pid = os.getpid()
        self._plan: Plan | None = None
        self._sampler: Sampler | None = None
        self._thread: threading.Thread | None = None
        self._result: MeterResult | None = None
        self._late: list[Finding] = []

    def start(self) -> Self:
        """Begin to measure; returns at once, whatever happens."""
        if self._sampler is not None:
            return self
        self._pid = os.getpid()
        try:
            self._start()
        except Exception as error:  # noqa: BLE001 - promise 9: no exception ever leaves the meter
            self._fail(error)
        return self

    def stop(self, *, reason: str = "stop") -> MeterResult:
        """End the measuring and the record, within a second; in a forked child it does nothing.

        Args:
            reason: what the record's end says: ``stop`` or ``exception``.
        """
        try:
            if os.getpid() == self._pid and self._result is None:
                self._stop(reason)
        except Exception as error:  # noqa: BLE001 - promise 9
            self._fail(error)
        return self.result

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; an exception of the block goes on its way."""
        self.stop(reason="stop" if kind is None else "exception")

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A named stretch of the run, such as ``eval``; the record says its energy. Phases may be nested.

        Args:
            name: at most 80 characters.
        """
        self._turn(name, BEGIN)
        try:
            yield
        finally:
            self._turn(name, END)

    def count(self, *, tokens: int = 0, steps: int = 0, flop: int = 0) -> None:
        """Work that this process has done since it last said so: tokens, optimizer steps, operations [FLOP].

        Every rank counts its own; the sums are made when the record is read.
        """
        try:
            if self._sampler is not None and os.getpid() == self._pid and self._result is None:
                self._sampler.work.count(tokens, steps, flop)
        except (TypeError, ValueError, OverflowError) as error:
            self._say_once(finding("count-not-usable", reason=f"{type(error).__name__}: {error}"))

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the counters have their baseline, at most ``timeout_s`` [s]; whether they have."""
        return self._sampler is not None and self._sampler.ready.wait(timeout_s)

    @property
    def journal(self) -> Path | None:
        """Folder of the journal, or None while there is none."""
        place = self._sampler.recorder.place if self._sampler else None
        return place.folder if place else None

    @property
    def counting(self) -> bool:
        """Whether this meter measures a part of this host; False where others do, or before it has begun."""
        return self._sampler is not None and self._sampler.counting

    @property
    def totals(self) -> Totals:
        """Energy so far."""
        return self._sampler.totals if self._sampler else Totals()

    @property
    def energy_kwh(self) -> Decimal:
        """Energy so far [kWh]: of the machine where it is metered, else of its components."""
        return to_kwh(Decimal(self.totals.total_uj))

    @property
    def handed_down(self) -> dict[str, str]:
        """Environment for a command under this meter: meters inside it join the same run."""
        if self._plan is None:
            return {}
        names = {RUN_VARIABLE: self._plan.head.run, SITE_VARIABLE: self._plan.head.site}
        workspace = self._plan.workspace
        return names | ({WORKSPACE_VARIABLE: str(workspace)} if workspace is not None else {})

    @property
    def kg_per_kwh(self) -> Decimal | None:
        """The factor that was handed over [kg-CO2/kWh]."""
        return self._plan.kg_per_kwh if self._plan else None

    @property
    def over_budget(self) -> bool:
        """Whether the energy so far has passed the budget."""
        return self._sampler is not None and self._sampler.budget.over

    @property
    def budget_uj(self) -> int | None:
        """The budget at the boundary that counts [uJ], or None."""
        if self._sampler is None:
            return None
        return self._sampler.budget.limit_uj(node_metered=self.totals.node_uj is not None)

    @property
    def elapsed_ns(self) -> int:
        """Time since the start [ns]."""
        return self._ticks.now().mono_ns - self._sampler.began.mono_ns if self._sampler else 0

    @property
    def result(self) -> MeterResult:
        """What was measured; before ``stop``, what is known so far."""
        return self._result or self._make_result()

    def _start(self) -> None:
        began = self._ticks.now()
        plan = self._plan = settle(self._wishes, began, os.environ)
        self._sampler = Sampler(
            recorder=Recorder(plan.head, plan.workspace, self._segment_s, warn),
            roster=Roster(host_prefix(plan.head.host), Claims.open(folder_of(os.environ)), plan.allocation),
            ticks=self._ticks,
            work=Work(self._ticks),
            budget=Budget(plan.budget_kwh, plan.node_ratio or Decimal(1)),
            period_ns=plan.period_ns,
            began=began,
            compare=self._sensors is not None,
        )
        self._thread = threading.Thread(
            target=_work, args=(self._sampler, self._sensors, plan), name="gxmeter", daemon=True
        )
        self._thread.start()
        # A notebook that makes a new meter in the old one's place must not leave the old one measuring.
        weakref.finalize(self, _end, self._sampler)
        _started.add(self)

    def _turn(self, name: str, event: str) -> None:
        try:
            if self._sampler is not None and os.getpid() == self._pid:
                self._sampler.work.turn(name, event)
                self._sampler.wake.set()
        except Exception as error:  # noqa: BLE001 - promise 9
            self._fail(error)

    def _stop(self, reason: str) -> None:
        sampler, thread = self._sampler, self._thread
        if sampler is None or thread is None:
            return
        _started.discard(self)
        sampler.reason = reason
        _end(sampler)
        thread.join(_STOP_S)
        if thread.is_alive():
            self._say_once(finding("meter-late"))
        elif sampler.recorder.lost:
            self._say_once(finding("records-lost", count=sampler.recorder.lost))
        self._result = self._make_result()

    def _make_result(self) -> MeterResult:
        sampler, plan = self._sampler, self._plan
        totals = self.totals
        return MeterResult(
            run=plan.head.run if plan else safe_id(self._wishes.run or "run"),
            site=plan.head.site if plan else safe_id(self._wishes.site or "unknown"),
            journal=self.journal,
            samples=totals.samples,
            measured_uj=totals.measured_uj,
            estimated_uj=totals.estimated_uj,
            node_ratio=plan.node_ratio if plan else None,
            findings=(*(sampler.recorder.findings if sampler else ()), *self._late),
            counting=self.counting,
            node_uj=totals.node_uj,
            elapsed_ns=self.elapsed_ns,
            phases=dict(totals.phases.by_name),
            tokens=sampler.work.tokens if sampler else 0,
            steps=sampler.work.steps if sampler else 0,
            flop=sampler.work.flop if sampler else 0,
            kg_per_kwh=self.kg_per_kwh,
        )

    def _say_once(self, item: Finding) -> None:
        if item not in self._late:
            self._late.append(item)
            warn(item)

    def _fail(self, error: Exception) -> None:
        """Say that there is no meter; the training goes on."""
        self._say_once(finding("meter-failed", reason=f"{type(error).__name__}: {error}"))


def _work(sampler: Sampler, sensors: Sequence[Sensor] | None, plan: Plan) -> None:
    """The sampling thread; it knows the sampler and not the meter, so that a forgotten meter can end."""

    def choose() -> Sequence[Sensor]:
        if sensors is not None:
            return sensors
        from gxmeter.meter.sensors.standard import standard  # noqa: PLC0415 - off the training's thread

        return standard(os.environ)

    try:
        sampler.run(choose, plan.faults)
    except Exception as error:  # noqa: BLE001 - promise 9
        try:
            sampler.fail(error)
        except Exception as second:  # noqa: BLE001 - the record cannot be closed either
            tell(f"gxmeter: {type(second).__name__}: {second}")
    finally:
        sampler.roster.claims.release_all()


def _end(sampler: Sampler) -> None:
    """Tell the sampling thread to end."""
    sampler.stop.set()
    sampler.wake.set()


_started: weakref.WeakSet[Meter] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """At the interpreter's end."""
    for meter in list(_started):
        meter.stop()
