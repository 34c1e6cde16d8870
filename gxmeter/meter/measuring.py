"""The body of the sampling thread: settle the wishes, put the parts together, sample, and say what came of it.

Everything here is loaded by the thread, so that a training's own thread pays for none of it. The thread knows a
:class:`Measuring` and not the meter: a meter that is forgotten can end.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.meter.bell import Bell
from gxmeter.meter.budget import Budget
from gxmeter.meter.host.claims import Claims
from gxmeter.meter.lineup import Lineup
from gxmeter.meter.loading import loading
from gxmeter.meter.record.place import UNKNOWN_SITE, safe_id
from gxmeter.meter.record.recorder import Recorder
from gxmeter.meter.record.troubles import Troubles
from gxmeter.meter.roster import Roster
from gxmeter.meter.sampler import Sampler
from gxmeter.meter.sensors.base import Sensor
from gxmeter.meter.sensors.early import Early
from gxmeter.meter.settle import Plan, host_prefix, settle
from gxmeter.meter.show.say import warn
from gxmeter.meter.show.tell import tell
from gxmeter.meter.ticks import Moment, Ticks
from gxmeter.meter.told import Told
from gxmeter.meter.totals import MeterResult, Totals
from gxmeter.meter.wishes import Wishes
from gxmeter.meter.work import Work


@dataclass(slots=True)
class Measuring:
    """One measuring session as the sampling thread sees it.

    Attributes:
        wishes: what the caller said.
        environ: the environment when the meter was started.
        sensors: what to read; None for the standard ones.
        early: the quick ones among them, which count already.
        claims: who has what on this host.
        ticks: the clocks.
        told: phases and counts told by the training.
        began: when the meter was started.
        stop, wake: events, see :class:`gxmeter.meter.sampler.Sampler`.
    """

    wishes: Wishes
    environ: Mapping[str, str]
    sensors: Sequence[Sensor] | None
    early: Early
    claims: Claims
    ticks: Ticks
    told: Told
    began: Moment
    stop: Bell
    wake: Bell
    plan: Plan | None = None
    sampler: Sampler | None = None
    late: list[Finding] = field(default_factory=list)

    def run(self, settled: threading.Event) -> None:
        """The thread's body; ``settled`` is set as soon as run and site are decided. Never raises."""
        try:
            self._settle()
            settled.set()
            self._sample()
        except Exception as error:  # noqa: BLE001 - promise 9: no exception ever leaves the meter
            self._fail(error)
        finally:
            settled.set()
            if self.sampler is not None:
                self.sampler.roster.claims.release_all()
                self.sampler.ready.set()

    def _settle(self) -> None:
        plan = self.plan = settle(self.wishes, self.began, self.environ)
        recorder = Recorder(plan.head, plan.workspace, self.wishes.segment_s, warn)
        roster = Roster(host_prefix(plan.head.host), self.claims, plan.allocation)
        troubles, compare = Troubles(recorder), self.sensors is not None
        self.sampler = Sampler(
            recorder=recorder,
            lineup=Lineup(recorder, roster, self.ticks, troubles, self.began, self.wake, compare),
            troubles=troubles,
            ticks=self.ticks,
            work=Work(self.told),
            budget=Budget(plan.budget_kwh, plan.node_ratio or Decimal(1)),
            period_ns=plan.period_ns,
            began=self.began,
            stop=self.stop,
            wake=self.wake,
        )

    def _sample(self) -> None:
        if self.sampler is not None and self.plan is not None:
            self.sampler.run(self.early, self._slow(), self.plan.faults)

    def _slow(self) -> Sequence[Sensor]:
        if self.sensors is not None:
            return [sensor for sensor in self.sensors if not sensor.quick]
        with loading():
            from gxmeter.meter.sensors.standard import slow  # noqa: PLC0415 - not before the counters have begun

            return slow(self.environ, compare=self.wishes.compare)

    def _fail(self, error: Exception) -> None:
        """Close the record after a fault of this program, saying so in it and to people."""
        try:
            if self.sampler is None:
                self.say(finding("meter-failed", reason=f"{type(error).__name__}: {error}"))
            else:
                self.sampler.fail(error)
        except Exception as second:  # noqa: BLE001 - the record cannot be closed either
            tell(f"gxmeter: {type(second).__name__}: {second}")

    def say(self, item: Finding) -> None:
        """Tell people of something that the record cannot hold any more, once."""
        if item not in self.late:
            self.late.append(item)
            warn(item)

    def say_not_counted(self, error: Exception) -> None:
        """Somebody counted what is no number."""
        self.say(finding("count-not-usable", reason=f"{type(error).__name__}: {error}"))

    def say_ended(self) -> None:
        """Somebody started the meter again that has ended."""
        self.say(finding("meter-ended"))

    def end(self, *, in_time: bool) -> None:
        """After the thread has ended, or has not within its time: what was lost."""
        if not in_time:
            self.say(finding("meter-late"))
        elif self.sampler is not None and self.sampler.recorder.lost:
            self.say(finding("records-lost", count=self.sampler.recorder.lost))

    def result(self) -> MeterResult:
        """What is known so far."""
        plan, sampler = self.plan, self.sampler
        totals = sampler.totals if sampler else Totals()
        place = sampler.recorder.place if sampler else None
        return MeterResult(
            run=plan.head.run if plan else _id(self.wishes.run, "run"),
            site=plan.head.site if plan else _id(self.wishes.site, UNKNOWN_SITE),
            journal=place.folder if place else None,
            samples=totals.samples,
            measured_uj=totals.measured_uj,
            estimated_uj=totals.estimated_uj,
            node_ratio=plan.node_ratio if plan else None,
            findings=(*(sampler.recorder.findings if sampler else ()), *self.late),
            counting=sampler is not None and sampler.counting,
            node_uj=totals.node_uj,
            elapsed_ns=self.ticks.now().mono_ns - self.began.mono_ns,
            phases=dict(totals.phases.by_name),
            tokens=sampler.work.tokens if sampler else 0,
            steps=sampler.work.steps if sampler else 0,
            flop=sampler.work.flop if sampler else 0,
            kg_per_kwh=plan.kg_per_kwh if plan else None,
        )


def nothing(wishes: Wishes, code: str | None = None, **params: str) -> MeterResult:
    """The result of a meter that was never started or could not be; why not is said.

    Args:
        wishes: what the caller said.
        code: message code of the reason, or None for none.
        params: values of its holes.
    """
    findings = () if code is None else (finding(code, row=None, **params),)
    for item in findings:
        warn(item)
    return MeterResult(
        run=_id(wishes.run, "run"),
        site=_id(wishes.site, UNKNOWN_SITE),
        journal=None,
        samples=0,
        measured_uj=0,
        estimated_uj=0,
        node_ratio=None,
        findings=findings,
        counting=False,
    )


def _id(wished: object, otherwise: str) -> str:
    """An id as wished, of whatever type that is."""
    return otherwise if wished is None else safe_id(str(wished))
