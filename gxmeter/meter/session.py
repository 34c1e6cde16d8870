"""``gxmeter.Meter``: one measured run, started and stopped from a training script.

Nothing here ever raises into the training, replaces a signal handler, takes a lock that outlives a call or
touches the network. ``start`` returns in milliseconds; CodeCarbon is imported in the sampling thread. A
forked child has no meter: its ``stop`` does nothing. What goes wrong is said once on standard error and
stands in the record.
"""

from __future__ import annotations

import atexit
import functools
import os
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from gxmeter import __version__
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import Head
from gxmeter.core.numbers import parse_decimal, plain
from gxmeter.meter.place import Place, claim, safe_id, settle_site, workspace_of
from gxmeter.meter.sampler import SEGMENT_S, Plan, Sampler
from gxmeter.meter.say import tell, warn
from gxmeter.meter.sensors.base import Fault
from gxmeter.meter.ticks import NS_PER_MS, NS_PER_S, SystemTicks, Ticks, boot_id
from gxmeter.meter.totals import MeterResult, Totals
from gxmeter.meter.writer import JournalWriter

if TYPE_CHECKING:
    from typing import Self

    from gxmeter.meter.sensors.base import Sensor

P = ParamSpec("P")
R = TypeVar("R")

PERIOD_RANGE_S = (0.1, 60.0)
"""Shortest and longest period of an interval [s]."""

_STOP_S = 0.9
_MAX_RATIO_DECIMALS = 12
_MAX_RATIO = 1_000_000
_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


