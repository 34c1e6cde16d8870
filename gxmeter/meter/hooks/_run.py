"""What the trainers' hooks share: one meter for one training, driven by the trainer's events.

A trainer says that a training begins and ends, that it evaluates or saves, that a step is done; :class:`MeteredRun`
turns that into a :class:`gxmeter.Meter`, its phases and its counts. Events are cheap (no file, no device, no other
process) and never fail. A training that ends without saying so, by an exception, is closed when the next one begins
or when the interpreter ends.
"""

from __future__ import annotations

import atexit
import functools
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict

from gxmeter.core.findings import finding
from gxmeter.meter.hooks._figures import Figures
from gxmeter.meter.session import Meter
from gxmeter.meter.settle import RUN_VARIABLE
from gxmeter.meter.show.say import warn

if TYPE_CHECKING:
    from gxmeter.meter.sensors.base import Sensor

P = ParamSpec("P")

TRAIN = "train"
EVAL = "eval"
PREDICT = "predict"
SAVE = "save"
"""Phases of a training as the record names them."""


class MeterOptions(TypedDict, total=False):
    """What a hook hands on to :class:`gxmeter.Meter`; the meanings stand there."""

    run: str | None
    site: str | None
    workspace: str | os.PathLike[str] | None
    period_s: float
    node_overhead: Decimal | str | None
    sensors: Sequence[Sensor] | None
    kg_per_kwh: Decimal | str | None
    budget_kwh: Decimal | str | None
    resumes: str | None


class MeteredRun:
    """The meter of the training that a trainer runs, one after another.

    Args:
        options: for the meters.
        every_rank: whether the tokens that are counted are those of all ranks.

    Attributes:
        meter: of the training that runs, or None.
        figures: what can be said about it, or None.
        phase: in which it began; empty where none runs.
    """

    def __init__(self, options: MeterOptions, *, every_rank: bool = False) -> None:
        """Nothing is measured yet."""
        self.meter: Meter | None = None
        self.figures: Figures | None = None
        self.phase = ""
        self._options = options
        self._every_rank = every_rank
        self._resume: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._whole: AbstractContextManager[None] | None = None
        self._part: AbstractContextManager[None] | None = None
        self._part_name = ""

    def __getstate__(self) -> dict[str, Any]:
        """For a copy in another process: what is wished, not what is being measured."""
        nothing = {"meter": None, "figures": None, "_whole": None, "_part": None, "phase": "", "_part_name": ""}
        return {**vars(self), **nothing}

    @property
    def active(self) -> bool:
        """Whether a training is being measured."""
        return self.meter is not None

    @property
    def over_budget(self) -> bool:
        """Whether this process's meter has passed its budget."""
        return self.meter is not None and self.meter.over_budget

    def resume(self, link: Mapping[str, object] | None) -> None:
        """Remember the training that the next one goes on from, as :meth:`link` said it into a checkpoint."""
        known = link if isinstance(link, Mapping) else {}
        self._resume = {key: value for key in ("run", "journal") if isinstance(value := known.get(key), str) and value}

    def link(self) -> dict[str, str]:
        """What a checkpoint keeps of this run, or of the last one: its id, and the journal that a resumed one names."""
        return link_of(self.meter) if self.meter is not None else dict(self._last)

    def begin(self, phase: str) -> None:
        """A training begins, in some phase."""
        self.end("exception")  # of one that never said that it ended
        options: MeterOptions = {**self._options}
        before, self._resume = self._resume, {}
        if "journal" in before and not options.get("resumes"):
            options["resumes"] = before["journal"]
        if "run" in before and not options.get("run") and not os.environ.get(RUN_VARIABLE):
            options["run"] = before["run"]
        self.meter = Meter(**options).start()
        self.figures = Figures(self.meter, every_rank=self._every_rank)
        self._whole, self.phase = self.meter.phase(phase), phase
        self._whole.__enter__()
        _measuring.add(self)

    def end(self, reason: str = "stop") -> None:
        """The training has ended, well or by an exception."""
        _measuring.discard(self)
        if self.meter is None:
            return
        self.leave()
        if self._whole is not None:
            self._whole.__exit__(None, None, None)
        self.meter.stop(reason=reason)
        self._last = link_of(self.meter)
        self.meter = self.figures = self._whole = None
        self.phase = ""

    def enter(self, phase: str) -> None:
        """A part of the training begins, such as an evaluation; the part before it has ended."""
        if self.meter is None or phase == self._part_name:
            return
        self.leave()
        self._part, self._part_name = self.meter.phase(phase), phase
        self._part.__enter__()

    def leave(self) -> None:
        """Back from the part, where one runs."""
        if self._part is not None:
            self._part.__exit__(None, None, None)
        self._part, self._part_name = None, ""

    def count(self, *, tokens: int = 0, steps: int = 0, flop: int = 0) -> None:
        """Work that was done since the last count."""
        if self.meter is not None:
            self.meter.count(tokens=max(0, tokens), steps=max(0, steps), flop=max(0, flop))

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        """Measure a block as a phase: of the training that runs, else on its own."""
        alone = not self.active
        (self.begin if alone else self.enter)(phase)
        reason = "exception"
        try:
            yield
            reason = "stop"
        finally:
            if alone:
                self.end(reason)
            else:
                self.leave()


def link_of(meter: Meter) -> dict[str, str]:
    """What a checkpoint keeps of a meter: its run id, and its journal where it has one."""
    journal = meter.journal
    return {"run": meter.result.run, **({"journal": journal.name} if journal else {})}


def harmless(event: Callable[P, None]) -> Callable[P, None]:
    """An event of a trainer whose failure is said once and never reaches the training."""

    @functools.wraps(event)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            event(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - promise 9: no exception ever reaches the training
            complain(error)

    return call


def complain(error: Exception) -> None:
    """Say what went wrong in a hook, each kind of it once in a process."""
    reason = f"{type(error).__name__}: {error}"
    if reason not in _said:
        _said.add(reason)
        warn(finding("hook-failed", reason=reason))


_said: set[str] = set()
_measuring: weakref.WeakSet[MeteredRun] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """At the interpreter's end: a training that runs now has not come to its own end."""
    for run in list(_measuring):
        run.end("exception")
