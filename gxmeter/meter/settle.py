"""From what the caller wished to what will be done: every wish that cannot be used becomes a remark, never an error."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from gxmeter import __version__
from gxmeter.core.errors import InputError
from gxmeter.core.journal import Head
from gxmeter.core.numbers import parse_decimal, plain
from gxmeter.meter.host.allocation import Allocation, read_allocation
from gxmeter.meter.host.launch import Launch, launch_faults, read_launch, shared_run_id
from gxmeter.meter.record.place import SITE_VARIABLE, WORKSPACE_VARIABLE, safe_id, settle_site, workspace_of
from gxmeter.meter.sensors.base import Fault, fault
from gxmeter.meter.ticks import NS_PER_MS, NS_PER_S, Moment, boot_id
from gxmeter.meter.wishes import Wishes

RUN_VARIABLE = "GXMETER_RUN"
"""Run id for meters that are told none, such as those inside a command under ``gxmeter run``."""

PERIOD_RANGE_S = (0.1, 60.0)
"""Shortest and longest period of an interval [s]."""

_OWN_PARENT = ("torchrun", "openmpi", "mpich")
"""Launchers that are the parent of the ranks of a node, one process for each run."""

_MAX_RATIO_DECIMALS = 12
_MAX_RATIO = 1_000_000
_MAX_KWH = 10**12
_MAX_HOST = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done.

    Attributes:
        head: of the record, lacking what only the sensors know.
        workspace: folder to write to, or None.
        period_ns: length of an interval [ns].
        node_ratio: declared node / device energy [ratio], or None.
        kg_per_kwh: factor for the live line [kg-CO2/kWh], or None.
        budget_kwh: [kWh], or None.
        allocation: what of the host is ours.
        faults: what had to be said.
    """

    head: Head
    workspace: Path | None
    period_ns: int
    node_ratio: Decimal | None
    kg_per_kwh: Decimal | None
    budget_kwh: Decimal | None
    allocation: Allocation
    faults: tuple[Fault, ...]


def settle(wishes: Wishes, began: Moment, environ: Mapping[str, str]) -> Plan:
    """Decide everything that can be decided before a sensor is opened.

    Args:
        wishes: what the caller said.
        began: when the meter was started.
        environ: environment.
    """
    workspace = workspace_of(wishes.workspace or environ.get(WORKSPACE_VARIABLE) or None, wishes.folder)
    launch, allocation = read_launch(environ), read_allocation(environ)
    run, faults = _run(wishes, environ, launch)
    wished_site = str(wishes.site) if wishes.site is not None else environ.get(SITE_VARIABLE)
    site, site_faults = settle_site(wished_site, workspace)
    period_ns, period_faults = _period(wishes.period_s)
    ratio, ratio_faults = _decimal(wishes.node_overhead, "node-ratio-not-usable", low=1, below=_MAX_RATIO)
    factor, factor_faults = _decimal(wishes.kg_per_kwh, "factor-not-usable", low=0, below=_MAX_RATIO)
    budget, budget_faults = _decimal(wishes.budget_kwh, "budget-not-usable", low=0, below=_MAX_KWH)
    head = Head(
        n=0,
        journal="",
        segment=0,
        previous=None,
        run=run,
        site=site,
        host=os.uname().nodename or "host",
        boot=boot_id(),
        pid=os.getpid(),
        utc_ms=began.utc_ms,
        mono_ns=began.mono_ns,
        anchor_utc_ms=began.utc_ms,
        anchor_mono_ns=began.mono_ns,
        period_ms=period_ns // NS_PER_MS,
        gxmeter=__version__,
        node_ratio=None if ratio is None else plain(ratio),
        launch=launch.facts,
        allocation=allocation.facts,
        resumes=str(wishes.resumes)[:300] if wishes.resumes else None,
    )
    said = (*faults, *site_faults, *period_faults, *ratio_faults, *factor_faults, *budget_faults)
    return Plan(head, workspace, period_ns, ratio, factor, budget, allocation, said)


def host_prefix(host: str) -> str:
    """What stands before the ids of a host's devices."""
    return safe_id(host)[:_MAX_HOST]


def default_run_id() -> str:
    """``run-<UTC date>-<6 hex>``."""
    return f"run-{time.strftime('%Y%m%d', time.gmtime())}-{os.urandom(3).hex()}"


def _run(wishes: Wishes, environ: Mapping[str, str], launch: Launch) -> tuple[str, tuple[Fault, ...]]:
    """The run id: as wished, else one that all nodes of the job agree on, else all ranks of a node, else a new one."""
    outer = environ.get(RUN_VARIABLE, "")
    if wishes.run or outer:
        wished = str(wishes.run or outer)
        kept = safe_id(wished)
        faults = () if kept == wished else (fault("run-id-changed", found=wished, run=kept),)
        differs = outer and kept != safe_id(outer)
        return kept, (*faults, *((fault("run-id-differs", outer=outer, run=kept),) if differs else ()))
    shared = shared_run_id(launch)
    if shared:
        return safe_id(shared), ()
    siblings = launch.launcher in _OWN_PARENT and (launch.local_world or launch.world or 1) > 1
    return run_of_siblings() if siblings else default_run_id(), launch_faults(launch)


def run_of_siblings() -> str:
    """A run id on which all processes of one launcher agree: ``run-<6 hex>`` of boot, parent and its start."""
    parent = os.getppid()
    try:
        started = Path(f"/proc/{parent}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = "-"
    return f"run-{hashlib.sha256(f'{boot_id()} {parent} {started}'.encode()).hexdigest()[:6]}"


def _period(period_s: float) -> tuple[int, tuple[Fault, ...]]:
    low, high = PERIOD_RANGE_S
    try:
        if low <= period_s <= high:
            return round(period_s * NS_PER_S), ()
    except TypeError:
        pass
    return NS_PER_S, (Fault("period-not-usable", (("found", str(period_s)),)),)


def _decimal(wished: object, code: str, *, low: int, below: int) -> tuple[Decimal | None, tuple[Fault, ...]]:
    """A plain decimal from ``low`` on and below ``below``, or None with the fault."""
    if wished is None:
        return None, ()
    try:
        text = format(Decimal(repr(wished)), "f") if isinstance(wished, float) else str(wished)
        value = parse_decimal(text)
    except (InputError, ArithmeticError):
        value = Decimal(-1)
    if low <= value < below and -int(value.as_tuple().exponent) <= _MAX_RATIO_DECIMALS:
        return value, ()
    return None, (Fault(code, (("found", str(wished)),)),)