class Meter:
    """Measures this machine while a block runs, into the workspace's journals.

    Args:
        run: run id; left out, ``run-<UTC date>-<6 hex>``.
        site: site id; left out, ``GXMETER_SITE``, else the workspace's only site, else ``unknown``.
        workspace: its folder; left out, the nearest one upwards from the current folder.
        period_s: length of an interval [s], 0.1 to 60.
        node_overhead: declared node energy / device energy [ratio], at least 1; left out, the node is not known.
        segment_s: age at which a journal segment is closed [s].
        sensors: what to read; left out, CodeCarbon.
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
        ticks: Ticks | None = None,
    ) -> None:
        """Remember what is wished; nothing is opened or checked yet."""
        self._wished = (run, site, workspace)
        self._period_s = period_s
        self._node_overhead = node_overhead
        self._segment_s = segment_s
        self._sensors = sensors
        self._ticks: Ticks = ticks or SystemTicks()
        self._pid = os.getpid()
        self._sampler: Sampler | None = None
        self._thread: threading.Thread | None = None
        self._place: Place | None = None
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

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the sensors have their baseline, at most ``timeout_s`` [s]; whether they have."""
        return self._sampler is not None and self._sampler.ready.wait(timeout_s)

    @property
    def journal(self) -> Path | None:
        """Folder of the journal, or None where nothing can be written."""
        return self._place.folder if self._place else None

    @property
    def totals(self) -> Totals:
        """Energy so far."""
        return self._sampler.totals if self._sampler else Totals()

    @property
    def result(self) -> MeterResult:
        """What was measured; before ``stop``, what is known so far."""
        return self._result or self._make_result()

    def _start(self) -> None:
        run, site, workspace = self._wished
        began = self._ticks.now()
        folder = workspace_of(workspace)
        run_id, faults = _settle_run(run)
        site_id, site_faults = settle_site(site, folder)
        period_ns, period_faults = _settle_period(self._period_s)
        ratio, ratio_faults = _settle_ratio(self._node_overhead)
        self._place = claim(folder, run_id, began.utc_ms)
        place_faults = self._place.faults if self._place else (Fault("journal-unwritable"),)
        head = Head(
            n=0,
            journal=self._place.journal if self._place else "",
            segment=0,
            previous=None,
            run=run_id,
            site=site_id,
            host=os.uname().nodename or "host",
            boot=boot_id(),
            pid=self._pid,
            utc_ms=began.utc_ms,
            mono_ns=began.mono_ns,
            anchor_utc_ms=began.utc_ms,
            anchor_mono_ns=began.mono_ns,
            period_ms=period_ns // NS_PER_MS,
            gxmeter=__version__,
            node_ratio=ratio,
        )
        said = (*faults, *site_faults, *period_faults, *ratio_faults, *place_faults)
        plan = Plan(head, period_ns, began, self._segment_s, said)
        writer = JournalWriter(self._place.folder) if self._place else None
        self._sampler = Sampler(plan, writer, self._sensors or (), self._ticks, threading.Event())
        self._thread = threading.Thread(target=self._work, args=(self._sampler,), name="gxmeter", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def _work(self, sampler: Sampler) -> None:
        """The sampling thread."""
        try:
            if self._sensors is None:
                from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor  # noqa: PLC0415 - off the training thread

                sampler.sources = (CodeCarbonSensor(),)
            sampler.run(warn)
        except Exception as error:  # noqa: BLE001 - promise 9
            try:
                sampler.fail(error, warn)
            except Exception as second:  # noqa: BLE001 - the record cannot be closed either
                tell(f"gxmeter: {type(second).__name__}: {second}")

    def _stop(self, reason: str) -> None:
        atexit.unregister(self.stop)
        sampler, thread = self._sampler, self._thread
        if sampler is None or thread is None:
            return
        sampler.reason = reason
        sampler.stop.set()
        thread.join(_STOP_S)
        if thread.is_alive():
            self._late.append(finding("meter-late"))
        elif sampler.writer is not None and sampler.writer.lost:
            self._late.append(finding("records-lost", count=sampler.writer.lost))
        for item in self._late:
            warn(item)
        self._result = self._make_result()

    def _make_result(self) -> MeterResult:
        sampler = self._sampler
        head = sampler.plan.head if sampler else None
        totals = self.totals
        return MeterResult(
            run=head.run if head else safe_id(self._wished[0] or "run"),
            site=head.site if head else safe_id(self._wished[1] or "unknown"),
            journal=self.journal,
            samples=totals.samples,
            measured_uj=totals.measured_uj,
            estimated_uj=totals.estimated_uj,
            node_ratio=Decimal(head.node_ratio) if head and head.node_ratio else None,
            findings=(*(sampler.findings if sampler else ()), *self._late),
        )

    def _fail(self, error: Exception) -> None:
        """Say that there is no meter; the training goes on."""
        item = finding("meter-failed", reason=f"{type(error).__name__}: {error}")
        self._late.append(item)
        warn(item)


def metered(
    run: str | None = None,
    site: str | None = None,
    workspace: str | os.PathLike[str] | None = None,
    *,
    period_s: float = 1.0,
    node_overhead: Decimal | str | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that every call is measured as a :class:`Meter` block; arguments as there.

    Raises:
        InputError: ``metered-needs-plain-function`` for async functions and generators, whose call returns
            before their work is done.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & (_CO_GENERATOR | _CO_COROUTINE | _CO_ASYNC_GENERATOR):
            raise InputError("metered-needs-plain-function", found=getattr(function, "__name__", "?"))

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with Meter(run, site, workspace, period_s=period_s, node_overhead=node_overhead):
                return function(*args, **kwargs)

        return call

    return decorate


def default_run_id() -> str:
    """``run-<UTC date>-<6 hex>``."""
    return f"run-{time.strftime('%Y%m%d', time.gmtime())}-{os.urandom(3).hex()}"


def _settle_run(run: str | None) -> tuple[str, tuple[Fault, ...]]:
    if not run:
        return default_run_id(), ()
    kept = safe_id(str(run))
    return kept, () if kept == run else (Fault("run-id-changed", (("found", str(run)), ("run", kept))),)


def _settle_period(period_s: float) -> tuple[int, tuple[Fault, ...]]:
    low, high = PERIOD_RANGE_S
    try:
        if low <= period_s <= high:
            return round(period_s * NS_PER_S), ()
    except TypeError:
        pass
    return NS_PER_S, (Fault("period-not-usable", (("found", str(period_s)),)),)


def _settle_ratio(ratio: Decimal | str | None) -> tuple[str | None, tuple[Fault, ...]]:
    if ratio is None:
        return None, ()
    try:
        value = parse_decimal(str(ratio))
    except InputError:
        value = Decimal(0)
    if 1 <= value < _MAX_RATIO and -int(value.as_tuple().exponent) <= _MAX_RATIO_DECIMALS:
        return plain(value), ()
    return None, (Fault("node-ratio-not-usable", (("found", str(ratio)),)),)
